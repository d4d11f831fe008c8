//! Tests of the canceller with a network guide of any output; the network here is untrained.

use std::sync::{Arc, Mutex};

use test_signals::Noise;

use super::*;
use crate::network::{Model, NetworkGuide, testing};

/// Returns every guided method, with guides of one kind.
pub(super) fn steered(num_mics: usize, make: &dyn Fn() -> Box<dyn Guide>) -> [Box<dyn Debleed>; 3] {
    [
        Box::new(Online::guided(rate(), Mode::Live, num_mics, make)),
        Box::new(Online::guided(rate(), Mode::Mix, num_mics, make)),
        Box::new(Cancel::guided(rate(), num_mics, make)),
    ]
}

fn methods(num_mics: usize) -> [Box<dyn Debleed>; 3] {
    steered(num_mics, &|| Box::new(NetworkGuide::new(testing::network(), num_mics)))
}

pub(super) fn by_model(model: &Model, num_mics: usize) -> [Box<dyn Debleed>; 3] {
    steered(num_mics, &|| model.guide(num_mics))
}

/// A guide that never fills masks.
#[derive(Debug)]
pub(super) struct Mute;

impl Guide for Mute {
    fn look(&mut self, _: &GuideHop<'_>, _: &mut GuideMasks<'_>) -> bool {
        false
    }

    fn reset(&mut self) {}
}

/// A guide for a first source of low pitch and a second of high pitch.
#[derive(Debug)]
pub(super) struct ByPitch;

impl Guide for ByPitch {
    fn look(&mut self, _: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        for (at, (guide, keep)) in masks.guide.iter_mut().zip(&mut *masks.keep).enumerate() {
            let is_low = at % NUM_BANDS < NUM_BANDS / 2;
            let is_own = is_low == (at < NUM_BANDS);
            (*guide, *keep) = if is_own { (1.0, 1.0) } else { (0.0, 0.0) };
        }
        true
    }

    fn reset(&mut self) {}
}

/// Returns the pipeline after it has played some mics.
pub(super) fn played(method: Online, mics: &[Vec<f32>]) -> Pipeline {
    let mut pipeline = Pipeline::new(Box::new(method), mics.len());
    let hop_samples = pipeline.geometry().hop_samples();
    for at in (0..mics[0].len() - hop_samples).step_by(hop_samples) {
        let mut hop: Vec<f32> =
            mics.iter().flat_map(|mic| &mic[at..][..hop_samples]).copied().collect();
        pipeline.process_hop(&mut hop, &Controls::default());
    }
    pipeline
}

/// Measured: -20.9 dB; -1.1 dB if bands are weighted by all power that the mic picks up.
#[test]
fn what_a_mic_picks_up_of_others_does_not_count_as_its_bleed_in_them() {
    let tone = |hz: f32, plays: &dyn Fn(usize) -> bool| -> Vec<f32> {
        let sample = |n: usize| (std::f32::consts::TAU * hz * n as f32 / rate().hz()).sin();
        (0..48_000 * 4).map(|n| if plays(n / 12_000) { sample(n) } else { 0.0 }).collect()
    };
    let low = tone(200.0, &|turn| turn % 2 == 0);
    let high = tone(8_000.0, &|turn| turn % 3 != 0);
    let mix = |of_low: f32, of_high: f32| -> Vec<f32> {
        low.iter().zip(&high).map(|(low, high)| of_low * low + of_high * high).collect()
    };
    // The second mic picks up more of the first one's source than of its own.
    let mics = [mix(0.5, 0.003), mix(0.25, 0.03)];
    let pipeline = played(Online::guided(rate(), Mode::Live, 2, &|| Box::new(ByPitch)), &mics);
    let found_db = 10.0 * pipeline.crosstalk(0, 1).unwrap().log10();
    assert!((found_db + 20.0).abs() < 2.0, "{found_db}");
}

/// A guide that treats the first mic as bleed as soon as the second plays.
#[derive(Debug)]
struct ByNeighbour;

impl Guide for ByNeighbour {
    fn look(&mut self, hop: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        let first = if hop.active[1] { 0.0 } else { 1.0 };
        for values in [&mut *masks.guide, &mut *masks.keep] {
            values[..NUM_BANDS].fill(first);
            values[NUM_BANDS..].fill(1.0);
        }
        true
    }

    fn reset(&mut self) {}
}

/// Measured: 0.79 live and 0.76 with lookahead; 2e-7 without the limit of the handover.
#[test]
fn who_plays_on_is_not_taken_for_bleed_at_once_because_a_neighbour_begins() {
    let tone = |hz: f32, from: usize| -> Vec<f32> {
        let sample = |n: usize| 0.1 * (std::f32::consts::TAU * hz * n as f32 / rate().hz()).sin();
        (0..96_000).map(|n| if n >= from { sample(n) } else { 0.0 }).collect()
    };
    let mut mics = [tone(1_000.0, 0), tone(5_000.0, 48_000)];
    // Noise of the second source in both mics proves that it bleeds.
    let noise = &recording(1, 0.0, &[1.0]).targets[0][..33_000];
    for (n, &sample) in noise.iter().enumerate() {
        mics[1][n] += sample;
        mics[0][n + 100] += 0.3 * sample;
    }
    let level = |out: &[f32], from: usize| -> f32 {
        (out[from..from + 1_920].iter().map(|x| x * x).sum::<f32>() / 1_920.0).sqrt()
    };
    let [live, mix, session] = steered(2, &|| Box::new(ByNeighbour));
    for method in [live, mix] {
        let out = run(method, &mics, &Controls::default());
        let kept = level(&out[0], 50_000) / level(&out[0], 40_000);
        assert!(kept > 0.7, "{kept}");
        assert!(level(&out[0], 70_000) < 1e-3 * level(&out[0], 40_000));
    }
    let out = run(session, &mics, &Controls::default());
    assert!(level(&out[0], 52_000) < 1e-3 * level(&out[0], 40_000));
}

pub(super) fn run_all(methods: [Box<dyn Debleed>; 3], mics: &[Vec<f32>]) -> Vec<Vec<Vec<f32>>> {
    methods.into_iter().map(|method| run(method, mics, &Controls::default())).collect()
}

#[test]
fn the_same_comes_out_every_time_and_by_either_way_to_the_network() {
    let recording = recording(3, 0.3, &[1.0, 0.1, 5.0]);
    let first = run_all(methods(3), &recording.mics);
    assert!(run_all(methods(3), &recording.mics) == first);
    let model = testing::model();
    assert!(run_all(by_model(&model, 3), &recording.mics) == first);
    // The network was the guide, and it changed the output.
    assert!(run_all(steered(3, &|| Box::new(Mute)), &recording.mics) != first);
    assert!(model.times_built() > 0);
}

#[test]
fn a_silent_mic_changes_nothing_bit_for_bit() {
    let recording = recording(3, 0.3, &[1.0; 3]);
    let mut with_silence = recording.mics.clone();
    with_silence.insert(1, vec![0.0; recording.mics[0].len()]);
    let without = run_all(methods(3), &recording.mics);
    let with = run_all(methods(4), &with_silence);
    for (index, (without, mut with)) in without.into_iter().zip(with).enumerate() {
        assert!(with.remove(1).iter().all(|&x| x == 0.0));
        assert!(without == with, "method {index}");
    }
}

/// A guide that treats nearly everything as bleed.
#[derive(Debug)]
struct Suspicious;

impl Guide for Suspicious {
    fn look(&mut self, _: &GuideHop<'_>, masks: &mut GuideMasks<'_>) -> bool {
        masks.guide.fill(0.5);
        masks.keep.fill(0.1);
        true
    }

    fn reset(&mut self) {}
}

/// Powers do not separate steady noise in every mic from bleed; filters do.
#[test]
fn masks_leave_alone_what_no_filter_can_predict() {
    let [live, _, session] = steered(3, &|| Box::new(Suspicious));
    let noise = |seed: u32| Noise::new(seed).samples(24 * 48_000, 0.1);
    let steady = [noise(77), noise(78), noise(79)];
    for (name, method, from_s, least_db) in
        [("session", session, 0, 60.0), ("live", live, 16, 30.0)]
    {
        let out = run(method, &steady, &Controls::default());
        for (mic, out) in out.iter().enumerate() {
            let found_db = sdr_db(&steady[mic], out, from_s * 48_000);
            println!("{name} mic {mic}: {found_db:.1} dB");
            assert!(found_db > least_db, "{name} mic {mic}: {found_db}");
        }
    }
    // Bleed that filters predict is masked as the guide requests.
    let [_, _, session] = steered(3, &|| Box::new(Suspicious));
    let mics = recording(3, 0.3, &[1.0; 3]).mics;
    let out = run(session, &mics, &Controls::default());
    for (mic, out) in out.iter().enumerate() {
        let found_db = sdr_db(&mics[mic], out, 0);
        assert!(found_db < 3.0, "mic {mic}: {found_db}");
    }
}

#[test]
fn groups_rooms_and_pairs_are_honoured() {
    let recording = recording(3, 0.3, &[1.0; 3]);
    let mut controls = Controls::default();
    controls.mics[0].group = Some(GroupId(7));
    controls.mics[1].group = Some(GroupId(7));
    controls.mics[2].role = Role::Room;
    for (index, method) in methods(3).into_iter().enumerate() {
        let out = run(method, &recording.mics, &controls);
        assert!(out == recording.mics, "method {index}: nobody bleeds into anybody");
    }
    let mut controls = Controls::default();
    controls.pair_amount[0][1] = 0.0;
    controls.pair_amount[0][2] = 0.0;
    for (index, method) in methods(3).into_iter().enumerate() {
        let out = run(method, &recording.mics, &controls);
        assert!(out[0] == recording.mics[0], "method {index}: both pairs are off");
        assert!(out[1] != recording.mics[1], "method {index}: the others are on");
    }
}

/// Smallest distance of outputs under a gain, in dB. The step of the histograms (1.5 dB) does not
/// divide the gain, so statistics change slightly, and masks of a network of noise change more;
/// measured on x86-64: at least 25.3 dB.
const LOUDER_DB: f32 = 20.0;

/// Groups, a room mic and a mic that begins late are reordered with the others.
#[test]
fn reordering_any_number_of_mics_reorders_the_outputs_bit_for_bit() {
    for num_mics in [2, 3, 5, 16] {
        let mut recording = recording(num_mics, 0.3, &vec![1.0; num_mics]);
        let last = num_mics - 1;
        recording.mics[last][..24_000].fill(0.0);
        for mic in &mut recording.mics {
            mic.truncate(if num_mics > 5 { 48_000 } else { 96_000 });
        }
        let mut controls = Controls::default();
        if num_mics > 3 {
            controls.mics[last].role = Role::Room;
            controls.mics[last - 1].group = Some(GroupId(3));
            controls.mics[0].group = Some(GroupId(3));
            controls.pair_amount[1][0] = 0.3;
        }
        let step = if num_mics % 2 == 0 { num_mics - 1 } else { 2 };
        let order: Vec<usize> = (0..num_mics).map(|at| (at * step + 1) % num_mics).collect();
        let mut moved = Controls::default();
        for (at, &mic) in order.iter().enumerate() {
            moved.mics[at] = controls.mics[mic];
            for (from, &other) in order.iter().enumerate() {
                moved.pair_amount[at][from] = controls.pair_amount[mic][other];
            }
        }
        let shuffled: Vec<_> = order.iter().map(|&mic| recording.mics[mic].clone()).collect();
        let ways = methods(num_mics).into_iter().zip(methods(num_mics));
        for (index, (straight, other)) in ways.enumerate() {
            let straight = run(straight, &recording.mics, &controls);
            let other = run(other, &shuffled, &moved);
            assert!(straight != recording.mics, "method {index} did nothing");
            for (at, &mic) in order.iter().enumerate() {
                assert!(straight[mic] == other[at], "method {index}, {num_mics} mics, mic {mic}");
            }
        }
    }
}

#[test]
fn a_gain_of_64_scales_a_mics_output_and_moves_no_other() {
    let recording = recording(3, 0.2, &[1.0; 3]);
    let mut louder = recording.mics.clone();
    for sample in &mut louder[1] {
        *sample *= 64.0;
    }
    let quiet = run_all(methods(3), &recording.mics);
    let loud = run_all(methods(3), &louder);
    for (index, (quiet, loud)) in quiet.iter().zip(&loud).enumerate() {
        for mic in 0..3 {
            let scale = if mic == 1 { 1.0 / 64.0 } else { 1.0 };
            let scaled: Vec<f32> = loud[mic].iter().map(|x| x * scale).collect();
            let distance = sdr_db(&quiet[mic], &scaled, 0);
            println!("method {index} mic {mic}: {distance:.1} dB");
            assert!(distance > LOUDER_DB, "method {index} mic {mic}: {distance}");
        }
    }
}

#[test]
fn no_bin_comes_out_louder_than_by_6_db() {
    let [mut method, ..] = methods(4);
    check_loudness(&mut *method);
}

/// Sums the features, `[mic, feature, band]`, over all hops after the first second.
#[derive(Debug)]
struct Average {
    sums: Arc<Mutex<Vec<f64>>>,
    hop: usize,
}

/// About one second at every rate.
const SETTLING_HOPS: usize = 90;

impl Guide for Average {
    fn look(&mut self, hop: &GuideHop<'_>, _: &mut GuideMasks<'_>) -> bool {
        self.hop += 1;
        if self.hop > SETTLING_HOPS {
            let mut sums = self.sums.try_lock().unwrap();
            sums.resize(hop.features.len() + 1, 0.0);
            for (sum, &feature) in sums.iter_mut().zip(hop.features) {
                *sum += f64::from(feature);
            }
            sums[hop.features.len()] += 1.0;
        }
        false
    }

    fn reset(&mut self) {}
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths of seconds, and samples made in double precision"
)]
/// Returns two mics at any rate: partials in all bands below 20 kHz that swell and fade at their
/// own pace, with leakage.
fn partials(rate_hz: f32, duration_s: f64) -> Vec<Vec<f32>> {
    const NUM_PARTIALS: u32 = 200;
    let rate_hz = f64::from(rate_hz);
    let num_samples = (duration_s * rate_hz) as usize;
    let source = |source: u32| -> Vec<f64> {
        let mut samples = vec![0.0; num_samples];
        for partial in 0..NUM_PARTIALS {
            let at = (f64::from(partial) + 0.5 * f64::from(source)) / f64::from(NUM_PARTIALS);
            // Equidistant on the auditory scale, like the bands.
            let pitch_hz = 229.0 * (10.0_f64.powf(at * 1.94) - 1.0);
            let (swell_hz, phase) = (1.1 + at + 0.7 * f64::from(source), f64::from(partial) * 2.4);
            for (n, sample) in samples.iter_mut().enumerate() {
                let turn = std::f64::consts::TAU * n as f64 / rate_hz;
                let swell = 0.5 + 0.5 * (swell_hz * turn + phase).sin();
                *sample += 0.01 * swell * swell * (pitch_hz * turn + phase).sin();
            }
        }
        samples
    };
    let (a, b) = (source(0), source(1));
    let delay = (0.002 * rate_hz).round() as usize;
    let leak = |own: &[f64], other: &[f64]| -> Vec<f32> {
        let late = |n: usize| n.checked_sub(delay).map_or(0.0, |n| 0.3 * other[n]);
        own.iter().enumerate().map(|(n, own)| (own + late(n)) as f32).collect()
    };
    vec![leak(&a, &b), leak(&b, &a)]
}

/// Largest difference of the mean features of each kind at other rates from those at 48 kHz,
/// averaged over mics and bands. Measured: 0.224 (the bleed that filters predict, at the other
/// window length of 44.1 kHz), all others at most 0.051.
const RATES_APART: f64 = 0.5;

#[test]
fn features_of_the_same_sound_are_alike_at_all_rates() {
    let mean = |rate_hz: f32| -> Vec<f64> {
        let rate = SampleRate::new(rate_hz).unwrap();
        let sums = Arc::new(Mutex::new(Vec::new()));
        let make = || -> Box<dyn Guide> { Box::new(Average { sums: Arc::clone(&sums), hop: 0 }) };
        let mut pipeline = Pipeline::new(Box::new(Online::guided(rate, Mode::Live, 2, &make)), 2);
        let mics = partials(rate_hz, 3.0);
        let hop = pipeline.geometry().hop_samples();
        for start in (0..mics[0].len() - hop).step_by(hop) {
            let mut samples = [&mics[0][start..start + hop], &mics[1][start..start + hop]].concat();
            pipeline.process_hop(&mut samples, &Controls::default());
        }
        let mut sums = std::mem::take(&mut *sums.try_lock().unwrap());
        let num_hops = sums.pop().unwrap();
        sums.iter().map(|sum| sum / num_hops).collect()
    };
    let reference = mean(48_000.0);
    for rate_hz in [44_100.0, 88_200.0, 96_000.0] {
        let found = mean(rate_hz);
        let mut apart = [0.0; NUM_FEATURES];
        for (at, (found, reference)) in found.iter().zip(&reference).enumerate() {
            let share = 1.0 / (2 * NUM_BANDS) as f64;
            apart[at / NUM_BANDS % NUM_FEATURES] += (found - reference).abs() * share;
        }
        println!("{rate_hz} Hz: {apart:.3?}");
        assert!(apart.iter().all(|&apart| apart < RATES_APART), "{rate_hz} Hz: {apart:?}");
    }
    // Bands differ by more than that; otherwise the test would prove nothing.
    let levels = &reference[..NUM_BANDS];
    let spread = levels.iter().fold(f64::MIN, |most, &x| most.max(x))
        - levels.iter().fold(f64::MAX, |least, &x| least.min(x));
    assert!(spread > 2.0 * RATES_APART, "{spread}");
}
