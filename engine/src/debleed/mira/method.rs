//! MIRA and FastMIRA as streaming methods.

use super::{Crosstalk, CrosstalkLearner, FastMiraConfig, MiraConfig, fast_mira, mira};
use crate::debleed::batch::{BleedShares, ChunkView, CloseMics};
use crate::debleed::chunked::{ChunkMethod, Chunked};
use crate::units::SampleRate;

/// [`mira`] on each chunk of the stream.
///
/// # Latency
///
/// About 15 s: see [`Chunked`].
///
/// # Real-time
///
/// Worker or main thread only, and for offline work: see [`Chunked`].
pub type Mira = Chunked<MiraChunks>;

/// The chunk method of [`Mira`].
///
/// # Real-time
///
/// Worker or main thread only: see [`ChunkMethod`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiraChunks {
    pub(crate) config: MiraConfig,
}

impl Mira {
    /// Creates MIRA with its authors' parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, num_mics: usize) -> Self {
        Self::with_config(rate, num_mics, &MiraConfig::default())
    }

    /// Creates MIRA with other parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn with_config(rate: SampleRate, num_mics: usize, config: &MiraConfig) -> Self {
        Self::of(MiraChunks { config: *config }, rate, num_mics)
    }
}

impl ChunkMethod for MiraChunks {
    fn shares(&mut self, chunk: ChunkView<'_>, close: &CloseMics) -> Option<BleedShares> {
        mira(chunk, close, &self.config).ok()
    }

    fn learning_passes(&self) -> usize {
        0
    }

    fn learn(&mut self, _chunk: ChunkView<'_>, _close: &CloseMics) {}

    fn end_learning(&mut self) {}
}

/// FastMIRA: learns the crosstalk from the whole session first, then cleans each chunk.
///
/// The groups are those at the end of the first learnt chunk. Without a learning pass,
/// [`fast_mira`] learns from each chunk alone.
///
/// # Latency
///
/// About 15 s: see [`Chunked`].
///
/// # Real-time
///
/// Worker or main thread only, and for offline work: see [`Chunked`].
pub type FastMira = Chunked<FastMiraChunks>;

/// The chunk method of [`FastMira`].
///
/// # Real-time
///
/// Worker or main thread only: see [`ChunkMethod`].
#[derive(Clone, Debug)]
pub struct FastMiraChunks {
    pub(crate) config: FastMiraConfig,
    /// Present only while learning, as it takes megabytes.
    learner: Option<CrosstalkLearner>,
    crosstalk: Option<Crosstalk>,
}

impl FastMiraChunks {
    pub(crate) fn new(config: FastMiraConfig) -> Self {
        Self { config, learner: None, crosstalk: None }
    }
}

impl FastMira {
    /// Creates FastMIRA with its authors' parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, num_mics: usize) -> Self {
        Self::with_config(rate, num_mics, &FastMiraConfig::default())
    }

    /// Creates FastMIRA with other parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn with_config(rate: SampleRate, num_mics: usize, config: &FastMiraConfig) -> Self {
        Self::of(FastMiraChunks::new(*config), rate, num_mics)
    }
}

impl ChunkMethod for FastMiraChunks {
    fn shares(&mut self, chunk: ChunkView<'_>, close: &CloseMics) -> Option<BleedShares> {
        match &self.crosstalk {
            Some(crosstalk) => crosstalk.shares(chunk).ok(),
            None => fast_mira(chunk, close, &self.config).ok(),
        }
    }

    fn learning_passes(&self) -> usize {
        1
    }

    fn learn(&mut self, chunk: ChunkView<'_>, close: &CloseMics) {
        let new = || CrosstalkLearner::new(close, chunk.num_bins(), &self.config);
        let added = self.learner.get_or_insert_with(new).add(chunk);
        debug_assert!(added.is_ok(), "all chunks have one shape");
    }

    fn end_learning(&mut self) {
        if let Some(learner) = self.learner.take() {
            self.crosstalk = Some(learner.learn());
        }
    }
}
