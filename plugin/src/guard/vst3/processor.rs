//! The `IAudioProcessor` half of the VST3 proxy: set-up and arrangements.
#![allow(unsafe_code, reason = "VST3 interfaces")]

use std::sync::atomic::Ordering;

use nice_plug::prelude::ProcessMode;
use vst3::Steinberg::Vst::{
    BusDirection, IAudioProcessorTrait, IProcessContextRequirementsTrait, ProcessData,
    ProcessSetup, SpeakerArr, SpeakerArrangement,
};
use vst3::Steinberg::{
    int32, kInternalError, kInvalidArgument, kNotInitialized, kResultFalse, kResultOk, tresult,
    uint32,
};

use super::block::DataBuses;
use super::due::Due;
use super::modes::{OFFLINE, PREFETCH, SAMPLE_32, host_mode};
use super::proxy::{INPUT, OUTPUT, Proxy};
use crate::guard::flat::{Bus, Buses, flat_channels};
use crate::guard::panics::shield;
use crate::guard::{Activation, MAX_BLOCK_SAMPLES};
use crate::sync::lock;

impl Proxy {
    pub(super) fn set_active(&self, active: bool) -> tresult {
        let Some(mut audio) = self.audio.take() else {
            return kResultFalse;
        };
        if audio.activation.take().is_some() {
            // SAFETY: plain arguments.
            self.framework(kInternalError, |inner| unsafe { inner.setActive(0) });
        }
        *lock(&self.running) = None;
        audio.has_played = false;
        if !active {
            // No block will bring them.
            self.take_announced();
            return kResultOk;
        }
        let Some(activation) = *lock(&self.setup) else {
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
        *lock(&self.running) = Some(activation);
        kResultOk
    }

    /// Activates anew if a loaded state has another latency than the running activation, which has
    /// not processed a block.
    ///
    /// Ardour 7.3 activates the plugins of a project before it loads their states, and does not
    /// restart them when their latency changes: without this, *Mix* would never run there.
    pub(super) fn follow_latency(&self) {
        let changes = &self.teller.changes;
        let wanted = changes.wanted_latency.load(Ordering::Relaxed);
        let is_other = wanted != changes.latency.load(Ordering::Relaxed);
        if lock(&self.running).is_none() || !is_other {
            return;
        }
        let is_unused = self.audio.try_take().is_some_and(|audio| !audio.has_played);
        if is_unused && self.set_active(true) == kResultOk {
            let state = u8::from(self.teller.is_processing.load(Ordering::Relaxed));
            // SAFETY: plain arguments.
            self.framework(kInternalError, |inner| unsafe { inner.setProcessing(state) });
        }
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
        let arranged = lock(&self.arranged);
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
            if lock(&self.running).is_some() {
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
                *lock(&self.arranged) = Some(arranged);
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
            *lock(&self.setup) = Some(Activation {
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
