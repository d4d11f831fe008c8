//! Plays the mics of a session through a plugin.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::buffers::{BusBuffer, BusState};
use crate::bundle::Bundle;
use crate::linked::{LinkedPlay, render_linked};
use crate::model::{AudioConfig, Direction, RenderMode};
use crate::pattern::BlockPattern;
use crate::plugin::{Activation, Plugin, ProcessOptions};
use crate::shape::{Class, Shape};
use crate::timings::Timings;

/// Largest number of restarts in a row that a plugin may request.
const MAX_RESTARTS: usize = 3;

/// Treatment of the buses that no mic uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusedBuses {
    /// They carry zeros.
    Zeros,
    /// They carry zeros and are flagged as silent.
    Silent,
    /// They are inactive and have this form.
    Inactive(BusState),
    /// Those after the last used bus are missing from the call; the others are inactive with null
    /// channel pointers.
    Missing,
}

/// The settings of a playback through a plugin.
#[derive(Clone, Debug)]
pub struct RenderJob {
    /// Class of the plugin.
    pub class: Class,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Channels of each mic: 1 for mono, 2 for stereo.
    pub mics: Vec<usize>,
    /// Input channel of each mono mic, counted over all buses; by default the first ones.
    pub slots: Option<Vec<usize>>,
    /// Lengths of the blocks.
    pub pattern: BlockPattern,
    /// Playback or bounce.
    pub mode: RenderMode,
    /// Largest speed as a multiple of real time; `None` for no limit.
    pub pace: Option<f64>,
    /// True if inputs and outputs share memory.
    pub in_place: bool,
    /// Treatment of buses without a mic.
    pub unused: UnusedBuses,
    /// Calls of the tracks of [`Class::Link`].
    pub linked: LinkedPlay,
    /// Parameters to set before activation: name or id, and the value as a text.
    pub params: Vec<(String, String)>,
}

impl RenderJob {
    /// Creates an offline bounce of mono mics in blocks of 512, with the simplest other settings.
    #[must_use]
    pub fn new(class: Class, rate_hz: u32, num_mics: usize) -> Self {
        Self {
            class,
            rate_hz,
            mics: vec![1; num_mics],
            slots: None,
            pattern: BlockPattern::Fixed(512),
            mode: RenderMode::Offline,
            pace: None,
            in_place: false,
            unused: UnusedBuses::Zeros,
            linked: LinkedPlay::default(),
            params: Vec::new(),
        }
    }
}

/// The result of a rendering.
#[derive(Clone, Debug)]
pub struct RenderResult {
    /// Signals `[mic][sample]` of the mono mics that have an output, aligned with the input and of
    /// the same length.
    pub outputs: Vec<Vec<f32>>,
    /// Report of [`render_stream`].
    pub report: RenderReport,
}

/// Latency and cost of a rendering.
#[derive(Clone, Debug)]
pub struct RenderReport {
    /// Latency around the activation; the final one has been removed from the outputs.
    pub activation: Activation,
    /// Cost of each process call.
    pub timings: Timings,
}

/// Plays `mics` (`[mic][sample]`, mono, of one length) through the plugin.
///
/// # Errors
///
/// The faults found by [`Plugin::process`], a latency that changes while playing, and a plugin that
/// keeps requesting restarts.
pub fn render(bundle: &Bundle, job: &RenderJob, mics: &[&[f32]]) -> Result<RenderResult> {
    let num_samples = mics.first().map_or(0, |mic| mic.len());
    ensure!(mics.iter().all(|mic| mic.len() == num_samples), "mics of different lengths");
    let mut outputs = Vec::new();
    let mut position = 0;
    let source = |blocks: &mut [&mut [f32]]| {
        let wanted = blocks.first().map_or(0, |block| block.len());
        let count = wanted.min(num_samples - position);
        for (block, mic) in blocks.iter_mut().zip(mics) {
            block[..count].copy_from_slice(&mic[position..position + count]);
        }
        position += count;
        Ok(count)
    };
    let sink = |blocks: &[&[f32]]| {
        outputs.resize_with(blocks.len(), || Vec::with_capacity(num_samples));
        for (output, block) in outputs.iter_mut().zip(blocks) {
            output.extend_from_slice(block);
        }
        Ok(())
    };
    let report = render_stream(bundle, job, source, sink)?;
    Ok(RenderResult { outputs, report })
}

/// Plays the samples of `source` through the plugin and passes the result to `sink`, block
/// by block.
///
/// [`Class::Link`] has one instance per entry of [`RenderJob::mics`], each with all parameters.
///
/// `source` fills one slice per mono mic and returns the number of samples, which is smaller than
/// requested only at the end. `sink` receives one slice per mono mic that has an output. Its
/// samples are aligned with the input and equal in number.
///
/// # Errors
///
/// The errors of [`render`], of `source` and of `sink`.
pub fn render_stream(
    bundle: &Bundle,
    job: &RenderJob,
    source: impl FnMut(&mut [&mut [f32]]) -> Result<usize>,
    sink: impl FnMut(&[&[f32]]) -> Result<()>,
) -> Result<RenderReport> {
    if job.class == Class::Link {
        return render_linked(bundle, job, source, sink);
    }
    let plugin = bundle.instantiate(bundle.class_named(job.class.name())?)?;
    play_through(job, plugin, source, sink)
}

fn play_through(
    job: &RenderJob,
    mut plugin: Plugin,
    source: impl FnMut(&mut [&mut [f32]]) -> Result<usize>,
    sink: impl FnMut(&[&[f32]]) -> Result<()>,
) -> Result<RenderReport> {
    let wiring = Wiring::new(job)?;
    prepare(job, &wiring, &mut plugin)?;
    let config = AudioConfig {
        rate_hz: f64::from(job.rate_hz),
        max_block_samples: job.pattern.max_block_samples(),
        mode: job.mode,
    };
    let activation = activate(&mut plugin, config)?;
    let timings = play(job, &wiring, &mut plugin, activation.latency_samples, source, sink)?;
    let latency_samples = plugin.latency_samples()?;
    ensure!(
        latency_samples == activation.latency_samples,
        "the plugin changed its latency from {} to {latency_samples} samples while playing",
        activation.latency_samples
    );
    plugin.deactivate()?;
    Ok(RenderReport { activation, timings })
}

/// The bus and channel of every mic.
struct Wiring {
    shape: Shape,
    /// Bus and channel of each mono mic.
    inputs: Vec<(usize, usize)>,
    /// Bus and channel of each mono mic that has an output; mics without one come last.
    outputs: Vec<(usize, usize)>,
}

impl Wiring {
    fn new(job: &RenderJob) -> Result<Self> {
        let num_mics: usize = job.mics.iter().sum();
        let slots = job.slots.clone().unwrap_or_else(|| (0..num_mics).collect());
        ensure!(slots.len() == num_mics, "{num_mics} mono mics, but {} slots", slots.len());
        let shape = job.class.shape_for(&job.mics)?;
        let place = |buses: &[usize], slot| {
            Shape::place(buses, slot).with_context(|| format!("no channel {slot}"))
        };
        let inputs = slots.iter().map(|&slot| place(&shape.inputs, slot)).collect::<Result<_>>()?;
        let outputs = slots.iter().map_while(|&slot| Shape::place(&shape.outputs, slot)).collect();
        Ok(Self { shape, inputs, outputs })
    }

    /// Returns buffers for the buses of one direction, in the states that the job specifies.
    fn buffers(&self, job: &RenderJob, direction: Direction) -> Vec<BusBuffer> {
        let (channels, used) = match direction {
            Direction::Input => (&self.shape.inputs, &self.inputs),
            Direction::Output => (&self.shape.outputs, &self.outputs),
        };
        let is_used = |bus| used.iter().any(|&(used, _)| used == bus);
        let num_present = match job.unused {
            UnusedBuses::Missing => 1 + used.iter().map(|&(bus, _)| bus).max().unwrap_or(0),
            _ => channels.len(),
        };
        channels[..num_present]
            .iter()
            .enumerate()
            .map(|(bus, &num_channels)| {
                let mut buffer = BusBuffer::new(num_channels, job.pattern.max_block_samples());
                if !is_used(bus) {
                    buffer.state = match (job.unused, direction) {
                        (UnusedBuses::Silent, Direction::Input) => BusState::Silent,
                        (UnusedBuses::Zeros | UnusedBuses::Silent, _) => BusState::Connected,
                        (UnusedBuses::Inactive(state), _) => state,
                        (UnusedBuses::Missing, _) => BusState::NullChannels,
                    };
                }
                buffer
            })
            .collect()
    }
}

/// Selects channels, activates buses and sets parameters: the steps before activation.
fn prepare(job: &RenderJob, wiring: &Wiring, plugin: &mut Plugin) -> Result<()> {
    plugin.select_channels(&wiring.shape.inputs, &wiring.shape.outputs)?;
    for direction in [Direction::Input, Direction::Output] {
        let buffers = wiring.buffers(job, direction);
        for bus in 0..plugin.buses(direction)?.len() {
            let active = buffers.get(bus).is_some_and(|buffer| buffer.state.has_memory());
            plugin.set_bus_active(direction, bus, active)?;
        }
    }
    for (name, text) in &job.params {
        let param = plugin.param(name)?;
        plugin.set_param_text(param.id, text)?;
    }
    Ok(())
}

/// Activates, and again as long as the plugin requests restarts, as hosts do.
pub(crate) fn activate(plugin: &mut Plugin, config: AudioConfig) -> Result<Activation> {
    let first = plugin.activate(config)?;
    let mut activation = first;
    for _ in 0..MAX_RESTARTS {
        plugin.idle();
        if !plugin.take_requests().restart {
            activation.before_samples = first.before_samples;
            return Ok(activation);
        }
        plugin.deactivate()?;
        activation = plugin.activate(config)?;
    }
    bail!("the plugin requested a restart {MAX_RESTARTS} times in a row")
}

fn play(
    job: &RenderJob,
    wiring: &Wiring,
    plugin: &mut Plugin,
    latency_samples: usize,
    mut source: impl FnMut(&mut [&mut [f32]]) -> Result<usize>,
    mut sink: impl FnMut(&[&[f32]]) -> Result<()>,
) -> Result<Timings> {
    let mut inputs = wiring.buffers(job, Direction::Input);
    let mut outputs = wiring.buffers(job, Direction::Output);
    let max_block_samples = job.pattern.max_block_samples();
    let mut mics = vec![vec![0.0; max_block_samples]; wiring.inputs.len()];
    let mut timings = Timings::new(f64::from(job.rate_hz));
    let mut clock = Clock::start(job.rate_hz, job.pace);
    let (mut num_in, mut num_processed, mut ended) = (0_usize, 0_usize, false);

    for length in job.pattern.lengths() {
        // Each input sample comes out `latency_samples` later.
        let num_left = (num_in + latency_samples).saturating_sub(num_processed);
        if ended && num_left == 0 {
            break;
        }
        let num_samples = if ended { length.min(num_left) } else { length };
        let mut slices: Vec<&mut [f32]> =
            mics.iter_mut().map(|mic| &mut mic[..num_samples]).collect();
        let count = if ended { 0 } else { source(&mut slices)? };
        if count < num_samples {
            ended = true;
            slices.iter_mut().for_each(|mic| mic[count..].fill(0.0));
        }
        num_in += count;
        // At the end, the last block is only as long as the remaining samples.
        let num_left = num_in + latency_samples - num_processed;
        let num_samples = if ended { num_samples.min(num_left) } else { num_samples };
        if num_samples == 0 {
            break;
        }
        for (mic, &(bus, channel)) in mics.iter().zip(&wiring.inputs) {
            inputs[bus].channel_mut(channel)[..num_samples].copy_from_slice(&mic[..num_samples]);
        }

        clock.wait_for(num_processed);
        let options = ProcessOptions { in_place: job.in_place, time: None };
        let elapsed = plugin.process(&mut inputs, &mut outputs, num_samples, options)?;
        timings.push(num_samples, elapsed);
        plugin.idle();

        let skipped = latency_samples.saturating_sub(num_processed).min(num_samples);
        if skipped < num_samples {
            let slices: Vec<&[f32]> = wiring
                .outputs
                .iter()
                .map(|&(bus, channel)| &outputs[bus].channel(channel)[skipped..num_samples])
                .collect();
            sink(&slices)?;
        }
        num_processed += num_samples;
    }
    Ok(timings)
}

/// Delays blocks to limit the speed.
pub(crate) struct Clock {
    start: Instant,
    samples_per_s: Option<f64>,
}

impl Clock {
    /// Starts the clock; `pace` is the largest multiple of real time.
    pub(crate) fn start(rate_hz: u32, pace: Option<f64>) -> Self {
        let samples_per_s = pace.map(|pace| pace * f64::from(rate_hz));
        Self { start: Instant::now(), samples_per_s }
    }

    /// Waits until the sample at this position is due.
    pub(crate) fn wait_for(&mut self, position_samples: usize) {
        let Some(samples_per_s) = self.samples_per_s else { return };
        let due = Duration::from_secs_f64(position_samples as f64 / samples_per_s);
        std::thread::sleep(due.saturating_sub(self.start.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    /// Plays ramps through a fake plugin and returns the outputs.
    fn played(job: &RenderJob, fake: Fake, num_samples: usize) -> Result<Vec<Vec<f32>>> {
        let num_mics: usize = job.mics.iter().sum();
        let mut position = 0;
        let mut outputs = vec![Vec::new(); num_mics];
        play_through(
            job,
            fake.into_plugin(),
            |blocks| {
                let count = blocks[0].len().min(num_samples - position);
                for (mic, block) in blocks.iter_mut().enumerate() {
                    for (index, sample) in block[..count].iter_mut().enumerate() {
                        *sample = value(mic, position + index);
                    }
                }
                position += count;
                Ok(count)
            },
            |blocks| {
                for (output, block) in outputs.iter_mut().zip(blocks) {
                    output.extend_from_slice(block);
                }
                Ok(())
            },
        )?;
        Ok(outputs)
    }

    fn value(mic: usize, sample: usize) -> f32 {
        (mic * 10_000 + sample) as f32
    }

    #[test]
    fn the_latency_is_removed_and_every_sample_comes_out_once() {
        for latency_samples in [0, 1, 31, 100, 5_000] {
            for pattern in [
                BlockPattern::Fixed(1),
                BlockPattern::Fixed(64),
                BlockPattern::Fixed(2_000),
                BlockPattern::Random { max_block_samples: 300, seed: 3 },
            ] {
                for num_samples in [1, 64, 777] {
                    let mut job = RenderJob::new(Class::Eight, 48_000, 3);
                    job.pattern = pattern;
                    let outputs =
                        played(&job, Fake::delay(8, latency_samples), num_samples).unwrap();
                    for (mic, output) in outputs.iter().enumerate() {
                        let expected: Vec<f32> =
                            (0..num_samples).map(|sample| value(mic, sample)).collect();
                        assert_eq!(*output, expected, "{latency_samples} {pattern:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn mics_can_sit_in_any_slot_with_any_kind_of_unused_bus() {
        for unused in [
            UnusedBuses::Zeros,
            UnusedBuses::Silent,
            UnusedBuses::Inactive(BusState::NullArray),
            UnusedBuses::Missing,
        ] {
            let mut job = RenderJob::new(Class::Eight, 48_000, 2);
            job.slots = Some(vec![1, 4]);
            job.unused = unused;
            let outputs = played(&job, Fake::delay(8, 10), 100).unwrap();
            assert_eq!(outputs[1][99], value(1, 99), "{unused:?}");
        }
    }

    #[test]
    fn a_latency_that_changes_while_playing_is_found() {
        let mut lying = Fake::delay(8, 10);
        lying.latency_samples = 11;
        let job = RenderJob::new(Class::Eight, 48_000, 2);
        let outputs = played(&job, lying, 100).unwrap();
        assert_ne!(outputs[0][0], value(0, 0));
        let shared = std::rc::Rc::new(std::cell::Cell::new(10));
        let mut inner = Fake::delay(8, 10);
        let (mut process, seen) = (inner.process, std::rc::Rc::clone(&shared));
        inner.process = Box::new(move |call| {
            seen.set(20);
            process(call)
        });
        inner.shared_latency = Some(shared);
        let error = played(&job, inner, 100).unwrap_err().to_string();
        assert!(error.contains("changed its latency from 10 to 20"), "{error}");
    }

    #[test]
    fn a_plugin_may_ask_for_one_restart_but_not_for_ever() {
        let job = RenderJob::new(Class::Eight, 48_000, 2);
        let mut once = Fake::delay(8, 0);
        once.restarts = 1;
        assert!(played(&job, once, 10).is_ok());
        let mut forever = Fake::delay(8, 0);
        forever.restarts = usize::MAX;
        let error = played(&job, forever, 10).unwrap_err().to_string();
        assert!(error.contains("times in a row"), "{error}");
    }

    #[test]
    fn a_pace_holds_blocks_back() {
        let mut job = RenderJob::new(Class::Eight, 48_000, 2);
        job.pace = Some(4.0);
        let start = Instant::now();
        played(&job, Fake::delay(8, 0), 9_600).unwrap();
        // 9600 samples are 200 ms, or 50 ms at this pace; the last block starts earlier.
        assert!(start.elapsed() > Duration::from_millis(45), "{:?}", start.elapsed());
    }
}
