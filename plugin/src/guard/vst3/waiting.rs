//! Parameter values that were set on the main thread and have not reached the processor yet.
//!
//! There are two kinds. *Announced* values are set by the host at the controller while the plugin
//! processes. The host sends the same value with the next block, if there is one. A state saved
//! before that must hold the newest value, and queries must return it.
//!
//! *Edits* are made in the window to parameters that cannot be automated. The framework requires
//! the host to return every edit with a block, but hosts may return edits of automatable
//! parameters only: Ardour 7 does not support others, so mode, roles and groups could not be
//! changed in its window. The guard applies these edits itself. If a host returns them too, the
//! value is set twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vst3::Steinberg::Vst::{ParamID, ParamValue};

/// The newest waiting value of each parameter.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Sorted by id.
    slots: Vec<Slot>,
    /// True if there may be any value.
    is_any: AtomicBool,
}

#[derive(Debug)]
struct Slot {
    id: ParamID,
    /// Bits of an `f64`.
    bits: AtomicU64,
    is_there: AtomicBool,
}

impl Waiting {
    /// Creates slots for these parameters.
    pub(super) fn of(ids: impl IntoIterator<Item = ParamID>) -> Self {
        let slot = |id| Slot { id, bits: AtomicU64::new(0), is_there: AtomicBool::new(false) };
        let mut slots: Vec<_> = ids.into_iter().map(slot).collect();
        slots.sort_by_key(|slot| slot.id);
        Self { slots, is_any: AtomicBool::new(false) }
    }

    pub(super) fn num_params(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, id: ParamID) -> Option<&Slot> {
        let place = self.slots.binary_search_by_key(&id, |slot| slot.id).ok()?;
        self.slots.get(place)
    }

    /// Stores a value until it is taken or arrives; any thread. Returns false if the parameter is
    /// unknown or the value is not finite.
    pub(super) fn set(&self, id: ParamID, value: ParamValue) -> bool {
        let Some(slot) = self.slot(id).filter(|_| value.is_finite()) else { return false };
        slot.bits.store(value.to_bits(), Ordering::Relaxed);
        // Release: a thread that reads the flags also reads the value.
        slot.is_there.store(true, Ordering::Release);
        self.is_any.store(true, Ordering::Release);
        true
    }

    /// Returns the waiting value, if any.
    pub(super) fn newest(&self, id: ParamID) -> Option<ParamValue> {
        let slot = self.slot(id).filter(|slot| slot.is_there.load(Ordering::Acquire))?;
        Some(f64::from_bits(slot.bits.load(Ordering::Relaxed)))
    }

    /// Returns true if there may be any value; real-time safe.
    pub(super) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// Drops the value after the processor has received one for this parameter; real-time safe.
    pub(super) fn arrived(&self, id: ParamID) {
        if let Some(slot) = self.slot(id) {
            slot.is_there.store(false, Ordering::Relaxed);
        }
    }

    /// Drops a value that differs from this newer one of the host.
    pub(super) fn replaced_by(&self, id: ParamID, value: ParamValue) {
        if self.newest(id).is_some_and(|newest| newest.to_bits() != value.to_bits()) {
            self.arrived(id);
        }
    }

    /// Takes each value once; real-time safe.
    pub(super) fn take(&self, mut each: impl FnMut(ParamID, ParamValue)) {
        if !self.is_any.swap(false, Ordering::Acquire) {
            return;
        }
        for slot in &self.slots {
            if slot.is_there.swap(false, Ordering::Acquire) {
                each(slot.id, f64::from_bits(slot.bits.load(Ordering::Relaxed)));
            }
        }
    }

    /// Drops all values, which are outdated once the host has loaded a state.
    pub(super) fn forget(&self) {
        self.take(|_, _| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(waiting: &Waiting) -> Vec<(ParamID, ParamValue)> {
        let mut all = Vec::new();
        waiting.take(|id, value| all.push((id, value)));
        all
    }

    #[test]
    fn the_newest_value_is_there_until_it_arrives_is_taken_or_forgotten() {
        let waiting = Waiting::of([9, 7, 8]);
        assert!(!waiting.is_any() && waiting.newest(8).is_none());
        waiting.set(8, 0.25);
        waiting.set(8, 0.5);
        waiting.set(9, 1.0);
        waiting.set(7, f64::NAN);
        waiting.set(1, 0.5);
        assert!(waiting.is_any());
        assert_eq!((waiting.newest(7), waiting.newest(8)), (None, Some(0.5)));
        waiting.arrived(9);
        assert_eq!(waiting.newest(9), None);
        assert_eq!(taken(&waiting), [(8, 0.5)]);
        assert!(taken(&waiting).is_empty() && waiting.newest(8).is_none());
        waiting.set(7, 0.5);
        waiting.forget();
        assert!(taken(&waiting).is_empty());
    }

    #[test]
    fn an_edit_is_dropped_where_the_host_has_set_something_else() {
        let edits = Waiting::of([7, 8]);
        edits.set(7, 1.0);
        edits.set(8, 1.0);
        edits.replaced_by(7, 0.5);
        edits.replaced_by(8, 1.0);
        assert_eq!(taken(&edits), [(8, 1.0)]);
    }
}
