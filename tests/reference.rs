//! The expected output: the engine itself on the same mics, offline.

use anyhow::{Context, Result, anyhow};
use engine::{Controls, GroupId, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};

/// The engine's result for some mics.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Input, `[mic][sample]`.
    pub mics: Vec<Vec<f32>>,
    /// Output with the latency removed, `[mic][sample]`.
    pub cleaned: Vec<Vec<f32>>,
}

/// Least share of the mics' energy that a reference must have removed: equality proves nothing if
/// both the plugin and the engine do nothing. The limit is low because the engine is cautious in
/// its first second.
pub const LEAST_REMOVED: f64 = 1e-5;

impl Reference {
    /// Runs the engine on `mics` with the released network, like the plugin.
    ///
    /// # Errors
    ///
    /// If no model is released, or the engine refuses the rate or the mics.
    pub fn new(mics: Vec<Vec<f32>>, rate_hz: u32, controls: &Controls) -> Result<Self> {
        const BLOCK_SAMPLES: usize = 512;
        let rate = SampleRate::new(rate_hz as f32).map_err(|error| anyhow!("{error}"))?;
        let config = SessionConfig {
            rate,
            num_mics: mics.len(),
            mode: Mode::Live,
            pace: Pace::Offline,
            max_block_samples: BLOCK_SAMPLES,
        };
        let release = models::released().context("no model is released")?;
        let mut session = Session::prepare(
            &config,
            controls,
            SessionMethod::Own { model: Some(&release.model), learned: None },
        )
        .map_err(|error| anyhow!("{error}"))?;
        let latency_samples = session.latency_samples();
        let num_samples = mics.first().map_or(0, Vec::len);
        let mut padded = mics.clone();
        for mic in &mut padded {
            mic.resize(num_samples + latency_samples, 0.0);
        }
        for start in (0..num_samples + latency_samples).step_by(BLOCK_SAMPLES) {
            let end = (start + BLOCK_SAMPLES).min(num_samples + latency_samples);
            let mut block: Vec<&mut [f32]> =
                padded.iter_mut().map(|mic| &mut mic[start..end]).collect();
            session.process(&mut block).map_err(|error| anyhow!("{error}"))?;
        }
        let cleaned = padded.iter().map(|mic| mic[latency_samples..].to_vec()).collect();
        Ok(Self { mics, cleaned })
    }

    /// Returns the energy removed from all mics as a share of their total energy.
    #[must_use]
    pub fn removed_share(&self) -> f64 {
        let energy = |signal: &mut dyn Iterator<Item = f32>| -> f64 {
            signal.map(|x| f64::from(x) * f64::from(x)).sum()
        };
        let (mut removed, mut total) = (0.0, 0.0);
        for (mic, cleaned) in self.mics.iter().zip(&self.cleaned) {
            removed += energy(&mut mic.iter().zip(cleaned).map(|(x, y)| x - y));
            total += energy(&mut mic.iter().copied());
        }
        removed / total
    }
}

/// Returns the default controls with each list of mics in its own group.
#[must_use]
pub fn grouped(groups: &[&[usize]]) -> Controls {
    let mut controls = Controls::default();
    for (id, mics) in (0..).zip(groups) {
        for &mic in *mics {
            controls.mics[mic].group = Some(GroupId(id));
        }
    }
    controls
}
