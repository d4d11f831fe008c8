//! The demo session as linked tracks, and one instance with all mics to compare them with.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use audiofile::SessionFiles;
use host::linked::Played;
use host::{Bundle, Class, RenderJob, render};

/// Sample rate of the demo session.
pub const DEMO_RATE_HZ: u32 = 44_100;

/// Returns the demo session's files of one kind, `mic` or `target`: `[mic][sample]`.
///
/// # Errors
///
/// If the files cannot be read.
pub fn demo(kind: &str) -> Result<Vec<Vec<f32>>> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo"));
    let names = ["1_kick", "2_snare", "3_hihat", "4_bass", "5_guitar", "6_sax"];
    let paths: Vec<_> =
        names.iter().map(|name| folder.join(format!("{kind}{name}.flac"))).collect();
    let mut session = SessionFiles::open(&paths, names.len())?;
    ensure!(session.rate_hz() == DEMO_RATE_HZ, "the demo has another rate");
    let num_samples = usize::try_from(session.num_samples())?;
    let mut mics = vec![vec![0.0; num_samples]; names.len()];
    let mut slices: Vec<&mut [f32]> = mics.iter_mut().map(Vec::as_mut_slice).collect();
    ensure!(session.read(&mut slices)? == num_samples, "the demo is shorter than it states");
    Ok(mics)
}

/// A passage of the demo session with its result.
#[derive(Clone, Debug)]
pub struct Take {
    /// Input, `[mic][sample]`.
    pub mics: Vec<Vec<f32>>,
    /// Output of *Unspill 8*, or *Unspill 16* for more mics, without its latency, `[mic][sample]`.
    pub cleaned: Vec<Vec<f32>>,
    /// Largest step of the removed signal of any mic.
    pub largest_step: f32,
}

impl Take {
    /// Cleans a passage with one instance that has all mics and these parameters.
    ///
    /// # Errors
    ///
    /// If the plugin fails.
    pub fn new(bundle: &Bundle, mics: Vec<Vec<f32>>, params: &[(&str, &str)]) -> Result<Self> {
        let class = if mics.len() > 8 { Class::Sixteen } else { Class::Eight };
        let mut job = RenderJob::new(class, DEMO_RATE_HZ, mics.len());
        job.params = params.iter().map(|&(name, text)| (name.into(), text.into())).collect();
        let slices: Vec<&[f32]> = mics.iter().map(Vec::as_slice).collect();
        let cleaned = render(bundle, &job, &slices)?.outputs;
        let steps = mics.iter().zip(&cleaned).map(|(dry, heard)| largest_step(dry, heard));
        let largest_step = steps.fold(0.0, f32::max);
        Ok(Self { mics, cleaned, largest_step })
    }
}

/// Returns the largest difference between neighbouring samples of the removed signal.
#[must_use]
pub fn largest_step(dry: &[f32], heard: &[f32]) -> f32 {
    let removed: Vec<f32> = dry.iter().zip(heard).map(|(dry, heard)| dry - heard).collect();
    removed.windows(2).fold(0.0, |most, pair| most.max((pair[1] - pair[0]).abs()))
}

/// Returns the input and the output of a mono track, without the latency and of one length.
///
/// # Errors
///
/// If less than one latency was played.
pub fn without_latency(played: &Played, latency_samples: usize) -> Result<(&[f32], &[f32])> {
    let (fed, heard) = (&played.fed[0], &played.heard[0]);
    ensure!(heard.len() >= latency_samples, "only {} samples were played", heard.len());
    Ok((&fed[..fed.len() - latency_samples], &heard[latency_samples..]))
}
