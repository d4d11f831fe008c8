//! Clips of one step, drawn from seed, round and step alone, with mics in a random order.

use super::band_sums::{NUM_PAIR_SUMS, NUM_SUMS, num_pairs, pair_index};
use super::combination::{self, Combinations, Members, pairs_of};
use super::config::TrainConfig;
use super::products::Products;
use super::store::Stored;
use super::sums::Sums;
use crate::random::Random;
use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use engine::debleed::cancel::{NUM_BANDS, NUM_FEATURES};
use engine::network::Pairs;

/// One clip to be read.
#[derive(Clone, Debug)]
pub(super) struct Pick<'a> {
    example: &'a Stored,
    start: usize,
    /// `[place]`: mic index in the example.
    pub(super) order: Vec<usize>,
    /// Combinations of the example's mics; empty unless the loss uses them.
    combinations: Vec<Members>,
}

impl<'a> Pick<'a> {
    /// Selects a whole example, mics in their order.
    pub(super) fn whole(example: &'a Stored) -> Self {
        let order = (0..example.relations.num_mics).collect();
        Self { example, start: 0, order, combinations: Vec::new() }
    }

    /// Returns the same clip with its mics in their order.
    pub(super) fn in_order(mut self) -> Self {
        self.order.sort_unstable();
        self
    }

    /// Returns the same clip with its mics in a random order.
    pub(super) fn shuffled(mut self, random: &mut Random) -> Self {
        random.shuffle(&mut self.order);
        self
    }

    /// Draws the clips of a step: the same ones for the same seed, round and step, whatever was
    /// drawn before.
    pub(super) fn draw(
        examples: &'a [Stored],
        config: &TrainConfig,
        at: (usize, usize),
    ) -> Vec<Self> {
        let mut random = of_step(config.seed, ORDER_PART, at);
        let mut of_combinations = of_step(config.seed, COMBINATIONS_PART, at);
        (0..config.clips)
            .map(|_| {
                let example = &examples[random.index(examples.len())];
                let anywhere = random.index((example.num_hops + 1).saturating_sub(config.hops));
                let start = if random.unit() < config.early { 0 } else { anywhere };
                let mut order: Vec<usize> = (0..example.relations.num_mics).collect();
                random.shuffle(&mut order);
                let mut pick = Self { example, start, order, combinations: Vec::new() };
                if config.loss.combination > 0.0 {
                    pick = pick.combined(config.loss.most_combinations, &mut of_combinations);
                }
                pick
            })
            .collect()
    }

    /// Returns the same clip with combinations of its mics.
    pub(super) fn combined(mut self, most: usize, random: &mut Random) -> Self {
        self.combinations = combination::draw(&self.example.relations.is_target, most, random);
        self
    }

    /// Returns the combinations by the places of their mics.
    fn members(&self) -> Vec<Members> {
        let in_place = |members: Members| -> Members {
            let places = self.order.iter().enumerate();
            places.map(|(place, mic)| (members >> mic & 1) << place).sum()
        };
        self.combinations.iter().copied().map(in_place).collect()
    }
}

/// Returns the stream of numbers for one part of one step.
fn of_step(seed: u64, part: u64, (round, step): (usize, usize)) -> Random {
    let of_round = Random::for_part(Random::for_part(seed, part).bits(), round as u64).bits();
    Random::for_part(of_round, step as u64)
}

/// Separates this stream from the scenes'.
const ORDER_PART: u64 = 0x0B0A;
/// Separates this stream from that of the clips, which are the same with and without combinations.
const COMBINATIONS_PART: u64 = 0x0C0B;

/// Clips side by side, padded to the largest number of mics.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) features: Tensor<4>,
    pub(super) sums: Sums,
    /// `[batch, mic]`: 1 for targets whose source plays, which have an SNR, else 0.
    pub(super) measured: Tensor<2>,
    pub(super) pairs: Pairs,
}

impl Batch {
    /// Reads the clips.
    pub(super) fn read(picks: &[Pick<'_>], hops: usize, device: &Device) -> Result<Self> {
        const INPUTS: usize = NUM_FEATURES * NUM_BANDS;
        const ROW: usize = NUM_SUMS * NUM_BANDS;
        let count = picks.len();
        let largest = picks.iter().map(|pick| pick.order.len()).max().unwrap_or(0);
        let rows = count * largest * hops;
        let mut features = vec![0.0_f32; rows * INPUTS];
        let mut sums = vec![vec![0.0_f32; rows * NUM_BANDS]; NUM_SUMS];
        let (mut weights, mut measured) = (vec![0.0; count * largest], vec![0.0; count * largest]);
        for (clip, pick) in picks.iter().enumerate() {
            let read = pick.example.clip(pick.start, hops)?;
            let relations = &pick.example.relations;
            for (place, &mic) in pick.order.iter().enumerate() {
                let target = if relations.is_target[mic] { 1.0 } else { 0.0 };
                weights[clip * largest + place] = target;
                measured[clip * largest + place] = if relations.plays[mic] { target } else { 0.0 };
                for hop in 0..hops {
                    let from = hop * relations.num_mics + mic;
                    let to = (clip * largest + place) * hops + hop;
                    features[to * INPUTS..][..INPUTS]
                        .copy_from_slice(&read.features[from * INPUTS..][..INPUTS]);
                    for (which, sums) in sums.iter_mut().enumerate() {
                        sums[to * NUM_BANDS..][..NUM_BANDS].copy_from_slice(
                            &read.sums[from * ROW + which * NUM_BANDS..][..NUM_BANDS],
                        );
                    }
                }
            }
        }
        let tensor = |values: Vec<f32>, last: usize| -> Tensor<4> {
            Tensor::from_data(TensorData::new(values, [count, largest, hops, last]), device)
        };
        let per_mic = |values: Vec<f32>| -> Tensor<2> {
            Tensor::from_data(TensorData::new(values, [count, largest]), device)
        };
        let mut take = |which: usize| tensor(std::mem::take(&mut sums[which]), NUM_BANDS);
        let mut sums = Sums {
            after: take(0),
            product: take(1),
            truth: take(2),
            before: take(3),
            bleed: take(4),
            weights: per_mic(weights),
            combinations: None,
        };
        if picks.iter().any(|pick| !pick.combinations.is_empty()) {
            let members: Vec<Vec<Members>> = picks.iter().map(Pick::members).collect();
            let pairs = read_pairs(picks, (largest, hops), device)?;
            sums.combinations = Some(Combinations::new(&members, sums.products(), pairs, device));
        }
        let num_mics: Vec<usize> = picks.iter().map(|pick| pick.order.len()).collect();
        let related = |of: fn(&Stored) -> &Vec<bool>| {
            move |i: usize, j: usize| {
                let Pick { example, order, .. } = &picks[i / largest];
                of(example)[order[i % largest] * order.len() + order[j % largest]]
            }
        };
        let pairs = Pairs::from_relations(
            &num_mics,
            related(|example| &example.relations.bleeds),
            related(|example| &example.relations.one_source),
            device,
        );
        let features = tensor(features, INPUTS);
        Ok(Self { features, sums, measured: per_mic(measured), pairs })
    }
}

/// Reads the products of each two mics, by their places; `None` if no clip has two.
fn read_pairs(
    picks: &[Pick<'_>],
    (largest, hops): (usize, usize),
    device: &Device,
) -> Result<Option<Products>> {
    const ROW: usize = NUM_PAIR_SUMS * NUM_BANDS;
    let shape = [picks.len(), num_pairs(largest), hops, NUM_BANDS];
    if shape[1] == 0 {
        return Ok(None);
    }
    let mut sums = vec![vec![0.0_f32; shape.iter().product()]; NUM_PAIR_SUMS];
    for (clip, pick) in picks.iter().enumerate().filter(|(_, pick)| !pick.combinations.is_empty()) {
        let read = pick.example.pairs(pick.start, hops)?;
        let num_mics = pick.order.len();
        for (first, second) in pairs_of(num_mics) {
            let (mic, other) = (pick.order[first], pick.order[second]);
            // Pairs are recorded in the order of the mics in the example.
            let planes = if mic < other { [0, 1, 2, 3] } else { [0, 2, 1, 3] };
            for hop in 0..hops {
                let from = (hop * num_pairs(num_mics) + pair_index(mic, other)) * ROW;
                let to = (clip * shape[1] + pair_index(first, second)) * hops + hop;
                for (sums, plane) in sums.iter_mut().zip(planes) {
                    sums[to * NUM_BANDS..][..NUM_BANDS]
                        .copy_from_slice(&read[from + plane * NUM_BANDS..][..NUM_BANDS]);
                }
            }
        }
    }
    let mut take = |which: usize| -> Tensor<4> {
        let values = std::mem::take(&mut sums[which]);
        Tensor::from_data(TensorData::new(values, shape), device)
    };
    Ok(Some(Products { after: take(0), first: take(1), second: take(2), truth: take(3) }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::random_example;
    use super::*;
    use engine::network::{Network, NetworkConfig};

    fn stored(folder: &tempfile::TempDir) -> Vec<Stored> {
        [3, 2]
            .map(|num_mics| {
                let mut example = random_example(num_mics, 12, num_mics as u64);
                // No two mics have the same relations.
                example.relations.is_target[1] = false;
                example.relations.plays[0] = false;
                example.relations.bleeds[1] = false;
                let path = folder.path().join(format!("{num_mics}.example"));
                Stored::write(&example, &path).unwrap()
            })
            .to_vec()
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn combinations_are_the_steps_own_and_leave_its_clips_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("many.example");
        let examples = [Stored::write(&random_example(12, 12, 1), &path).unwrap()];
        let draw = |loss: &str, step: usize| {
            let text = format!(
                "hops = 5\nclips = 2\n[[recipe]]\nrecipe = 'ensembles'\n[loss]\nsegment_hops = 5\n\
                 {loss}"
            );
            let config = TrainConfig::parse("test.toml", &text).unwrap();
            Pick::draw(&examples, &config, (0, step))
        };
        let clips = |picks: &[Pick<'_>]| -> Vec<(usize, Vec<usize>)> {
            picks.iter().map(|pick| (pick.start, pick.order.clone())).collect()
        };
        let combinations = |picks: &[Pick<'_>]| -> Vec<Vec<Members>> {
            picks.iter().map(|pick| pick.combinations.clone()).collect()
        };
        let with = "combination = 1\nmost_combinations = 7";
        assert_eq!(clips(&draw(with, 3)), clips(&draw("", 3)));
        assert!(draw("", 3).iter().all(|pick| pick.combinations.is_empty()));
        let found = combinations(&draw(with, 3));
        assert_eq!(found, combinations(&draw(with, 3)));
        assert!(found.iter().all(|of_clip| of_clip.len() == 7) && found[0] != found[1]);
        assert_ne!(found, combinations(&draw(with, 4)));
    }

    #[test]
    fn a_step_draws_the_same_clips_whatever_was_drawn_before() {
        let folder = tempfile::tempdir().unwrap();
        let examples = stored(&folder);
        let config = |changes: &str| {
            let text = format!(
                "hops = 5\nclips = 4\n{changes}\n[[recipe]]\nrecipe = 'ensembles'\n\
                 [loss]\nsegment_hops = 5"
            );
            TrainConfig::parse("test.toml", &text).unwrap()
        };
        let draw = |seed: u64, round: usize, step: usize| {
            let config = config(&format!("seed = {seed}"));
            format!("{:?}", Pick::draw(&examples, &config, (round, step)))
        };
        assert_eq!(draw(1, 0, 7), draw(1, 0, 7));
        assert_ne!(draw(1, 0, 7), draw(1, 0, 8));
        assert_ne!(draw(1, 0, 7), draw(1, 1, 7));
        assert_ne!(draw(1, 0, 7), draw(2, 0, 7));
        let starts = |changes: &str| -> Vec<usize> {
            let config = config(changes);
            (0..50)
                .flat_map(|step| Pick::draw(&examples, &config, (0, step)))
                .map(|pick| pick.start)
                .collect()
        };
        let anywhere = starts("");
        assert_eq!((anywhere.iter().min(), anywhere.iter().max()), (Some(&0), Some(&7)));
        // The first of eight starts has a chance of 1/8: of 200, 25 and 112 are expected.
        let first = |starts: &[usize]| starts.iter().filter(|&&start| start == 0).count();
        assert!((10..45).contains(&first(&anywhere)), "{anywhere:?}");
        assert!((90..135).contains(&first(&starts("early = 0.5"))));
    }

    /// Largest difference between masks. Measured: 6e-8.
    const ROUNDING: f32 = 5e-7;

    #[test]
    fn the_order_of_mics_moves_their_targets_and_relations_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let examples = stored(&folder);
        let device = Device::flex();
        let config = NetworkConfig {
            num_bands: NUM_BANDS,
            num_features: NUM_FEATURES,
            width: 8,
            exchange_width: 4,
            local_width: 3,
            masks: engine::network::MaskForm::Stretched,
            dilations: [1; 6],
        };
        let network = Network::new(&config, &device);
        let masks = |order: &[usize]| {
            let pick = Pick { start: 2, order: order.to_vec(), ..Pick::whole(&examples[0]) };
            // Beside a clip of two mics there is padding.
            let other = Pick::whole(&examples[1]);
            let batch = Batch::read(&[other, pick], 5, &device).unwrap();
            let mut memory = network.blank_memory(2, 3, &device);
            let masks = network.forward(batch.features, &batch.pairs, &mut memory);
            let of_clip = |tensor: Tensor<4>| values(tensor.narrow(0, 1, 1));
            let per_mic = |tensor: Tensor<2>| values(tensor.narrow(0, 1, 1));
            let padding = values(batch.sums.weights.clone().narrow(0, 0, 1))[2];
            assert_eq!(padding, 0.0);
            (
                [of_clip(masks.keep), of_clip(batch.sums.product)],
                [per_mic(batch.sums.weights), per_mic(batch.measured)],
            )
        };
        let (plain, plain_told) = masks(&[0, 1, 2]);
        let order = [2, 0, 1];
        let (turned, turned_told) = masks(&order);
        let row = 5 * NUM_BANDS;
        for (place, mic) in order.into_iter().enumerate() {
            for (plain, turned) in plain.iter().zip(&turned) {
                let pair = plain[mic * row..][..row].iter().zip(&turned[place * row..][..row]);
                let apart = pair.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < ROUNDING, "{apart}");
            }
            assert_eq!(turned_told[0][place], plain_told[0][mic]);
            assert_eq!(turned_told[1][place], plain_told[1][mic]);
        }
        assert_eq!(plain_told, [vec![1.0, 0.0, 1.0], vec![0.0, 0.0, 1.0]]);
        assert!(plain[0] != turned[0]);
    }
}
