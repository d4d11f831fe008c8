//! Small plugins whose output shows exactly the buffers that the framework passed to them.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use nice_plug::prelude::*;
use plugin::guard::{Activation, Guardable, HostTime, View, param_id_hash};

use super::probe_editor::{ProbeEditor, ProbeParams};

/// An input sample that makes a probe panic.
pub const PANIC: f32 = 666.0;
/// An input sample that makes a probe queue slow background tasks.
pub const QUEUE_TASKS: f32 = 777.0;
/// An input sample that makes a probe sleep for [`LINGER_TIME`].
pub const LINGER: f32 = 888.0;
/// A sample rate that makes a probe panic.
pub const PANIC_RATE: f64 = 12_345.0;
/// Number of tasks that [`QUEUE_TASKS`] queues.
pub const NUM_TASKS: usize = 4;
/// Output of a probe whose buffers contradict each other.
pub const MALFORMED: f32 = -1.0;
/// Latency of all probes, in samples.
pub const LATENCY: u32 = 480;
/// Duration of a block with [`LINGER`].
pub const LINGER_TIME: Duration = Duration::from_millis(800);

/// The last state of this process's probes; every case runs in a process of its own.
pub static OFFLINE: AtomicBool = AtomicBool::new(false);
pub static LONGEST_BLOCK: AtomicUsize = AtomicUsize::new(0);
pub static NUM_RESETS: AtomicUsize = AtomicUsize::new(0);
pub static TASKS_DONE: AtomicUsize = AtomicUsize::new(0);
pub static LINGERING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Times of the calls on this thread, of all probes.
    pub static TIMES: RefCell<Vec<HostTime>> = const { RefCell::new(Vec::new()) };
}

/// A probe's buses.
pub trait Shape: Send + Sync + 'static {
    const LAYOUTS: &'static [AudioIOLayout];
    const ID: &'static str;
    const VST3_ID: [u8; 16];
}

const MONO: NonZeroU32 = new_nonzero_u32(1);
const STEREO: NonZeroU32 = new_nonzero_u32(2);

const fn layout(
    main_in: NonZeroU32,
    main_out: NonZeroU32,
    aux_in: &'static [NonZeroU32],
    aux_out: &'static [NonZeroU32],
) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: Some(main_in),
        main_output_channels: Some(main_out),
        aux_input_ports: aux_in,
        aux_output_ports: aux_out,
        names: PortNames::const_default(),
    }
}

/// Four mono buses in and out.
pub struct Sym;
impl Shape for Sym {
    const LAYOUTS: &'static [AudioIOLayout] = &[layout(MONO, MONO, &[MONO; 3], &[MONO; 3])];
    const ID: &'static str = "probe.sym";
    const VST3_ID: [u8; 16] = *b"ProbeSym00000000";
}

/// Four mono buses in, one out.
pub struct Asym;
impl Shape for Asym {
    const LAYOUTS: &'static [AudioIOLayout] = &[layout(MONO, MONO, &[MONO; 3], &[])];
    const ID: &'static str = "probe.asym";
    const VST3_ID: [u8; 16] = *b"ProbeAsym0000000";
}

/// A stereo or mono main bus with a mono side-chain.
pub struct Het;
impl Shape for Het {
    const LAYOUTS: &'static [AudioIOLayout] =
        &[layout(STEREO, STEREO, &[MONO], &[]), layout(MONO, MONO, &[MONO], &[])];
    const ID: &'static str = "probe.het";
    const VST3_ID: [u8; 16] = *b"ProbeHet00000000";
}

/// Outputs: main = the sum over input buses k of 10^k times their first channel; auxiliary output k
/// = 10^k times auxiliary input k. Channels of main beyond the first pass through.
pub struct Probe<S> {
    params: Arc<ProbeParams>,
    shape: PhantomData<S>,
}

impl<S> Default for Probe<S> {
    fn default() -> Self {
        let params = Arc::new(ProbeParams { label: BoolParam::new("Fixed", false) });
        Self { params, shape: PhantomData }
    }
}

impl<S: Shape> Plugin for Probe<S> {
    const NAME: &'static str = S::ID;
    const VENDOR: &'static str = "Unspill";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = "1.0.0";
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = S::LAYOUTS;

    type Editor = ProbeEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        Box::new(|()| {
            std::thread::sleep(Duration::from_millis(50));
            TASKS_DONE.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<ProbeEditor> {
        Some(ProbeEditor(Arc::clone(&self.params)))
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        assert!(f64::from(config.sample_rate) != PANIC_RATE, "on purpose");
        OFFLINE.store(config.process_mode == ProcessMode::Offline, Ordering::SeqCst);
        context.set_latency_samples(LATENCY);
        true
    }

    fn reset(&mut self) {
        NUM_RESETS.fetch_add(1, Ordering::SeqCst);
    }

    fn process(
        &mut self,
        buffer: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let num_samples = buffer.samples();
        LONGEST_BLOCK.fetch_max(num_samples, Ordering::SeqCst);
        let first = buffer.as_slice()[0][0];
        if first == QUEUE_TASKS {
            (0..NUM_TASKS).for_each(|_| context.execute_background(()));
        }
        if first == LINGER {
            LINGERING.store(true, Ordering::SeqCst);
            std::thread::sleep(LINGER_TIME);
        }
        assert!(first != PANIC, "on purpose");
        let (main, _) = buffer.as_slice().split_first_mut().expect("a main channel");
        let mut scale = 1.0;
        for (index, input) in aux.inputs.iter_mut().enumerate() {
            scale *= 10.0;
            let input = &input.as_slice()[0];
            if input.len() != num_samples {
                main.fill(MALFORMED);
                return ProcessStatus::Normal;
            }
            for (to, from) in main.iter_mut().zip(input.iter()) {
                *to += scale * from;
            }
            if let Some(output) = aux.outputs.get_mut(index) {
                for (to, from) in output.as_slice()[0].iter_mut().zip(input.iter()) {
                    *to = scale * from;
                }
            }
        }
        ProcessStatus::Normal
    }
}

impl<S> Drop for Probe<S> {
    /// Sleeps until the framework's worker has reached a queued task whose instance is gone.
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl<S: Shape> ClapPlugin for Probe<S> {
    const CLAP_ID: &'static str = S::ID;
    const CLAP_DESCRIPTION: Option<&'static str> = None;
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::AudioEffect];
}

impl<S: Shape> Vst3Plugin for Probe<S> {
    const VST3_CLASS_ID: [u8; 16] = S::VST3_ID;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx];
}

impl<S: Shape> Guardable for Probe<S> {
    fn view(&self) -> Arc<dyn View> {
        Arc::new(ProbeView(Arc::clone(&self.params)))
    }
}

struct ProbeView(Arc<ProbeParams>);

impl View for ProbeView {
    fn latency_samples(&self, _activation: &Activation) -> u32 {
        LATENCY
    }

    fn host_time(&self, time: &HostTime) {
        TIMES.with_borrow_mut(|times| times.push(*time));
    }

    fn name(&self, id: u32) -> Option<String> {
        (id == param_id_hash("label") && self.0.label.value()).then(|| "Live".to_owned())
    }

    fn set_value(&self, id: u32, normalized: f32) -> bool {
        if id != param_id_hash("label") || normalized.is_nan() {
            return false;
        }
        // SAFETY: points into the parameters, which the view keeps.
        unsafe { self.0.label.as_ptr()._internal_set_normalized_value(normalized) };
        true
    }

    fn values_signature(&self) -> u64 {
        0
    }

    fn state_signature(&self) -> u64 {
        0
    }

    fn names_signature(&self) -> u64 {
        u64::from(self.0.label.value())
    }
}
