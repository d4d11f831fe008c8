//! Binary format of learned estimates: versioned, little-endian, hashed, without bins that have no
//! filter. Bytes with any wrong bit are refused.

use half::{bf16, f16};
use sha2::{Digest, Sha256};

use super::{Layout, Learned, LearnedMic, LearnedSlot, Setup};
use crate::MAX_MICS;
use crate::debleed::cancel::filters::{MAX_SLOTS, MAX_TAPS};
use crate::debleed::cancel::lanes::LANES;
use crate::mode::Mode;
use crate::units::SampleRate;

/// First bytes of the format.
const MAGIC: [u8; 8] = *b"UnspillL";
/// Format version; raised when the meaning of the bytes changes.
const VERSION: u8 = 3;
/// Last version without a second stage (2) and last version without interference (1).
const WITHOUT_STAGE: u8 = 2;
const WITHOUT_INTERFERENCE: u8 = 1;
/// Length of magic, version and hash.
const HEADER_BYTES: usize = MAGIC.len() + 1 + HASH_BYTES;
const HASH_BYTES: usize = 32;
/// Limits on the numbers of blocks and bands: more than any rate or guide has.
const MOST_BLOCKS: usize = 4096;
const MOST_BANDS: usize = 1024;

impl Learned {
    /// Returns everything for a saved session; bins without a filter are left out.
    ///
    /// # Shapes
    ///
    /// Magic (8 bytes), version (1), SHA-256 of the contents (32), then the contents.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates, takes milliseconds.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_of(VERSION)
    }

    /// Returns the bytes in the format of an earlier version, without the later parts.
    pub(crate) fn to_bytes_of(&self, version: u8) -> Vec<u8> {
        let contents = self.contents(version);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + contents.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.push(version);
        bytes.extend_from_slice(&Sha256::digest(&contents));
        bytes.extend_from_slice(&contents);
        bytes
    }

    /// Reads the bytes of [`Learned::to_bytes`]; the result is identical bit for bit.
    ///
    /// # Errors
    ///
    /// [`LearnedError`] for anything that [`Learned::to_bytes`] of this version or an earlier one
    /// did not write.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates, takes milliseconds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LearnedError> {
        let Some((header, contents)) = bytes.split_at_checked(HEADER_BYTES) else {
            return Err(LearnedError::NotLearned);
        };
        let (magic, rest) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(LearnedError::NotLearned);
        }
        let (version, hash) = rest.split_at(1);
        let version = version[0];
        if !(WITHOUT_INTERFERENCE..=VERSION).contains(&version) {
            return Err(LearnedError::Version { expected: VERSION, actual: version });
        }
        if Sha256::digest(contents).as_slice() != hash {
            return Err(LearnedError::Damaged);
        }
        Reader(contents).learned(version).ok_or(LearnedError::Damaged)
    }

    fn contents(&self, version: u8) -> Vec<u8> {
        let Setup { rate_hz, mode, num_mics, routing } = &self.setup;
        let Layout { num_bands, taps } = &self.layout;
        let mut out = Vec::new();
        out.extend_from_slice(&rate_hz.to_le_bytes());
        out.push(match mode {
            Mode::Live => 0,
            Mode::Mix => 1,
        });
        put_count(&mut out, *num_mics);
        put_count(&mut out, *num_bands);
        put_count(&mut out, taps.len());
        out.extend(routing.iter().map(|&bleeds| u8::from(bleeds)));
        out.extend_from_slice(taps);
        for mic in &self.mics {
            out.extend_from_slice(&mic.heard_hops.to_le_bytes());
            out.extend(mic.means.iter().flat_map(|mean| mean.to_le_bytes()));
            put_slots(&mut out, taps, &mic.slots);
            if version > WITHOUT_STAGE {
                put_slots(&mut out, taps, &mic.stage);
            }
        }
        for pairs in [&self.crosstalk, &self.leftover] {
            out.extend(pairs.iter().flat_map(|ratio| ratio.to_le_bytes()));
        }
        if version > WITHOUT_INTERFERENCE {
            out.push(u8::from(!self.interference.is_empty()));
            out.extend(self.interference.iter().flat_map(|gain| gain.to_le_bytes()));
        }
        out
    }
}

fn put_slots(out: &mut Vec<u8>, taps: &[u8], slots: &[LearnedSlot]) {
    put_count(out, slots.len());
    for slot in slots {
        out.push(slot.bleeder);
        out.extend_from_slice(&slot.scale.to_le_bytes());
        put_filters(out, taps, &slot.weights);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
}

/// Writes, for every block, a byte with a bit for each bin that has a filter, and those
/// filters, `[tap, real and imaginary]`.
fn put_filters(out: &mut Vec<u8>, taps: &[u8], weights: &[f16]) {
    let mut rest = weights;
    for &taps in taps {
        let (block, others) = rest.split_at(usize::from(taps) * 2 * LANES);
        rest = others;
        let numbers = |lane: usize| block.iter().skip(lane).step_by(LANES);
        let at = out.len();
        out.push(0);
        for lane in (0..LANES).filter(|&lane| numbers(lane).any(|&number| number != f16::ZERO)) {
            out[at] |= 1 << lane;
            out.extend(numbers(lane).flat_map(|number| number.to_le_bytes()));
        }
    }
}

/// Reads from the front; returns `None` if there are too few bytes or invalid ones.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn learned(mut self, version: u8) -> Option<Learned> {
        let rate_hz = self.number()?;
        SampleRate::new(rate_hz).ok()?;
        let mode = match self.take(1)? {
            [0] => Mode::Live,
            [1] => Mode::Mix,
            _ => return None,
        };
        let num_mics = self.count(MAX_MICS)?;
        let num_bands = self.count(MOST_BANDS)?;
        let num_blocks = self.count(MOST_BLOCKS)?;
        let routing = self.take(num_mics * num_mics)?;
        if routing.iter().any(|&bleeds| bleeds > 1) {
            return None;
        }
        let routing = routing.iter().map(|&bleeds| bleeds == 1).collect();
        let taps = self.take(num_blocks)?.to_vec();
        if taps.iter().any(|&taps| usize::from(taps) > MAX_TAPS) {
            return None;
        }
        let mut mics = Vec::with_capacity(num_mics);
        for _ in 0..num_mics {
            mics.push(self.mic(num_bands, &taps, version)?);
        }
        let pairs = num_mics * num_mics * num_bands;
        let crosstalk = self.ratios(pairs)?;
        let leftover = self.ratios(pairs)?;
        let interference = match if version > WITHOUT_INTERFERENCE { self.take(1)? } else { &[0] } {
            [0] => Vec::new(),
            [1] => self.ratios(pairs)?,
            _ => return None,
        };
        let learned = Learned {
            setup: Setup { rate_hz, mode, num_mics, routing },
            layout: Layout { num_bands, taps },
            mics,
            crosstalk,
            leftover,
            interference,
        };
        self.0.is_empty().then_some(learned)
    }

    fn mic(&mut self, num_bands: usize, taps: &[u8], version: u8) -> Option<LearnedMic> {
        let heard_hops = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        let means: Option<Vec<f32>> = (0..num_bands).map(|_| self.number()).collect();
        let slots = self.slots(taps)?;
        let stage = if version > WITHOUT_STAGE { self.slots(taps)? } else { Vec::new() };
        Some(LearnedMic { heard_hops, means: means?, slots, stage })
    }

    fn slots(&mut self, taps: &[u8]) -> Option<Vec<LearnedSlot>> {
        let num_slots = self.count(MAX_SLOTS)?;
        let mut slots = Vec::with_capacity(num_slots);
        for _ in 0..num_slots {
            let bleeder = self.take(1)?[0];
            let scale = self.number()?;
            slots.push(LearnedSlot { bleeder, scale, weights: self.filters(taps)? });
        }
        Some(slots)
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self, most: usize) -> Option<usize> {
        let count = usize::from(u16::from_le_bytes(self.take(2)?.try_into().ok()?));
        (count <= most).then_some(count)
    }

    fn number(&mut self) -> Option<f32> {
        let number = f32::from_le_bytes(self.take(4)?.try_into().ok()?);
        number.is_finite().then_some(number)
    }

    fn ratios(&mut self, count: usize) -> Option<Vec<bf16>> {
        let halves = self.take(2 * count)?.chunks_exact(2);
        let ratio = |bytes: &[u8]| Some(bf16::from_le_bytes(bytes.try_into().ok()?));
        halves.map(|bytes| ratio(bytes).filter(|ratio| ratio.is_finite())).collect()
    }

    fn filters(&mut self, taps: &[u8]) -> Option<Vec<f16>> {
        let mut weights = Vec::new();
        for &taps in taps {
            let numbers = usize::from(taps) * 2;
            let start = weights.len();
            weights.resize(start + numbers * LANES, f16::ZERO);
            let has_filter = self.take(1)?[0];
            for lane in (0..LANES).filter(|lane| has_filter >> lane & 1 == 1) {
                let halves = self.take(2 * numbers)?.chunks_exact(2);
                let places = weights[start + lane..].iter_mut().step_by(LANES);
                for (place, bytes) in places.zip(halves) {
                    *place = f16::from_le_bytes(bytes.try_into().ok()?);
                }
            }
        }
        weights.iter().all(|weight| weight.is_finite()).then_some(weights)
    }
}

/// Reason why bytes cannot be read as learned estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LearnedError {
    /// The bytes do not have the format.
    #[error("the data has an unknown format")]
    NotLearned,
    /// Another version of the engine wrote them.
    #[error("saved in format {actual}, but this version reads format {expected}")]
    Version {
        /// Version that this engine reads.
        expected: u8,
        /// Version of the bytes.
        actual: u8,
    },
    /// Some bytes are missing or changed.
    #[error("the data is damaged")]
    Damaged,
}
