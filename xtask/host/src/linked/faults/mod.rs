//! Faults around linked instances: what happens to the audio, and what is left behind.

mod folder;
mod kill;
mod long;
mod state;

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{Session, SessionConfig, TrackConfig};
use crate::bundle::Bundle;
use state::State;

const RATE_HZ: u32 = 48_000;
const BLOCK: usize = 256;
/// Tracks of each process.
const NUM_TRACKS: usize = 3;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One of two processes is killed in the middle of a block, again and again.
    Kill,
    /// The folder's file system has room for a part of the instances only.
    Full,
    /// The folder holds segments of other versions, and of instances that have died.
    Stale,
    /// The folder holds bytes of others, which change while instances play.
    Hostile,
    /// Sixteen instances play for long, at ten times real time.
    Long,
}

/// The extent of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Some seconds, for tests.
    Small,
    /// Minutes.
    Full,
}

/// The result of a fault that did no harm.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Description with counts.
    pub note: String,
    /// Largest step of the removed signal, as a multiple of that of a session without a fault.
    pub largest_step: f32,
    before: State,
    after: State,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { note, largest_step, before, after } = self;
        write!(f, "step {largest_step:.2}; {before} -> {after}; {note}")
    }
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 5] = [Self::Kill, Self::Full, Self::Stale, Self::Hostile, Self::Long];

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Full => "full",
            Self::Stale => "stale",
            Self::Hostile => "hostile",
            Self::Long => "long",
        }
    }

    /// Returns the time after which the case has failed.
    #[must_use]
    pub fn limit(self, extent: Extent) -> Duration {
        Duration::from_secs(match (self, extent) {
            (_, Extent::Small) => 120,
            (Self::Kill, Extent::Full) => 1800,
            // Half an hour of 16 mics on a machine that is hardly as fast as real time.
            (Self::Long, Extent::Full) => 7200,
            (_, Extent::Full) => 300,
        })
    }

    /// Makes the fault and checks that no audio is lost, that nothing clicks, and that nothing is
    /// left behind. `folder` is the folder of linked instances of this process, whose parent folder
    /// is for the case's own files; `other` returns the command for another process that
    /// [`serve`](super::remote::serve)s.
    ///
    /// # Errors
    ///
    /// If anything of this does not hold.
    pub fn make(
        self,
        bundle: &Bundle,
        folder: &Path,
        extent: Extent,
        other: impl Fn() -> Command,
    ) -> Result<Outcome> {
        match self {
            Self::Kill => kill::make(bundle, folder, extent, other),
            Self::Full => folder::full(bundle, folder),
            Self::Stale => folder::stale(bundle, folder),
            Self::Hostile => folder::hostile(bundle, folder, extent),
            Self::Long => long::make(bundle, folder, extent),
        }
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        let Some(fault) = found else { bail!("unknown fault {text:?}") };
        Ok(fault)
    }
}

/// Returns signals `[track][sample]`: struck tones, each with bleed of the others.
fn signals(num_tracks: usize, num_samples: usize) -> Vec<Vec<f32>> {
    let source = |index: usize, sample: usize| {
        let period = 5_000 + 700 * index;
        let age = ((sample + 2_000 * index) % period) as f32;
        let pitch = 0.011 * (1.0 + 0.26 * index as f32);
        0.3 * (-age / 2_400.0).exp() * (pitch * sample as f32).sin()
    };
    let sources: Vec<Vec<f32>> = (0..num_tracks)
        .map(|index| (0..num_samples).map(|sample| source(index, sample)).collect())
        .collect();
    let mixed = |track: usize, sample: usize| {
        let bleed = |other: usize| {
            let distance = track.abs_diff(other);
            let at = sample.checked_sub(140 * distance);
            at.map_or(0.0, |at| 0.3 / distance as f32 * sources[other][at])
        };
        let others = (0..num_tracks).filter(|&other| other != track);
        sources[track][sample] + others.map(bleed).sum::<f32>()
    };
    let track = |track| (0..num_samples).map(|sample| mixed(track, sample)).collect();
    (0..num_tracks).map(track).collect()
}

/// Begins a bounce with one track for each signal.
fn begin(bundle: &Bundle, signals: &[Vec<f32>]) -> Result<Session> {
    let mut session = Session::new(SessionConfig::new(RATE_HZ, BLOCK));
    for signal in signals {
        session.add(bundle, &TrackConfig::default(), vec![signal.clone()])?;
    }
    Ok(session)
}

/// Plays signals without a fault and returns the largest step of the removed signal.
fn usual_step(bundle: &Bundle, signals: &[Vec<f32>]) -> Result<f32> {
    let mut session = begin(bundle, signals)?;
    session.play(signals[0].len())?;
    let steps = Steps::of(&mut session, signals.len())?;
    ensure!(steps.largest > 0.0, "nothing is removed");
    Ok(steps.largest)
}

/// Measures of a session's output.
struct Steps {
    /// Largest step of the removed signal.
    largest: f32,
    /// Share of the samples of each track that are cleaned.
    cleaned: Vec<f32>,
}

impl Steps {
    /// Takes the samples of all tracks since their beginning.
    fn of(session: &mut Session, num_tracks: usize) -> Result<Self> {
        let latency = session.latency_samples(0)?;
        let mut steps = Self { largest: 0.0, cleaned: Vec::new() };
        for track in 0..num_tracks {
            let played = session.take(track)?;
            let (dry, heard) = (&played.fed[0], played.heard[0].get(latency..));
            let heard = heard.context("less than one latency was played")?;
            let removed: Vec<f32> = dry.iter().zip(heard).map(|(dry, heard)| dry - heard).collect();
            let step = |most: f32, pair: &[f32]| most.max((pair[1] - pair[0]).abs());
            steps.largest = removed.windows(2).fold(steps.largest, step);
            let cleaned = removed.iter().filter(|sample| **sample != 0.0).count();
            steps.cleaned.push(cleaned as f32 / removed.len() as f32);
        }
        Ok(steps)
    }
}
