//! Behaviour of the session as a whole.

mod controls;
mod late;
mod learning;
mod promises;

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::*;
use crate::debleed::{Debleed, Hop, Ratio};
use crate::stft::{Geometry, Spectrum};
use crate::{Listen, MAX_MICS};

/// Longest wait of all tests.
const PATIENCE: Duration = Duration::from_secs(60);

const HOP: usize = 512;
const LATENCY: usize = 2048;
/// Latency of the pipeline in [`Mode::Live`] at 48 kHz, in samples.
const PIPELINE_LATENCY: usize = 512;

fn rate(rate_hz: f32) -> SampleRate {
    SampleRate::new(rate_hz).unwrap()
}

fn config(num_mics: usize, pace: Pace) -> SessionConfig {
    SessionConfig { rate: rate(48_000.0), num_mics, mode: Mode::Live, pace, max_block_samples: 64 }
}

fn ratio() -> Box<dyn Debleed> {
    Box::new(Ratio::new(rate(48_000.0), Mode::Live))
}

/// Returns an offline session with the ratio mask at 48 kHz.
fn offline(num_mics: usize, controls: &Controls) -> Session {
    Session::prepare(&config(num_mics, Pace::Offline), controls, SessionMethod::Any(ratio()))
        .unwrap()
}

fn listening(listen: Listen) -> Controls {
    let mut controls = Controls::default();
    for mic in &mut controls.mics {
        mic.listen = listen;
    }
    controls
}

/// Returns noise: each mic has its own of peak 0.5, and a fifth of the previous mic's.
fn noise(num_mics: usize, num_samples: usize) -> Vec<Vec<f32>> {
    let alone: Vec<Vec<f32>> = (0..num_mics)
        .map(|mic| {
            let mut random = Random::new(mic + 1);
            // The level changes between stretches, so that the masks change too.
            (0..num_samples)
                .map(|n| (random.unit() - 0.5) / (1 + (n / 1000 + mic) % 4) as f32)
                .collect()
        })
        .collect();
    (0..num_mics)
        .map(|mic| {
            let neighbour = &alone[(mic + num_mics - 1) % num_mics];
            alone[mic].iter().zip(neighbour).map(|(own, other)| own + 0.2 * other).collect()
        })
        .collect()
}

/// Returns two low tones that bleed into each other. They are smooth, so a click would stand out.
fn tones(num_samples: usize) -> Vec<Vec<f32>> {
    let tone = |n: usize, hz: f32| (std::f32::consts::TAU * hz * n as f32 / 48_000.0).sin() * 0.4;
    let sum = |n, own, other| tone(n, own) + 0.6 * tone(n, other);
    [(140.0, 205.0), (205.0, 140.0)]
        .map(|(own, other)| (0..num_samples).map(|n| sum(n, own, other)).collect())
        .to_vec()
}

/// Pseudo-random numbers (xorshift), the same in every run.
struct Random(u32);

impl Random {
    fn new(seed: usize) -> Self {
        Self(u32::try_from(seed).unwrap().wrapping_mul(2_654_435_761).max(1))
    }

    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// Returns a number from 0 to 1.
    fn unit(&mut self) -> f32 {
        self.bits() as f32 / u32::MAX as f32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.bits() as usize % limit
    }
}

/// Processes the next `samples` of `input` and appends the output.
fn process(session: &mut Session, input: &[Vec<f32>], samples: usize, output: &mut [Vec<f32>]) {
    let start = output[0].len();
    let mut block: Vec<Vec<f32>> =
        input.iter().map(|mic| mic[start..start + samples].to_vec()).collect();
    let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
    for (output, block) in output.iter_mut().zip(block) {
        output.extend(block);
    }
}

/// Waits until `stats` counts `hops`. Panics after [`PATIENCE`], or if the worker fails.
fn wait_for_hops(stats: &SessionStats, hops: u64) {
    let since = Instant::now();
    while stats.hops() < hops {
        assert!(since.elapsed() < PATIENCE, "{} of {hops} hops", stats.hops());
        assert!(!stats.worker_failed(), "the worker failed");
        std::thread::yield_now();
    }
}

/// Processes all of `input` in blocks of the lengths that `next_block` returns, with control
/// changes at fixed samples. In real time it waits for the worker after every block, so that no hop
/// is late.
fn run(
    session: &mut Session,
    input: &[Vec<f32>],
    changes: &[(usize, Controls)],
    mut next_block: impl FnMut() -> usize,
) -> Vec<Vec<f32>> {
    let (stats, num_samples) = (session.stats(), input[0].len());
    let already = stats.hops();
    let mut output = vec![Vec::new(); input.len()];
    let mut changes = changes.iter().peekable();
    let mut position = 0;
    while position < num_samples {
        while let Some((_, controls)) = changes.next_if(|(at, _)| *at == position) {
            session.set_controls(controls);
        }
        let limit = changes.peek().map_or(num_samples, |(at, _)| *at);
        let samples = next_block().min(limit - position);
        process(session, input, samples, &mut output);
        position += samples;
        if session.pace == Pace::Realtime {
            wait_for_hops(&stats, already + (position / session.hop_samples) as u64);
        }
    }
    output
}

/// Returns the largest difference between two signals.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Returns the largest step from one sample to the next.
fn largest_step(signal: &[f32]) -> f32 {
    signal.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// Returns `signal` delayed by `latency` samples, with its original length.
fn delayed(signal: &[f32], latency: usize) -> Vec<f32> {
    let silence = std::iter::repeat_n(0.0, latency);
    silence.chain(signal.iter().copied()).take(signal.len()).collect()
}

/// Processing of one hop by a test method.
trait Step: Send + std::fmt::Debug {
    fn step(&mut self, hop: &Hop<'_>, removed: &mut Spectrum);
}

/// Method that runs a [`Step`] on the live mode's transform, with some hops of lookahead.
#[derive(Debug)]
struct Method<S: Step> {
    step: S,
    lookahead_hops: usize,
}

impl<S: Step> Method<S> {
    fn new(step: S) -> Self {
        Self { step, lookahead_hops: 0 }
    }
}

impl<S: Step> Debleed for Method<S> {
    fn geometry(&self) -> Geometry {
        Mode::Live.geometry(rate(48_000.0))
    }

    fn lookahead_hops(&self) -> usize {
        self.lookahead_hops
    }

    fn learning_passes(&self) -> usize {
        0
    }

    fn learn_hop(&mut self, _spectrum: &Spectrum, _controls: &Controls) {}

    fn end_learning_pass(&mut self) {}

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        self.step.step(hop, removed);
    }

    fn reset(&mut self) {}
}

/// Ratio mask that waits for a permit before each hop, until the gate is dropped.
#[derive(Debug)]
struct Gated {
    ratio: Ratio,
    permits: Receiver<()>,
    begun: Arc<AtomicUsize>,
}

impl Step for Gated {
    fn step(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        self.begun.fetch_add(1, Ordering::Release);
        // An error means that the gate was dropped.
        let _ = self.permits.recv();
        self.ratio.process_hop(hop, removed);
    }
}

/// Gate that lets a [`Gated`] worker process one hop per permit.
struct Gate {
    permits: Sender<()>,
    begun: Arc<AtomicUsize>,
}

impl Gate {
    fn permit(&self, hops: usize) {
        for _ in 0..hops {
            self.permits.send(()).unwrap();
        }
    }

    /// Waits until the worker has begun this number of hops. It then waits at the gate with
    /// the last.
    fn wait_for_begun(&self, hops: usize) {
        let since = Instant::now();
        while self.begun.load(Ordering::Acquire) < hops {
            assert!(since.elapsed() < PATIENCE, "hop {hops} never begins");
            std::thread::yield_now();
        }
    }
}

/// Returns a session whose worker processes only the hops that the gate permits.
fn gated(num_mics: usize, pace: Pace, controls: &Controls) -> (Session, Gate) {
    let (sender, permits) = channel();
    let begun = Arc::new(AtomicUsize::new(0));
    let gate = Gate { permits: sender, begun: Arc::clone(&begun) };
    let method =
        Method::new(Gated { ratio: Ratio::new(rate(48_000.0), Mode::Live), permits, begun });
    let session =
        Session::prepare(&config(num_mics, pace), controls, SessionMethod::Any(Box::new(method)));
    (session.unwrap(), gate)
}
