//! The objects that a host passes to a VST3 plugin: context, handler, streams and
//! parameter changes.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IComponentHandler, IComponentHandler2,
    IComponentHandler2Trait, IComponentHandlerTrait, IEditController, IEditControllerTrait,
    IHostApplication, IHostApplicationTrait, IParamValueQueue, IParamValueQueueTrait,
    IParameterChanges, IParameterChangesTrait, ParamID, ParamValue, String128,
};
use vst3::Steinberg::{
    FIDString, IBStream, IBStream_, IBStreamTrait, TBool, TUID, int32, int64, kInvalidArgument,
    kNotImplemented, kResultOk, tresult,
};
use vst3::{Class, ComRef, ComWrapper};

use super::int;
use crate::model::Gesture;

/// The host application as seen by a plugin.
pub(super) struct HostContext;

impl Class for HostContext {
    type Interfaces = (IHostApplication,);
}

impl IHostApplicationTrait for HostContext {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        // SAFETY: the plugin passes space for 128 units, or null.
        let Some(name) = (unsafe { name.as_mut() }) else { return kInvalidArgument };
        name.fill(0);
        for (unit, out) in "Unspill test host".encode_utf16().zip(name) {
            *out = unit;
        }
        kResultOk
    }

    unsafe fn createInstance(
        &self,
        _class: *mut TUID,
        _interface: *mut TUID,
        _object: *mut *mut c_void,
    ) -> tresult {
        kNotImplemented
    }
}

/// Targets of the calls that a host makes during a plugin's notification, as Ardour does for every
/// edit. The pointers hold no references.
#[derive(Clone, Copy)]
pub(super) struct CalledBack {
    pub(super) controller: *mut IEditController,
    pub(super) processor: *mut IAudioProcessor,
    pub(super) handler: *mut IComponentHandler,
}

// SAFETY: the pointers are used only on the main thread.
unsafe impl Send for CalledBack {}

impl CalledBack {
    /// Makes typical calls of a host during a notification; a plugin that is not re-entrant
    /// hangs here.
    fn call(self) {
        // SAFETY: the plugin is calling its host, so it is alive.
        unsafe {
            if let Some(controller) = ComRef::from_raw(self.controller) {
                controller.getParamNormalized(0);
                controller.setComponentHandler(self.handler);
            }
            if let Some(processor) = ComRef::from_raw(self.processor) {
                processor.getLatencySamples();
            }
        }
    }
}

/// Stores the plugin's restart requests and its editor's gestures.
pub(super) struct Handler {
    main_thread: ThreadId,
    /// True if the plugin has called from another thread, which is not allowed.
    called_elsewhere: AtomicBool,
    restart_flags: AtomicI32,
    is_dirty: AtomicBool,
    gestures: Mutex<Vec<Gesture>>,
    /// Plugin to call back; `None` if there is none.
    called_back: Mutex<Option<CalledBack>>,
    /// True during a call back, which prevents infinite recursion.
    is_calling: AtomicBool,
}

impl Default for Handler {
    fn default() -> Self {
        Self {
            main_thread: std::thread::current().id(),
            called_elsewhere: AtomicBool::new(false),
            restart_flags: AtomicI32::new(0),
            is_dirty: AtomicBool::new(false),
            gestures: Mutex::default(),
            called_back: Mutex::default(),
            is_calling: AtomicBool::new(false),
        }
    }
}

impl Handler {
    fn look_at_thread(&self) {
        if std::thread::current().id() != self.main_thread {
            // Relaxed: the flag guards no other data.
            self.called_elsewhere.store(true, Ordering::Relaxed);
        }
    }

    /// Sets the plugin to call back from now on.
    pub(super) fn call_back_to(&self, plugin: Option<CalledBack>) {
        *self.called_back.lock().unwrap_or_else(PoisonError::into_inner) = plugin;
    }

    fn call_back(&self) {
        // Copies the pointers, so that no lock of the host is held during the calls.
        let plugin = *self.called_back.lock().unwrap_or_else(PoisonError::into_inner);
        let is_main_thread = std::thread::current().id() == self.main_thread;
        if let Some(plugin) = plugin.filter(|_| is_main_thread)
            && !self.is_calling.swap(true, Ordering::Relaxed)
        {
            plugin.call();
            self.is_calling.store(false, Ordering::Relaxed);
        }
    }

    /// Returns true if the plugin has ever called from another thread than the main one.
    pub(super) fn was_called_elsewhere(&self) -> bool {
        self.called_elsewhere.load(Ordering::Relaxed)
    }

    /// Returns all flags since the last call.
    pub(super) fn take_restart_flags(&self) -> i32 {
        // Relaxed: the flags guard no other data.
        self.restart_flags.swap(0, Ordering::Relaxed)
    }

    /// Returns true if the plugin has reported a changed state since the last call.
    pub(super) fn take_is_dirty(&self) -> bool {
        // Relaxed: the flag guards no other data.
        self.is_dirty.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_gestures(&self) -> Vec<Gesture> {
        std::mem::take(&mut self.gestures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, gesture: Gesture) -> tresult {
        self.look_at_thread();
        self.gestures.lock().unwrap_or_else(PoisonError::into_inner).push(gesture);
        self.call_back();
        kResultOk
    }
}

impl Class for Handler {
    type Interfaces = (IComponentHandler, IComponentHandler2);
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, id: ParamID) -> tresult {
        self.note(Gesture::Begin(id))
    }

    unsafe fn performEdit(&self, id: ParamID, value: ParamValue) -> tresult {
        self.note(Gesture::Value(id, value))
    }

    unsafe fn endEdit(&self, id: ParamID) -> tresult {
        self.note(Gesture::End(id))
    }

    unsafe fn restartComponent(&self, flags: int32) -> tresult {
        self.look_at_thread();
        self.restart_flags.fetch_or(flags, Ordering::Relaxed);
        self.call_back();
        kResultOk
    }
}

impl IComponentHandler2Trait for Handler {
    unsafe fn setDirty(&self, state: TBool) -> tresult {
        self.look_at_thread();
        self.is_dirty.store(state != 0, Ordering::Relaxed);
        self.call_back();
        kResultOk
    }

    unsafe fn requestOpenEditor(&self, _name: FIDString) -> tresult {
        kNotImplemented
    }

    unsafe fn startGroupEdit(&self) -> tresult {
        kResultOk
    }

    unsafe fn finishGroupEdit(&self) -> tresult {
        kResultOk
    }
}

/// A growing stream in memory.
#[derive(Default)]
pub(super) struct MemoryStream {
    bytes: RefCell<Vec<u8>>,
    position: Cell<usize>,
}

impl MemoryStream {
    pub(super) fn with_bytes(bytes: &[u8]) -> Self {
        Self { bytes: RefCell::new(bytes.to_vec()), position: Cell::new(0) }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Class for MemoryStream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for MemoryStream {
    unsafe fn read(&self, buffer: *mut c_void, num_bytes: int32, num_read: *mut int32) -> tresult {
        let Ok(wanted) = usize::try_from(num_bytes) else { return kInvalidArgument };
        let bytes = self.bytes.borrow();
        let start = self.position.get().min(bytes.len());
        let count = wanted.min(bytes.len() - start);
        // SAFETY: the plugin has space for `num_bytes`; the source is inside the vector.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[start..].as_ptr(), buffer.cast(), count);
            if let Some(num_read) = num_read.as_mut() {
                *num_read = int32::try_from(count).unwrap_or(int32::MAX);
            }
        }
        self.position.set(start + count);
        kResultOk
    }

    unsafe fn write(
        &self,
        buffer: *mut c_void,
        num_bytes: int32,
        num_written: *mut int32,
    ) -> tresult {
        let Ok(count) = usize::try_from(num_bytes) else { return kInvalidArgument };
        let mut bytes = self.bytes.borrow_mut();
        let (start, end) = (self.position.get(), self.position.get() + count);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        // SAFETY: the plugin provides `num_bytes`; the destination was made long enough.
        unsafe {
            let source = std::slice::from_raw_parts(buffer.cast::<u8>(), count);
            bytes[start..end].copy_from_slice(source);
            if let Some(num_written) = num_written.as_mut() {
                *num_written = num_bytes;
            }
        }
        self.position.set(end);
        kResultOk
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        let origin = if mode == int(IBStream_::IStreamSeekMode_::kIBSeekSet) {
            0
        } else if mode == int(IBStream_::IStreamSeekMode_::kIBSeekCur) {
            self.position.get()
        } else if mode == int(IBStream_::IStreamSeekMode_::kIBSeekEnd) {
            self.bytes.borrow().len()
        } else {
            return kInvalidArgument;
        };
        let target = int64::try_from(origin).ok().and_then(|origin| origin.checked_add(offset));
        let Some(target) = target.and_then(|target| usize::try_from(target).ok()) else {
            return kInvalidArgument;
        };
        self.position.set(target);
        // SAFETY: null, or writable memory for the result.
        unsafe { self.tell(result) };
        kResultOk
    }

    unsafe fn tell(&self, position: *mut int64) -> tresult {
        // SAFETY: null, or writable memory for the result.
        let Some(position) = (unsafe { position.as_mut() }) else { return kInvalidArgument };
        *position = int64::try_from(self.position.get()).unwrap_or(int64::MAX);
        kResultOk
    }
}

/// Parameter changes at the start of a block. As the plugin's output list it accepts changes and
/// discards them.
pub(super) struct Changes {
    queues: Vec<ComWrapper<Queue>>,
    forgotten: ComWrapper<Queue>,
}

impl Changes {
    pub(super) fn new(changes: &[(ParamID, ParamValue)]) -> Self {
        let queue = |&(id, value): &(ParamID, ParamValue)| ComWrapper::new(Queue { id, value });
        Self { queues: changes.iter().map(queue).collect(), forgotten: queue(&(0, 0.0)) }
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        int32::try_from(self.queues.len()).unwrap_or(int32::MAX)
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let queue = self.queues.get(index).and_then(ComWrapper::as_com_ref::<IParamValueQueue>);
        queue.map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }

    unsafe fn addParameterData(
        &self,
        _id: *const ParamID,
        index: *mut int32,
    ) -> *mut IParamValueQueue {
        // SAFETY: null, or writable memory for the index.
        if let Some(index) = unsafe { index.as_mut() } {
            *index = 0;
        }
        let queue = self.forgotten.as_com_ref::<IParamValueQueue>();
        queue.map_or(std::ptr::null_mut(), |queue| queue.as_ptr())
    }
}

/// The new value of one parameter, at the first sample.
pub(super) struct Queue {
    id: ParamID,
    value: ParamValue,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        1
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        if index != 0 {
            return kInvalidArgument;
        }
        // SAFETY: null, or writable memory for the results.
        let (Some(offset), Some(value)) = (unsafe { (offset.as_mut(), value.as_mut()) }) else {
            return kInvalidArgument;
        };
        *offset = 0;
        *value = self.value;
        kResultOk
    }

    unsafe fn addPoint(&self, _: int32, _: ParamValue, index: *mut int32) -> tresult {
        // SAFETY: null, or writable memory for the index.
        if let Some(index) = unsafe { index.as_mut() } {
            *index = 0;
        }
        kResultOk
    }
}
