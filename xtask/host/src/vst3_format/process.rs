//! The part of a VST3 instance that processes, and the one that stays on the main thread meanwhile.

use std::time::{Duration, Instant};

use anyhow::Result;
use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IParameterChanges, ProcessContext, ProcessContext_,
    ProcessData, RestartFlags_, SymbolicSampleSizes_,
};
use vst3::{ComPtr, ComWrapper};

use super::convert::{bus_buffers, mode_of};
use super::objects::{Changes, Handler};
use super::{int, ok};
use crate::instance::{AudioSide, MainSide, RawCall};
use crate::model::{BlockTime, RenderMode, Requests};

/// State of an instance that its audio part changes.
pub(super) struct Kept<'a> {
    /// Number of samples since the activation.
    pub(super) position: &'a mut i64,
    /// Parameter changes for the next block.
    pub(super) pending: &'a mut Vec<(u32, f64)>,
}

/// The part of an active instance that processes.
pub(super) struct Vst3Audio<'a> {
    pub(super) processor: &'a ComPtr<IAudioProcessor>,
    pub(super) mode: RenderMode,
    pub(super) rate_hz: f64,
    pub(super) kept: Kept<'a>,
}

// SAFETY: VST3 allows blocks on any thread, one at a time, which the exclusive reference ensures.
// The shared reference to the processor is used for these calls only.
unsafe impl Send for Vst3Audio<'_> {}

impl AudioSide for Vst3Audio<'_> {
    fn process(&mut self, call: &mut RawCall) -> Result<Duration> {
        let mut inputs: Vec<_> = call.inputs.iter_mut().map(bus_buffers).collect();
        let mut outputs: Vec<_> = call.outputs.iter_mut().map(bus_buffers).collect();
        let changes = ComWrapper::new(Changes::new(&std::mem::take(self.kept.pending)));
        let no_changes = ComWrapper::new(Changes::new(&[]));
        let pointer = |changes: &ComWrapper<Changes>| {
            changes
                .as_com_ref::<IParameterChanges>()
                .map_or(std::ptr::null_mut(), |changes| changes.as_ptr())
        };
        let position = *self.kept.position;
        let mut context = context_at(
            call.time.unwrap_or(BlockTime { timeline: Some(position), steady: position }),
        );
        context.sampleRate = self.rate_hz;
        let mut data = ProcessData {
            processMode: mode_of(self.mode),
            symbolicSampleSize: int(SymbolicSampleSizes_::kSample32),
            numSamples: i32::try_from(call.num_samples)?,
            numInputs: i32::try_from(inputs.len())?,
            numOutputs: i32::try_from(outputs.len())?,
            inputs: inputs.as_mut_ptr(),
            outputs: outputs.as_mut_ptr(),
            inputParameterChanges: pointer(&changes),
            outputParameterChanges: pointer(&no_changes),
            inputEvents: std::ptr::null_mut(),
            outputEvents: std::ptr::null_mut(),
            processContext: &raw mut context,
        };
        let start = Instant::now();
        // SAFETY: active and processing; everything `data` points to outlives the call.
        let result = unsafe { self.processor.process(&raw mut data) };
        let elapsed = start.elapsed();
        *self.kept.position += i64::try_from(call.num_samples)?;
        ok(result, "process")?;
        for (bus, buffers) in call.outputs.iter_mut().zip(&outputs) {
            bus.silence = buffers.silenceFlags;
        }
        Ok(elapsed)
    }
}

/// Returns the context of a block at this time.
fn context_at(time: BlockTime) -> ProcessContext {
    use ProcessContext_::StatesAndFlags_::{kContTimeValid, kPlaying};
    // SAFETY: plain data, for which zeros are valid.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    context.state = kContTimeValid | if time.timeline.is_some() { kPlaying } else { 0 };
    context.projectTimeSamples = time.timeline.unwrap_or(0);
    context.continousTimeSamples = time.steady;
    context
}

/// The part of an active instance that stays on the main thread while another thread processes.
pub(super) struct Vst3Main<'a> {
    pub(super) handler: &'a Handler,
}

impl MainSide for Vst3Main<'_> {
    fn idle(&mut self) {}

    fn take_requests(&mut self) -> Requests {
        requests_of(self.handler)
    }
}

/// Returns a plugin's requests since the last call.
pub(super) fn requests_of(handler: &Handler) -> Requests {
    let flags = handler.take_restart_flags();
    let has = |flag| flags & int(flag) != 0;
    Requests {
        restart: has(RestartFlags_::kReloadComponent),
        latency_changed: has(RestartFlags_::kLatencyChanged),
        buses_changed: has(RestartFlags_::kIoChanged),
        params_changed: has(RestartFlags_::kParamValuesChanged)
            || has(RestartFlags_::kParamTitlesChanged),
        state_dirty: handler.take_is_dirty(),
    }
}
