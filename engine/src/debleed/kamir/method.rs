//! KAMIR as a streaming method.

use super::{KamirConfig, kamir};
use crate::debleed::batch::{BleedShares, ChunkView, CloseMics};
use crate::debleed::chunked::{ChunkMethod, Chunked};
use crate::units::SampleRate;

/// [`kamir`] on each chunk of the stream.
///
/// # Latency
///
/// About 15 s: see [`Chunked`].
///
/// # Real-time
///
/// Worker or main thread only, and for offline work: see [`Chunked`].
pub type Kamir = Chunked<KamirChunks>;

/// The chunk method of [`Kamir`].
///
/// # Real-time
///
/// Worker or main thread only: see [`ChunkMethod`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KamirChunks {
    pub(crate) config: KamirConfig,
}

impl Kamir {
    /// Creates KAMIR with its authors' parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, num_mics: usize) -> Self {
        Self::with_config(rate, num_mics, &KamirConfig::default())
    }

    /// Creates KAMIR with other parameters.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn with_config(rate: SampleRate, num_mics: usize, config: &KamirConfig) -> Self {
        Self::of(KamirChunks { config: *config }, rate, num_mics)
    }
}

impl ChunkMethod for KamirChunks {
    fn shares(&mut self, chunk: ChunkView<'_>, close: &CloseMics) -> Option<BleedShares> {
        kamir(chunk, close, &self.config).ok()
    }

    fn learning_passes(&self) -> usize {
        0
    }

    fn learn(&mut self, _chunk: ChunkView<'_>, _close: &CloseMics) {}

    fn end_learning(&mut self) {}
}
