//! Training examples: scenes as they pass the canceller, hop by hop, with the truth in bands.

use super::band_sums::{NUM_PAIR_SUMS, NUM_SUMS};
use super::recorder::{Recorder, Tape};
use super::relations::Relations;
use crate::cleaning::Taught;
use crate::scenes::Scene;
use anyhow::{Context, Result, ensure};
use engine::debleed::cancel::{Guide, NUM_BANDS, NUM_FEATURES};
use engine::debleed::{Cancel, Debleed, Online};
use engine::network::{Network, NetworkGuide};
use engine::pipeline::Pipeline;
use engine::stft::{Analysis, Geometry, Spectrum};
use engine::{Controls, MAX_MICS, Mode, SampleRate};
use half::f16;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Way in which the canceller learns a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// During playback, without lookahead.
    Live,
    /// During playback, with lookahead.
    Mix,
    /// From the whole session before cleaning.
    Learned,
    /// During playback, without lookahead, after the plugin's Learn has processed the whole scene.
    Taught,
}

impl Way {
    /// Returns the mode whose transform the way uses.
    fn mode(self) -> Mode {
        match self {
            Self::Live | Self::Taught => Mode::Live,
            Self::Mix | Self::Learned => Mode::Mix,
        }
    }
}

/// One scene as input of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Relations between its mics.
    pub relations: Relations,
    /// Number of hops.
    pub num_hops: usize,
    /// `[hop, mic, feature * band]`
    pub features: Vec<f16>,
    /// `[hop, mic, sum, band]`, see [`NUM_SUMS`]; scaled so that each mic has mean power 1.
    pub sums: Vec<f32>,
    /// `[hop, pair, sum, band]`, see [`NUM_PAIR_SUMS`] and
    /// [`pair_index`](super::band_sums::pair_index); scaled like the mics.
    /// `None` unless requested.
    pub pairs: Option<Vec<f32>>,
}

impl Example {
    /// Runs a scene through the canceller, guided by `network` or by its own rules, and records the
    /// input of the guide.
    ///
    /// # Errors
    ///
    /// Returns an error if the engine does not support the scene's rate or its number of mics.
    pub fn record(scene: &Scene, way: Way, network: Option<&Arc<Network>>) -> Result<Self> {
        Self::record_onto(&Tape::default, scene, way, network)
    }

    /// Records the same with the sums of pairs, from which sums of several mics are computed.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`record`](Self::record).
    pub fn record_with_pairs(
        scene: &Scene,
        way: Way,
        network: Option<&Arc<Network>>,
    ) -> Result<Self> {
        Self::record_onto(&Tape::with_pairs, scene, way, network)
    }

    fn record_onto(
        tape: &dyn Fn() -> Tape,
        scene: &Scene,
        way: Way,
        network: Option<&Arc<Network>>,
    ) -> Result<Self> {
        let rate = SampleRate::new(scene.rate_hz as f32).context("unsupported sample rate")?;
        let num_mics = scene.mics.len();
        ensure!((1..=MAX_MICS).contains(&num_mics), "the engine does not support {num_mics} mics");
        let controls = scene.info.controls();
        let geometry = way.mode().geometry(rate);
        let truth = Arc::new(spectra(&scene.targets, geometry));
        // One tape for each pass over the audio. With lookahead, the last tape created is that of
        // the hops that are cleaned.
        let tapes: Mutex<Vec<Arc<Mutex<Tape>>>> = Mutex::default();
        let make = || -> Box<dyn Guide> {
            let tape = Arc::new(Mutex::new(tape()));
            let mut tapes = tapes.lock().unwrap_or_else(PoisonError::into_inner);
            // The pass with lookahead receives every hop on arrival. The other one lags by the
            // lookahead and receives silence until then.
            let silent_hops =
                if way == Way::Mix && !tapes.is_empty() { Mode::Mix.lookahead_hops() } else { 0 };
            tapes.push(Arc::clone(&tape));
            Box::new(Recorder {
                inner: network.map(|network| NetworkGuide::new(Arc::clone(network), num_mics)),
                truth: Arc::clone(&truth),
                tape,
                silent_hops,
                hop: 0,
                written: None,
            })
        };
        let online = || Online::guided(rate, way.mode(), num_mics, &make);
        let method: Box<dyn Debleed> = match way {
            Way::Live | Way::Mix => Box::new(online()),
            Way::Learned => Box::new(Cancel::guided(rate, num_mics, &make)),
            Way::Taught => Box::new(Taught::new(online(), num_mics)),
        };
        play(scene, &controls, Pipeline::new(method, num_mics));
        // Tapes of guides that are reserved for a study and never used are empty.
        let tapes = tapes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tapes = tapes
            .iter()
            .rev()
            .map(|tape| std::mem::take(&mut *tape.lock().unwrap_or_else(PoisonError::into_inner)));
        let tape = tapes.into_iter().find(|tape| !tape.features.is_empty());
        let tape = tape.context("no guide was used")?;
        Ok(Self::of_tape(tape, Relations::of(scene, &controls)))
    }

    pub(super) fn of_tape(tape: Tape, relations: Relations) -> Self {
        let num_hops = tape.features.len() / (relations.num_mics * NUM_FEATURES * NUM_BANDS);
        let Tape { features, sums, pairs } = tape;
        let mut example = Self { relations, num_hops, features, sums, pairs };
        example.normalise();
        example
    }

    /// Scales each mic's sums to mean input power 1, so that no mic counts more for being louder.
    /// Sums of pairs are scaled by the geometric mean of both scales.
    fn normalise(&mut self) {
        let row = NUM_SUMS * NUM_BANDS;
        let num_mics = self.relations.num_mics;
        let mut scales = Vec::with_capacity(num_mics);
        for mic in 0..num_mics {
            let rows = || (0..self.num_hops).map(|hop| (hop * num_mics + mic) * row);
            let input: f64 = rows()
                .flat_map(|at| &self.sums[at + 3 * NUM_BANDS..at + 4 * NUM_BANDS])
                .map(|&power| f64::from(power))
                .sum();
            let scale = self.num_hops as f64 / input.max(1e-12);
            let starts: Vec<usize> = rows().collect();
            for at in starts {
                scale_all(&mut self.sums[at..at + row], scale);
            }
            scales.push(scale);
        }
        let of_pairs: Vec<f64> = (0..num_mics)
            .flat_map(|j| scales[..j].iter().map(move |i| (i, j)))
            .map(|(i, j)| (i * scales[j]).sqrt())
            .collect();
        if let Some(pairs) = &mut self.pairs {
            let sums = pairs.chunks_exact_mut(NUM_PAIR_SUMS * NUM_BANDS);
            sums.zip(of_pairs.iter().cycle()).for_each(|(sums, &scale)| scale_all(sums, scale));
        }
    }
}

fn scale_all(sums: &mut [f32], scale: f64) {
    sums.iter_mut().for_each(|sum| *sum = crate::convert::to_f32(f64::from(*sum) * scale));
}

/// Runs all learning passes, then the scene itself.
fn play(scene: &Scene, controls: &Controls, mut pipeline: Pipeline) {
    let num_mics = scene.mics.len();
    let hop_samples = pipeline.geometry().hop_samples();
    let mut samples = vec![0.0; num_mics * hop_samples];
    let passes = pipeline.learning_passes();
    for pass in 0..=passes {
        for hop in 0..scene.mics[0].len() / hop_samples {
            for (mic, signal) in scene.mics.iter().enumerate() {
                samples[mic * hop_samples..][..hop_samples]
                    .copy_from_slice(&signal[hop * hop_samples..][..hop_samples]);
            }
            if pass < passes {
                pipeline.learn_hop(&samples, controls);
            } else {
                pipeline.process_hop(&mut samples, controls);
            }
        }
        if pass < passes {
            pipeline.end_learning_pass();
        }
    }
}

/// Returns the spectra of all hops, `[hop]` of `[mic, bin]`.
fn spectra(signals: &[Vec<f32>], geometry: Geometry) -> Vec<Spectrum> {
    let hop_samples = geometry.hop_samples();
    let mut analysis = Analysis::new(geometry, signals.len());
    let mut samples = vec![0.0; signals.len() * hop_samples];
    let num_hops = signals[0].len() / hop_samples;
    let mut spectra = Vec::with_capacity(num_hops);
    for hop in 0..num_hops {
        for (mic, signal) in signals.iter().enumerate() {
            samples[mic * hop_samples..][..hop_samples]
                .copy_from_slice(&signal[hop * hop_samples..][..hop_samples]);
        }
        let mut spectrum = Spectrum::new(signals.len(), geometry.num_bins());
        analysis.push_hop(&samples, &mut spectrum);
        spectra.push(spectrum);
    }
    spectra
}

#[cfg(test)]
mod tests {
    use super::super::band_sums::pair_index;
    use super::*;
    use crate::convert::to_f32;
    use crate::random::Random;
    use crate::scenes::SceneInfo;
    use std::ops::Range;

    /// Returns three mics of two seconds: two players who bleed into each other, and a room mic
    /// that picks up both.
    fn scene(seed: u64) -> Scene {
        let mut random = Random::new(seed);
        let mut player = |phase: usize| -> Vec<f32> {
            let on = |n: usize| (n / 11_025) % 2 == phase || n.is_multiple_of(7);
            (0..88_200).map(|n| if on(n) { to_f32(random.normal(0.0, 0.1)) } else { 0.0 }).collect()
        };
        let (a, b) = (player(0), player(1));
        let mix = |near: &[f32], far: &[f32], gain: f32| -> Vec<f32> {
            near.iter().zip(far).map(|(near, far)| near + gain * far).collect()
        };
        Scene {
            info: SceneInfo { room_mics: vec![3], ..SceneInfo::default() },
            rate_hz: 44_100,
            mics: vec![mix(&a, &b, 0.3), mix(&b, &a, 0.2), mix(&a, &b, 1.0)],
            targets: vec![a, b, vec![0.0; 88_200]],
        }
    }

    #[test]
    fn sums_of_pairs_are_recorded_beside_the_others_where_they_are_asked_for() {
        let scene = scene(4);
        let without = Example::record(&scene, Way::Learned, None).unwrap();
        assert!(without.pairs.is_none());
        let with = Example::record_with_pairs(&scene, Way::Learned, None).unwrap();
        let pairs = with.pairs.clone().unwrap();
        assert_eq!(Example { pairs: None, ..with }, without);
        assert_eq!(pairs.len(), without.num_hops * 3 * NUM_PAIR_SUMS * NUM_BANDS);
        // The room mic picks up the first player as his own mic does. The other player plays at
        // other times.
        let of_pair = |pair: usize, sum: usize| -> f64 {
            let row = NUM_PAIR_SUMS * NUM_BANDS;
            let rows = pairs.chunks_exact(row).skip(pair).step_by(3);
            let sums = rows.flat_map(|row| &row[sum * NUM_BANDS..][..NUM_BANDS]);
            sums.map(|&sum| f64::from(sum)).sum()
        };
        let powers = (total(&without, 0, 2) * total(&without, 2, 0)).sqrt();
        let alike = of_pair(pair_index(0, 2), 2) / powers;
        assert!(alike > 0.6, "{alike}");
        let powers = (total(&without, 0, 2) * total(&without, 1, 2)).sqrt();
        let alike = of_pair(pair_index(0, 1), 3) / powers;
        assert!(alike.abs() < 0.2, "{alike}");
    }

    fn total(example: &Example, mic: usize, sum: usize) -> f64 {
        total_of(example, 0..example.num_hops, mic, sum)
    }

    fn total_of(example: &Example, hops: Range<usize>, mic: usize, sum: usize) -> f64 {
        let row = NUM_SUMS * NUM_BANDS;
        hops.flat_map(|hop| {
            let at = (hop * example.relations.num_mics + mic) * row + sum * NUM_BANDS;
            &example.sums[at..at + NUM_BANDS]
        })
        .map(|&power| f64::from(power))
        .sum()
    }

    #[test]
    fn every_way_shows_the_truth_of_the_hop_that_is_cleaned() {
        let scene = scene(1);
        let hops = 88_200 / 512;
        for (way, num_hops) in
            [(Way::Live, hops), (Way::Mix, hops - 72), (Way::Learned, hops), (Way::Taught, hops)]
        {
            let example = Example::record(&scene, way, None).unwrap();
            assert_eq!(example.num_hops, num_hops, "{way:?}");
            for mic in 0..2 {
                let (after, product) = (total(&example, mic, 0), total(&example, mic, 1));
                let (truth, before) = (total(&example, mic, 2), total(&example, mic, 3));
                // The truth of another hop is noise of another moment, with a product near 0.
                let alike = product / (after * truth).sqrt();
                assert!(alike > 0.9, "{way:?} mic {mic}: {alike}");
                assert!(
                    (before / num_hops as f64 - 1.0).abs() < 1e-4,
                    "{way:?} mic {mic}: {before}"
                );
            }
        }
    }

    #[test]
    fn a_taught_example_begins_with_what_the_whole_scene_taught() {
        let scene = scene(4);
        let noise_db = |way: Way| {
            let example = Example::record(&scene, way, None).unwrap();
            // In the second mic's first tenth of a second, the first player plays alone.
            let sum = |sum: usize| total_of(&example, 0..8, 1, sum);
            10.0 * ((sum(0) - 2.0 * sum(1) + sum(2)) / sum(3)).log10()
        };
        let (live, taught) = (noise_db(Way::Live), noise_db(Way::Taught));
        println!("error {live:.1} dB below the mic while playing, {taught:.1} dB once taught");
        assert!(taught < live - 2.0, "{live} {taught}");
    }

    #[test]
    fn room_mics_are_heard_but_are_no_targets() {
        let mut scene = scene(2);
        scene.info.silent_mics = vec![2];
        let relations = Example::record(&scene, Way::Live, None).unwrap().relations;
        let [yes, no] = [true, false];
        assert_eq!(relations.bleeds, [no, yes, no, yes, no, no, no, no, no]);
        assert_eq!(relations.is_target, [yes, yes, no]);
        assert_eq!(relations.plays, [yes, no, no]);
        // As a close mic it bleeds and is cleaned.
        scene.info.room_mics.clear();
        scene.info.groups = vec![vec![1, 3]];
        let relations = Example::record(&scene, Way::Live, None).unwrap().relations;
        assert_eq!(relations.bleeds, [no, yes, no, yes, no, yes, no, yes, no]);
        assert_eq!(relations.one_source, [no, no, yes, no, no, no, yes, no, no]);
        assert_eq!(relations.is_target, [yes; 3]);
    }

    #[test]
    fn a_mic_without_any_sound_is_told_to_nobody() {
        let mut scene = scene(3);
        scene.info.room_mics.clear();
        scene.mics[2].fill(0.0);
        let relations = Example::record(&scene, Way::Live, None).unwrap().relations;
        let [yes, no] = [true, false];
        assert_eq!(relations.bleeds, [no, yes, no, yes, no, no, no, no, no]);
        assert_eq!(relations.is_target, [yes, yes, no]);
    }
}
