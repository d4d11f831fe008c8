//! One implementation for all classes.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use nice_plug::prelude::{
    ActivateContext, AsyncExecutor, AudioIOLayout, AuxiliaryBuffers, Buffer, BufferConfig,
    ClapFeature, ClapPlugin, ParamPtr, Params, Plugin, PluginState, ProcessContext, ProcessStatus,
    Vst3Plugin, Vst3SubCategory,
};

use crate::audio::{self, AudioPath};
use crate::buses::MicMap;
use crate::classes::Class;
use crate::editor::{self, UnspillEditor};
use crate::ensembles::Ensemble;
use crate::guard::{Activation, Guardable, HostBell, HostTime, View, param_id_hash};
use crate::live::Live;
use crate::names::{self, Names};
use crate::params::UnspillParams;
use crate::state;

/// An instance of the class `C`.
#[derive(Debug)]
pub struct Unspill<C: Class> {
    params: Arc<UnspillParams>,
    audio: AudioPath,
    /// The editor's view of the session.
    live: Arc<Live>,
    map: MicMap,
    latency_samples: u32,
    class: PhantomData<C>,
}

impl<C: Class> Unspill<C> {
    /// The description with the `'static` lifetime that the parameters require.
    const CLASS: &'static crate::classes::ClassDesc = &C::DESC;
}

impl<C: Class> Default for Unspill<C> {
    fn default() -> Self {
        let (params, live) = (Arc::new(UnspillParams::new(Self::CLASS)), Arc::default());
        Self {
            audio: AudioPath::new(&params, &live),
            params,
            live,
            map: MicMap::new(Self::CLASS, &C::DESC.layouts[0]),
            latency_samples: 0,
            class: PhantomData,
        }
    }
}

impl<C: Class> Plugin for Unspill<C> {
    const NAME: &'static str = C::DESC.name;
    const VENDOR: &'static str = "Unspill";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = C::DESC.layouts;

    type Editor = UnspillEditor;
    type SysExMessage = ();
    /// None: the framework's background thread is shared by all instances and drops tasks.
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::clone(&self.params) as Arc<dyn Params>
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<UnspillEditor> {
        editor::create(&self.params, &self.live)
    }

    fn filter_state(state: &mut PluginState) {
        state::migrate(Self::CLASS, state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let activation = Activation {
            sample_rate_hz: f64::from(config.sample_rate),
            max_block_samples: config.max_buffer_size as usize,
            process_mode: config.process_mode,
        };
        self.map = MicMap::new(Self::CLASS, layout);
        self.latency_samples = audio::latency_samples(&self.params, &activation);
        self.audio.activate(&self.params, layout, &activation);
        self.live.replace(self.audio.live());
        self.live.watch(self.audio.watcher());
        self.live.set_trouble(self.audio.trouble().map(str::to_owned));
        true
    }

    fn reset(&mut self) {
        self.audio.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
        _context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        self.audio.process(&self.params, &self.map, buffer, aux);
        // The output ends one latency after the input, so the host must keep processing for
        // that long.
        ProcessStatus::Tail(self.latency_samples)
    }
}

impl<C: Class> ClapPlugin for Unspill<C> {
    const CLAP_ID: &'static str = C::DESC.clap_id;
    const CLAP_DESCRIPTION: Option<&'static str> = Some(C::DESC.description);
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Restoration];
}

impl<C: Class> Vst3Plugin for Unspill<C> {
    const VST3_CLASS_ID: [u8; 16] = C::DESC.vst3_id;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Restoration];
}

impl<C: Class> Guardable for Unspill<C> {
    fn view(&self) -> Arc<dyn View> {
        let names = Names::new(&self.params);
        let (params, live) = (Arc::clone(&self.params), Arc::clone(&self.live));
        let entries = params.entries().into_iter();
        let handles = entries.map(|(id, pointer, _)| {
            (param_id_hash(&id), Handle { pointer, offset_bits: AtomicU32::new(0) })
        });
        Arc::new(Answers { handles: handles.collect(), params, live, names })
    }
}

/// The instance's implementation of [`View`].
struct Answers {
    params: Arc<UnspillParams>,
    live: Arc<Live>,
    names: Names,
    /// The parameters, which `params` keeps alive, by numeric id.
    handles: HashMap<u32, Handle>,
}

/// A parameter and its modulation.
struct Handle {
    pointer: ParamPtr,
    /// Bits of the modulation offset, an `f32` from -1 to 1. The framework does not expose it.
    offset_bits: AtomicU32,
}

#[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
impl Handle {
    /// Returns the number of steps, or 1 if the parameter has none.
    fn scale(&self) -> f64 {
        // SAFETY: points into the parameters that the instance keeps.
        unsafe { self.pointer.step_count() }.unwrap_or(1) as f64
    }

    fn offset(&self) -> f32 {
        // Relaxed, here and below: read and written only on the thread that receives the
        // host's events.
        f32::from_bits(self.offset_bits.load(Ordering::Relaxed))
    }

    /// Converts a CLAP value, `0.0 ..= scale`, to a position, `0.0 ..= 1.0`.
    #[allow(clippy::cast_possible_truncation, reason = "a position, 0 to 1")]
    fn position(&self, value: f64) -> f32 {
        (value / self.scale()) as f32
    }
}

impl View for Answers {
    fn latency_samples(&self, activation: &Activation) -> u32 {
        audio::latency_samples(&self.params, activation)
    }

    fn host_is(&self, name: &str) {
        self.live.run_by(name);
    }

    fn track_is(&self, name: &str) {
        self.params.saved.arranged.track_is(name);
    }

    fn track_has_colour(&self, colour: u32) {
        self.params.saved.arranged.track_has_colour(colour);
    }

    #[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
    fn load_preset(&self, key: &str) -> bool {
        let Some(ensemble) = Ensemble::of_key(key) else { return false };
        for (pointer, position) in ensemble.positions(&self.params) {
            // SAFETY: points into `params`; values are atomics.
            unsafe { pointer._internal_set_normalized_value(position) };
        }
        self.params.has_moved();
        true
    }

    fn host_renders(&self, renders: bool) {
        self.params.block.set_renders(renders);
    }

    fn host_time(&self, time: &HostTime) {
        self.params.block.set_time(time);
    }

    #[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
    fn set_value(&self, id: u32, normalized: f32) -> bool {
        let Some(handle) = self.handles.get(&id).filter(|_| normalized.is_finite()) else {
            return false;
        };
        // SAFETY: points into `params`; values are atomics.
        unsafe { handle.pointer._internal_set_normalized_value(normalized.clamp(0.0, 1.0)) };
        true
    }

    #[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
    fn unmodulated(&self, id: u32) -> Option<f64> {
        let handle = self.handles.get(&id)?;
        // SAFETY: as above.
        let position = unsafe { handle.pointer.unmodulated_normalized_value() };
        Some(f64::from(position) * handle.scale())
    }

    /// Sets the value with the modulation removed: the framework ignores a new value if the
    /// modulated value stays the same.
    #[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
    fn value_comes(&self, id: u32, value: f64) {
        let Some(handle) = self.handles.get(&id).filter(|_| value.is_finite()) else { return };
        let offset = handle.offset();
        if offset != 0.0 {
            // SAFETY: as above.
            unsafe {
                handle.pointer._internal_modulate_value(0.0);
                handle.pointer._internal_set_normalized_value(handle.position(value));
                handle.pointer._internal_modulate_value(offset);
            }
        }
    }

    fn modulation_comes(&self, id: u32, offset: f64) {
        if let Some(handle) = self.handles.get(&id).filter(|_| offset.is_finite()) {
            handle.offset_bits.store(handle.position(offset).to_bits(), Ordering::Relaxed);
        }
    }

    fn follow(&self) {
        self.params.follow_learn();
    }

    fn hang_bell(&self, bell: Weak<dyn HostBell>) {
        self.live.hang_bell(bell);
    }

    fn name(&self, id: u32) -> Option<String> {
        self.names.name(&self.params, id)
    }

    fn names_signature(&self) -> u64 {
        names::signature(&self.params)
    }

    fn values_signature(&self) -> u64 {
        self.params.own_moves()
    }

    fn state_signature(&self) -> u64 {
        self.params.saved.changes()
    }
}
