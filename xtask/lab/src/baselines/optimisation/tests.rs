//! The published example, the reason why it is easy, and the method on delayed bleed.

use super::super::kamir_crosstalk::kamir_crosstalk;
use super::*;
use crate::metrics::Measured;
use crate::random::Random;
use crate::scenes::Scene;
use crate::scenes::linear::{draw_crosstalk, equal_crosstalk, linear_mix};

const RATE_HZ: u32 = 16_000;

/// Returns four sources of different colour and level that rest at different times.
fn sources() -> Vec<Vec<f32>> {
    let colours = [0.0, 0.5, 0.9, -0.6];
    let levels = [0.1, 0.07, 0.15, 0.04];
    (0_u8..4)
        .map(|index| {
            let mut random = Random::for_part(7, u64::from(index));
            let mut state = 0.0;
            let place = usize::from(index);
            let sample = |n: usize| {
                state = colours[place] * state + random.normal(0.0, 1.0);
                let turn = n as f64 / 48_000.0 * f64::from(index + 2) + f64::from(index) / 6.0;
                let plays = (std::f64::consts::TAU * turn).sin() > 0.2;
                if plays { (levels[place] * state) as f32 } else { 0.0 }
            };
            (0..48_000).map(sample).collect()
        })
        .collect()
}

fn sum(sources: &[Vec<f32>]) -> Vec<f32> {
    (0..sources[0].len()).map(|n| sources.iter().map(|source| source[n]).sum()).collect()
}

/// Returns the least and greatest gain off the diagonal.
fn off_diagonal(crosstalk: &[Vec<f64>]) -> (f64, f64) {
    let rows = crosstalk.iter().enumerate();
    let all = rows.flat_map(|(mic, row)| {
        row.iter().enumerate().filter(move |(source, _)| *source != mic).map(|(_, &gain)| gain)
    });
    all.fold((f64::INFINITY, 0.0_f64), |(low, high), gain| (low.min(gain), high.max(gain)))
}

fn gains_db(scene: &Scene, outputs: &[Vec<f32>]) -> Vec<f64> {
    let gain = |mic: usize| {
        let measured = Measured {
            reference: &scene.targets[mic],
            estimate: &outputs[mic],
            input: &scene.mics[mic],
            rate_hz: scene.rate_hz,
            source_is_silent: false,
        };
        measured.score().unwrap().sdr_gain_db.unwrap()
    };
    (0..outputs.len()).map(gain).collect()
}

#[test]
fn equal_gains_of_a_tenth_are_recovered_as_published() {
    let sources = sources();
    let scene = linear_mix(&sources, &equal_crosstalk(4, 0.1), RATE_HZ).unwrap();
    let mix = sum(&sources);
    let run = |search: &Search| optimise(&scene.mics, Mix::Known(&mix), RATE_HZ, search).unwrap();
    // The published table has 0.092 to 0.099, which corresponds to a search ended early.
    let early = run(&Search { max_turns: 5, ..Search::default() });
    let (low, high) = off_diagonal(&early.crosstalk);
    assert!(low > 0.092 && high < 0.099, "{low} to {high} after {} turns", early.num_turns);
    let full = run(&Search::default());
    let (low, high) = off_diagonal(&full.crosstalk);
    assert!(low > 0.0999 && high < 0.1001, "{low} to {high} after {} turns", full.num_turns);
    let gains = gains_db(&scene, &full.sources);
    assert!(gains.iter().all(|&gain| gain > 40.0), "{gains:?}");
    // With learned weights the search stops at a less exact result.
    let loose = run(&Search { learns_weights: true, ..Search::default() });
    let (low, high) = off_diagonal(&loose.crosstalk);
    assert!(low > 0.05 && high < 0.09, "{low} to {high}, weights {:?}", loose.weights);
}

/// The published table has 0.097 to 0.564 for KAMIR at a true gain of 0.1. Here the range is 0.095
/// to 1.27, worst at the mics of weak sources.
#[test]
fn kamir_makes_less_exact_crosstalk_of_the_same_mics() {
    let scene = linear_mix(&sources(), &equal_crosstalk(4, 0.1), RATE_HZ).unwrap();
    let found = kamir_crosstalk(&scene.mics, RATE_HZ).unwrap();
    let (low, high) = off_diagonal(&found);
    assert!(low > 0.07 && low < 0.13 && high > 0.3, "{low} to {high}: {found:?}");
    assert!((0..4).all(|mic| found[mic][mic] == 1.0));
}

#[test]
fn of_unequal_gains_only_their_sum_over_the_mics_is_found() {
    let sources = sources();
    let truth = draw_crosstalk(&mut Random::new(3), 4, (0.05, 0.31));
    let scene = linear_mix(&sources, &truth, RATE_HZ).unwrap();
    let mix = sum(&sources);
    let found = optimise(&scene.mics, Mix::Known(&mix), RATE_HZ, &Search::default()).unwrap();
    // The exact relation: Lambda' w = 1, with the weights w of the mics in the mix (Lambda_true' w
    // = 1).
    let truth_matrix = Mat::from_fn(4, 4, |row, column| truth[column][row]);
    let w = truth_matrix.partial_piv_lu().solve(&Mat::from_fn(4, 1, |_, _| 1.0));
    let entries = (0..4).flat_map(|mic| (0..4).map(move |source| (mic, source)));
    for source in 0..4 {
        let weigh = |(mic, row): (usize, &Vec<f64>)| row[source] * w[(mic, 0)];
        let sum: f64 = found.crosstalk.iter().enumerate().map(weigh).sum();
        assert!((sum - 1.0).abs() < 1e-3, "source {source}: {sum}");
    }
    let error =
        |(mic, source): (usize, usize)| (found.crosstalk[mic][source] - truth[mic][source]).abs();
    let furthest = entries.map(error).fold(0.0, f64::max);
    assert!(furthest > 0.03, "single gains are not found: {furthest}");
}

#[test]
fn without_the_mix_the_mics_tell_how_much_bleeds() {
    let sources = sources();
    let scene = linear_mix(&sources, &equal_crosstalk(4, 0.1), RATE_HZ).unwrap();
    let typical = typical_crosstalk(&scene.mics, RATE_HZ);
    assert!((typical - 0.1).abs() < 0.03, "{typical}");
    let found = optimise(&scene.mics, Mix::FromMics, RATE_HZ, &Search::default()).unwrap();
    let gains = gains_db(&scene, &found.sources);
    assert!(gains.iter().all(|&gain| gain > 8.0), "{gains:?}");
}

#[test]
fn delays_of_a_few_milliseconds_defeat_it() {
    let sources = sources();
    let mut scene = linear_mix(&sources, &equal_crosstalk(4, 0.0), RATE_HZ).unwrap();
    for (mic, signal) in scene.mics.iter_mut().enumerate() {
        for (other, source) in sources.iter().enumerate().filter(|(other, _)| *other != mic) {
            // 3 to 6 ms, the delay over one to two metres.
            crate::scenes::add_at(signal, source, 50 + 10 * other + 5 * mic, 0.1);
        }
    }
    let mix = sum(&sources);
    let found = optimise(&scene.mics, Mix::Known(&mix), RATE_HZ, &Search::default()).unwrap();
    let gains = gains_db(&scene, &found.sources);
    let mean = gains.iter().sum::<f64>() / 4.0;
    assert!(mean < 3.0, "{gains:?}");
}
