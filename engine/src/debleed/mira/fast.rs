//! FastMIRA: learns the crosstalk of a whole session from a few random sums of its hops.

use realfft::num_complex::Complex32;

use super::{MiraConfig, fit, projection};
use crate::debleed::batch::{BatchError, BleedShares, ChunkView, CloseMics, MicGains};

/// Parameters of FastMIRA; the defaults are those of its authors' program.
///
/// # Real-time
///
/// Safe on the audio thread: plain data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FastMiraConfig {
    /// Parameters of the fit of powers and crosstalk.
    pub mira: MiraConfig,
    /// Number of random sums that represent the session.
    pub num_columns: usize,
    /// Seed of the random weights; the same seed gives the same result.
    pub seed: u64,
}

impl Default for FastMiraConfig {
    fn default() -> Self {
        Self { mira: MiraConfig::default(), num_columns: 512, seed: 0 }
    }
}

/// Runs [`mira`](super::mira) with crosstalk learnt from random sums of the chunk's hops.
///
/// For a session of several chunks, add all of them to a [`CrosstalkLearner`], then call
/// [`Crosstalk::shares`] on each.
///
/// # Shapes
///
/// - `chunk`: `[mic, time, bin]`
/// - result: shares `[mic, source, time, bin]`, computed on demand
///
/// # Invariants
///
/// - Those of [`mira`](super::mira) except the last; the same seed gives the same result.
///
/// # Real-time
///
/// Worker or main thread only: allocates. Takes about twice as long as [`mira`](super::mira) on the
/// same chunk, as random sums save time only over a whole session.
///
/// # Errors
///
/// [`BatchError::MicCount`] when `close` was made for another number of mics.
///
/// # Source
///
/// See [`CrosstalkLearner`].
pub fn fast_mira(
    chunk: ChunkView<'_>,
    close: &CloseMics,
    config: &FastMiraConfig,
) -> Result<BleedShares, BatchError> {
    chunk.check(close)?;
    let mut learner = CrosstalkLearner::new(close, chunk.num_bins(), config);
    learner.add(chunk)?;
    learner.learn().shares(chunk)
}

/// Collects a session, chunk by chunk, in random sums of its hops and learns the crosstalk
/// from them.
///
/// # Shapes
///
/// - sums: `[mic, column, bin]`, complex; 8 mics, 512 columns and 2049 bins take 67 MB, whatever
///   the duration of the session
///
/// # Invariants
///
/// - The division of the session into chunks changes the result only by rounding.
///
/// # Real-time
///
/// Worker or main thread only: allocates.
///
/// # Source
///
/// D. Di Carlo, A. Liutkus, K. Deguernel, "Interference reduction on full-length live recordings",
/// ICASSP 2018, pp. 736-740. Differences:
///
/// - all mics get the same random weights, so that a source lands in the same columns of all mics;
///   otherwise the sums would carry no information about crosstalk;
/// - sums are not scaled, as their level cancels in the equalisation of gains;
/// - the initial powers of the columns are not thinned out, as columns have no neighbours;
/// - learnt crosstalk is stored per unit of the mics' own power and equalised for each chunk.
#[derive(Clone, Debug)]
pub struct CrosstalkLearner {
    close: CloseMics,
    config: FastMiraConfig,
    num_bins: usize,
    normal: projection::Normal,
    columns: Vec<Complex32>,
}

impl CrosstalkLearner {
    /// Creates a learner without any hops.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn new(close: &CloseMics, num_bins: usize, config: &FastMiraConfig) -> Self {
        let num_columns = config.num_columns.max(1);
        Self {
            close: close.clone(),
            config: FastMiraConfig { num_columns, ..*config },
            num_bins,
            normal: projection::Normal::new(config.seed),
            columns: vec![Complex32::default(); close.num_mics() * num_columns * num_bins],
        }
    }

    /// Adds a chunk's hops. Each hop of the session must be added once, in order.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    ///
    /// # Errors
    ///
    /// [`BatchError::MicCount`] or [`BatchError::BinCount`] if the chunk has another number of mics
    /// or bins. Nothing is added then.
    pub fn add(&mut self, chunk: ChunkView<'_>) -> Result<(), BatchError> {
        chunk.check(&self.close)?;
        check_bins(self.num_bins, chunk)?;
        let num_weights = chunk.num_hops() * self.config.num_columns;
        let weights: Vec<f32> = (0..num_weights).map(|_| self.normal.draw()).collect();
        projection::project(&mut self.columns, chunk, &weights);
        Ok(())
    }

    /// Learns the crosstalk from all added hops.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn learn(&self) -> Crosstalk {
        let (num_bins, num_sources) = (self.num_bins, self.close.num_sources());
        let chunk = ChunkView {
            spectra: &self.columns,
            num_mics: self.close.num_mics(),
            num_hops: self.config.num_columns,
            num_bins,
        };
        let config = MiraConfig { smooth_passes: 0, ..self.config.mira };
        let gains = MicGains::of(chunk, config.gain_quantile);
        let fitted = fit(chunk, &self.close, &config, &gains, None);
        let mut levels = Vec::with_capacity(self.close.num_mics() * num_sources * num_bins);
        for mic in 0..self.close.num_mics() {
            for source in 0..num_sources {
                let inputs = fitted.crosstalk(mic, source).iter().zip(gains.inverse(mic));
                levels.extend(inputs.map(|(&crosstalk, &inverse)| ratio(crosstalk, inverse)));
            }
        }
        Crosstalk { close: self.close.clone(), config: self.config.mira, num_bins, levels }
    }
}

/// A session's crosstalk, learnt by a [`CrosstalkLearner`].
///
/// # Shapes
///
/// - levels: `[mic, source, bin]`, the mic's power per unit of a source's power; the unit is the
///   same for all mics
///
/// # Real-time
///
/// Worker or main thread only: megabytes of memory.
#[derive(Clone, Debug)]
pub struct Crosstalk {
    close: CloseMics,
    config: MiraConfig,
    num_bins: usize,
    levels: Vec<f32>,
}

impl Crosstalk {
    /// Returns the power of one source in one mic relative to the mean of its close mics, `[bin]`;
    /// 0 where the close mics are silent.
    ///
    /// # Panics
    ///
    /// If `mic` or `source` is out of range.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates.
    #[must_use]
    pub fn relative_power(&self, mic: usize, source: usize) -> Vec<f32> {
        let mut own = vec![0.0; self.num_bins];
        let num_close = self.close.mics_of(source).count() as f32;
        for close in self.close.mics_of(source) {
            for (own, &level) in own.iter_mut().zip(self.level(close, source)) {
                *own += level / num_close;
            }
        }
        let levels = self.level(mic, source).iter();
        levels.zip(own).map(|(&level, own)| ratio(level, own)).collect()
    }

    /// Computes the shares of a chunk with this crosstalk.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: allocates about as much as the chunk.
    ///
    /// # Errors
    ///
    /// [`BatchError::MicCount`] or [`BatchError::BinCount`] if the chunk has another number of mics
    /// or bins.
    pub fn shares(&self, chunk: ChunkView<'_>) -> Result<BleedShares, BatchError> {
        chunk.check(&self.close)?;
        check_bins(self.num_bins, chunk)?;
        let gains = MicGains::of(chunk, self.config.gain_quantile);
        let crosstalk = self.evened_out(&gains);
        Ok(fit(chunk, &self.close, &self.config, &gains, Some(&crosstalk)))
    }

    /// Returns the crosstalk between mics equalised by `gains`, `[mic, source, bin]`. Each source
    /// is measured by the mean of its close mics that are not silent.
    fn evened_out(&self, gains: &MicGains) -> Vec<f32> {
        let (num_sources, num_bins) = (self.close.num_sources(), self.num_bins);
        let mut crosstalk = self.levels.clone();
        for mic in 0..self.close.num_mics() {
            let rows = &mut crosstalk[mic * num_sources * num_bins..][..num_sources * num_bins];
            for row in rows.chunks_exact_mut(num_bins.max(1)) {
                for (level, &inverse) in row.iter_mut().zip(gains.inverse(mic)) {
                    *level *= inverse;
                }
            }
        }
        for source in 0..num_sources {
            for bin in 0..num_bins {
                let at = |mic: usize| (mic * num_sources + source) * num_bins + bin;
                let live = || self.close.mics_of(source).map(|mic| crosstalk[at(mic)]);
                let num_live = live().filter(|&level| level > 0.0).count() as f32;
                let unit = live().sum::<f32>() / num_live.max(1.0);
                for mic in 0..self.close.num_mics() {
                    crosstalk[at(mic)] = ratio(crosstalk[at(mic)], unit);
                }
            }
        }
        crosstalk
    }

    fn level(&self, mic: usize, source: usize) -> &[f32] {
        assert!(source < self.close.num_sources(), "source {source}");
        &self.levels[(mic * self.close.num_sources() + source) * self.num_bins..][..self.num_bins]
    }
}

/// Returns `a / b`; 0 if that is not finite.
fn ratio(a: f32, b: f32) -> f32 {
    let ratio = a / b;
    if ratio.is_finite() { ratio } else { 0.0 }
}

fn check_bins(expected: usize, chunk: ChunkView<'_>) -> Result<(), BatchError> {
    if chunk.num_bins() == expected {
        Ok(())
    } else {
        Err(BatchError::BinCount { expected, actual: chunk.num_bins() })
    }
}
