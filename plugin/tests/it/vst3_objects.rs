//! Objects of a VST3 host: the changes of a block, and a stream in memory.

use std::ffi::c_void;
use std::sync::Mutex;

use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

/// The changes of a block, by parameter.
pub struct Changes(pub Vec<ComWrapper<Queue>>);
/// One parameter's points: id, and samples with values.
pub struct Queue(pub u32, pub Vec<(i32, f64)>);

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        self.0.len() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        self.0[index as usize].as_com_ref::<IParamValueQueue>().unwrap().as_ptr()
    }

    unsafe fn addParameterData(
        &self,
        _id: *const ParamID,
        _index: *mut int32,
    ) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.0
    }

    unsafe fn getPointCount(&self) -> int32 {
        self.1.len() as int32
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        // SAFETY: the plugin's variables.
        unsafe { (*offset, *value) = self.1[index as usize] };
        kResultOk
    }

    unsafe fn addPoint(&self, _offset: int32, _value: ParamValue, _index: *mut int32) -> tresult {
        kResultFalse
    }
}

/// A stream in memory.
#[derive(Default)]
pub struct Stream(pub Mutex<(Vec<u8>, usize)>);

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, length: int32, read: *mut int32) -> tresult {
        let mut inner = self.0.lock().unwrap();
        let (bytes, position) = &mut *inner;
        let length = (length as usize).min(bytes.len() - *position);
        // SAFETY: the plugin's buffer, and its variable or null.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[*position..].as_ptr(), buffer.cast(), length);
            if !read.is_null() {
                *read = length as int32;
            }
        }
        *position += length;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, length: int32, written: *mut int32) -> tresult {
        // SAFETY: the plugin's buffer, and its variable or null.
        unsafe {
            let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize);
            self.0.lock().unwrap().0.extend_from_slice(bytes);
            if !written.is_null() {
                *written = length;
            }
        }
        kResultOk
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        let mut inner = self.0.lock().unwrap();
        let base = [0, inner.1, inner.0.len()][mode as usize];
        inner.1 = (base as i64 + offset) as usize;
        if !result.is_null() {
            // SAFETY: the plugin's variable.
            unsafe { *result = inner.1 as i64 };
        }
        kResultOk
    }

    unsafe fn tell(&self, position: *mut int64) -> tresult {
        // SAFETY: the plugin's variable.
        unsafe { *position = self.0.lock().unwrap().1 as i64 };
        kResultOk
    }
}
