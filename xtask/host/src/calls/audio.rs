//! The buffers of a random block, and the checks after its processing.

use anyhow::{Result, bail};

use super::call::{Block, Buses, Memory, Randomness, Signal};
use crate::buffers::{BusBuffer, BusState};
use crate::instance::{RawBus, RawCall};

/// The buffers of one block.
pub(crate) struct Audio {
    num_samples: usize,
    inputs: Vec<BusBuffer>,
    /// The inputs before the block.
    given: Vec<BusBuffer>,
    outputs: Vec<BusBuffer>,
    in_place: bool,
}

impl Audio {
    /// Creates the buffers of a block; `own_inputs` and `own_outputs` are the channels of the
    /// plugin's buses.
    pub(crate) fn new(block: &Block, own_inputs: &[usize], own_outputs: &[usize]) -> Self {
        let own = |channels: &[usize], missing: u32, state: BusState| -> Vec<(usize, BusState)> {
            let is_missing = |bus: usize| missing >> (bus % 32) & 1 == 1;
            let buses = channels.iter().enumerate();
            buses
                .map(|(bus, &count)| {
                    (count, if is_missing(bus) { state } else { BusState::Connected })
                })
                .collect()
        };
        let any = |buses: &[(usize, Memory)]| -> Vec<(usize, BusState)> {
            let state = |memory| match memory {
                Memory::Given => BusState::Connected,
                Memory::NullChannels => BusState::NullChannels,
                Memory::NullArray => BusState::NullArray,
            };
            buses.iter().map(|&(count, memory)| (count, state(memory))).collect()
        };
        let (inputs, outputs) = match &block.buses {
            Buses::Own => {
                (own(own_inputs, 0, BusState::Connected), own(own_outputs, 0, BusState::Connected))
            }
            &Buses::OwnWithout { inputs, outputs, array } => {
                let state = if array { BusState::NullArray } else { BusState::NullChannels };
                (own(own_inputs, inputs, state), own(own_outputs, outputs, state))
            }
            Buses::Any { inputs, outputs } => (any(inputs), any(outputs)),
        };
        let make = |buses: Vec<(usize, BusState)>| -> Vec<BusBuffer> {
            let buffers = buses.into_iter().map(|(num_channels, state)| {
                let mut buffer = BusBuffer::new(num_channels, block.num_samples);
                buffer.state = state;
                buffer
            });
            buffers.collect()
        };
        let (mut inputs, mut outputs) = (make(inputs), make(outputs));
        fill(&mut inputs, block.signal);
        outputs.iter_mut().for_each(BusBuffer::fill_with_canary);
        if block.in_place {
            for (input, output) in inputs.iter().zip(&mut outputs) {
                if shares_memory(input, output) {
                    output.clone_from(input);
                }
            }
        }
        let given = inputs.clone();
        Self { num_samples: block.num_samples, inputs, given, outputs, in_place: block.in_place }
    }

    /// Returns the arguments of the process call for either format; valid while `self`
    /// is unchanged.
    pub(crate) fn call(&mut self) -> RawCall {
        let mut outputs: Vec<_> = self.outputs.iter_mut().map(raw).collect();
        let mut inputs: Vec<_> = self.inputs.iter_mut().map(raw).collect();
        if self.in_place {
            let pairs =
                self.inputs.iter().zip(&self.outputs).zip(inputs.iter_mut().zip(&mut outputs));
            for ((input, output), (raw_input, raw_output)) in pairs {
                if shares_memory(input, output) {
                    raw_input.channels.clone_from(&raw_output.channels);
                }
            }
        }
        RawCall { num_samples: self.num_samples, time: None, inputs, outputs }
    }

    /// Returns an error that describes the plugin's first invalid access to the buffers.
    pub(crate) fn check(&self) -> Result<()> {
        let carries_audio = self.num_samples > 0 && self.has_channels();
        for (bus, (input, given)) in self.inputs.iter().zip(&self.given).enumerate() {
            if let Some((channel, sample)) = input.first_difference(given) {
                bail!("the plugin writes to input bus {bus}, channel {channel}, sample {sample}");
            }
        }
        for (bus, output) in self.outputs.iter().enumerate() {
            let found = |what, place: Option<(usize, usize)>| match place {
                Some((channel, sample)) => {
                    bail!("{what} output bus {bus}, channel {channel}, sample {sample}")
                }
                None => Ok(()),
            };
            found("the plugin writes past the end of the block in", output.first_overrun())?;
            if output.state.has_memory() && carries_audio {
                found(
                    "the plugin leaves a sample unwritten in",
                    output.first_unwritten(self.num_samples),
                )?;
                found(
                    "the plugin writes a value that is not finite to",
                    output.first_non_finite(self.num_samples),
                )?;
                found(
                    "the plugin writes a subnormal value to",
                    output.first_subnormal(self.num_samples),
                )?;
            }
        }
        Ok(())
    }

    /// Returns true if the block has any channel; without one it carries only parameters.
    fn has_channels(&self) -> bool {
        self.inputs.iter().chain(&self.outputs).any(|bus| bus.num_channels() > 0)
    }
}

/// Returns true if an input and an output use the same memory in place.
fn shares_memory(input: &BusBuffer, output: &BusBuffer) -> bool {
    let have_memory = input.state.has_memory() && output.state.has_memory();
    have_memory && input.num_channels() == output.num_channels()
}

fn raw(buffer: &mut BusBuffer) -> RawBus {
    let num_channels = u32::try_from(buffer.num_channels()).unwrap_or(0);
    let channels = match buffer.state {
        BusState::NullArray => None,
        state if state.has_memory() => Some(buffer.channel_pointers()),
        _ => Some(vec![std::ptr::null_mut(); buffer.num_channels()]),
    };
    RawBus { num_channels, channels, silence: 0 }
}

fn fill(buses: &mut [BusBuffer], signal: Signal) {
    let mut random = match signal {
        Signal::Constant(value) => return buses.iter_mut().for_each(|bus| bus.fill(value)),
        Signal::Noise { seed, .. } | Signal::AnyBits(seed) => Randomness::new(seed),
    };
    for bus in buses {
        for channel in 0..bus.num_channels() {
            for sample in bus.channel_mut(channel) {
                let bits = random.next();
                #[allow(clippy::cast_possible_truncation, reason = "any half of it will do")]
                let bits = bits as u32;
                *sample = match signal {
                    Signal::Noise { gain, .. } => gain * (bits as f32 / u32::MAX as f32 - 0.5),
                    _ => f32::from_bits(bits),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(in_place: bool) -> Block {
        Block {
            num_samples: 8,
            buses: Buses::OwnWithout { inputs: 2, outputs: 0, array: false },
            signal: Signal::Constant(0.5),
            changes: Vec::new(),
            transport: None,
            in_place,
            renders: false,
        }
    }

    /// Writes to a channel of the first output or input bus.
    #[allow(unsafe_code, reason = "as a plugin does it")]
    fn written(audio: &mut Audio, is_input: bool, sample: usize, value: f32) {
        let call = audio.call();
        let buses = if is_input { &call.inputs } else { &call.outputs };
        let channel = buses[0].channels.as_ref().unwrap()[0];
        // SAFETY: inside the buffer or its guard.
        unsafe { channel.add(sample).write(value) };
    }

    fn error(audio: &Audio) -> String {
        audio.check().unwrap_err().to_string()
    }

    #[test]
    fn what_a_plugin_must_not_do_is_found() {
        let mut audio = Audio::new(&block(false), &[1, 1], &[1]);
        assert!(error(&audio).contains("unwritten in output bus 0, channel 0, sample 0"));
        let fill = |audio: &mut Audio| (0..8).for_each(|sample| written(audio, false, sample, 0.1));
        fill(&mut audio);
        audio.check().unwrap();
        written(&mut audio, false, 3, f32::INFINITY);
        assert!(error(&audio).contains("not finite to output bus 0, channel 0, sample 3"));
        written(&mut audio, false, 3, 1e-40);
        assert!(error(&audio).contains("subnormal value to output bus 0, channel 0, sample 3"));
        fill(&mut audio);
        written(&mut audio, true, 5, 0.1);
        assert!(error(&audio).contains("writes to input bus 0, channel 0, sample 5"));
        let mut audio = Audio::new(&block(false), &[1, 1], &[1]);
        fill(&mut audio);
        written(&mut audio, false, 8, 0.1);
        assert!(
            error(&audio)
                .contains("past the end of the block in output bus 0, channel 0, sample 8")
        );
    }

    #[test]
    fn memory_is_missing_or_shared_as_the_block_says() {
        let mut audio = Audio::new(&block(true), &[1, 1], &[1, 1]);
        let call = audio.call();
        assert_eq!(call.inputs[0].channels, call.outputs[0].channels);
        assert_eq!(call.inputs[1].channels, Some(vec![std::ptr::null_mut()]));
        assert_ne!(call.outputs[1].channels, Some(vec![std::ptr::null_mut()]));
        // Before processing, the shared output holds the input.
        assert!(error(&audio).contains("unwritten in output bus 1"));
    }
}
