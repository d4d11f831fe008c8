//! Examples for the tests of the training.

use super::band_sums::NUM_SUMS;
use super::examples::Example;
use super::recorder::{Recorder, Tape};
use super::relations::Relations;
use crate::convert::to_f32;
use crate::random::Random;
use engine::Controls;
use engine::debleed::cancel::{Cleaned, GuideHop, NUM_BANDS, NUM_FEATURES};
use engine::stft::Spectrum;
use half::f16;
use std::sync::{Arc, Mutex};

/// Returns an example of random numbers that resembles a scene: the truth is a part of each
/// mic, and the features contain it with noise.
pub(super) fn random_example(num_mics: usize, num_hops: usize, seed: u64) -> Example {
    let mut random = Random::new(seed);
    let (mut features, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..num_hops * num_mics {
        let own: Vec<f32> = (0..NUM_BANDS).map(|_| to_f32(random.unit().round())).collect();
        for _ in 0..NUM_FEATURES {
            let noisy = |own: &f32| own + to_f32(random.normal(0.0, 0.3));
            features.extend(own.iter().map(noisy).map(f16::from_f32));
        }
        let power = 1.0 / to_f32(NUM_BANDS as f64);
        sums.extend(std::iter::repeat_n(power, NUM_BANDS));
        sums.extend(own.iter().map(|own| own * power));
        sums.extend(own.iter().map(|own| own * power));
        sums.extend(std::iter::repeat_n(power, NUM_BANDS));
        sums.extend(own.iter().map(|own| (1.0 - own) * power));
    }
    let pairs = |holds: bool| vec![holds; num_mics * num_mics];
    let mut bleeds = pairs(true);
    (0..num_mics).for_each(|mic| bleeds[mic * num_mics + mic] = false);
    let relations = Relations {
        num_mics,
        bleeds,
        one_source: pairs(false),
        is_target: vec![true; num_mics],
        plays: vec![true; num_mics],
    };
    Example { relations, num_hops, features, sums, pairs: None }
}

/// Returns the example with pairs, as if half of each mic's power were the same signal in all
/// of them.
pub(super) fn with_pairs(mut example: Example) -> Example {
    let num_mics = example.relations.num_mics;
    let mut pairs = Vec::new();
    for sums in example.sums.chunks_exact(num_mics * NUM_SUMS * NUM_BANDS) {
        // The truth is a share of 0 or 1 of the cancelled mic.
        let of = |mic: usize, which: usize, band: usize| {
            sums[(mic * NUM_SUMS + which) * NUM_BANDS + band]
        };
        for j in 0..num_mics {
            for i in 0..j {
                let share = |mic: usize, band: usize| of(mic, 1, band) / of(mic, 0, band);
                let after = |band: usize| 0.5 * (of(i, 0, band) * of(j, 0, band)).sqrt();
                let bands = || 0..NUM_BANDS;
                pairs.extend(bands().map(after));
                pairs.extend(bands().map(|band| after(band) * share(j, band)));
                pairs.extend(bands().map(|band| after(band) * share(i, band)));
                pairs.extend(bands().map(|band| after(band) * share(i, band) * share(j, band)));
            }
        }
    }
    example.pairs = Some(pairs);
    example
}

/// Spectra of one hop: the mics before cancellation, the cancelled mics, and the truth.
pub(super) type Heard = [Spectrum; 3];

/// Returns the example that a canceller with these spectra records, with the sums of pairs.
pub(super) fn example_of(hops: &[Heard], band_of_bin: &[usize], relations: Relations) -> Example {
    let num_mics = relations.num_mics;
    let recorder = Recorder {
        inner: None,
        truth: Arc::default(),
        tape: Arc::new(Mutex::new(Tape::with_pairs())),
        silent_hops: 0,
        hop: 0,
        written: None,
    };
    for [mics, cancelled, truth] in hops {
        let hop = GuideHop {
            features: &vec![0.0; num_mics * NUM_FEATURES * NUM_BANDS],
            active: mics.activity(),
            order: &[],
            controls: &Controls::default(),
            mics,
            cancelled,
            band_of_bin,
        };
        recorder.write(&hop, truth);
        recorder.write_cleaned(&Cleaned { mics, cleaned: cancelled, band_of_bin }, truth);
    }
    let tape = std::mem::take(&mut *recorder.tape.lock().unwrap());
    Example::of_tape(tape, relations)
}
