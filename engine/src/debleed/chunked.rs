//! Runs a batch method over a stream, in chunks that overlap and fade into one another.

#[cfg(test)]
mod tests;

use realfft::num_complex::Complex32;

use super::batch::{BleedShares, ChunkView, CloseMics};
use super::{Debleed, Hop, is_bleed};
use crate::Controls;
use crate::controls::Role;
use crate::mode::scaled;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Duration of a chunk in seconds, as used by the authors of FastMIRA.
const CHUNK_S: f32 = 15.0;
/// Duration of the fade between two chunks in seconds, from the same authors.
const OVERLAP_S: f32 = 1.0;
/// Window and hop at 44.1 and 48 kHz, in samples; the published programs use windows of 4096 (MIRA)
/// and 8192 (KAMIR).
const WINDOW_SAMPLES: usize = 4096;
const HOP_SAMPLES: usize = 1024;

/// A method that processes a chunk as a whole.
///
/// # Real-time
///
/// Worker or main thread only: takes seconds and allocates.
pub trait ChunkMethod: Send + std::fmt::Debug {
    /// Computes the shares of one chunk; `close` has as many mics as the chunk.
    fn shares(&mut self, chunk: ChunkView<'_>, close: &CloseMics) -> Option<BleedShares>;

    /// Returns the number of passes of all chunks through [`learn`](ChunkMethod::learn)
    /// before cleaning.
    fn learning_passes(&self) -> usize;

    /// Learns from one chunk of a learning pass. These chunks do not overlap.
    fn learn(&mut self, chunk: ChunkView<'_>, close: &CloseMics);

    /// Ends a learning pass.
    fn end_learning(&mut self);
}

/// Layout of the chunks in the stream, in hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkSizes {
    /// Length of a chunk in hops.
    pub(crate) chunk_hops: usize,
    /// Hops that a chunk shares with the next; at most half.
    pub(crate) overlap_hops: usize,
}

impl ChunkSizes {
    fn at(rate: SampleRate, geometry: Geometry) -> Self {
        let hops_in = |duration_s| rate.samples_in(duration_s) / geometry.hop_samples();
        Self { chunk_hops: hops_in(CHUNK_S), overlap_hops: hops_in(OVERLAP_S) }
    }

    /// Returns the hops from the start of one chunk to the start of the next.
    fn stride_hops(self) -> usize {
        self.chunk_hops - self.overlap_hops
    }
}

/// A batch method as a [`Debleed`] method: chunks of 15 s that fade into one another over 1 s.
///
/// The hop being cleaned lies one chunk less a hop behind the newest. Memory therefore holds one
/// chunk of spectra and the shares of two, for a session of any duration.
///
/// Mics that share a source at the *end* of a chunk share it in the whole chunk. Roles and pair
/// amounts apply from the hop that they arrived with. A source with several mics is removed by the
/// mean of their pair amounts.
///
/// A chunk excludes the hops at its end in which every mic is digitally silent, so that the silence
/// flushed after the end of a session is not learnt. A chunk that sounds only in its overlap with
/// the chunk before it is not processed; the shares of the chunk before it apply.
///
/// # Latency
///
/// The latency of the transform plus a lookahead of one chunk less a hop: about 15 s.
///
/// # Real-time
///
/// Worker or main thread only, and for offline work: the method takes a second or more for each
/// complete chunk, during which a session in real time would be late.
///
/// # Source
///
/// D. Di Carlo, A. Liutkus, K. Deguernel, "Interference reduction on full-length live recordings",
/// ICASSP 2018: chunks of 15 s with linear fades of 1 s.
#[derive(Debug)]
pub struct Chunked<M> {
    method: M,
    geometry: Geometry,
    sizes: ChunkSizes,
    num_mics: usize,
    /// The chunk being filled, `[mic, chunk_hops, bin]`.
    spectra: Vec<Complex32>,
    filled_hops: usize,
    /// Filled hops up to the last in which any mic sounds.
    sounding_hops: usize,
    /// The newest complete chunk, and the chunk before it until the fade ends.
    latest: Option<Chunk>,
    before: Option<Chunk>,
    /// Hops from the latest chunk boundary to the hop being cleaned.
    heard_hops: usize,
    /// Newest controls of a learning pass.
    learning_controls: Box<Controls>,
    scratch: Scratch,
}

/// The shares of one chunk.
#[derive(Debug)]
struct Chunk {
    shares: BleedShares,
    /// Hops of the stream from this chunk's start to the latest chunk boundary.
    offset_hops: usize,
}

/// Working buffers for masks and amounts.
#[derive(Debug)]
struct Scratch {
    /// `[bin]`
    mask: Vec<f32>,
    /// `[bin]`
    mask_before: Vec<f32>,
    /// `[source]`
    amounts: Vec<f32>,
}

impl<M: ChunkMethod> Chunked<M> {
    /// Creates the method and allocates a chunk of `num_mics` mics.
    pub(crate) fn of(method: M, rate: SampleRate, num_mics: usize) -> Self {
        let lengths = [WINDOW_SAMPLES, HOP_SAMPLES, WINDOW_SAMPLES].map(|len| scaled(len, rate));
        let [window, hop, overlap] = lengths;
        let geometry = Geometry::new(window, hop, overlap);
        // A test covers all rates.
        let geometry = geometry.unwrap_or_else(|_| unreachable!("sizes scale together"));
        Self::with_sizes(method, geometry, ChunkSizes::at(rate, geometry), num_mics)
    }

    /// Creates the method with other sizes.
    pub(crate) fn with_sizes(
        method: M,
        geometry: Geometry,
        sizes: ChunkSizes,
        num_mics: usize,
    ) -> Self {
        assert!(sizes.overlap_hops <= sizes.stride_hops(), "a hop lies in two chunks at most");
        let num_bins = geometry.num_bins();
        Self {
            method,
            geometry,
            sizes,
            num_mics,
            spectra: vec![Complex32::ZERO; num_mics * sizes.chunk_hops * num_bins],
            filled_hops: 0,
            sounding_hops: 0,
            latest: None,
            before: None,
            heard_hops: 0,
            learning_controls: Box::default(),
            scratch: Scratch {
                mask: vec![0.0; num_bins],
                mask_before: vec![0.0; num_bins],
                amounts: Vec::new(),
            },
        }
    }

    /// Adds a hop to the chunk being filled; returns true if it is full.
    fn fill(&mut self, spectrum: &Spectrum) -> bool {
        let num_bins = self.geometry.num_bins();
        for mic in 0..self.num_mics {
            let row = (mic * self.sizes.chunk_hops + self.filled_hops) * num_bins;
            self.spectra[row..][..num_bins].copy_from_slice(spectrum.mic(mic));
        }
        self.filled_hops += 1;
        if (0..self.num_mics).any(|mic| spectrum.is_active(mic)) {
            self.sounding_hops = self.filled_hops;
        }
        self.filled_hops == self.sizes.chunk_hops
    }

    /// Passes the sounding part of the chunk to `work`, if there is any.
    fn with_chunk<T>(&mut self, work: impl FnOnce(&mut M, ChunkView<'_>) -> T) -> Option<T> {
        let (num_hops, num_bins) = (self.sounding_hops, self.geometry.num_bins());
        let cut: Vec<Complex32>;
        let spectra = if num_hops == self.sizes.chunk_hops {
            &self.spectra
        } else {
            let mics = self.spectra.chunks_exact(self.sizes.chunk_hops * num_bins);
            cut = mics.flat_map(|mic| &mic[..num_hops * num_bins]).copied().collect();
            &cut
        };
        let chunk = ChunkView::new(spectra, [self.num_mics, num_hops, num_bins]).ok()?;
        (num_hops > 0).then(|| work(&mut self.method, chunk))
    }

    /// Passes the filled hops to the learning method and starts an empty chunk.
    fn learn_chunk(&mut self) {
        let close = CloseMics::from_mics(&self.learning_controls.mics[..self.num_mics]);
        self.with_chunk(|method, chunk| method.learn(chunk, &close));
        self.filled_hops = 0;
        self.sounding_hops = 0;
    }

    /// Makes the full chunk the latest and starts the next with their overlap.
    fn complete(&mut self, controls: &Controls) {
        let sizes = self.sizes;
        self.heard_hops = 0;
        self.before = None;
        if let Some(chunk) = &mut self.latest {
            chunk.offset_hops += sizes.stride_hops();
        }
        // Without new sound, the shares of the chunk before are the better ones for the overlap.
        if self.sounding_hops > sizes.overlap_hops || self.latest.is_none() {
            let close = CloseMics::from_mics(&controls.mics[..self.num_mics]);
            let shares = self.with_chunk(|method, chunk| method.shares(chunk, &close)).flatten();
            self.before = self.latest.take();
            self.latest = shares.map(|shares| Chunk { shares, offset_hops: 0 });
        }
        let num_bins = self.geometry.num_bins();
        for mic in self.spectra.chunks_exact_mut(sizes.chunk_hops * num_bins) {
            mic.copy_within(sizes.stride_hops() * num_bins.., 0);
        }
        self.filled_hops = sizes.overlap_hops;
        self.sounding_hops = self.sounding_hops.saturating_sub(sizes.stride_hops());
    }

    /// Removes the bleed from every mic of one hop by the chunks' masks.
    fn clean(&mut self, mics: &Spectrum, controls: &Controls, removed: &mut Spectrum) {
        let Some(latest) = &self.latest else { return };
        let before = self.before.as_ref();
        let scratch = &mut self.scratch;
        let fade = (self.heard_hops + 1) as f32 / (self.sizes.overlap_hops + 1) as f32;
        for mic in (0..self.num_mics).filter(|&mic| mics.is_active(mic)) {
            let Scratch { mask, mask_before, amounts } = &mut *scratch;
            if !latest.mask_into(mic, self.heard_hops, controls, amounts, mask) {
                continue;
            }
            if let Some(before) = before
                && before.mask_into(mic, self.heard_hops, controls, amounts, mask_before)
            {
                for (mask, before) in mask.iter_mut().zip(mask_before) {
                    *mask = *before + (*mask - *before) * fade;
                }
            }
            let bins = removed.mic_mut(mic).iter_mut().zip(mics.mic(mic));
            for ((removed, bin), mask) in bins.zip(mask) {
                *removed = bin * *mask;
            }
        }
    }
}

impl Chunk {
    /// Fills `mask` for one mic at `heard_hops` after the latest boundary; returns false if nothing
    /// is removed.
    fn mask_into(
        &self,
        mic: usize,
        heard_hops: usize,
        controls: &Controls,
        amounts: &mut Vec<f32>,
        mask: &mut [f32],
    ) -> bool {
        let hop = self.offset_hops + heard_hops;
        if hop >= self.shares.num_hops() || controls.mics[mic].role == Role::Room {
            return false;
        }
        let close = self.shares.close();
        amounts.clear();
        amounts.extend((0..close.num_sources()).map(|source| {
            let bleeders = close.mics_of(source).filter(|&from| is_bleed(controls, mic, from));
            let (sum, count) = bleeders
                .fold((0.0, 0), |(sum, count), from| (sum + controls.pair(mic, from), count + 1));
            sum / (count.max(1) as f32)
        }));
        self.shares.bleed_mask_into(mic, hop, amounts, mask);
        true
    }
}

impl<M: ChunkMethod> Debleed for Chunked<M> {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn lookahead_hops(&self) -> usize {
        self.sizes.chunk_hops - 1
    }

    fn learning_passes(&self) -> usize {
        self.method.learning_passes()
    }

    fn learn_hop(&mut self, spectrum: &Spectrum, controls: &Controls) {
        let is_full = self.fill(spectrum);
        self.learning_controls.as_mut().clone_from(controls);
        if is_full {
            self.learn_chunk();
        }
    }

    fn end_learning_pass(&mut self) {
        self.learn_chunk();
        self.method.end_learning();
        self.reset();
    }

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        self.heard_hops += 1;
        if self.heard_hops >= self.sizes.overlap_hops {
            self.before = None;
        }
        if self.fill(hop.newest) {
            self.complete(hop.newest_controls);
        }
        self.clean(hop.current, hop.current_controls, removed);
    }

    fn reset(&mut self) {
        self.filled_hops = 0;
        self.sounding_hops = 0;
        self.heard_hops = 0;
        self.latest = None;
        self.before = None;
    }
}
