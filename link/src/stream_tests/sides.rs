//! Tracks that hosts pass in stereo: their second side is a mic only if it differs from the first.

use super::*;

const BLOCK: usize = 512;

/// Returns both sides of a track.
fn stereo(first: &[f32], second: &[f32]) -> [Vec<f32>; 2] {
    [first.to_vec(), second.to_vec()]
}

/// Plays tracks, `[track][side][sample]`, block by block.
fn play_all(rig: &mut Rig, tracks: &[[Vec<f32>; 2]]) {
    play(rig, tracks, 0, |_| true);
}

/// Plays those tracks that are linked, from a place on.
fn play(rig: &mut Rig, tracks: &[[Vec<f32>; 2]], place: i64, is_linked: impl Fn(usize) -> bool) {
    let length = tracks[0][0].len();
    for start in (0..length).step_by(BLOCK) {
        let end = (start + BLOCK).min(length);
        for (track, sides) in tracks.iter().enumerate().filter(|(track, _)| is_linked(*track)) {
            let block = sides.each_ref().map(|side| &side[start..end]);
            rig.call_sides(track, &block, &stamp(timeline(place + to_i64(start))));
        }
    }
}

fn first_difference(heard: &[f32], expected: &[f32], latency: usize) -> Option<usize> {
    heard[latency..].iter().zip(expected).position(|(a, b)| a != b)
}

/// As many as there are mics.
#[test]
fn mono_tracks_in_stereo_have_one_mic_each() {
    let mut mics = mics(NUM_MICS, 60_000);
    // The removed signal begins before the sound.
    for mic in &mut mics[..4] {
        mic[..20_000].fill(0.0);
    }
    let expected = oracle(Mode::Live, &mics);
    let mut rig = Rig::new(Mode::Live, 0, BLOCK);
    (0..NUM_MICS).for_each(|_| rig.add_with(2));
    let silence = vec![0.0; 60_000];
    let second = |track: usize| if track.is_multiple_of(2) { &mics[track] } else { &silence };
    let tracks: Vec<_> = (0..NUM_MICS).map(|track| stereo(&mics[track], second(track))).collect();
    play_all(&mut rig, &tracks);
    for (track, (member, expected)) in rig.members.iter().zip(&expected).enumerate() {
        let latency = rig.timing.latency_samples;
        assert_eq!(first_difference(&member.heard, expected, latency), None, "{track}");
        let second = if track.is_multiple_of(2) { expected } else { &silence };
        assert_eq!(first_difference(&member.second, second, latency), None, "{track}, right");
    }
}

/// Plays mics on stereo tracks and compares them with one session. Only the track that joins as
/// `joins_as` has two mics.
fn check_stereo_track(mics: &[Vec<f32>], joins_as: usize) {
    let mut controls = Controls::default();
    for mic in &mut controls.mics[..2] {
        mic.group = Some(GroupId(100));
    }
    let expected = whole::oracle_with(Mode::Live, SessionMethod::default(), &controls, mics);
    let mut rig = Rig::new(Mode::Live, 0, BLOCK);
    (1..mics.len()).for_each(|_| rig.add_with(2));
    let mut tracks: Vec<_> = mics[2..].iter().map(|mic| stereo(mic, mic)).collect();
    tracks.insert(joins_as, stereo(&mics[0], &mics[1]));
    let mut expected_of: Vec<_> = expected[2..].iter().map(|mic| [mic, mic]).collect();
    expected_of.insert(joins_as, [&expected[0], &expected[1]]);
    play_all(&mut rig, &tracks);
    for (track, (member, expected)) in rig.members.iter().zip(&expected_of).enumerate() {
        let latency = rig.timing.latency_samples;
        let label = format!("joins as {joins_as}, track {track}");
        assert_eq!(first_difference(&member.heard, expected[0], latency), None, "{label}");
        assert_eq!(first_difference(&member.second, expected[1], latency), None, "{label}");
        assert_eq!(member.late(), 0, "{label}");
    }
}

/// The tracks have more sides than the worker has mics, so that some must make way for the second
/// side.
#[test]
fn a_stereo_track_has_two_mics_wherever_it_joins() {
    let mics = mics(15, 60_000);
    for joins_as in [0, 3, 13] {
        check_stereo_track(&mics, joins_as);
    }
}

#[test]
fn a_stereo_track_that_begins_late_has_two_mics_from_its_first_sound_on() {
    let mut mics = mics(6, 60_000);
    for mic in [0, 1, 3] {
        mics[mic][..20_000].fill(0.0);
    }
    for joins_as in [0, 4] {
        check_stereo_track(&mics, joins_as);
    }
}

/// The removed signal of a side goes over from that of the other side, or from none, to that of its
/// own mic. The estimates of all mics stay.
#[test]
fn a_side_that_becomes_a_mic_of_its_own_begins_without_a_step() {
    let num_samples = 240 * BLOCK;
    let change = 120 * BLOCK;
    // Until then, the windows of the new mic are not filled.
    let warm = change + 6 * BLOCK;
    let mics = mics(4, num_samples);
    // The side hears the same bleed as before, and a little of its own.
    let mut other = mics[0].clone();
    let mut noise = test_signals::Noise::new(99);
    other[change..].iter_mut().for_each(|sample| *sample += 0.001 * noise.draw());
    for is_silent in [false, true] {
        if is_silent {
            other[..change].fill(0.0);
        }
        let mut rig = Rig::new(Mode::Live, 0, BLOCK);
        (0..4).for_each(|_| rig.add_with(2));
        let mut tracks: Vec<_> = mics.iter().map(|mic| stereo(mic, mic)).collect();
        tracks[0][1].clone_from(&other);
        play_all(&mut rig, &tracks);
        let latency = rig.timing.latency_samples;
        let removed = |heard: &[f32], dry: &[f32]| -> Vec<f32> {
            heard[latency..].iter().zip(dry).map(|(heard, dry)| dry - heard).collect()
        };
        let first = removed(&rig.members[0].heard, &mics[0]);
        let second = removed(&rig.members[0].second, &other);
        if is_silent {
            assert!(second[..warm].iter().all(|sample| *sample == 0.0));
        } else {
            // The differences are those of rounding.
            let apart = first[..warm].iter().zip(&second).map(|(one, other)| (one - other).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-7);
        }
        let step = |removed: &[f32], from: usize| {
            let steps = removed[from..].windows(2).map(|pair| (pair[1] - pair[0]).abs());
            steps.fold(0.0, f32::max)
        };
        let [largest, usual] = [step(&second, change), step(&first, change)];
        assert!(largest <= 1.2 * usual, "{largest} {usual}");
        let level = |removed: &[f32], from: usize| {
            let samples = &removed[from..from + 30 * BLOCK];
            (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32)
                .sqrt()
        };
        let before = level(&first, change - 30 * BLOCK);
        let after = level(&first, change + 2 * BLOCK);
        assert!(after > 0.5 * before, "{after} {before}: the first side goes on");
        let [own, of_first] = [&second, &first].map(|removed| level(removed, change + 80 * BLOCK));
        assert!(own > 0.5 * of_first, "{own} {of_first}: the second side is cleaned");
        assert!(first[change..] != second[change..]);
    }
}

#[test]
fn a_stereo_track_without_a_mic_for_its_second_side_is_dry_and_heard_by_the_others() {
    let mics = mics(17, 60_000);
    let expected = oracle(Mode::Live, &mics[..16]);
    let mut rig = Rig::new(Mode::Live, 0, BLOCK);
    (0..16).for_each(|_| rig.add_with(2));
    let mut tracks: Vec<_> = mics[..16].iter().map(|mic| stereo(mic, mic)).collect();
    tracks[5][1].clone_from(&mics[16]);
    play_all(&mut rig, &tracks);
    let latency = rig.timing.latency_samples;
    for (track, member) in rig.members.iter().enumerate() {
        if track == 5 {
            assert_eq!(first_difference(&member.heard, &mics[5], latency), None);
            assert_eq!(first_difference(&member.second, &mics[16], latency), None);
        } else {
            assert_eq!(first_difference(&member.heard, &expected[track], latency), None, "{track}");
        }
        assert_eq!(rig.stream.tracks()[track].side.lacks_mic, track == 5);
    }
    // As soon as a track leaves, there is room.
    rig.remove(9);
    play(&mut rig, &tracks, 60_000, |track| track != 9);
    assert!(rig.stream.tracks().iter().all(|track| !track.side.lacks_mic));
    assert!(first_difference(&rig.members[5].second[60_000..], &mics[16], latency).is_some());
}
