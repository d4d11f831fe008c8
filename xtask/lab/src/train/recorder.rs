//! A guide that records its input together with the truth, while a scene passes the canceller.

use super::band_sums::{NUM_PAIR_SUMS, NUM_SUMS};
use engine::debleed::cancel::{Cleaned, Guide, GuideHop, GuideMasks, NUM_BANDS};
use engine::network::NetworkGuide;
use engine::stft::Spectrum;
use half::f16;
use std::sync::{Arc, Mutex, PoisonError};

/// Everything that one guide has recorded.
#[derive(Debug, Default)]
pub(super) struct Tape {
    pub(super) features: Vec<f16>,
    pub(super) sums: Vec<f32>,
    /// `None` unless requested.
    pub(super) pairs: Option<Vec<f32>>,
}

impl Tape {
    pub(super) fn with_pairs() -> Self {
        Self { pairs: Some(Vec::new()), ..Self::default() }
    }
}

/// A guide that records its input together with the truth.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) inner: Option<NetworkGuide>,
    pub(super) truth: Arc<Vec<Spectrum>>,
    pub(super) tape: Arc<Mutex<Tape>>,
    /// Number of hops before the scene's first one.
    pub(super) silent_hops: usize,
    pub(super) hop: usize,
    /// The last recorded hop, until its cleaned signal is recorded.
    pub(super) written: Option<usize>,
}

impl Recorder {
    /// Records the features, and the sums that need no keep mask.
    pub(super) fn write(&self, hop: &GuideHop<'_>, truth: &Spectrum) {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.features.extend(hop.features.iter().map(|&value| f16::from_f32(value)));
        for mic in 0..hop.active.len() {
            let start = tape.sums.len();
            tape.sums.resize(start + NUM_SUMS * NUM_BANDS, 0.0);
            let sums = &mut tape.sums[start..];
            let bins = hop.cancelled.mic(mic).iter().zip(truth.mic(mic)).zip(hop.mics.mic(mic));
            for (((after, own), before), &band) in bins.zip(hop.band_of_bin) {
                sums[2 * NUM_BANDS + band] += own.norm_sqr();
                sums[3 * NUM_BANDS + band] += before.norm_sqr();
                sums[4 * NUM_BANDS + band] += (after - own).norm_sqr();
            }
        }
    }

    /// Adds the sums of the signal that the keep mask is applied to, for the last recorded hop.
    pub(super) fn write_cleaned(&self, hop: &Cleaned<'_>, truth: &Spectrum) {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let num_mics = hop.mics.activity().len();
        let start = tape.sums.len() - num_mics * NUM_SUMS * NUM_BANDS;
        let rows = tape.sums[start..].chunks_exact_mut(NUM_SUMS * NUM_BANDS);
        for (mic, sums) in rows.enumerate() {
            let bins = hop.cleaned.mic(mic).iter().zip(truth.mic(mic));
            for ((after, own), &band) in bins.zip(hop.band_of_bin) {
                sums[band] += after.norm_sqr();
                sums[NUM_BANDS + band] += (after * own.conj()).re;
            }
        }
        if let Some(pairs) = &mut tape.pairs {
            for j in 0..num_mics {
                (0..j).for_each(|i| write_pair(hop, truth, (i, j), pairs));
            }
        }
    }
}

fn write_pair(hop: &Cleaned<'_>, truth: &Spectrum, (i, j): (usize, usize), pairs: &mut Vec<f32>) {
    let start = pairs.len();
    pairs.resize(start + NUM_PAIR_SUMS * NUM_BANDS, 0.0);
    let sums = &mut pairs[start..];
    let of = |mic: usize| hop.cleaned.mic(mic).iter().zip(truth.mic(mic));
    for (((after_i, own_i), (after_j, own_j)), &band) in of(i).zip(of(j)).zip(hop.band_of_bin) {
        sums[band] += (after_i * after_j.conj()).re;
        sums[NUM_BANDS + band] += (after_i * own_j.conj()).re;
        sums[2 * NUM_BANDS + band] += (own_i * after_j.conj()).re;
        sums[3 * NUM_BANDS + band] += (own_i * own_j.conj()).re;
    }
}

impl Guide for Recorder {
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        let at = self.hop.checked_sub(self.silent_hops);
        self.hop += 1;
        self.written = at.filter(|&at| at < self.truth.len());
        if let Some(at) = self.written {
            self.write(hop, &self.truth[at]);
        }
        self.inner.as_mut().is_some_and(|inner| inner.look(hop, masks))
    }

    fn show(&mut self, cleaned: &Cleaned<'_>) {
        if let Some(at) = self.written.take() {
            self.write_cleaned(cleaned, &self.truth[at]);
        }
    }

    fn reset(&mut self) {
        self.hop = 0;
        self.written = None;
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        *tape = Tape { pairs: tape.pairs.as_ref().map(|_| Vec::new()), ..Tape::default() };
        drop(tape);
        if let Some(inner) = &mut self.inner {
            inner.reset();
        }
    }
}
