//! The checks of a process call, and an instance in two parts for two threads.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::buffers::{BusBuffer, BusState};
use crate::instance::{AudioSide, MainSide, RawBus, RawCall};
use crate::model::{AudioConfig, Requests};
use crate::plugin::ProcessOptions;
use crate::written::{check_inputs, check_outputs};

/// The part of an active instance that processes, on any thread.
pub struct AudioPart<'a> {
    pub(crate) audio: Box<dyn AudioSide + 'a>,
    pub(crate) checked: Checked,
}

impl std::fmt::Debug for AudioPart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioPart").field("checked", &self.checked).finish_non_exhaustive()
    }
}

impl AudioPart<'_> {
    /// Processes one block, as [`Plugin::process`](crate::Plugin::process) does.
    ///
    /// # Errors
    ///
    /// Those of [`Plugin::process`](crate::Plugin::process).
    pub fn process(
        &mut self,
        inputs: &mut [BusBuffer],
        outputs: &mut [BusBuffer],
        num_samples: usize,
        options: ProcessOptions,
    ) -> Result<Duration> {
        let Self { audio, checked } = self;
        checked.process(|call| audio.process(call), inputs, outputs, num_samples, options)
    }
}

/// The part of an active instance that stays on the main thread while another thread processes.
pub struct MainPart<'a> {
    pub(crate) main: Box<dyn MainSide + 'a>,
}

impl std::fmt::Debug for MainPart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MainPart").finish_non_exhaustive()
    }
}

impl MainPart<'_> {
    /// Performs the plugin's requests for the main thread.
    pub fn idle(&mut self) {
        self.main.idle();
    }

    /// Returns the plugin's requests since the last call.
    pub fn take_requests(&mut self) -> Requests {
        self.main.take_requests()
    }
}

/// The settings with which the process calls of an instance are checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) config: AudioConfig,
    /// Description of the instance for errors.
    pub(crate) who: String,
}

impl Checked {
    /// Makes one process call with all checks of [`Plugin::process`](crate::Plugin::process).
    pub(crate) fn process(
        &self,
        process: impl FnOnce(&mut RawCall) -> Result<Duration>,
        inputs: &mut [BusBuffer],
        outputs: &mut [BusBuffer],
        num_samples: usize,
        options: ProcessOptions,
    ) -> Result<Duration> {
        let Self { config, who } = self;
        let shortest = inputs.iter().chain(&*outputs).map(BusBuffer::max_block_samples).min();
        ensure!(
            num_samples <= config.max_block_samples
                && shortest.is_none_or(|shortest| num_samples <= shortest),
            "a block of {num_samples} samples is longer than the maximum"
        );

        for input in inputs.iter_mut().filter(|bus| bus.state == BusState::Silent) {
            input.fill(0.0);
        }
        for output in &mut *outputs {
            output.fill_with_canary();
        }
        let mut shared = vec![false; inputs.len()];
        if options.in_place {
            for ((input, output), shared) in inputs.iter().zip(&mut *outputs).zip(&mut shared) {
                *shared = input.state.has_memory()
                    && output.state.has_memory()
                    && input.num_channels() == output.num_channels();
                if *shared {
                    for channel in 0..input.num_channels() {
                        output.channel_mut(channel)[..num_samples]
                            .copy_from_slice(&input.channel(channel)[..num_samples]);
                    }
                }
            }
        }

        let before: Vec<BusBuffer> = inputs.to_vec();
        let mut call = RawCall {
            num_samples,
            time: options.time,
            outputs: outputs.iter_mut().map(raw_bus).collect(),
            inputs: Vec::with_capacity(inputs.len()),
        };
        for (index, input) in inputs.iter_mut().enumerate() {
            let mut raw = raw_bus(input);
            if shared[index] {
                raw.channels.clone_from(&call.outputs[index].channels);
            }
            call.inputs.push(raw);
        }
        let elapsed =
            process(&mut call).with_context(|| format!("{who} of {num_samples} samples"))?;

        let claims: Vec<u64> = call.outputs.iter().map(|bus| bus.silence).collect();
        check_inputs(&before, inputs)?;
        check_outputs(outputs, &claims, num_samples)?;
        Ok(elapsed)
    }
}

fn raw_bus(bus: &mut BusBuffer) -> RawBus {
    let num_channels = u32::try_from(bus.num_channels()).unwrap_or(u32::MAX);
    let all_channels = if num_channels >= 64 { u64::MAX } else { (1 << num_channels) - 1 };
    match bus.state {
        BusState::Connected => {
            RawBus { num_channels, channels: Some(bus.channel_pointers()), silence: 0 }
        }
        BusState::Silent => {
            RawBus { num_channels, channels: Some(bus.channel_pointers()), silence: all_channels }
        }
        BusState::NullChannels => RawBus {
            num_channels,
            channels: Some(vec![std::ptr::null_mut(); bus.num_channels()]),
            silence: all_channels,
        },
        BusState::NullArray => RawBus { num_channels, channels: None, silence: all_channels },
        BusState::ZeroChannels => RawBus { num_channels: 0, channels: None, silence: 0 },
    }
}
