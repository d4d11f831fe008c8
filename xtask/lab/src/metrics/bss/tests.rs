//! Tests of BSS Eval against two other programs, with groups and with silence.

use super::*;
use crate::random::Random;

const LENGTH: usize = 8_000;

fn noise(seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..LENGTH).map(|_| random.between(-0.5, 0.5) as f32).collect()
}

fn low(signal: &[f32], share: f64) -> Vec<f32> {
    let mut state = 0.0;
    let step = |&x: &f32| {
        state = share * state + (1.0 - share) * f64::from(x);
        state as f32
    };
    signal.iter().map(step).collect()
}

/// Returns the sum of `gain * signal`, delayed by whole samples.
fn sum(parts: &[(f64, &[f32], usize)]) -> Vec<f32> {
    let sample = |n: usize| -> f64 {
        let part = |&(gain, signal, delay_samples): &(f64, &[f32], usize)| {
            gain * n.checked_sub(delay_samples).map_or(0.0, |n| f64::from(signal[n]))
        };
        parts.iter().map(part).sum()
    };
    (0..LENGTH).map(|n| sample(n) as f32).collect()
}

/// Returns the targets and outputs of `reference/metrics.py`.
fn signals() -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let mut targets = vec![noise(1), low(&noise(2), 0.8), low(&noise(3), 0.4)];
    targets[1][3_000..5_000].fill(0.0);
    let extra = noise(4);
    let (a, b, c) = (&targets[0], &targets[1], &targets[2]);
    let outputs = vec![
        sum(&[(1.0, a, 0), (0.3, b, 0), (0.1, c, 7), (0.01, &extra, 0)]),
        sum(&[(0.7, b, 0), (0.2, b, 3), (0.05, a, 40), (0.03, &extra, 0)]),
        sum(&[(0.1, c, 600), (1.0, c, 0), (0.2, a, 0), (-0.1, b, 511), (0.02, &extra, 0)]),
    ];
    (targets, outputs)
}

fn score(
    targets: &[Vec<f32>],
    sources: &[Option<usize>],
    outputs: &[Vec<f32>],
) -> Vec<Option<BssScore>> {
    let targets: Vec<&[f32]> = targets.iter().map(Vec::as_slice).collect();
    let outputs: Vec<&[f32]> = outputs.iter().map(Vec::as_slice).collect();
    let truth = Truth { targets: &targets, sources, rate_hz: 8_000 };
    SourceSpaces::new(&truth).unwrap().score(&Estimates(&outputs)).unwrap()
}

/// SDR, SIR and SAR of the three outputs, computed by `reference/metrics.py`.
const FAST_BSS_EVAL: [[f64; 3]; 3] = [
    [19.545_358_712_707_625, 12.435_208_630_736_9, 10.012_863_839_552_551],
    [19.579_205_841_035_574, 13.574_323_028_261_862, 10.397_896_432_112_27],
    [40.692_482_451_532_34, 18.991_125_898_462_517, 21.106_049_818_685_435],
];
const MIR_EVAL: [[f64; 3]; 3] = [
    [19.545_358_712_706_996, 12.435_208_630_736_758, 10.012_863_839_552_57],
    [19.579_205_841_034_877, 13.574_323_028_261_88, 10.397_896_432_112_447],
    [40.692_482_451_542_62, 18.991_125_898_461_906, 21.106_049_818_683_772],
];

/// Maximum difference to either program in dB. Measured: 5.1e-6, from the load on the diagonal.
const AGREEMENT_DB: f64 = 1e-5;

#[test]
fn ratios_are_those_of_two_other_programs() {
    let (targets, outputs) = signals();
    let found = score(&targets, &[Some(0), Some(1), Some(2)], &outputs);
    let mut worst = 0.0_f64;
    for golden in [FAST_BSS_EVAL, MIR_EVAL] {
        for (mic, score) in found.iter().enumerate() {
            let score = score.unwrap();
            let ratios = [score.sdr_db, score.sir_db.unwrap(), score.sar_db];
            for (ratio, expected) in ratios.iter().zip(golden.map(|row| row[mic])) {
                worst = worst.max((ratio - expected).abs());
            }
        }
    }
    assert!(worst < AGREEMENT_DB, "{worst} dB apart");
}

#[test]
fn targets_and_outputs_are_not_interchangeable() {
    let (targets, outputs) = signals();
    let sources = [Some(0), Some(1), Some(2)];
    let (right, swapped) =
        (score(&targets, &sources, &outputs), score(&outputs, &sources, &targets));
    for (right, swapped) in right.iter().zip(&swapped) {
        assert!((right.unwrap().sdr_db - swapped.unwrap().sdr_db).abs() > 100.0 * AGREEMENT_DB);
    }
}

#[test]
fn mics_of_one_source_do_not_bleed_into_each_other() {
    let (mut targets, mut outputs) = signals();
    // A second mic of the first source, whose output leaks into the first output.
    targets.push(sum(&[(1.0, &low(&targets[0], 0.5), 20), (0.1, &noise(5), 0)]));
    outputs[0] = sum(&[(1.0, &outputs[0], 0), (0.5, &targets[3], 0)]);
    outputs.push(sum(&[(1.0, &targets[3], 0), (0.5, &targets[0], 0)]));
    let apart = score(&targets, &[Some(0), Some(1), Some(2), Some(3)], &outputs);
    let grouped = score(&targets, &[Some(0), Some(1), Some(2), Some(0)], &outputs);
    let sir = |scores: &[Option<BssScore>], mic: usize| scores[mic].unwrap().sir_db.unwrap();
    for mic in [0, 3] {
        assert!(sir(&grouped, mic) > sir(&apart, mic) + 0.3, "{mic}: {grouped:?} {apart:?}");
    }
    // For the other mics the group is one source, represented by its first mic.
    let alone = score(&targets[..3], &[Some(0), Some(1), Some(2)], &outputs[..3]);
    assert!((sir(&grouped, 1) - sir(&alone, 1)).abs() < AGREEMENT_DB);
}

#[test]
fn what_is_not_there_has_no_number() {
    let (mut targets, mut outputs) = signals();
    targets[1].fill(0.0);
    outputs[2].fill(0.0);
    let scores = score(&targets, &[Some(0), Some(1), Some(2)], &outputs);
    assert!(scores[0].is_some() && scores[1].is_none() && scores[2].is_none(), "{scores:?}");
    // A room mic is neither scored nor interference, so the first output has no interference.
    let room = score(&targets, &[Some(0), Some(1), None], &outputs);
    assert_eq!(room[0].unwrap().sir_db, None);
    assert!(room[0].unwrap().sar_db < scores[0].unwrap().sar_db);
}

#[test]
fn filtered_targets_are_perfect_up_to_the_limit() {
    let (mut targets, _) = signals();
    // Without trailing silence, the cut end of the filtered signal would count as an artefact.
    targets.iter_mut().for_each(|target| target[LENGTH - 600..].fill(0.0));
    let outputs: Vec<Vec<f32>> =
        targets.iter().map(|target| sum(&[(3.0, target, 0), (1.0, target, 100)])).collect();
    for score in score(&targets, &[Some(0), Some(1), Some(2)], &outputs) {
        let score = score.unwrap();
        assert!(score.sdr_db > 80.0 && score.sir_db.unwrap() > 80.0, "{score:?}");
    }
}
