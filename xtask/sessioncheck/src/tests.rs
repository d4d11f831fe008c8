//! Whole sessions without a fault and with one fault each.

use crate::testing::{Echoes, check, check_placed, later, player, session, with_clock};
use crate::{Copy, Finding, Late, Name, Place, Tool};

#[test]
fn sessions_without_fault_are_silent() {
    for (num_mics, seed) in [(2, 1), (3, 2), (4, 3), (7, 4)] {
        assert_eq!(check(&session(num_mics, seed)), [], "{num_mics} mics");
    }
    // Silent and nearly empty sessions.
    assert_eq!(check(&[vec![0.0; 100_000], vec![0.0; 100_000]]), []);
    assert_eq!(check(&[vec![0.1, -0.1, 0.2], vec![0.2, 0.1, -0.3]]), []);
    let mut mics = session(3, 5);
    mics[1].fill(0.0);
    assert_eq!(check(&mics), []);
}

#[test]
fn a_copy_is_named_with_its_gain_its_delay_and_its_sign() {
    let mut mics = session(3, 6);
    for (gain, late_samples) in [(1.0, 0), (0.5, 24), (-2.0, 60)] {
        let copy: Vec<f32> = later(&mics[0], late_samples).iter().map(|x| x * gain).collect();
        mics.truncate(3);
        mics.push(copy);
        let found = check(&mics);
        let [Finding::Copy(Copy { mics: pair, gain_db, lag_s, is_inverted })] = found.as_slice()
        else {
            panic!("{gain}: {found:?}")
        };
        assert_eq!((*pair, *is_inverted), ([0, 3], gain < 0.0));
        // The measured errors are 2e-3 dB and 2e-7 s.
        let expected_db = 20.0 * f64::from(gain.abs()).log10();
        assert!((gain_db - expected_db).abs() < 0.02, "{gain_db}");
        assert!((lag_s - late_samples as f64 / 12_000.0).abs() < 2e-6, "{lag_s}");
    }
    // In one group both may stay.
    let grouped = |group| Place { group, is_room: false };
    let places = [grouped(Some(1)), grouped(None), grouped(None), grouped(Some(1))];
    assert_eq!(check_placed(&mics, &places), []);
}

#[test]
fn a_mic_out_of_time_is_named_with_its_delay() {
    for (num_mics, late_ms) in [(2, 200), (4, 45), (5, 1_000)] {
        let mut mics = session(num_mics, 8);
        mics[1] = later(&mics[1], late_ms * 12);
        let found = check(&mics);
        let [Finding::Late(Late { mic: 1, late_s })] = found.as_slice() else {
            panic!("{late_ms}: {found:?}")
        };
        // Tolerance: half the difference of two ways, which differ by at most 90 samples.
        assert!((late_s - late_ms as f64 / 1e3).abs() < 4e-3, "{late_ms}: {late_s}");
    }
    // If all mics but one are late, that one is early.
    let mut mics = session(4, 9);
    for mic in [0, 1, 3] {
        mics[mic] = later(&mics[mic], 1_200);
    }
    let found = check(&mics);
    assert!(
        matches!(
            found.as_slice(),
            [Finding::Late(Late { mic: 2, late_s })] if (late_s + 0.1).abs() < 4e-3
        ),
        "{found:?}"
    );
    // A delay that a room explains is no fault.
    let mut mics = session(4, 9);
    mics[1] = later(&mics[1], 240);
    assert_eq!(check(&mics), []);
}

#[test]
fn a_mic_of_another_clock_is_named_with_its_drift() {
    for ppm in [60.0, -150.0] {
        let mut mics = session(4, 10);
        mics[2] = with_clock(&mics[2], ppm);
        let found = check(&mics);
        let [Finding::OtherClock(clock)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(clock.mics, [2]);
        // The measured error is 1 ppm.
        assert!((clock.drift_ppm + ppm).abs() < 5.0, "{clock:?}");
    }
    // Two recorders: the mics of the second are named together.
    let mut mics = session(4, 11);
    mics[2] = with_clock(&mics[2], 100.0);
    mics[3] = with_clock(&mics[3], 100.0);
    let found = check(&mics);
    let [Finding::OtherClock(clock)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(clock.mics, [2, 3]);
    assert!((clock.drift_ppm + 100.0).abs() < 5.0, "{clock:?}");
}

#[test]
fn a_mic_that_moved_is_named_with_the_time() {
    let mut mics = session(4, 12);
    let players: Vec<Vec<f32>> = (0..4).map(|n| player(1_200 + n)).collect();
    // From 11 s on the second mic is at another place.
    let mut elsewhere = vec![0.0; mics[1].len()];
    for (number, player) in players.iter().enumerate() {
        let number = number as u64;
        let echoes = match number {
            1 => Echoes::new(25, 1.0, 71),
            _ => Echoes::new(40 + 31 * number as usize, 0.3, 77 + number),
        };
        echoes.add(player, &mut elsewhere);
    }
    mics[1][132_000..].copy_from_slice(&elsewhere[132_000..]);
    let found = check(&mics);
    let [Finding::Moved(moved)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(moved.mics, [1]);
    // Tolerance: the distance of two excerpts.
    assert!((moved.at_s - 11.0).abs() < 1.4, "{moved:?}");
}

#[test]
fn a_mic_that_hears_everything_is_named_unless_it_is_known() {
    let mut mics = session(4, 13);
    let mut room = vec![0.0; mics[0].len()];
    for number in 0..4 {
        Echoes::new(130 + 20 * number, 0.4, 900 + number as u64)
            .add(&player(1_300 + number as u64), &mut room);
    }
    mics.push(room);
    assert_eq!(check(&mics), [Finding::HearsAll { mic: 4 }]);
    let mut places = vec![Place::default(); 5];
    places[4].is_room = true;
    assert_eq!(check_placed(&mics, &places), []);
}

#[test]
fn offsets_and_clipping_are_named_by_mic() {
    let mut mics = session(3, 14);
    mics[0].iter_mut().for_each(|x| *x += 0.02);
    mics[2].iter_mut().for_each(|x| *x = (*x * 30.0).clamp(-1.0, 1.0));
    let found = check(&mics);
    assert!(
        matches!(found.as_slice(), [
            Finding::Offset { mic: 0, offset },
            Finding::Clipped { mic: 2, num_runs, first_s },
        ] if (offset - 0.02).abs() < 1e-3 && *num_runs > 10 && *first_s < 1.0),
        "{found:?}"
    );
}

#[test]
fn lines_name_the_files_and_the_remedy() {
    let names: Vec<Name> = ["kick.wav", "snare.wav", "room.wav"]
        .iter()
        .zip(1..)
        .map(|(text, position)| Name { text: (*text).to_owned(), position })
        .collect();
    let copy = Copy { mics: [0, 2], gain_db: -3.0, lag_s: 0.002, is_inverted: true };
    for (finding, tool, line) in [
        (
            Finding::Copy(copy),
            Tool::Debleed,
            "kick.wav and room.wav carry the same sound (the second 3.0 dB quieter, 2.00 ms later, \
             inverted): remove one of them, or put them into one group (--group 1,3)",
        ),
        (
            Finding::HearsAll { mic: 2 },
            Tool::Debleed,
            "room.wav picks up the sources of all other mics and none first: if it is an overhead \
             or a room mic, add --room 3",
        ),
        (
            Finding::HearsAll { mic: 2 },
            Tool::Host,
            "room.wav picks up the sources of all other mics and none first: if it is an overhead \
             or a room mic, set its role to Room",
        ),
        (
            Finding::Late(Late { mic: 1, late_s: -0.2 }),
            Tool::Debleed,
            "snare.wav is 200 ms earlier than the other mics, too much for one room: move it into \
             time first",
        ),
        (
            Finding::Clipped { mic: 0, num_runs: 3, first_s: 3_725.4 },
            Tool::Host,
            "kick.wav is clipped in 3 places, first at 1:02:05: bleed remains there",
        ),
        (
            Finding::Offset { mic: 0, offset: -0.012 },
            Tool::Host,
            "kick.wav has a DC offset of -0.0120: remove it first",
        ),
    ] {
        assert_eq!(finding.line(&names, tool), line);
    }
}
