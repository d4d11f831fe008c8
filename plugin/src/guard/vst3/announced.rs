//! Values that a host has set on its main thread and has not yet brought to the processor.
//!
//! While the plugin processes, the framework ignores what the host tells the controller: the same comes with the next block, if
//! there is one. A state saved before that must hold the newest value all the same, and who asks for it must get it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vst3::Steinberg::Vst::{ParamID, ParamValue};

/// The newest such value of each parameter.
#[derive(Debug)]
pub(super) struct Announced {
    /// In the order of their ids.
    slots: Vec<Slot>,
    /// Whether there may be any.
    is_any: AtomicBool,
}

#[derive(Debug)]
struct Slot {
    id: ParamID,
    /// Of an `f64`.
    bits: AtomicU64,
    is_there: AtomicBool,
}

impl Announced {
    /// Of these parameters.
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

    /// The host has set a parameter while the plugin processes.
    pub(super) fn set(&self, id: ParamID, value: ParamValue) {
        let Some(slot) = self.slot(id).filter(|_| value.is_finite()) else { return };
        slot.bits.store(value.to_bits(), Ordering::Relaxed);
        // Release: who sees the flags sees the value.
        slot.is_there.store(true, Ordering::Release);
        self.is_any.store(true, Ordering::Release);
    }

    /// What the host has set and the processor does not have yet.
    pub(super) fn newest(&self, id: ParamID) -> Option<ParamValue> {
        let slot = self.slot(id).filter(|slot| slot.is_there.load(Ordering::Acquire))?;
        Some(f64::from_bits(slot.bits.load(Ordering::Relaxed)))
    }

    /// Whether there may be any value; real-time safe.
    pub(super) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }

    /// The processor has got a value of this parameter; real-time safe.
    pub(super) fn arrived(&self, id: ParamID) {
        if let Some(slot) = self.slot(id) {
            slot.is_there.store(false, Ordering::Relaxed);
        }
    }

    /// Takes every value, each once.
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

    /// The host has loaded a state: whatever was set before is outdated.
    pub(super) fn forget(&self) {
        self.take(|_, _| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(announced: &Announced) -> Vec<(ParamID, ParamValue)> {
        let mut all = Vec::new();
        announced.take(|id, value| all.push((id, value)));
        all
    }

    #[test]
    fn the_newest_value_is_there_until_it_arrives_is_taken_or_forgotten() {
        let announced = Announced::of([9, 7, 8]);
        assert!(!announced.is_any() && announced.newest(8).is_none());
        announced.set(8, 0.25);
        announced.set(8, 0.5);
        announced.set(9, 1.0);
        announced.set(7, f64::NAN);
        announced.set(1, 0.5);
        assert!(announced.is_any());
        assert_eq!((announced.newest(7), announced.newest(8)), (None, Some(0.5)));
        announced.arrived(9);
        assert_eq!(announced.newest(9), None);
        assert_eq!(taken(&announced), [(8, 0.5)]);
        assert!(taken(&announced).is_empty() && announced.newest(8).is_none());
        announced.set(7, 0.5);
        announced.forget();
        assert!(taken(&announced).is_empty());
    }
}
