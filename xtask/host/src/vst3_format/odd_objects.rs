//! Objects of a VST3 host that may be invalid.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};

use vst3::Steinberg::Vst::{
    ChannelContext, IAttributeList, IAttributeList_, IAttributeListTrait, IParamValueQueue,
    IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID, ParamValue, TChar,
};
use vst3::Steinberg::{
    IBStream, IBStreamTrait, int32, int64, kInvalidArgument, kResultFalse, kResultOk, tresult,
    uint32,
};
use vst3::{Class, ComWrapper};

use crate::calls::{Change, ChangeKind};

/// The parameter changes of one block.
pub(super) struct OddChanges(Vec<Option<ComWrapper<OddQueue>>>);

impl OddChanges {
    /// Creates the queues for `changes`; `param` maps parameters to their ids.
    pub(super) fn new(changes: &[Change], param: impl Fn(u32) -> u32) -> Self {
        let queue = |change: &Change| {
            let queue = OddQueue { id: param(change.param), change: *change };
            (change.kind != ChangeKind::Null).then(|| ComWrapper::new(queue))
        };
        Self(changes.iter().map(queue).collect())
    }
}

/// The points of one parameter, some of which cannot be read.
pub(super) struct OddQueue {
    id: ParamID,
    change: Change,
}

impl Class for OddChanges {
    type Interfaces = (IParameterChanges,);
}

impl Class for OddQueue {
    type Interfaces = (IParamValueQueue,);
}

impl IParameterChangesTrait for OddChanges {
    unsafe fn getParameterCount(&self) -> int32 {
        int32::try_from(self.0.len()).unwrap_or(int32::MAX)
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = usize::try_from(index).ok().and_then(|index| self.0.get(index)?.as_ref());
        let queue = queue.and_then(ComWrapper::as_com_ref::<IParamValueQueue>);
        queue.map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }

    unsafe fn addParameterData(
        &self,
        _id: *const ParamID,
        _index: *mut int32,
    ) -> *mut IParamValueQueue {
        std::ptr::null_mut()
    }
}

impl IParamValueQueueTrait for OddQueue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        match self.change.kind {
            ChangeKind::OtherSpace => 0,
            ChangeKind::Modulation => 3,
            ChangeKind::Unknown => -5,
            _ => 1,
        }
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        if self.change.kind == ChangeKind::Short {
            return kResultFalse;
        }
        // SAFETY: null, or writable memory for the results.
        let (Some(offset), Some(value)) = (unsafe { (offset.as_mut(), value.as_mut()) }) else {
            return kInvalidArgument;
        };
        // Later points have earlier positions.
        *offset = self.change.sample.saturating_sub(7 * index);
        *value = self.change.value;
        kResultOk
    }

    unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
        kResultFalse
    }
}

/// A stream that transfers up to `piece_bytes` at once; reading at the end returns an error.
pub(super) struct OddStream {
    bytes: RefCell<Vec<u8>>,
    position: Cell<usize>,
    piece_bytes: usize,
}

impl OddStream {
    pub(super) fn new(bytes: Vec<u8>, piece_bytes: usize) -> Self {
        Self { bytes: RefCell::new(bytes), position: Cell::new(0), piece_bytes }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    fn piece(&self, num_bytes: int32) -> usize {
        usize::try_from(num_bytes).unwrap_or(0).min(self.piece_bytes)
    }
}

impl Class for OddStream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for OddStream {
    unsafe fn read(&self, buffer: *mut c_void, num_bytes: int32, num_read: *mut int32) -> tresult {
        let bytes = self.bytes.borrow();
        let start = self.position.get().min(bytes.len());
        let count = self.piece(num_bytes).min(bytes.len() - start);
        // SAFETY: the plugin has space for `num_bytes`; the source is inside the vector.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[start..].as_ptr(), buffer.cast(), count);
            if let Some(num_read) = num_read.as_mut() {
                *num_read = int32::try_from(count).unwrap_or(int32::MAX);
            }
        }
        self.position.set(start + count);
        if count > 0 { kResultOk } else { kResultFalse }
    }

    unsafe fn write(
        &self,
        buffer: *mut c_void,
        num_bytes: int32,
        num_written: *mut int32,
    ) -> tresult {
        let count = self.piece(num_bytes);
        // SAFETY: the plugin provides `num_bytes`, and null or writable memory for their number.
        unsafe {
            let source = std::slice::from_raw_parts(buffer.cast::<u8>(), count);
            self.bytes.borrow_mut().extend_from_slice(source);
            if let Some(num_written) = num_written.as_mut() {
                *num_written = int32::try_from(count).unwrap_or(int32::MAX);
            }
        }
        kResultOk
    }

    /// Refuses to seek: hosts may provide forward-only streams.
    unsafe fn seek(&self, _offset: int64, _mode: int32, _result: *mut int64) -> tresult {
        kResultFalse
    }

    unsafe fn tell(&self, _position: *mut int64) -> tresult {
        kResultFalse
    }
}

/// The host's information about the plugin's track.
pub(super) struct Track {
    name: Vec<TChar>,
}

impl Track {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.encode_utf16().chain([0]).collect() }
    }
}

impl Class for Track {
    type Interfaces = (IAttributeList,);
}

impl IAttributeListTrait for Track {
    unsafe fn getString(
        &self,
        id: IAttributeList_::AttrID,
        string: *mut TChar,
        size_bytes: uint32,
    ) -> tresult {
        // SAFETY: terminated strings, the format's own and the plugin's.
        let is_name =
            unsafe { CStr::from_ptr(id) == CStr::from_ptr(ChannelContext::kChannelNameKey) };
        let room = size_bytes as usize / size_of::<TChar>();
        if !is_name || string.is_null() || room == 0 {
            return kResultFalse;
        }
        let count = room.min(self.name.len());
        // SAFETY: there is space for `count` units.
        unsafe { std::ptr::copy_nonoverlapping(self.name.as_ptr(), string, count) };
        kResultOk
    }

    unsafe fn setInt(&self, _: IAttributeList_::AttrID, _: int64) -> tresult {
        kResultFalse
    }

    unsafe fn getInt(&self, _: IAttributeList_::AttrID, _: *mut int64) -> tresult {
        kResultFalse
    }

    unsafe fn setFloat(&self, _: IAttributeList_::AttrID, _: f64) -> tresult {
        kResultFalse
    }

    unsafe fn getFloat(&self, _: IAttributeList_::AttrID, _: *mut f64) -> tresult {
        kResultFalse
    }

    unsafe fn setString(&self, _: IAttributeList_::AttrID, _: *const TChar) -> tresult {
        kResultFalse
    }

    unsafe fn setBinary(&self, _: IAttributeList_::AttrID, _: *const c_void, _: uint32) -> tresult {
        kResultFalse
    }

    unsafe fn getBinary(
        &self,
        _: IAttributeList_::AttrID,
        _: *mut *const c_void,
        _: *mut uint32,
    ) -> tresult {
        kResultFalse
    }
}
