//! Combinations of mics, whose sums are compared with the sums of their truths: their choice, and
//! the terms of their sums.

use super::products::Products;
use crate::random::Random;
use burn::tensor::{Device, Tensor, TensorData};
use engine::MAX_MICS;
use std::collections::BTreeSet;

/// Some mics of a scene, one bit each.
pub(super) type Members = u64;
const _: () = assert!(MAX_MICS < usize::BITS as usize && usize::BITS <= Members::BITS);

/// Returns all combinations of the target mics except that of all of them. If there are more than
/// `most`, draws `most` of them at random. A single target makes one combination.
pub(super) fn draw(is_target: &[bool], most: usize, random: &mut Random) -> Vec<Members> {
    let targets: Vec<usize> = (0..is_target.len()).filter(|&mic| is_target[mic]).collect();
    let all = (1_usize << targets.len()) - 1;
    let count = if targets.len() > 1 { all - 1 } else { all };
    // Each number selects the targets whose bits are set in it.
    let members = |number: usize| -> Members {
        let named = targets.iter().enumerate().filter(|(bit, _)| number >> bit & 1 == 1);
        named.map(|(_, &mic)| 1_u64 << mic).sum()
    };
    if count <= most {
        return (1..=count).map(members).collect();
    }
    let mut drawn = BTreeSet::new();
    while drawn.len() < most {
        drawn.insert(1 + random.index(count));
    }
    drawn.into_iter().map(members).collect()
}

/// The combinations of all clips of a batch.
#[derive(Clone, Debug)]
pub struct Combinations {
    /// Products of each mic with itself, then of each two mics, in the order of
    /// [`pair_index`](super::band_sums::pair_index).
    pub products: Products,
    /// Number of times that each product occurs in the power of a combination's sum, divided by the
    /// number of its mics: `[batch, combination, pair]`.
    pub weights: Tensor<3>,
    /// Weight of each combination, `[batch, combination]`: equal within a clip, with the same total
    /// for each clip; 0 for padding.
    pub shares: Tensor<2>,
}

impl Combinations {
    /// Creates the combinations of clips from their `members`, by place. `own` are the products of
    /// each mic with itself, `pairs` those of each two different mics, if there are two.
    pub(super) fn new(
        members: &[Vec<Members>],
        own: Products,
        pairs: Option<Products>,
        device: &Device,
    ) -> Self {
        let [batch, num_mics, _, _] = own.after.dims();
        let most = members.iter().map(Vec::len).max().unwrap_or(0);
        let both: Vec<(usize, usize)> =
            (0..num_mics).map(|mic| (mic, mic)).chain(pairs_of(num_mics)).collect();
        let (mut weights, mut shares) = (Vec::new(), Vec::new());
        for of_clip in members {
            let share = 1.0 / (of_clip.len() * batch) as f32;
            for combination in 0..most {
                let members = of_clip.get(combination).copied();
                shares.push(members.map_or(0.0, |_| share));
                let members = members.unwrap_or(0);
                let often = |&(first, second): &(usize, usize)| {
                    let count = if first == second { 1.0 } else { 2.0 };
                    let is_in = members >> first & members >> second & 1 == 1;
                    if is_in { count / members.count_ones() as f32 } else { 0.0 }
                };
                weights.extend(both.iter().map(often));
            }
        }
        let products = match pairs {
            Some(pairs) => own.and(pairs),
            None => own,
        };
        Self {
            products,
            weights: Tensor::from_data(TensorData::new(weights, [batch, most, both.len()]), device),
            shares: Tensor::from_data(TensorData::new(shares, [batch, most]), device),
        }
    }
}

/// Returns each two different mics, in the order of [`pair_index`](super::band_sums::pair_index).
pub(super) fn pairs_of(num_mics: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..num_mics).flat_map(|second| (0..second).map(move |first| (first, second)))
}

#[cfg(test)]
mod tests {
    use super::super::batch::{Batch, Pick};
    use super::super::domains::{combination, multi_domain};
    use super::super::relations::Relations;
    use super::super::store::Stored;
    use super::super::testing::{Heard, example_of};
    use super::*;
    use crate::convert::to_f32;
    use engine::debleed::cancel::NUM_BANDS;
    use engine::stft::Spectrum;
    use realfft::num_complex::{Complex32, Complex64};

    const NUM_HOPS: usize = 5;
    const BINS_OF_BAND: usize = 2;
    const SCALE: f64 = 10.0;

    /// Mics with sounds of their own, a sound common to all, and their own gains; the first mics
    /// are targets.
    struct Session {
        num_targets: usize,
        hops: Vec<Heard>,
        /// `[mic, time, band]`
        keep: Vec<f32>,
    }

    impl Session {
        fn new(num_mics: usize, num_targets: usize, gains: &[f32]) -> Self {
            const NUM_BINS: usize = NUM_BANDS * BINS_OF_BAND;
            let mut random = Random::new(7);
            let mut drawn = || {
                let mut part = || to_f32(random.normal(0.0, 1.0));
                Complex32::new(part(), part())
            };
            let heard = |_| {
                let mut heard: Heard = std::array::from_fn(|_| Spectrum::new(num_mics, NUM_BINS));
                for bin in 0..NUM_BINS {
                    let common = drawn();
                    for mic in 0..num_mics {
                        let gain = gains[mic % gains.len()];
                        let (own, other) = (drawn() + common * 0.5, common + drawn() * 0.3);
                        let [before, after, truth] = &mut heard;
                        truth.mic_mut(mic)[bin] = own * gain;
                        after.mic_mut(mic)[bin] = (own + other * 0.4) * gain;
                        before.mic_mut(mic)[bin] = (own + other) * gain;
                    }
                }
                heard
            };
            let hops = (0..NUM_HOPS).map(heard).collect();
            let mut random = Random::new(8);
            let keep = (0..num_mics * NUM_HOPS * NUM_BANDS).map(|_| to_f32(random.unit()));
            let keep = keep.collect();
            Self { num_targets, hops, keep }
        }

        fn num_mics(&self) -> usize {
            self.hops[0][0].num_mics()
        }

        fn store(&self, folder: &tempfile::TempDir) -> Stored {
            let num_mics = self.num_mics();
            let relations = Relations {
                num_mics,
                bleeds: vec![true; num_mics * num_mics],
                one_source: vec![false; num_mics * num_mics],
                is_target: (0..num_mics).map(|mic| mic < self.num_targets).collect(),
                plays: vec![true; num_mics],
            };
            let band_of_bin: Vec<usize> =
                (0..NUM_BANDS * BINS_OF_BAND).map(|bin| bin / BINS_OF_BAND).collect();
            let example = example_of(&self.hops, &band_of_bin, relations);
            Stored::write(&example, &folder.path().join(format!("{num_mics}.example"))).unwrap()
        }

        fn keep(&self, order: &[usize], num_places: usize) -> Tensor<4> {
            let row = NUM_HOPS * NUM_BANDS;
            let mut keep: Vec<f32> =
                order.iter().flat_map(|&mic| self.keep[mic * row..][..row].to_vec()).collect();
            keep.resize(num_places * row, 0.3);
            let shape = [1, num_places, NUM_HOPS, NUM_BANDS];
            Tensor::from_data(TensorData::new(keep, shape), &Device::flex())
        }

        /// Computes the loss of the recorded session with the mics in this order.
        fn loss(&self, order: &[usize]) -> f64 {
            let folder = tempfile::tempdir().unwrap();
            let stored = self.store(&folder);
            let mut pick = Pick::whole(&stored).combined(1000, &mut Random::new(1));
            pick.order = order.to_vec();
            let batch = Batch::read(&[pick], NUM_HOPS, &Device::flex()).unwrap();
            let combinations = batch.sums.combinations.unwrap();
            value(combination(&self.keep(order, order.len()), &combinations, SCALE))
        }

        /// Computes the loss from the spectra by the formulas.
        fn loss_by_hand(&self) -> f64 {
            let all = (1_u32 << self.num_targets) - 1;
            let last = if self.num_targets > 1 { all - 1 } else { all };
            let losses: Vec<f64> = (1..=last).map(|members| self.loss_of(members)).collect();
            losses.iter().sum::<f64>() / losses.len() as f64
        }

        fn loss_of(&self, members: u32) -> f64 {
            let level = |mic: usize| {
                let power = |hop: &Heard| -> f64 {
                    hop[0].mic(mic).iter().map(|bin| f64::from(bin.norm_sqr())).sum()
                };
                (self.hops.iter().map(power).sum::<f64>() / NUM_HOPS as f64).sqrt()
            };
            let mics: Vec<(usize, f64)> = (0..self.num_mics())
                .filter(|mic| members >> mic & 1 == 1)
                .map(|mic| (mic, 1.0 / level(mic) / f64::from(members.count_ones()).sqrt()))
                .collect();
            let double = |bin: Complex32| Complex64::new(bin.re.into(), bin.im.into());
            let [mut error, mut own, mut rest] = [0.0; 3];
            let [mut kept, mut own_kept, mut dropped, mut rest_dropped] = [0.0; 4];
            for (time, [_, after, truth]) in self.hops.iter().enumerate() {
                for bin in 0..after.num_bins() {
                    let sum = |of: &dyn Fn(usize) -> Complex64| -> Complex64 {
                        mics.iter().map(|&(mic, gain)| of(mic) * gain).sum()
                    };
                    let mask = |mic: usize| {
                        let band = bin / BINS_OF_BAND;
                        f64::from(self.keep[(mic * NUM_HOPS + time) * NUM_BANDS + band])
                    };
                    let mixture = sum(&|mic| double(after.mic(mic)[bin]));
                    let wanted = sum(&|mic| double(truth.mic(mic)[bin]));
                    let found = sum(&|mic| double(after.mic(mic)[bin]) * mask(mic));
                    error += (found - wanted).norm_sqr();
                    own += wanted.norm_sqr();
                    kept += found.norm_sqr();
                    own_kept += (found * wanted.conj()).re;
                    rest += (mixture - wanted).norm_sqr();
                    dropped += (mixture - found).norm_sqr();
                    rest_dropped += ((mixture - found) * (mixture - wanted).conj()).re;
                }
            }
            let share = own / (own + rest);
            let weighted_sdr = -share * own_kept / (own * kept).sqrt()
                - (1.0 - share) * rest_dropped / (rest * dropped).sqrt();
            error / NUM_HOPS as f64 + SCALE * (weighted_sdr + 1.0)
        }
    }

    fn value(loss: Tensor<1>) -> f64 {
        f64::from(loss.into_data().as_slice::<f32>().unwrap()[0])
    }

    /// For losses of about 2; measured: 2e-6.
    const ROUNDING: f64 = 1e-5;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < ROUNDING, "{found}, expected {wanted}");
    }

    #[test]
    fn the_loss_of_recorded_sums_is_that_of_the_spectra() {
        for (num_mics, num_targets) in [(1, 1), (2, 2), (3, 3), (3, 2), (5, 5), (4, 1)] {
            let session = Session::new(num_mics, num_targets, &[1.0]);
            let order: Vec<usize> = (0..num_mics).collect();
            near(session.loss(&order), session.loss_by_hand());
        }
    }

    #[test]
    fn neither_the_order_of_mics_nor_their_gains_matter() {
        let plain = Session::new(4, 3, &[1.0]).loss(&[0, 1, 2, 3]);
        let session = Session::new(4, 3, &[30.0, 0.02, 1.0, 500.0]);
        for order in [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0], [1, 0, 3, 2]] {
            near(session.loss(&order), plain);
        }
    }

    #[test]
    fn one_mic_and_two_have_the_multi_domain_loss_alone() {
        for num_mics in [1, 2] {
            let session = Session::new(num_mics, num_mics, &[1.0, 3.0]);
            let order: Vec<usize> = (0..num_mics).collect();
            let folder = tempfile::tempdir().unwrap();
            let stored = session.store(&folder);
            let batch = Batch::read(&[Pick::whole(&stored)], NUM_HOPS, &Device::flex()).unwrap();
            assert!(batch.sums.combinations.is_none(), "nobody asked for them");
            let keep = session.keep(&order, num_mics);
            near(session.loss(&order), value(multi_domain(&keep, &batch.sums, SCALE)));
        }
    }

    #[test]
    fn clips_of_a_batch_count_alike_whatever_their_numbers_of_mics() {
        let sessions = [(2, 2), (4, 4), (3, 0), (1, 1)]
            .map(|(num_mics, num_targets)| Session::new(num_mics, num_targets, &[1.0, 4.0]));
        let folder = tempfile::tempdir().unwrap();
        let stored: Vec<Stored> = sessions.iter().map(|session| session.store(&folder)).collect();
        let mut random = Random::new(1);
        let picks: Vec<Pick<'_>> = stored
            .iter()
            .map(|stored| Pick::whole(stored).combined(1000, &mut random).shuffled(&mut random))
            .collect();
        let keep = sessions.iter().zip(&picks).map(|(session, pick)| session.keep(&pick.order, 4));
        let keep = Tensor::cat(keep.collect(), 0);
        let batch = Batch::read(&picks, NUM_HOPS, &Device::flex()).unwrap();
        let found = value(combination(&keep, &batch.sums.combinations.unwrap(), SCALE));
        // A clip without a target adds nothing, but counts as a clip.
        let alone: f64 = [0, 1, 3].map(|clip: usize| sessions[clip].loss_by_hand()).iter().sum();
        near(found, alone / 4.0);
    }

    #[test]
    fn every_combination_of_some_targets_is_one_and_of_many_some_are_drawn() {
        let draw = |is_target: &[bool], most: usize, seed: u64| {
            super::draw(is_target, most, &mut Random::new(seed))
        };
        assert_eq!(draw(&[true, false, true, true], 254, 1), [1, 4, 5, 8, 9, 12]);
        assert_eq!(draw(&[false, true, true], 254, 1), [2, 4]);
        assert_eq!(draw(&[false, true], 254, 1), [2]);
        assert!(draw(&[false, false], 254, 1).is_empty());
        assert_eq!(draw(&[true; 8], 254, 1).len(), 254);
        assert_eq!(draw(&[true; 16], 65_534, 1).len(), 65_534);
        let found = draw(&[true; 16], 200, 1);
        assert_eq!(found, draw(&[true; 16], 200, 1));
        assert_ne!(found, draw(&[true; 16], 200, 2));
        assert_eq!(found.len(), 200);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "each once");
        assert!(found.iter().all(|&members| members > 0 && members < 65_535));
        // Each mic is in about half of them.
        for mic in 0..16 {
            let count = found.iter().filter(|&members| members >> mic & 1 == 1).count();
            assert!((65..135).contains(&count), "{mic}: {count}");
        }
    }
}
