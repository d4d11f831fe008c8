//! One CLAP block, which may be malformed: its buses, and its passage through the framework.
#![allow(unsafe_code, reason = "host buffers are raw pointers")]

use std::sync::atomic::Ordering;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::{
    CLAP_EVENT_TRANSPORT, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE, CLAP_TRANSPORT_IS_PLAYING,
    clap_event_header, clap_event_transport,
};
use clap_sys::fixedpoint::{CLAP_SECTIME_FACTOR, clap_sectime};
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, clap_process, clap_process_status,
};

use super::due::{Due, writable};
use super::proxy::{Audio, Proxy, inner};
use crate::guard::HostTime;
use crate::guard::scratch::{HostBus, HostBuses, Scratch, run_in_pieces, silence};

/// The buses of one `clap_process`.
struct BlockBuses<'a> {
    block: &'a clap_process,
    /// One bit per input port, set if the host has switched the port off.
    inactive_inputs: u64,
}

/// Returns the port at `index` of a host's array.
///
/// # Safety
///
/// `ports` is null or holds `count` entries.
unsafe fn port_at(ports: *const clap_audio_buffer, count: u32, index: usize) -> HostBus {
    if ports.is_null() || index >= count as usize {
        return HostBus::MISSING;
    }
    // SAFETY: not null and within the count.
    let port = unsafe { &*ports.add(index) };
    HostBus { channels: port.data32, num_channels: port.channel_count as usize }
}

impl HostBuses for BlockBuses<'_> {
    fn input(&self, index: usize) -> HostBus {
        if index < 64 && self.inactive_inputs >> index & 1 == 1 {
            return HostBus::MISSING;
        }
        // SAFETY: the host's array and its count.
        unsafe { port_at(self.block.audio_inputs, self.block.audio_inputs_count, index) }
    }

    fn output(&self, index: usize) -> HostBus {
        // SAFETY: the host's array and its count.
        unsafe { port_at(self.block.audio_outputs, self.block.audio_outputs_count, index) }
    }

    fn num_outputs(&self) -> usize {
        self.block.audio_outputs_count as usize
    }
}

impl BlockBuses<'_> {
    /// Silences every output, for a block that is not processed.
    ///
    /// # Safety
    ///
    /// The host's output channels hold `num_samples` samples.
    unsafe fn silence(&self, num_samples: usize) {
        for index in 0..self.num_outputs() {
            // SAFETY: as the caller guarantees.
            unsafe { silence(self.output(index), num_samples, size_of::<f32>()) };
        }
    }

    /// Marks all output channels as not constant for the host; the framework does not set
    /// the masks.
    ///
    /// # Safety
    ///
    /// The host's output array is null or holds `audio_outputs_count` entries.
    unsafe fn clear_constant_masks(&self) {
        if self.block.audio_outputs.is_null() {
            return;
        }
        for index in 0..self.num_outputs() {
            // SAFETY: not null and within the count.
            unsafe { (*self.block.audio_outputs.add(index)).constant_mask = 0 };
        }
    }
}

impl Proxy {
    /// Processes one block.
    pub(super) fn process(&self, block: &clap_process) -> clap_process_status {
        let inactive_inputs = self.inactive_inputs.load(Ordering::Relaxed);
        let host = BlockBuses { block, inactive_inputs };
        let num_samples = block.frames_count as usize;
        let audio = self.audio.try_take();
        let Some((mut audio, activation)) =
            audio.and_then(|audio| audio.activation.map(|activation| (audio, activation)))
        else {
            // Inactive, or a concurrent second call (defect 9).
            // SAFETY: the host's buffers.
            unsafe { host.silence(num_samples) };
            return CLAP_PROCESS_ERROR;
        };
        if self.reset.swap(false, Ordering::Relaxed) {
            inner!(self, reset() else ());
        }
        let status = if num_samples == 0 {
            // SAFETY: the host's list, which outlives the block.
            let mut due = unsafe { Due::new(block.in_events, 0) };
            due.advance(0, &*self.view);
            let events = due.list();
            let flush = clap_process {
                in_events: &raw const events,
                // SAFETY: null or the host's list.
                out_events: unsafe { writable(block.out_events) },
                audio_inputs: std::ptr::null(),
                audio_outputs: std::ptr::null_mut(),
                audio_inputs_count: 0,
                audio_outputs_count: 0,
                ..*block
            };
            inner!(self, process(&raw const flush) else CLAP_PROCESS_ERROR)
        } else {
            self.process_audio(&mut audio, &host, num_samples)
        };
        // From here on the host may call back.
        drop(audio);
        // SAFETY: null or the host's.
        if let Some(events) = unsafe { block.in_events.as_ref() }
            && let Some(size) = events.size
            // SAFETY: the host's list.
            && unsafe { size(block.in_events) } > 0
        {
            self.notice_changes(Some(&activation));
        } else {
            self.teller.notice_own_changes();
        }
        // SAFETY: the host's array.
        unsafe { host.clear_constant_masks() };
        status
    }

    fn process_audio(
        &self,
        audio: &mut Audio,
        host: &BlockBuses<'_>,
        num_samples: usize,
    ) -> clap_process_status {
        let Audio { scratch, buses: Some(buses), activation: Some(activation) } = audio else {
            return CLAP_PROCESS_ERROR;
        };
        let time = time_of(host.block, activation.sample_rate_hz);
        // SAFETY: the host's list, which outlives the block.
        let mut due = unsafe { Due::new(host.block.in_events, num_samples) };
        let mut status = CLAP_PROCESS_CONTINUE;
        let run = |scratch: &mut Scratch, offset: usize, length: usize| {
            let (mut start, mut is_well) = (0, true);
            while start < length {
                let next = due.advance(offset + start, &*self.view);
                let end = next.map_or(length, |next| length.min(next - offset));
                self.view.host_time(&time.plus(offset + start));
                let one = self.process_piece(scratch, host.block, &due, [offset, start, end]);
                if status != CLAP_PROCESS_ERROR {
                    status = one;
                }
                is_well &= one != CLAP_PROCESS_ERROR;
                start = end;
            }
            is_well
        };
        // SAFETY: the host's buffers hold `num_samples` samples.
        unsafe { run_in_pieces(scratch, buses, host, num_samples, run) };
        status
    }

    /// Calls the framework for the samples `start..end` of the scratch, which begins at sample
    /// `offset` of the block.
    fn process_piece(
        &self,
        scratch: &mut Scratch,
        block: &clap_process,
        due: &Due,
        [offset, start, end]: [usize; 3],
    ) -> clap_process_status {
        let mut port = clap_audio_buffer {
            data32: scratch.pointers(start),
            data64: std::ptr::null_mut(),
            channel_count: u32::try_from(scratch.num_channels()).unwrap_or(0),
            latency: 0,
            constant_mask: 0,
        };
        let events = due.list();
        let mut piece = clap_process {
            frames_count: u32::try_from(end - start).unwrap_or(0),
            audio_inputs: &raw const port,
            audio_outputs: &raw mut port,
            audio_inputs_count: 1,
            audio_outputs_count: 1,
            in_events: &raw const events,
            // SAFETY: null or the host's list.
            out_events: unsafe { writable(block.out_events) },
            ..*block
        };
        if piece.steady_time >= 0 {
            let passed = i64::try_from(offset + start).unwrap_or(0);
            piece.steady_time = piece.steady_time.saturating_add(passed);
        }
        inner!(self, process(&raw const piece) else CLAP_PROCESS_ERROR)
    }
}

/// Returns the time of a block's first sample.
fn time_of(block: &clap_process, rate_hz: f64) -> HostTime {
    // SAFETY: null or the host's.
    let header = unsafe { block.transport.cast::<clap_event_header>().as_ref() };
    let is_whole = |header: &&clap_event_header| {
        header.size as usize >= size_of::<clap_event_transport>()
            && header.type_ == CLAP_EVENT_TRANSPORT
    };
    let transport = header.filter(is_whole).map(|header| {
        // SAFETY: the header states that a transport event is there.
        unsafe { &*std::ptr::from_ref(header).cast::<clap_event_transport>() }
    });
    let has = |transport: &&clap_event_transport, flag| transport.flags & flag != 0;
    let playing = transport
        .filter(|transport| has(transport, CLAP_TRANSPORT_IS_PLAYING))
        .filter(|transport| has(transport, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE));
    HostTime {
        timeline: playing.map(|transport| seconds_to_samples(transport.song_pos_seconds, rate_hz)),
        steady: (block.steady_time >= 0).then_some(block.steady_time),
    }
}

/// Converts a position in CLAP's fixed-point seconds to the nearest sample.
#[allow(clippy::cast_possible_truncation, reason = "saturates at 292 million years")]
fn seconds_to_samples(seconds: clap_sectime, rate_hz: f64) -> i64 {
    (seconds as f64 / CLAP_SECTIME_FACTOR as f64 * rate_hz).round() as i64
}
