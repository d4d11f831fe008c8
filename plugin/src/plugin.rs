//! One implementation for all classes.

use std::collections::HashMap;
use std::marker::PhantomData;
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
use crate::guard::{Activation, Bell, Guardable, View, param_id_hash};
use crate::live::Live;
use crate::names::{self, Names};
use crate::params::UnspillParams;
use crate::state;

/// An instance of the class `C`.
#[derive(Debug)]
pub struct Unspill<C: Class> {
    params: Arc<UnspillParams>,
    audio: AudioPath,
    /// What the editor sees of the session.
    live: Arc<Live>,
    map: MicMap,
    latency_samples: u32,
    class: PhantomData<C>,
}

impl<C: Class> Unspill<C> {
    /// A reference that lives as long as the program, as the parameters want it.
    const CLASS: &'static crate::classes::ClassDesc = &C::DESC;
}

impl<C: Class> Default for Unspill<C> {
    fn default() -> Self {
        Self {
            params: Arc::new(UnspillParams::new(Self::CLASS)),
            audio: AudioPath::default(),
            live: Arc::default(),
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
    /// None: the framework's background thread is shared by all instances and drops work.
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
        // What went in comes out a latency later, so the host must not stop before.
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
        let pointers = entries.map(|(id, pointer, _)| (param_id_hash(&id), pointer)).collect();
        Arc::new(Answers { params, live, names, pointers })
    }
}

/// What an instance answers through the guard.
struct Answers {
    params: Arc<UnspillParams>,
    live: Arc<Live>,
    names: Names,
    /// The parameters, which `params` keeps, by numeric id.
    pointers: HashMap<u32, ParamPtr>,
}

impl View for Answers {
    fn latency_samples(&self, activation: &Activation) -> u32 {
        audio::latency_samples(&self.params, activation)
    }

    fn host_is(&self, name: &str) {
        self.live.run_by(name);
    }

    fn host_renders(&self, renders: bool) {
        self.params.set_renders(renders);
    }

    #[allow(unsafe_code, reason = "the framework gives parameters by pointer")]
    fn set_value(&self, id: u32, normalized: f32) {
        if let Some(pointer) = self.pointers.get(&id).filter(|_| normalized.is_finite()) {
            // SAFETY: points into `params`; values are atomics.
            unsafe { pointer._internal_set_normalized_value(normalized.clamp(0.0, 1.0)) };
        }
    }

    fn follow(&self) {
        self.params.follow_learn();
    }

    fn hang_bell(&self, bell: Weak<dyn Bell>) {
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
        self.params.unsaved()
    }
}
