//! The inner half of the guard: the plugin type that the framework gets.
#![allow(unsafe_code, reason = "the framework's buffers are built from raw slices")]

use std::sync::Arc;

use nice_plug::context::PluginApi;
use nice_plug::context::process::SendEventError;
use nice_plug::prelude::{
    ActivateContext, AsyncExecutor, AudioIOLayout, AuxiliaryBuffers, Buffer, BufferConfig,
    ClapFeature, ClapPlugin, MidiConfig, Params, Plugin, PluginNoteEvent, PluginState,
    ProcessContext, ProcessStatus, RemoteControlsContext, TaskExecutor, Transport, Vst3Plugin,
    Vst3SubCategory,
};

use super::flat::{Buses, MAX_LAYOUTS, flat_channels, flatten};
use super::panics::shield;
use super::view::{self, Activation, Guardable};
use crate::delay::Delay;

/// A plugin behind the guard.
///
/// The framework gets a plugin with one in-place main bus. The inner plugin gets the buses that it
/// declared, cut out of that bus. A panic in the plugin is caught here. From then until the next
/// activation the mics pass through with the reported latency, otherwise unchanged, and every block
/// returns an error.
pub struct Inside<P: Guardable> {
    plugin: P,
    slots: Slots,
    panicked: bool,
    /// Delays every flat channel by the reported latency after a panic of the plugin.
    dry: Delay,
}

impl<P: Guardable> std::fmt::Debug for Inside<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inside").field("panicked", &self.panicked).finish_non_exhaustive()
    }
}

/// The buffers lent to the plugin, allocated at activation.
struct Slots {
    buses: Buses,
    main: Buffer<'static>,
    aux_inputs: Vec<Buffer<'static>>,
    aux_outputs: Vec<Buffer<'static>>,
}

impl Slots {
    fn new(layout: &AudioIOLayout) -> Self {
        let buses = Buses::of(layout);
        let buffer = |num_channels: usize| {
            let mut buffer = Buffer::default();
            // SAFETY: empty slices, all of the given length.
            unsafe {
                buffer.set_slices(0, |slices| slices.resize_with(num_channels, || &mut []));
            }
            buffer
        };
        let main_output = buses.outputs.iter().find(|bus| bus.is_main);
        let aux = |bus: &super::flat::Bus| (!bus.is_main).then(|| buffer(bus.num_channels));
        Self {
            main: buffer(main_output.map_or(0, |bus| bus.num_channels)),
            aux_inputs: buses.inputs.iter().filter_map(aux).collect(),
            aux_outputs: buses.outputs.iter().filter_map(aux).collect(),
            buses,
        }
    }

    /// Points the buffers to their channels of the flat bus.
    ///
    /// # Safety
    ///
    /// The buffers must not be used after `flat` is dropped; [`Self::take_back`] ends the loan.
    unsafe fn lend(&mut self, flat: &mut [&mut [f32]], num_samples: usize) {
        let aux = |bus: &&super::flat::Bus| !bus.is_main;
        let places = (self.buses.outputs.iter().filter(|bus| bus.is_main))
            .chain(self.buses.inputs.iter().filter(aux))
            .chain(self.buses.outputs.iter().filter(aux));
        let buffers = std::iter::once(&mut self.main)
            .take(usize::from(self.buses.outputs.iter().any(|bus| bus.is_main)))
            .chain(&mut self.aux_inputs)
            .chain(&mut self.aux_outputs);
        for (bus, buffer) in places.zip(buffers) {
            let channels = &mut flat[bus.first_channel..bus.first_channel + bus.num_channels];
            // SAFETY: every bus gets channels of its own, all `num_samples` long, and the caller
            // ends the loan before they are dropped.
            unsafe {
                buffer.set_slices(num_samples, |slices| {
                    for (slice, channel) in slices.iter_mut().zip(channels) {
                        *slice =
                            std::slice::from_raw_parts_mut(channel.as_mut_ptr(), channel.len());
                    }
                });
            }
        }
    }

    /// Empties the buffers.
    fn take_back(&mut self) {
        let all = std::iter::once(&mut self.main)
            .chain(&mut self.aux_inputs)
            .chain(&mut self.aux_outputs);
        for buffer in all {
            // SAFETY: empty slices, all of the given length.
            unsafe { buffer.set_slices(0, |slices| slices.fill_with(|| &mut [])) };
        }
    }

    /// Copies the auxiliary inputs to the auxiliary outputs; the main bus is in place and needs
    /// no copy.
    fn pass_through(&self, flat: &mut [&mut [f32]]) {
        let aux = |bus: &&super::flat::Bus| !bus.is_main;
        let inputs = self.buses.inputs.iter().filter(aux);
        for (input, output) in inputs.zip(self.buses.outputs.iter().filter(aux)) {
            for channel in 0..input.num_channels.min(output.num_channels) {
                // Outputs come after all inputs.
                let (head, tail) = flat.split_at_mut(output.first_channel + channel);
                tail[0].copy_from_slice(head[input.first_channel + channel]);
            }
        }
    }
}

impl<P: Guardable> Default for Inside<P> {
    fn default() -> Self {
        let plugin = P::default();
        view::announce(plugin.view());
        Self {
            plugin,
            slots: Slots::new(&P::AUDIO_IO_LAYOUTS[0]),
            panicked: false,
            dry: Delay::default(),
        }
    }
}

impl<P: Guardable> Inside<P> {
    const FLAT: [AudioIOLayout; MAX_LAYOUTS] = flatten(P::AUDIO_IO_LAYOUTS);

    /// Returns the plugin's layout for one of the framework's.
    fn own_layout(flat: &AudioIOLayout) -> &'static AudioIOLayout {
        P::AUDIO_IO_LAYOUTS
            .iter()
            .find(|layout| flat_channels(layout) == flat_channels(flat))
            .unwrap_or(&P::AUDIO_IO_LAYOUTS[0])
    }

    /// Runs a part of the plugin. A panic sets `panicked` and returns `fallback`.
    fn run<T>(&mut self, fallback: T, part: impl FnOnce(&mut P) -> T) -> T {
        let finished = shield(None, || Some(part(&mut self.plugin)));
        self.panicked |= finished.is_none();
        finished.unwrap_or(fallback)
    }
}

impl<P: Guardable> Plugin for Inside<P> {
    const NAME: &'static str = P::NAME;
    const VENDOR: &'static str = P::VENDOR;
    const URL: &'static str = P::URL;
    const EMAIL: &'static str = P::EMAIL;
    const VERSION: &'static str = P::VERSION;
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        Self::FLAT.split_at(P::AUDIO_IO_LAYOUTS.len()).0;
    const MIDI_INPUT: MidiConfig = P::MIDI_INPUT;
    const MIDI_OUTPUT: MidiConfig = P::MIDI_OUTPUT;
    const SAMPLE_ACCURATE_AUTOMATION: bool = P::SAMPLE_ACCURATE_AUTOMATION;
    const HARD_REALTIME_ONLY: bool = P::HARD_REALTIME_ONLY;
    const INPUT_EVENT_CAPACITY: usize = P::INPUT_EVENT_CAPACITY;

    type Editor = P::Editor;
    type SysExMessage = P::SysExMessage;
    type BackgroundTask = P::BackgroundTask;

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        let execute = self.plugin.task_executor();
        Box::new(move |task| shield((), || execute(task)))
    }

    fn params(&self) -> Arc<dyn Params> {
        self.plugin.params()
    }

    fn editor(&mut self, executor: AsyncExecutor<Self>) -> Option<P::Editor> {
        let background = executor.clone();
        let executor = AsyncExecutor::new(
            Arc::new(move |task| background.execute_background(task)),
            Arc::new(move |task| executor.execute_gui(task)),
        );
        self.run(None, |plugin| plugin.editor(executor))
    }

    fn filter_state(state: &mut PluginState) {
        shield((), || P::filter_state(state));
    }

    fn activate(
        &mut self,
        audio_io_layout: &AudioIOLayout,
        buffer_config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let layout = Self::own_layout(audio_io_layout);
        self.panicked = false;
        self.slots = Slots::new(layout);
        let mut context = Forward(context);
        let active = self.run(false, |plugin| plugin.activate(layout, buffer_config, &mut context));
        // Not every host resets before it starts processing.
        self.run((), P::reset);
        let activation = Activation {
            sample_rate_hz: f64::from(buffer_config.sample_rate),
            max_block_samples: buffer_config.max_buffer_size as usize,
            process_mode: buffer_config.process_mode,
        };
        let latency = self.run(0, |plugin| plugin.view().latency_samples(&activation));
        self.dry = Delay::new(self.slots.buses.num_channels, latency as usize);
        active && !self.panicked
    }

    fn reset(&mut self) {
        self.dry.reset();
        if !self.panicked {
            self.run((), P::reset);
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        _aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        const FAILED: ProcessStatus = ProcessStatus::Error("the plugin panicked");
        let num_samples = buffer.samples();
        if buffer.channels() != self.slots.buses.num_channels {
            return ProcessStatus::Error(
                "the block has a different number of channels than the activated layout",
            );
        }
        if self.panicked {
            self.slots.pass_through(buffer.as_slice());
            self.dry.process(buffer.as_slice());
            return FAILED;
        }
        // SAFETY: the loan ends below, even after a panic.
        unsafe { self.slots.lend(buffer.as_slice(), num_samples) };
        let Self { plugin, slots, .. } = self;
        let status = shield(None, || {
            // SAFETY: this only shortens the lifetime of the slices, which is that of this call.
            // The plugin cannot replace the slices without unsafe code.
            let (inputs, outputs) = unsafe {
                (
                    std::mem::transmute::<&mut [Buffer<'static>], &mut [Buffer<'_>]>(
                        &mut slots.aux_inputs,
                    ),
                    std::mem::transmute::<&mut [Buffer<'static>], &mut [Buffer<'_>]>(
                        &mut slots.aux_outputs,
                    ),
                )
            };
            let mut aux = AuxiliaryBuffers { inputs, outputs };
            // SAFETY: as above.
            let main = unsafe {
                std::mem::transmute::<&mut Buffer<'static>, &mut Buffer<'_>>(&mut slots.main)
            };
            Some(plugin.process(main, &mut aux, &mut Forward(context)))
        });
        self.slots.take_back();
        status.unwrap_or_else(|| {
            // The plugin may have written only a part of this block.
            self.panicked = true;
            buffer.as_slice().iter_mut().for_each(|channel| channel.fill(0.0));
            FAILED
        })
    }

    fn stop_processing(&mut self) {
        if !self.panicked {
            self.run((), P::stop_processing);
        }
    }

    fn deactivate(&mut self) {
        self.run((), P::deactivate);
    }

    fn setup_logger() -> Option<bool> {
        P::setup_logger()
    }
}

impl<P: Guardable> ClapPlugin for Inside<P> {
    const CLAP_ID: &'static str = P::CLAP_ID;
    const CLAP_DESCRIPTION: Option<&'static str> = P::CLAP_DESCRIPTION;
    const CLAP_MANUAL_URL: Option<&'static str> = P::CLAP_MANUAL_URL;
    const CLAP_SUPPORT_URL: Option<&'static str> = P::CLAP_SUPPORT_URL;
    const CLAP_FEATURES: &'static [ClapFeature] = P::CLAP_FEATURES;

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        self.plugin.remote_controls(context);
    }
}

impl<P: Guardable> Vst3Plugin for Inside<P> {
    const VST3_CLASS_ID: [u8; 16] = P::VST3_CLASS_ID;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = P::VST3_SUBCATEGORIES;
}

/// Converts the framework's context for [`Inside`] to one for the inner plugin.
struct Forward<'a, C>(&'a mut C);

impl<P: Guardable, C: ActivateContext<Inside<P>>> ActivateContext<P> for Forward<'_, C> {
    fn plugin_api(&self) -> PluginApi {
        self.0.plugin_api()
    }

    fn execute(&self, task: P::BackgroundTask) {
        self.0.execute(task);
    }

    /// Ignored. The guard reports [`super::View::latency_samples`] to hosts itself, and the
    /// framework would request a needless restart for the first latency.
    fn set_latency_samples(&self, _samples: u32) {}

    fn set_current_voice_capacity(&self, capacity: u32) {
        self.0.set_current_voice_capacity(capacity);
    }
}

impl<P: Guardable, C: ProcessContext<Inside<P>>> ProcessContext<P> for Forward<'_, C> {
    fn plugin_api(&self) -> PluginApi {
        self.0.plugin_api()
    }

    fn execute_background(&self, task: P::BackgroundTask) {
        self.0.execute_background(task);
    }

    fn execute_gui(&self, task: P::BackgroundTask) {
        self.0.execute_gui(task);
    }

    fn transport(&self) -> &Transport {
        self.0.transport()
    }

    fn next_event(&mut self) -> Option<PluginNoteEvent<P>> {
        self.0.next_event()
    }

    fn try_send_event(
        &mut self,
        event: PluginNoteEvent<P>,
    ) -> Result<(), (PluginNoteEvent<P>, SendEventError)> {
        self.0.try_send_event(event)
    }

    /// See [`ActivateContext::set_latency_samples`] above. The latency cannot change while
    /// audio runs.
    fn set_latency_samples(&self, _samples: u32) {}

    fn request_restart(&self) {
        self.0.request_restart();
    }

    fn set_current_voice_capacity(&self, capacity: u32) {
        self.0.set_current_voice_capacity(capacity);
    }
}
