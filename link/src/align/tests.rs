//! Synthetic rooms with late tracks, and sounds that only seem to belong together.

use test_signals::Noise;

use super::Offset;
use super::feed::{Feed, Heard};
use super::judge::Judge;

const RATE_HZ: f32 = 48_000.0;
const HOP: usize = 512;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
fn samples_in(seconds: f32) -> usize {
    (seconds * RATE_HZ) as usize
}

/// Returns hits with their own noise at irregular times, as a drummer plays.
fn player(seed: u32, seconds: f32) -> Vec<f32> {
    let mut noise = Noise::new(seed.wrapping_mul(0x9e37_79b9) | 1);
    let mut samples = vec![0.0; samples_in(seconds)];
    let mut at = samples_in(0.3 * noise.unit());
    // Its own colour.
    let hz = 150.0 * 1.9_f32.powi((seed % 6).cast_signed());
    while at < samples.len() {
        let decay = 1.0 - 1.0 / (RATE_HZ * (0.02 + 0.06 * noise.unit()));
        let level = 0.1 + 0.3 * noise.unit();
        hit(&mut samples[at..], &mut noise, level, decay);
        at += samples_in(0.12 + 0.5 * noise.unit());
    }
    resonate(&mut samples, hz);
    samples
}

/// Adds what a resonator of low quality makes of the samples.
fn resonate(samples: &mut [f32], hz: f32) {
    let (angle, radius) = (std::f32::consts::TAU * hz / RATE_HZ, 1.0 - 1.5 * hz / RATE_HZ);
    let (mut last, mut older) = (0.0, 0.0);
    for sample in samples {
        let now = 2.0 * radius * angle.cos() * last - radius * radius * older + *sample;
        (older, last) = (last, now);
        *sample = 0.3 * *sample + 2.0 * angle * now;
    }
}

/// Adds decaying noise.
fn hit(samples: &mut [f32], noise: &mut Noise, mut level: f32, decay: f32) {
    for sample in samples {
        level *= decay;
        if level < 1e-4 {
            break;
        }
        *sample += level * noise.draw();
    }
}

/// Returns mics that hear their own player at once, and the others after 1 to 15 ms, with
/// reflections and noise.
fn room(players: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut noise = Noise::new(77);
    let mut mics = vec![vec![0.0; players[0].len()]; players.len()];
    for (index, mic) in mics.iter_mut().enumerate() {
        for (source, player) in players.iter().enumerate() {
            let (delay, gain) = if source == index {
                (10, 1.0)
            } else {
                // The same distance there and back.
                let apart = ((index + source) * 7 + index * source * 3) % 15;
                (10 + samples_in(0.001 + 0.001 * apart as f32), 0.1 + 0.15 * noise.unit())
            };
            let echoes = (0..4).map(|_| (samples_in(0.02 * noise.unit()), 0.3 * noise.draw()));
            for (later, part) in std::iter::once((0, 1.0)).chain(echoes.collect::<Vec<_>>()) {
                add(mic, player, delay + later, gain * part);
            }
        }
        mic.iter_mut().for_each(|sample| *sample += 0.0005 * noise.draw());
    }
    mics
}

fn add(to: &mut [f32], from: &[f32], delay: usize, gain: f32) {
    to[delay..].iter_mut().zip(from).for_each(|(to, from)| *to += gain * from);
}

fn band(num_mics: u32, seconds: f32) -> Vec<Vec<f32>> {
    room(&(0..num_mics).map(|seed| player(seed + 1, seconds)).collect::<Vec<_>>())
}

/// Returns a mic that is late, or early if the time is negative.
fn late(mic: &[f32], offset_s: f32) -> Vec<f32> {
    let samples = samples_in(offset_s.abs());
    let mut moved = vec![0.0; mic.len()];
    if offset_s < 0.0 {
        moved[..mic.len() - samples].copy_from_slice(&mic[samples..]);
    } else {
        moved[samples..].copy_from_slice(&mic[..mic.len() - samples]);
    }
    moved
}

/// Returns all changes of the verdict with their times in seconds.
fn verdicts(mics: &[Vec<f32>]) -> Vec<(f32, Vec<Offset>)> {
    let (mut feed, mut judge) = (Feed::new(RATE_HZ), Judge::new(RATE_HZ));
    let mut found = Vec::new();
    for start in (0..mics[0].len() + 1 - HOP).step_by(HOP) {
        let heard: Vec<Heard<'_>> = (mics.iter().zip(0..))
            .map(|(mic, id)| Heard {
                id,
                group: None,
                is_whole: true,
                samples: &mic[start..start + HOP],
            })
            .collect();
        if let Some(offsets) = feed.push(HOP, &heard).and_then(|block| judge.push(block)) {
            found.push((start as f32 / RATE_HZ, offsets));
        }
    }
    found
}

/// Expects that one track alone is named, from the first verdict on.
#[track_caller]
fn expect_named(mics: &[Vec<f32>], track: u128, offset_s: f32) {
    let found = verdicts(mics);
    println!("{track} {offset_s}: {found:?}");
    let first = found.first().expect("a verdict");
    assert!(first.0 < 15.0, "after {} s", first.0);
    for (_, offsets) in &found {
        assert_eq!(offsets.len(), 1, "{offsets:?}");
        let (id, at_s) = offsets[0];
        assert!(id == track && (at_s - offset_s).abs() < 0.001, "{offsets:?}");
    }
}

#[track_caller]
fn expect_no_alarm(mics: &[Vec<f32>], label: &str) {
    assert_eq!(verdicts(mics), [], "{label}");
}

#[test]
fn the_one_track_that_is_late_or_early_is_named_within_fifteen_seconds() {
    let mics = band(6, 24.0);
    for (track, offset_s) in [(0, 0.06), (3, 0.341), (5, -0.12), (2, 0.9), (4, -0.045)] {
        let mut mics = mics.clone();
        mics[track] = late(&mics[track], offset_s);
        expect_named(&mics, track as u128, offset_s);
    }
}

#[test]
fn aligned_tracks_of_a_room_are_never_named() {
    expect_no_alarm(&band(6, 60.0), "six");
    expect_no_alarm(&band(2, 60.0), "two");
}

#[test]
fn two_tracks_that_are_off_are_both_named() {
    let mut mics = band(6, 24.0);
    mics[1] = late(&mics[1], 0.2);
    mics[4] = late(&mics[4], -0.08);
    let found = verdicts(&mics);
    let last: Vec<(u128, f32)> = found.last().unwrap().1.clone();
    assert_eq!(last.len(), 2, "{last:?}");
    for ((id, at_s), expected) in last.into_iter().zip([(1, 0.2), (4, -0.08)]) {
        assert!(id == expected.0 && (at_s - expected.1).abs() < 0.001, "{id} {at_s}");
    }
}

#[test]
fn a_track_that_was_put_right_is_used_again() {
    let whole = band(6, 44.0);
    let fixed = samples_in(22.0);
    let mut mics = whole.clone();
    mics[2] = late(&whole[2], 0.18);
    mics[2][fixed..].copy_from_slice(&whole[2][fixed..]);
    let found = verdicts(&mics);
    let (at_s, last) = found.last().unwrap();
    println!("{found:?}");
    assert!(last.is_empty() && (22.0..36.0).contains(at_s), "{found:?}");
    assert!(found.iter().all(|(_, offsets)| offsets.iter().all(|(id, _)| *id == 2)), "{found:?}");
}

#[test]
fn a_pause_does_not_end_a_verdict() {
    let mut mics = band(3, 60.0);
    mics[1] = late(&mics[1], 0.18);
    for mic in &mut mics {
        mic[samples_in(20.0)..samples_in(50.0)].fill(0.0);
    }
    expect_named(&mics, 1, 0.18);
}

#[test]
fn of_two_tracks_alone_the_later_one_is_named() {
    for (track, offset_s) in [(0, 0.15), (1, 0.15), (0, -0.15), (1, -0.15)] {
        let mut mics = band(2, 24.0);
        mics[track] = late(&mics[track], offset_s);
        let later = if offset_s > 0.0 { track } else { 1 - track };
        expect_named(&mics, later as u128, 0.15);
    }
}

#[test]
fn tracks_with_one_source_are_compared_too() {
    let mut mics = band(1, 24.0);
    let other = late(&mics[0], 0.004).iter().map(|sample| -0.3 * sample).collect();
    mics.push(other);
    expect_no_alarm(&mics, "aligned");
    mics[1] = late(&mics[1], 0.25);
    let found = verdicts(&mics);
    let offset_s = found.last().unwrap().1[0];
    assert!(offset_s.0 == 1 && (offset_s.1 - 0.254).abs() < 0.001, "{found:?}");
}

#[test]
fn unrelated_tracks_are_never_named() {
    let players: Vec<Vec<f32>> = (0..5).map(|seed| player(seed + 40, 120.0)).collect();
    expect_no_alarm(&players, "players");
    let noises: Vec<Vec<f32>> =
        (0..4).map(|seed| Noise::new(seed + 3).samples(samples_in(60.0), 0.1)).collect();
    expect_no_alarm(&noises, "noises");
    // One without bleed beside a room.
    let mut mics = band(4, 60.0);
    mics.push(player(99, 60.0));
    expect_no_alarm(&mics, "one without bleed");
}

/// Returns a loop of a drum machine: the same sample at the same beats of each bar of 2 s.
fn machine(seed: u32, beats: &[f32], decay_s: f32, seconds: f32) -> Vec<f32> {
    let mut samples = vec![0.0; samples_in(seconds)];
    let decay = 1.0 - 1.0 / (RATE_HZ * decay_s);
    for bar in (0..samples.len()).step_by(samples_in(2.0)) {
        for beat in beats {
            let at = bar + samples_in(0.5 * beat);
            if at < samples.len() {
                hit(&mut samples[at..], &mut Noise::new(seed), 0.4, decay);
            }
        }
    }
    samples
}

#[test]
fn drum_loops_of_one_tempo_without_bleed_are_never_named() {
    let patterns: [&[f32]; 7] = [
        &[0.0, 1.0, 2.0, 3.0],
        &[0.5, 1.5, 2.5, 3.5],
        &[1.0, 3.0],
        &[0.0],
        &[1.25],
        &[0.0, 0.75, 2.5],
        &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5],
    ];
    for decay_s in [0.004, 0.02, 0.1] {
        for (first, one) in patterns.iter().enumerate() {
            for (second, other) in patterns.iter().enumerate().skip(first) {
                let mics = [machine(5, one, decay_s, 30.0), machine(9, other, 0.03, 30.0)];
                expect_no_alarm(&mics, &format!("{first} {second} {decay_s}"));
            }
        }
    }
}

#[test]
fn a_loop_in_a_room_is_never_named() {
    let loops = [
        machine(5, &[0.0, 2.0], 0.05, 40.0),
        machine(6, &[1.0, 3.0], 0.08, 40.0),
        machine(7, &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 0.01, 40.0),
    ];
    let mut mics = room(&loops);
    expect_no_alarm(&mics, "room");
    mics.push(machine(8, &[0.0, 1.0, 2.0, 3.0], 0.002, 40.0));
    expect_no_alarm(&mics, "room and click");
}

#[test]
fn a_track_with_a_delay_effect_is_never_named() {
    let mics = band(4, 40.0);
    for (wet, feedback) in [(0.5, 0.0), (1.0, 0.5), (1.0, 0.9)] {
        let mut mics = mics.clone();
        let dry = mics[1].clone();
        let mut gain = wet;
        for repeat in 1..6 {
            add(&mut mics[1], &dry, samples_in(0.35 * repeat as f32), gain);
            gain *= feedback;
        }
        expect_no_alarm(&mics, &format!("{wet} {feedback}"));
    }
}

#[test]
fn silent_tracks_and_damaged_samples_do_no_harm() {
    let mut mics = band(3, 20.0);
    mics.push(vec![0.0; mics[0].len()]);
    mics.push(vec![1e30; mics[0].len()]);
    expect_no_alarm(&mics, "silence and huge values");
}

#[test]
fn windows_never_reach_over_a_jump() {
    let (mut feed, mut judge) = (Feed::new(RATE_HZ), Judge::new(RATE_HZ));
    let mut mics = band(3, 24.0);
    mics[1] = late(&mics[1], 0.2);
    for start in (0..mics[0].len() - HOP).step_by(HOP) {
        // A window is 4.1 s long.
        if start % (400 * HOP) == 0 {
            feed.jump();
        }
        let heard: Vec<Heard<'_>> = (mics.iter().zip(0..))
            .map(|(mic, id)| {
                let samples = &mic[start..start + HOP];
                Heard { id, group: None, is_whole: true, samples }
            })
            .collect();
        let block = feed.push(HOP, &heard);
        assert_eq!(block.and_then(|block| judge.push(block)), None);
    }
}
