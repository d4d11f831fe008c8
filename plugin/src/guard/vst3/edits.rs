//! What is done in the window to parameters that cannot be automated.
//!
//! The framework leaves it to the host to give every edit back to the processor. Hosts may do so for what can be automated only: Ardour 7
//! does not know other parameters at all, so that mode, roles and groups could not be changed in its window. These are given back from here;
//! from a host that does so too, the same value comes a second time.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vst3::Steinberg::Vst::{
    IParamValueQueue, IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID,
    ParamValue,
};
use vst3::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComWrapper};

/// The newest edit of each such parameter that the processor has not seen yet.
pub(super) struct Edits {
    changes: ComWrapper<Changes>,
    is_any_new: AtomicBool,
}

impl Edits {
    /// Of these parameters.
    pub(super) fn of(ids: impl IntoIterator<Item = ParamID>) -> Self {
        let queues = ids.into_iter().map(|id| {
            ComWrapper::new(Queue { id, bits: AtomicU64::new(0), is_new: AtomicBool::new(false) })
        });
        let changes = ComWrapper::new(Changes { queues: queues.collect() });
        Self { changes, is_any_new: AtomicBool::new(false) }
    }

    fn queue(&self, id: ParamID) -> Option<&ComWrapper<Queue>> {
        self.changes.queues.iter().find(|queue| queue.id == id)
    }

    /// Keeps an edit for the next block; any thread. Parameters that can be automated are the host's to give back.
    pub(super) fn keep(&self, id: ParamID, value: ParamValue) {
        let Some(queue) = self.queue(id) else { return };
        queue.bits.store(value.to_bits(), Ordering::Relaxed);
        // Release: who sees the flags sees the value.
        queue.is_new.store(true, Ordering::Release);
        self.is_any_new.store(true, Ordering::Release);
    }

    /// The host has set a parameter: an edit to another value is outdated.
    pub(super) fn host_sets(&self, id: ParamID, value: ParamValue) {
        let Some(queue) = self.queue(id) else { return };
        if queue.bits.load(Ordering::Relaxed) != value.to_bits() {
            queue.is_new.store(false, Ordering::Relaxed);
        }
    }

    /// The host has loaded a state: all edits are outdated.
    pub(super) fn forget(&self) {
        for queue in &self.changes.queues {
            queue.is_new.store(false, Ordering::Relaxed);
        }
    }

    /// What there is to give to the processor, if anything; each edit can be read once. Real-time safe.
    pub(super) fn take(&self) -> Option<*mut IParameterChanges> {
        if !self.is_any_new.swap(false, Ordering::Acquire) {
            return None;
        }
        self.changes.as_com_ref::<IParameterChanges>().map(|changes| changes.as_ptr())
    }
}

/// All of the parameters, most of them with nothing new.
struct Changes {
    queues: Vec<ComWrapper<Queue>>,
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        int32::try_from(self.queues.len()).unwrap_or(int32::MAX)
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = usize::try_from(index).ok().and_then(|index| self.queues.get(index));
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

/// One parameter, with at most one new value.
struct Queue {
    id: ParamID,
    /// Of an `f64`.
    bits: AtomicU64,
    is_new: AtomicBool,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id
    }

    unsafe fn getPointCount(&self) -> int32 {
        int32::from(self.is_new.load(Ordering::Acquire))
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        if index != 0 || offset.is_null() || value.is_null() {
            return kInvalidArgument;
        }
        if !self.is_new.swap(false, Ordering::Acquire) {
            return kResultFalse;
        }
        // SAFETY: not null, and the caller's to be written.
        unsafe {
            offset.write(0);
            value.write(f64::from_bits(self.bits.load(Ordering::Relaxed)));
        }
        kResultOk
    }

    unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
        kResultFalse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vst3::ComRef;

    /// What a processor reads, block by block.
    fn read(edits: &Edits) -> Vec<(ParamID, f64)> {
        let Some(changes) = edits.take() else { return Vec::new() };
        // SAFETY: a live object.
        let changes = unsafe { ComRef::from_raw(changes) }.unwrap();
        let mut found = Vec::new();
        // SAFETY: indices within the count, and places of ours to be written.
        unsafe {
            for index in 0..changes.getParameterCount() {
                let queue = ComRef::from_raw(changes.getParameterData(index)).unwrap();
                let (mut offset, mut value) = (-1, 0.0);
                for point in 0..queue.getPointCount() {
                    if queue.getPoint(point, &raw mut offset, &raw mut value) == kResultOk {
                        assert_eq!(offset, 0);
                        found.push((queue.getParameterId(), value));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn the_newest_edit_of_each_parameter_is_read_once() {
        let edits = Edits::of([7, 8, 9]);
        assert!(read(&edits).is_empty());
        edits.keep(8, 0.25);
        edits.keep(9, 0.5);
        edits.keep(8, 1.0);
        edits.keep(1, 1.0);
        assert_eq!(read(&edits), [(8, 1.0), (9, 0.5)]);
        assert!(read(&edits).is_empty());
    }

    #[test]
    fn what_was_replaced_is_not_read() {
        let edits = Edits::of([7, 8]);
        edits.keep(7, 1.0);
        edits.keep(8, 1.0);
        edits.host_sets(7, 0.5);
        edits.host_sets(8, 1.0);
        assert_eq!(read(&edits), [(8, 1.0)]);
        edits.keep(7, 1.0);
        edits.keep(8, 0.0);
        edits.forget();
        assert!(read(&edits).is_empty());
        edits.keep(8, 0.5);
        assert_eq!(read(&edits), [(8, 0.5)]);
    }
}
