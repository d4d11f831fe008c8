//! The interface between guard and plugin beyond the framework's own traits.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use nice_plug::prelude::{ClapPlugin, ProcessMode, Vst3Plugin};

use super::time::HostTime;

/// Configuration of an activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    /// Sample rate in Hz, as the host reports it; any positive number.
    pub sample_rate_hz: f64,
    /// Longest block, in samples.
    pub max_block_samples: usize,
    /// Playback or rendering.
    pub process_mode: ProcessMode,
}

impl Default for Activation {
    /// Configuration before the host sets one.
    fn default() -> Self {
        Self {
            sample_rate_hz: 48_000.0,
            max_block_samples: 1024,
            process_mode: ProcessMode::Realtime,
        }
    }
}

/// The plugin's answers to host requests that the framework does not support.
///
/// All methods may be called on any thread, including the audio thread, except those that take or
/// return a string or a bell.
pub trait View: Send + Sync {
    /// Returns the latency in samples of an activation as `activation`, with the
    /// current parameters.
    fn latency_samples(&self, activation: &Activation) -> u32;

    /// Receives the host's name; main thread.
    fn host_is(&self, _name: &str) {}

    /// Receives the host's name of the plugin's track; main thread.
    fn track_is(&self, _name: &str) {}

    /// Receives the host's colour of the plugin's track, `0xRRGGBB`; main thread.
    fn track_has_colour(&self, _colour: u32) {}

    /// Loads the preset that hosts identify by `key`. Returns false if there is none. Main thread.
    fn load_preset(&self, _key: &str) -> bool {
        false
    }

    /// Receives true if the host renders the next block, regardless of its mode at activation;
    /// real-time safe.
    fn host_renders(&self, _renders: bool) {}

    /// Receives the time of the next call's first sample, before every call with audio;
    /// real-time safe.
    fn host_time(&self, _time: &HostTime) {}

    /// Sets a parameter without the framework. `id` is a [`param_id_hash`]; `normalized` is clamped
    /// to `0.0 ..= 1.0`. Returns false if there is no such parameter or the value is not finite.
    /// Any thread; real-time safe.
    fn set_value(&self, id: u32, normalized: f32) -> bool;

    /// Returns a parameter's value as set and saved, without modulation: from 0 to its
    /// number of steps, or to 1 if it has none. `None` selects the framework's value, which
    /// includes modulation.
    fn unmodulated(&self, _id: u32) -> Option<f64> {
        None
    }

    /// Receives a value that a CLAP host sets, in the units of [`View::unmodulated`], before the
    /// framework receives it; real-time safe.
    fn value_comes(&self, _id: u32, _value: f64) {}

    /// Receives a new modulation offset of a CLAP host, before the framework receives it;
    /// real-time safe.
    fn modulation_comes(&self, _id: u32, _offset: f64) {}

    /// Updates the parameters that depend on changed ones, with or without audio; real-time safe.
    fn follow(&self) {}

    /// Receives the bell to ring after changes that happen outside of host calls, as in the
    /// signatures below; main thread.
    fn hang_bell(&self, _bell: Weak<dyn HostBell>) {}

    /// Returns the name that replaces a parameter's fixed one; `id` is a [`param_id_hash`].
    fn name(&self, id: u32) -> Option<String>;

    /// Returns a number that changes whenever a result of [`View::name`] may have changed.
    fn names_signature(&self) -> u64;

    /// Returns a number that changes whenever the plugin itself changes a parameter.
    fn values_signature(&self) -> u64;

    /// Returns a number that changes whenever the plugin changes its saved state,
    /// parameters excluded.
    fn state_signature(&self) -> u64;
}

/// Makes the guard check for changes now instead of at the host's next call.
pub trait HostBell: Send + Sync {
    /// Reports changes to the host at once or with its main thread's next call; any thread except
    /// the audio thread.
    fn ring(&self);
}

/// A plugin that can run behind the guard.
pub trait Guardable: ClapPlugin + Vst3Plugin {
    /// Returns the instance's view, shared so that the guard can keep it beside the instance.
    fn view(&self) -> Arc<dyn View>;
}

thread_local! {
    static BORN: RefCell<Option<Arc<dyn View>>> = const { RefCell::new(None) };
}

/// Stores a new instance's view for the guard that is creating it on this thread.
///
/// The framework creates instances by `Default` and then hides them, so the guard has no other way
/// to identify its own instance.
pub(super) fn announce(view: Arc<dyn View>) {
    BORN.set(Some(view));
}

/// Returns the view of the instance that was last created on this thread, once.
pub(super) fn adopt() -> Option<Arc<dyn View>> {
    BORN.take()
}

/// Returns the numeric id of a textual parameter id in VST3 and CLAP.
///
/// The framework's rule: a 31-multiplier hash with the top bit clear. Hosts would treat two ids of
/// one class with the same hash as one parameter; a test proves that there are none.
#[must_use]
pub const fn param_id_hash(id: &str) -> u32 {
    let bytes = id.as_bytes();
    let mut hash = 0_u32;
    let mut index = 0;
    while index < bytes.len() {
        hash = hash.wrapping_mul(31).wrapping_add(bytes[index] as u32);
        index += 1;
    }
    hash & 0x7FFF_FFFF
}
