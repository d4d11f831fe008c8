//! The part of a CLAP instance that processes, and the one that stays on the main thread meanwhile.

use std::ptr::NonNull;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, CLAP_PROCESS_SLEEP, clap_process};

use super::callbacks::HostSide;
use super::events::{ParamEvents, noting_output};
use super::required;
use super::transport::transport_at;
use crate::instance::{AudioSide, MainSide, RawBus, RawCall};
use crate::model::{BlockTime, Gesture, Requests};

/// The thread that processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    /// The main thread, which is the audio thread during each call.
    Main,
    /// Another thread.
    Other,
}

/// State of an instance that its audio part changes.
pub(super) struct Kept<'a> {
    pub(super) pending: &'a mut ParamEvents,
    pub(super) gestures: &'a mut Vec<Gesture>,
    pub(super) steady_samples: &'a mut i64,
}

/// The part of an active instance that processes.
pub(super) struct ClapAudio<'a> {
    plugin: NonNull<clap_plugin>,
    host: &'a HostSide,
    thread: Thread,
    rate_hz: f64,
    kept: Kept<'a>,
}

// SAFETY: CLAP allows blocks on any thread, one at a time, which the exclusive reference ensures.
// The callbacks read and change only the atomics and the mutex of the host's side.
unsafe impl Send for ClapAudio<'_> {}

impl<'a> ClapAudio<'a> {
    pub(super) fn new(
        plugin: NonNull<clap_plugin>,
        host: &'a HostSide,
        thread: Thread,
        rate_hz: f64,
        kept: Kept<'a>,
    ) -> Self {
        host.audio_is_elsewhere(thread == Thread::Other);
        Self { plugin, host, thread, rate_hz, kept }
    }

    /// Calls the plugin; `block` and everything that it points to has to outlive the call.
    fn call(&self, block: &clap_process) -> Result<(i32, Duration)> {
        // SAFETY: valid until `destroy`, which only the whole instance calls.
        let process = required(unsafe { self.plugin.as_ref() }.process, "process")?;
        let plugin = self.plugin.as_ptr();
        let call = || {
            let start = Instant::now();
            // SAFETY: processing was started; everything that `block` points to outlives the call.
            let status = unsafe { process(plugin, std::ptr::from_ref(block)) };
            (status, start.elapsed())
        };
        Ok(match self.thread {
            Thread::Main => self.host.as_audio_thread(call),
            Thread::Other => call(),
        })
    }
}

impl Drop for ClapAudio<'_> {
    fn drop(&mut self) {
        self.host.audio_is_elsewhere(false);
    }
}

impl AudioSide for ClapAudio<'_> {
    fn process(&mut self, call: &mut RawCall) -> Result<Duration> {
        let inputs: Vec<_> = call.inputs.iter_mut().map(audio_buffer).collect();
        let mut outputs: Vec<_> = call.outputs.iter_mut().map(audio_buffer).collect();
        let in_events = self.kept.pending.as_input();
        let out_events = noting_output(self.kept.gestures);
        let steady = *self.kept.steady_samples;
        let time = call.time.unwrap_or(BlockTime { timeline: Some(steady), steady });
        let transport = transport_at(time.timeline, self.rate_hz);
        let block = clap_process {
            steady_time: time.steady,
            frames_count: u32::try_from(call.num_samples)?,
            transport: &raw const transport,
            audio_inputs: inputs.as_ptr(),
            audio_outputs: outputs.as_mut_ptr(),
            audio_inputs_count: u32::try_from(inputs.len())?,
            audio_outputs_count: u32::try_from(outputs.len())?,
            in_events: &raw const in_events,
            out_events: &raw const out_events,
        };
        let (status, elapsed) = self.call(&block)?;
        self.kept.pending.clear();
        *self.kept.steady_samples += i64::try_from(call.num_samples)?;
        for (bus, buffer) in call.outputs.iter_mut().zip(&outputs) {
            // A constant channel is reported as silent only if its first sample is zero; the caller
            // checks it.
            let first_is_zero = |channel: usize| {
                let pointers = bus.channels.as_ref();
                let pointer = pointers.and_then(|pointers| pointers.get(channel)).copied();
                // SAFETY: null, or the start of a channel of at least one sample.
                pointer
                    .and_then(|pointer| unsafe { pointer.as_ref() })
                    .is_some_and(|first| *first == 0.0)
            };
            let zeros = (0..64).filter(|&channel| first_is_zero(channel));
            bus.silence = buffer.constant_mask & zeros.fold(0, |mask, channel| mask | 1 << channel);
        }
        match status {
            CLAP_PROCESS_ERROR => bail!("the plugin returned an error"),
            1..=CLAP_PROCESS_SLEEP => Ok(elapsed),
            other => bail!("the plugin returned the unknown status {other}"),
        }
    }
}

fn audio_buffer(bus: &mut RawBus) -> clap_audio_buffer {
    clap_audio_buffer {
        data32: bus.pointers(),
        data64: std::ptr::null_mut(),
        channel_count: bus.num_channels,
        latency: 0,
        constant_mask: std::mem::take(&mut bus.silence),
    }
}

/// The part of an active instance that stays on the main thread while another thread processes.
pub(super) struct ClapMain<'a> {
    pub(super) plugin: NonNull<clap_plugin>,
    pub(super) host: &'a HostSide,
}

impl MainSide for ClapMain<'_> {
    fn idle(&mut self) {
        // SAFETY: this part is not `Send`, so this is the main thread, outside of any other call.
        unsafe { call_back(self.plugin, self.host) };
    }

    fn take_requests(&mut self) -> Requests {
        self.host.take_requests()
    }
}

/// Calls the plugin back if it has requested that.
///
/// # Safety
///
/// The caller is the main thread, outside of any other call of the plugin, which is alive.
pub(super) unsafe fn call_back(plugin: NonNull<clap_plugin>, host: &HostSide) {
    // SAFETY: alive.
    let function = unsafe { plugin.as_ref() }.on_main_thread;
    if host.take_callback()
        && let Some(on_main_thread) = function
    {
        // SAFETY: on the main thread, outside of any other call.
        unsafe { on_main_thread(plugin.as_ptr()) };
    }
}
