//! What the guard asks a plugin beyond the framework's own traits.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use nice_plug::prelude::{ClapPlugin, ProcessMode, Vst3Plugin};

/// How a plugin is, or would be, activated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    /// In Hz, as the host says it; any positive number.
    pub sample_rate_hz: f64,
    /// The longest block that will come.
    pub max_block_samples: usize,
    /// Whether the host plays or renders.
    pub process_mode: ProcessMode,
}

impl Default for Activation {
    /// What is assumed before a host says anything.
    fn default() -> Self {
        Self {
            sample_rate_hz: 48_000.0,
            max_block_samples: 1024,
            process_mode: ProcessMode::Realtime,
        }
    }
}

/// The answers to hosts that the framework cannot give. All methods may be called on any thread,
/// the audio thread included, except those that take or return a string or a bell.
pub trait View: Send + Sync {
    /// The latency that an activation as `activation` would have now.
    fn latency_samples(&self, activation: &Activation) -> u32;

    /// The host has said what it is called; main thread.
    fn host_is(&self, _name: &str) {}

    /// The host has said what the track is called that the plugin is on; main thread.
    fn track_is(&self, _name: &str) {}

    /// Sets the parameters to those of the preset that hosts know by this key; false if there is none. Main thread.
    fn load_preset(&self, _key: &str) -> bool {
        false
    }

    /// Whether the host renders the block that comes next, whatever it was activated for; real-time safe.
    fn host_renders(&self, _renders: bool) {}

    /// Sets a parameter without the framework; `id` as by [`param_id_hash`], `normalized` is cut to `0.0 ..= 1.0`. False if there is
    /// no such parameter or the value is not a number. Any thread; real-time safe.
    fn set_value(&self, id: u32, normalized: f32) -> bool;

    /// A parameter's position as it is set and saved, whatever modulates it: from 0 to its number of steps, or to 1 if it has
    /// none. Without an answer the framework's counts, which includes modulation.
    fn unmodulated(&self, _id: u32) -> Option<f64> {
        None
    }

    /// A CLAP host sets a parameter, as [`View::unmodulated`] counts, and the framework hears of it next; real-time safe.
    fn value_comes(&self, _id: u32, _value: f64) {}

    /// A CLAP host modulates a parameter by so much from now on, and the framework hears of it next; real-time safe.
    fn modulation_comes(&self, _id: u32, _offset: f64) {}

    /// Does what follows for the plugin from parameters that have changed, with or without audio; real-time safe.
    fn follow(&self) {}

    /// What to ring when something of the below has changed that no call of the host's has to do with; main thread.
    fn hang_bell(&self, _bell: Weak<dyn Bell>) {}

    /// The name to show for a parameter instead of its fixed one; `id` as by [`param_id_hash`].
    fn name(&self, id: u32) -> Option<String>;

    /// A number that changes whenever an answer of [`View::name`] may have.
    fn names_signature(&self) -> u64;

    /// A number that changes whenever the plugin has moved a parameter by itself.
    fn values_signature(&self) -> u64;

    /// A number that changes whenever the plugin has changed what it would save, parameters apart.
    fn state_signature(&self) -> u64;
}

/// Has the guard look for changes now, instead of at the host's next call.
pub trait Bell: Send + Sync {
    /// The host is told at once, or as soon as its main thread comes by; any thread but the audio thread.
    fn ring(&self);
}

/// A plugin that can be put behind the guard.
pub trait Guardable: ClapPlugin + Vst3Plugin {
    /// The instance's answers; shared, so that the guard keeps them beside the instance.
    fn view(&self) -> Arc<dyn View>;
}

thread_local! {
    static BORN: RefCell<Option<Arc<dyn View>>> = const { RefCell::new(None) };
}

/// Leaves a new instance's view for the guard that is creating it on this thread.
///
/// The framework creates instances by `Default` and then hides them, so this is the only way for
/// the guard to learn which instance is its own.
pub(super) fn announce(view: Arc<dyn View>) {
    BORN.set(Some(view));
}

/// The view of the instance that was last created on this thread, once.
pub(super) fn adopt() -> Option<Arc<dyn View>> {
    BORN.take()
}

/// The number by which VST3 and CLAP hosts know the parameter with this textual id.
///
/// The framework's rule: a 31-multiplier hash, top bit clear. Two ids of one class that hash alike
/// would be one parameter to the host, so a test proves that none do.
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
