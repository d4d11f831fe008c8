//! One VST3 block, which may be malformed: its buses, and its passage through the framework.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::Ordering;

use vst3::ComRef;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_::{kContTimeValid, kPlaying};
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, ProcessContext, ProcessData,
};
use vst3::Steinberg::{
    int32, kInternalError, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk, tresult,
};

use super::due::Due;
use super::modes::{OFFLINE, SAMPLE_32, host_mode};
use super::proxy::{Audio, Proxy};
use crate::guard::HostTime;
use crate::guard::scratch::{HostBus, HostBuses, Scratch, run_in_pieces, silence};

/// The buses of one `ProcessData`.
pub(super) struct DataBuses<'a> {
    pub(super) data: &'a ProcessData,
    pub(super) inactive_inputs: u64,
}

/// Returns the bus at `index` of a host's array.
///
/// # Safety
///
/// `buses` is null or holds `count` entries.
unsafe fn bus_at(buses: *mut AudioBusBuffers, count: int32, index: usize) -> HostBus {
    if buses.is_null() || index >= usize::try_from(count).unwrap_or(0) {
        return HostBus::MISSING;
    }
    // SAFETY: not null and within the count.
    let bus = unsafe { &*buses.add(index) };
    HostBus {
        // SAFETY: both variants are pointers with the same null value.
        channels: unsafe { bus.__field0.channelBuffers32 },
        num_channels: usize::try_from(bus.numChannels).unwrap_or(0),
    }
}

impl HostBuses for DataBuses<'_> {
    fn input(&self, index: usize) -> HostBus {
        if index < 64 && self.inactive_inputs >> index & 1 == 1 {
            return HostBus::MISSING;
        }
        // SAFETY: the host's array and its count.
        unsafe { bus_at(self.data.inputs, self.data.numInputs, index) }
    }

    fn output(&self, index: usize) -> HostBus {
        // SAFETY: the host's array and its count.
        unsafe { bus_at(self.data.outputs, self.data.numOutputs, index) }
    }

    fn num_outputs(&self) -> usize {
        usize::try_from(self.data.numOutputs).unwrap_or(0)
    }
}

impl DataBuses<'_> {
    /// Silences every output, for a block that is not processed.
    ///
    /// # Safety
    ///
    /// The host's output channels hold `numSamples` samples.
    pub(super) unsafe fn silence(&self) {
        let bytes = if self.data.symbolicSampleSize == SAMPLE_32 { 4 } else { 8 };
        let num_samples = usize::try_from(self.data.numSamples).unwrap_or(0);
        for index in 0..self.num_outputs() {
            // SAFETY: as the caller guarantees.
            unsafe { silence(self.output(index), num_samples, bytes) };
        }
    }

    /// Clears the silence flags of all output channels; the framework does not set them.
    ///
    /// # Safety
    ///
    /// The host's output array is null or holds `numOutputs` entries.
    unsafe fn clear_silence_flags(&self) {
        if self.data.outputs.is_null() {
            return;
        }
        for index in 0..self.num_outputs() {
            // SAFETY: not null and within the count.
            unsafe { (*self.data.outputs.add(index)).silenceFlags = 0 };
        }
    }

    /// Returns true if any bus has a channel. A block without channels only carries
    /// parameter changes.
    fn have_channels(&self) -> bool {
        let inputs = usize::try_from(self.data.numInputs).unwrap_or(0);
        let has = |bus: HostBus| bus.num_channels > 0;
        (0..inputs).any(|index| {
            // SAFETY: the host's array and its count.
            has(unsafe { bus_at(self.data.inputs, self.data.numInputs, index) })
        }) || (0..self.num_outputs()).any(|index| has(self.output(index)))
    }
}

impl Proxy {
    /// Processes one block. The lock is held, and the data is not null.
    pub(super) fn process_block(&self, audio: &mut Audio, data: &ProcessData) -> tresult {
        let inactive_inputs = self.inactive_inputs.load(Ordering::Relaxed);
        let host = DataBuses { data, inactive_inputs };
        let Ok(num_samples) = usize::try_from(data.numSamples) else {
            return kInvalidArgument;
        };
        let Some(activation) = audio.activation else {
            // SAFETY: the host's buffers.
            unsafe { host.silence() };
            return kNotInitialized;
        };
        if data.symbolicSampleSize != SAMPLE_32 {
            // SAFETY: the host's buffers.
            unsafe { host.silence() };
            return kResultFalse;
        }
        if self.teller.changes.reset.swap(false, Ordering::Relaxed) {
            // SAFETY: plain arguments.
            self.framework(kInternalError, |inner| unsafe { inner.setProcessing(1) });
            self.teller.is_processing.store(true, Ordering::Relaxed);
        }
        audio.has_played |= num_samples > 0;
        // Some hosts activate for playback and report only with each block that they render.
        self.view.host_renders(data.processMode == OFFLINE);
        let piece = ProcessData {
            processMode: host_mode(activation.process_mode),
            symbolicSampleSize: SAMPLE_32,
            numSamples: 0,
            numInputs: 0,
            numOutputs: 0,
            inputs: std::ptr::null_mut(),
            outputs: std::ptr::null_mut(),
            inputParameterChanges: std::ptr::null_mut(),
            ..*data
        };
        let mut is_edited = false;
        self.teller.edits.take(|id, value| {
            self.teller.announced.arrived(id);
            is_edited |= self.set_value(id, value);
        });
        if is_edited {
            self.teller.notice_edit();
        }
        if self.teller.announced.is_any() {
            self.note_arrivals(data.inputParameterChanges);
        }
        let has_audio = num_samples > 0 && host.have_channels();
        if let Some(due) = &mut audio.due {
            // SAFETY: null or a live object of the host.
            unsafe {
                due.read(data.inputParameterChanges, if has_audio { num_samples } else { 0 })
            };
        }
        let result = if has_audio {
            self.process_audio(audio, &host, piece, num_samples)
        } else {
            self.process_no_audio(audio, piece)
        };
        if is_edited || has_parameter_changes(data) {
            self.notice_changes(Some(&activation));
        } else {
            self.teller.notice_own_changes();
        }
        // SAFETY: the host's array.
        unsafe { host.clear_silence_flags() };
        result
    }

    /// Drops announced values of parameters for which this block brings values.
    fn note_arrivals(&self, changes: *mut IParameterChanges) {
        // SAFETY: null or a live object.
        let Some(changes) = (unsafe { ComRef::from_raw(changes) }) else { return };
        // SAFETY: indices within the count.
        unsafe {
            for index in 0..changes.getParameterCount() {
                if let Some(queue) = ComRef::from_raw(changes.getParameterData(index))
                    && queue.getPointCount() > 0
                {
                    self.teller.announced.arrived(queue.getParameterId());
                }
            }
        }
    }

    /// Sets the values that take effect with the next piece.
    fn set_due(&self, due: &Due) {
        for (id, value) in due.values() {
            self.set_value(id, value);
        }
    }

    /// Processes a block that only carries values.
    fn process_no_audio(&self, audio: &mut Audio, mut piece: ProcessData) -> tresult {
        let Some(due) = &mut audio.due else { return kNotInitialized };
        due.advance(0);
        self.set_due(due);
        // SAFETY: a well-formed parameter flush.
        self.framework(kInternalError, |inner| unsafe { inner.process(&raw mut piece) })
    }

    fn process_audio(
        &self,
        audio: &mut Audio,
        host: &DataBuses<'_>,
        mut piece: ProcessData,
        num_samples: usize,
    ) -> tresult {
        let Audio { scratch, buses: Some(buses), due: Some(due), .. } = audio else {
            return kNotInitialized;
        };
        let mut result = kResultOk;
        let run = |scratch: &mut Scratch, offset: usize, length: usize| {
            let (mut start, mut is_well) = (0, true);
            while start < length {
                let next = due.advance(offset + start);
                let end = next.map_or(length, |next| length.min(next - offset));
                self.set_due(due);
                let status = self.process_piece(scratch, piece, [offset, start, end]);
                // All events belong to the first piece.
                piece.inputEvents = std::ptr::null_mut();
                if status != kResultOk {
                    result = status;
                }
                is_well &= status == kResultOk;
                start = end;
            }
            is_well
        };
        // SAFETY: the host's buffers hold `num_samples` samples.
        unsafe { run_in_pieces(scratch, buses, host, num_samples, run) };
        result
    }

    /// Calls the framework for the samples `start..end` of the scratch, which begins at sample
    /// `offset` of the block.
    fn process_piece(
        &self,
        scratch: &mut Scratch,
        mut piece: ProcessData,
        [offset, start, end]: [usize; 3],
    ) -> tresult {
        let mut bus = AudioBusBuffers {
            numChannels: int32::try_from(scratch.num_channels()).unwrap_or(0),
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: scratch.pointers(start) },
        };
        piece.numSamples = int32::try_from(end - start).unwrap_or(0);
        piece.numInputs = 1;
        piece.numOutputs = 1;
        piece.inputs = &raw mut bus;
        piece.outputs = &raw mut bus;
        // SAFETY: null or the host's.
        let mut context = unsafe { piece.processContext.as_ref() }.copied();
        let time = context.as_ref().map(time_of).unwrap_or_default();
        self.view.host_time(&time.plus(offset + start));
        if let Some(context) = &mut context {
            let passed = i64::try_from(offset + start).unwrap_or(0);
            context.projectTimeSamples = context.projectTimeSamples.saturating_add(passed);
        }
        piece.processContext = context.as_mut().map_or(std::ptr::null_mut(), |c| &raw mut *c);
        // SAFETY: one in-place bus in the guard's memory; everything else is the guard's or
        // the host's.
        self.framework(kInternalError, |inner| unsafe { inner.process(&raw mut piece) })
    }
}

/// Returns the time of a block's first sample.
fn time_of(context: &ProcessContext) -> HostTime {
    let has = |flag| context.state & flag != 0;
    HostTime {
        timeline: has(kPlaying).then_some(context.projectTimeSamples),
        steady: has(kContTimeValid).then_some(context.continousTimeSamples),
    }
}

fn has_parameter_changes(data: &ProcessData) -> bool {
    // SAFETY: null or a live object of the host.
    match unsafe { ComRef::from_raw(data.inputParameterChanges) } {
        // SAFETY: as above.
        Some(changes) => unsafe { changes.getParameterCount() > 0 },
        None => false,
    }
}
