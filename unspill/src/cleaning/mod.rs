//! Offline runs of the engine, block by block, over mics from files or memory.

mod method;
pub mod model;
mod source;
mod taught;

pub use method::{Method, mode_name, parse_mode};
pub use source::{MicSource, Signals};
pub use taught::Taught;

use anyhow::{Context, Result};
use engine::network::Model;
use engine::pipeline::Pipeline;
use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use std::time::{Duration, Instant};

/// Samples per block; results do not depend on it.
const BLOCK_SAMPLES: usize = 4_096;

/// Settings of a cleaning run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Method that finds the bleed.
    pub method: Method,
    /// Network model, for methods that use one.
    pub model: Option<Model>,
    /// Mode of the engine, which decides its lookahead.
    pub mode: Mode,
    /// Groups, roles, amounts and floors by mono mic.
    pub controls: Controls,
}

/// Figures of a finished cleaning run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Latency of the engine in samples, already removed from the output.
    pub latency_samples: usize,
    /// Number of learning passes over the session before it was cleaned.
    pub learning_passes: usize,
    /// Time from the creation of the engine's pipeline to the last sample of the output.
    pub elapsed: Duration,
}

/// Observer of a run that may end it.
pub trait Watch {
    /// Called after every block with the samples processed so far and in total, over all passes.
    ///
    /// # Errors
    ///
    /// Returns an error to end the run with it.
    fn advance(&mut self, done_samples: u64, all_samples: u64) -> Result<()>;
}

/// [`Watch`] that never ends a run.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn advance(&mut self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}

/// Cleans all of `source` and passes the result on in blocks: `take(dry, clean)`.
///
/// # Shapes
///
/// Both are `[mic][sample]`, aligned with each other: `dry` as read, `clean` without the engine's
/// latency. All blocks together are exactly as long as the source.
///
/// # Errors
///
/// Returns an error if reading, the engine, `take` or `watch` fails.
pub fn clean(
    source: &mut dyn MicSource,
    setup: &Setup,
    watch: &mut dyn Watch,
    mut take: impl FnMut(&[&[f32]], &[&[f32]]) -> Result<()>,
) -> Result<Outcome> {
    let num_mics = source.num_mics();
    let num_samples = source.num_samples();
    let rate = SampleRate::new(source.rate_hz() as f32).context("unsupported sample rate")?;
    let started = Instant::now();
    let mut pipeline = setup.method.pipeline(rate, setup.mode, num_mics, setup.model.as_ref())?;
    let passes = pipeline.learning_passes();
    let mut progress = Progress { watch, done: 0, all: num_samples * (passes as u64 + 1) };
    for _ in 0..passes {
        learn(&mut pipeline, source, &setup.controls, &mut progress)?;
        source.rewind()?;
    }
    let config = SessionConfig {
        rate,
        num_mics,
        mode: setup.mode,
        pace: Pace::Offline,
        max_block_samples: BLOCK_SAMPLES,
    };
    let mut session =
        Session::prepare(&config, &setup.controls, SessionMethod::Pipeline(Box::new(pipeline)))
            .context("could not start the engine")?;
    let latency_samples = session.latency_samples();
    // The last `latency` samples read, which align the dry blocks with the clean ones.
    let mut waiting = vec![Vec::with_capacity(latency_samples + BLOCK_SAMPLES); num_mics];
    let mut blocks = vec![vec![0.0_f32; BLOCK_SAMPLES]; num_mics];
    let mut to_drop = latency_samples;
    let mut to_give = num_samples;
    let mut at_end = false;
    while to_give > 0 {
        let mut length = BLOCK_SAMPLES;
        let mut slices: Vec<&mut [f32]> = blocks.iter_mut().map(Vec::as_mut_slice).collect();
        if at_end {
            // Silence flushes the engine's latency.
            slices.iter_mut().for_each(|slice| slice.fill(0.0));
        } else {
            length = source.read(&mut slices)?;
            at_end = length < BLOCK_SAMPLES;
            for (past, slice) in waiting.iter_mut().zip(&slices) {
                past.extend_from_slice(&slice[..length]);
            }
            if length == 0 {
                continue;
            }
        }
        let mut slices: Vec<&mut [f32]> =
            blocks.iter_mut().map(|block| &mut block[..length]).collect();
        session.process(&mut slices).context("the engine could not process a block")?;
        let dropped = to_drop.min(length);
        to_drop -= dropped;
        let given = usize::try_from(to_give).unwrap_or(usize::MAX).min(length - dropped);
        if given > 0 {
            let dry: Vec<&[f32]> = waiting.iter().map(|past| &past[..given]).collect();
            let wet: Vec<&[f32]> =
                blocks.iter().map(|block| &block[dropped..dropped + given]).collect();
            take(&dry, &wet)?;
            waiting.iter_mut().for_each(|past| drop(past.drain(..given)));
            to_give -= given as u64;
            progress.advance(given)?;
        }
    }
    Ok(Outcome { latency_samples, learning_passes: passes, elapsed: started.elapsed() })
}

/// Runs one learning pass over the whole source.
fn learn(
    pipeline: &mut Pipeline,
    source: &mut dyn MicSource,
    controls: &Controls,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let hop_samples = pipeline.geometry().hop_samples();
    let mut hop = vec![0.0; source.num_mics() * hop_samples];
    loop {
        hop.fill(0.0);
        let mut slices: Vec<&mut [f32]> = hop.chunks_mut(hop_samples).collect();
        let length = source.read(&mut slices)?;
        if length > 0 {
            pipeline.learn_hop(&hop, controls);
            progress.advance(length)?;
        }
        if length < hop_samples {
            break;
        }
    }
    pipeline.end_learning_pass();
    Ok(())
}

struct Progress<'a> {
    watch: &'a mut dyn Watch,
    done: u64,
    all: u64,
}

impl Progress<'_> {
    fn advance(&mut self, num_samples: usize) -> Result<()> {
        self.done += num_samples as u64;
        self.watch.advance(self.done, self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_signals::Noise;

    fn noise(num_mics: u32, num_samples: usize) -> Vec<Vec<f32>> {
        (0..num_mics).map(|seed| Noise::new(seed).samples(num_samples, 0.2)).collect()
    }

    fn setup(method: &str, amount: f32) -> Setup {
        let controls = Controls { global_amount: amount, ..Controls::default() };
        Setup { method: method.parse().unwrap(), model: None, mode: Mode::Live, controls }
    }

    #[test]
    fn every_length_comes_out_whole_and_aligned() {
        for num_samples in [1, 700, 4_095, 4_096, 4_097, 30_000] {
            let mics = noise(3, num_samples);
            let mut source = Signals::new(&mics, 44_100);
            let mut heard = vec![Vec::new(); 3];
            let outcome = clean(&mut source, &setup("ratio", 0.0), &mut Unwatched, |dry, wet| {
                for (mic, (d, w)) in dry.iter().zip(wet).enumerate() {
                    // Amount 0 removes nothing: both must be equal sample by sample.
                    assert_eq!(d, w);
                    heard[mic].extend_from_slice(w);
                }
                Ok(())
            });
            assert!(outcome.unwrap().latency_samples > 0);
            assert_eq!(heard, mics, "{num_samples} samples");
        }
    }

    #[test]
    fn the_watch_sees_progress_to_the_end_and_can_stop() {
        struct Until(u64, Vec<u64>);
        impl Watch for Until {
            fn advance(&mut self, done: u64, all: u64) -> Result<()> {
                assert_eq!(all, 20_000);
                self.1.push(done);
                anyhow::ensure!(done < self.0, "stopped");
                Ok(())
            }
        }
        let mics = noise(2, 20_000);
        let run = |until: &mut Until| {
            clean(&mut Signals::new(&mics, 48_000), &setup("ratio", 1.0), until, |_, _| Ok(()))
        };
        let mut to_end = Until(u64::MAX, Vec::new());
        run(&mut to_end).unwrap();
        assert_eq!(to_end.1.last(), Some(&20_000));
        assert!(to_end.1.is_sorted());
        let mut early = Until(5_000, Vec::new());
        assert_eq!(run(&mut early).unwrap_err().to_string(), "stopped");
        assert!(early.1.last().is_some_and(|&done| done < 12_000));
    }

    #[test]
    fn rates_beyond_the_engine_are_refused() {
        let mics = noise(2, 100);
        let mut source = Signals::new(&mics, 400_000);
        let error = clean(&mut source, &setup("ratio", 1.0), &mut Unwatched, |_, _| Ok(()));
        assert!(format!("{:#}", error.unwrap_err()).contains("400000 Hz"));
    }
}
