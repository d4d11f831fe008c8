//! The `IAudioProcessor` half of the VST3 proxy: set-up, arrangements and blocks.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::Ordering;

use nice_plug::prelude::ProcessMode;
use vst3::ComRef;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, BusDirection, IAudioProcessorTrait,
    IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait,
    IProcessContextRequirementsTrait, ProcessData, ProcessModes_, ProcessSetup, SpeakerArr,
    SpeakerArrangement, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    int32, kInternalError, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk, tresult,
    uint32,
};

use super::component::{INPUT, OUTPUT, Proxy, take};
use super::due::Due;
use crate::guard::flat::{Bus, Buses, flat_channels};
use crate::guard::panics::shield;
use crate::guard::scratch::{HostBus, HostBuses, Scratch, run_in_pieces, silence};
use crate::guard::{Activation, MAX_BLOCK_SAMPLES};

#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "differs by system")]
mod constants {
    use super::{ProcessModes_, SymbolicSampleSizes_, int32};
    pub(super) const SAMPLE_32: int32 = SymbolicSampleSizes_::kSample32 as int32;
    pub(super) const PREFETCH: int32 = ProcessModes_::kPrefetch as int32;
    pub(super) const OFFLINE: int32 = ProcessModes_::kOffline as int32;
    pub(super) const REALTIME: int32 = ProcessModes_::kRealtime as int32;
}
use constants::{OFFLINE, PREFETCH, REALTIME, SAMPLE_32};

/// The data of a block; used only while the lock is held.
#[derive(Debug, Default)]
pub(super) struct Audio {
    scratch: Scratch,
    buses: Option<Buses>,
    due: Option<Due>,
    /// `Some` while active.
    activation: Option<Activation>,
}

/// The buses of one `ProcessData`.
struct DataBuses<'a> {
    data: &'a ProcessData,
    inactive_inputs: u64,
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
    unsafe fn silence(&self) {
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
    pub(super) fn set_active(&self, active: bool) -> tresult {
        let Some(mut audio) = self.audio.take() else {
            return kResultFalse;
        };
        if audio.activation.take().is_some() {
            // SAFETY: plain arguments.
            self.framework(kInternalError, |inner| unsafe { inner.setActive(0) });
        }
        *take(&self.running) = None;
        if !active {
            // No block will bring them.
            self.take_announced();
            return kResultOk;
        }
        let Some(activation) = *take(&self.setup) else {
            return kNotInitialized;
        };
        // Applies values that no block has brought, before the activation uses them.
        self.take_announced();
        let buses = self.buses();
        audio.scratch.prepare(buses.num_channels, activation.max_block_samples);
        audio.buses = Some(buses);
        audio.due.get_or_insert_with(|| Due::new(self.teller.announced.num_params()));
        self.set_up_framework(&activation);
        // SAFETY: plain arguments.
        let result = self.framework(kInternalError, |inner| unsafe { inner.setActive(1) });
        if result != kResultOk {
            return result;
        }
        audio.activation = Some(activation);
        let latency = self.view.latency_samples(&activation);
        let changes = &self.teller.changes;
        changes.latency.store(latency, Ordering::Relaxed);
        changes.wanted_latency.store(latency, Ordering::Relaxed);
        let asked = changes.latency_was_asked.load(Ordering::Relaxed);
        if changes.told_latency.swap(latency, Ordering::Relaxed) != latency && asked {
            changes.restart.store(true, Ordering::Relaxed);
        }
        *take(&self.running) = Some(activation);
        kResultOk
    }

    /// Defect 3: the framework activates with the mode of the previous set-up, so the set-up is
    /// sent twice.
    fn set_up_framework(&self, activation: &Activation) {
        let mut setup = ProcessSetup {
            processMode: host_mode(activation.process_mode),
            symbolicSampleSize: SAMPLE_32,
            maxSamplesPerBlock: int32::try_from(activation.max_block_samples).unwrap_or(int32::MAX),
            sampleRate: activation.sample_rate_hz,
        };
        for _ in 0..2 {
            // SAFETY: a well-formed set-up that outlives the call.
            self.framework(kInternalError, |inner| unsafe {
                inner.setupProcessing(&raw mut setup)
            });
        }
    }

    /// Processes one block. The lock is held, and the data is not null.
    fn process_block(&self, audio: &mut Audio, data: &ProcessData) -> tresult {
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

fn has_parameter_changes(data: &ProcessData) -> bool {
    // SAFETY: null or a live object of the host.
    match unsafe { ComRef::from_raw(data.inputParameterChanges) } {
        // SAFETY: as above.
        Some(changes) => unsafe { changes.getParameterCount() > 0 },
        None => false,
    }
}

const fn host_mode(mode: ProcessMode) -> int32 {
    match mode {
        ProcessMode::Realtime => REALTIME,
        ProcessMode::Buffered => PREFETCH,
        ProcessMode::Offline => OFFLINE,
    }
}

/// Returns true if the host's arrangements match `buses`. A host may leave out the channels of a
/// bus that is not the main one; some hosts switch a side-chain off in this way.
///
/// # Safety
///
/// `arrangements` is null or holds `count` entries.
unsafe fn arrangements_fit(
    arrangements: *mut SpeakerArrangement,
    count: int32,
    buses: &[Bus],
) -> bool {
    if usize::try_from(count) != Ok(buses.len()) {
        return false;
    }
    buses.is_empty()
        || !arrangements.is_null()
            && buses.iter().enumerate().all(|(index, bus)| {
                // SAFETY: not null and within the count.
                let channels = unsafe { *arrangements.add(index) }.count_ones() as usize;
                channels == bus.num_channels || channels == 0 && !bus.is_main
            })
}

/// Copies a host's arrangements.
///
/// # Safety
///
/// `arrangements` is null or holds `count` entries.
unsafe fn list(arrangements: *mut SpeakerArrangement, count: int32) -> Vec<SpeakerArrangement> {
    let count = usize::try_from(count).unwrap_or(0);
    if arrangements.is_null() || count == 0 {
        return Vec::new();
    }
    // SAFETY: not null and within the count.
    unsafe { std::slice::from_raw_parts(arrangements, count) }.to_vec()
}

impl Proxy {
    /// Returns the speakers of a bus exactly as the host has arranged them. Some hosts treat any
    /// other result as a refusal.
    pub(super) fn speakers(
        &self,
        direction: BusDirection,
        index: usize,
    ) -> Option<SpeakerArrangement> {
        let buses = self.buses();
        let (buses, side) = match direction {
            INPUT => (buses.inputs, 0),
            OUTPUT => (buses.outputs, 1),
            _ => return None,
        };
        let num_channels = buses.get(index)?.num_channels;
        let arranged = take(&self.arranged);
        let arranged = arranged.as_ref().and_then(|sides| sides[side].get(index));
        Some(arranged.copied().unwrap_or(match num_channels {
            1 => SpeakerArr::kMono,
            2 => SpeakerArr::kStereo,
            // VST3 has no arrangement of discrete channels; hosts count the bits.
            n => (1 << n) - 1,
        }))
    }
}

impl IAudioProcessorTrait for Proxy {
    /// Defect 4: the framework compares auxiliary buses with the wrong entries.
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        num_inputs: int32,
        outputs: *mut SpeakerArrangement,
        num_outputs: int32,
    ) -> tresult {
        shield(kInternalError, || {
            if take(&self.running).is_some() {
                return kResultFalse;
            }
            let fitting = self.layouts.iter().position(|layout| {
                let buses = Buses::of(layout);
                // SAFETY: the host's arrays and their counts.
                unsafe {
                    arrangements_fit(inputs, num_inputs, &buses.inputs)
                        && arrangements_fit(outputs, num_outputs, &buses.outputs)
                }
            });
            let Some(index) = fitting else {
                return kResultFalse;
            };
            let mut flat: SpeakerArrangement = (1 << flat_channels(&self.layouts[index])) - 1;
            let flat = &raw mut flat;
            // SAFETY: one bus in each direction, as the framework has.
            let result = self.framework(kInternalError, |inner| unsafe {
                inner.setBusArrangements(flat, 1, flat, 1)
            });
            if result == kResultOk {
                self.layout.store(index, Ordering::Relaxed);
                // SAFETY: the host's arrays and their counts, which match.
                let arranged = unsafe { [list(inputs, num_inputs), list(outputs, num_outputs)] };
                *take(&self.arranged) = Some(arranged);
            }
            result
        })
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        shield(kInternalError, || {
            let speakers = usize::try_from(index)
                .ok()
                .and_then(|index| self.speakers(direction, index))
                .filter(|_| !arrangement.is_null());
            let Some(speakers) = speakers else { return kInvalidArgument };
            // SAFETY: not null, and the host's to be written.
            unsafe { arrangement.write(speakers) };
            kResultOk
        })
    }

    unsafe fn canProcessSampleSize(&self, symbolic_sample_size: int32) -> tresult {
        if symbolic_sample_size == SAMPLE_32 { kResultOk } else { kResultFalse }
    }

    unsafe fn getLatencySamples(&self) -> uint32 {
        shield(0, || {
            let latency = self.current_latency();
            self.teller.changes.told_latency.store(latency, Ordering::Relaxed);
            self.teller.changes.latency_was_asked.store(true, Ordering::Relaxed);
            latency
        })
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        shield(kInternalError, || {
            // SAFETY: null or the host's.
            let Some(setup) = (unsafe { setup.as_ref() }) else {
                return kInvalidArgument;
            };
            let Ok(max_block) = usize::try_from(setup.maxSamplesPerBlock) else {
                return kInvalidArgument;
            };
            if !setup.sampleRate.is_finite() || setup.sampleRate <= 0.0 {
                return kInvalidArgument;
            }
            if setup.symbolicSampleSize != SAMPLE_32 {
                return kResultFalse;
            }
            *take(&self.setup) = Some(Activation {
                sample_rate_hz: setup.sampleRate,
                max_block_samples: max_block.clamp(1, MAX_BLOCK_SAMPLES),
                process_mode: match setup.processMode {
                    OFFLINE => ProcessMode::Offline,
                    PREFETCH => ProcessMode::Buffered,
                    _ => ProcessMode::Realtime,
                },
            });
            kResultOk
        })
    }

    unsafe fn setProcessing(&self, state: u8) -> tresult {
        shield(kInternalError, || {
            // Defect 9: the framework would wait for a running block. The next block
            // resets instead.
            let Some(audio) = self.audio.try_take() else {
                self.teller.changes.reset.store(state != 0, Ordering::Relaxed);
                return kResultOk;
            };
            if audio.activation.is_none() && state != 0 {
                return kNotInitialized;
            }
            // SAFETY: plain arguments.
            let result =
                self.framework(kInternalError, |inner| unsafe { inner.setProcessing(state) });
            // Relaxed: a delay of one block is acceptable.
            self.teller.is_processing.store(state != 0, Ordering::Relaxed);
            result
        })
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        shield(kInternalError, || {
            // SAFETY: null or the host's.
            let Some(data) = (unsafe { data.as_ref() }) else {
                return kInvalidArgument;
            };
            let Some(mut audio) = self.audio.try_take() else {
                // Defect 9: a concurrent second call.
                // SAFETY: the host's buffers.
                unsafe { DataBuses { data, inactive_inputs: 0 }.silence() };
                return kResultFalse;
            };
            self.process_block(&mut audio, data)
        })
    }

    unsafe fn getTailSamples(&self) -> uint32 {
        // SAFETY: no arguments.
        self.framework(0, |inner| unsafe { inner.getTailSamples() })
    }
}

impl IProcessContextRequirementsTrait for Proxy {
    unsafe fn getProcessContextRequirements(&self) -> uint32 {
        // SAFETY: no arguments.
        self.framework(0, |inner| unsafe { inner.getProcessContextRequirements() })
    }
}
