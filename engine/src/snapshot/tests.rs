//! Snapshots of a running session, as a watcher receives them.

use super::*;
use crate::controls::{Controls, Listen};
use crate::mode::{Mode, Pace};
use crate::session::{Session, SessionConfig, SessionMethod};
use crate::units::SampleRate;

const HOPS: usize = 40;

fn session(controls: &Controls) -> Session {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics: 2,
        mode: Mode::Live,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    Session::prepare(&config, controls, SessionMethod::default()).unwrap()
}

/// Plays hops with distinct levels, and returns the snapshots and the output of the first mic.
fn play(session: &mut Session, watch: bool) -> (Vec<Snapshot>, Vec<f32>) {
    let monitor = session.monitor();
    monitor.watch(watch.then_some(0));
    let rate = SampleRate::new(48_000.0).unwrap();
    let hop = Mode::Live.geometry(rate).hop_samples();
    let (mut snapshots, mut heard) = (Vec::new(), Vec::new());
    for number in 0..HOPS {
        let level = 0.01 * (number + 1) as f32;
        let (mut loud, mut quiet) = (vec![level; hop], vec![0.5 * level; hop]);
        session.process(&mut [&mut loud, &mut quiet]).unwrap();
        heard.extend(loud);
        while let Some(snapshot) = monitor.take() {
            snapshots.push((*snapshot).clone());
            monitor.give_back(snapshot);
        }
    }
    (snapshots, heard)
}

#[test]
fn input_and_output_levels_belong_to_the_same_hop() {
    let mut controls = Controls::default();
    controls.mics[0].listen = Listen::Dry;
    let mut session = session(&controls);
    let (snapshots, heard) = play(&mut session, true);
    assert!(snapshots.len() > HOPS / 2, "{}", snapshots.len());
    let mut last = 0.0;
    for levels in snapshots.iter().map(|snapshot| snapshot.mics[0]) {
        assert_eq!(levels.output_power, levels.input_power, "dry is what came in");
        assert_eq!(levels.input_peak, levels.output_peak);
        assert!(levels.input_peak >= last, "hops come in order");
        last = levels.input_peak;
    }
    // The newest snapshot is at most the worker's slack ahead of the output.
    let newest = heard.last().copied().unwrap();
    assert!(newest > 0.0 && last >= newest, "{last} {newest}");
}

#[test]
fn spectra_of_all_mics_are_their_own() {
    let mut session = session(&Controls::default());
    let monitor = session.monitor();
    monitor.watch(Some(0));
    // 750 Hz in one mic, silence in the other.
    let mut tone: Vec<f32> =
        (0..4096).map(|at| 0.5 * (std::f32::consts::TAU * at as f32 / 64.0).sin()).collect();
    session.process(&mut [&mut vec![0.0; 4096], &mut tone]).unwrap();
    let mut loudest = Vec::new();
    while let Some(snapshot) = monitor.take() {
        assert!(snapshot.columns[0].before_db.iter().all(|&db| db == SILENT_DB));
        let column = &snapshot.columns[1];
        if column.is_new {
            let bands = 0..NUM_COLUMN_BANDS;
            let of = |band: &usize| column.before_db[*band];
            loudest.push(bands.max_by(|one, other| of(one).total_cmp(&of(other))).unwrap());
        }
        monitor.give_back(snapshot);
    }
    let hz = band_hz(*loudest.last().unwrap());
    assert!((700.0..800.0).contains(&hz), "{hz} Hz");
}

#[test]
fn nobody_watching_costs_nothing_and_still_knows_who_was_heard() {
    let mut session = session(&Controls::default());
    let (snapshots, _) = play(&mut session, false);
    let monitor = session.monitor();
    assert_eq!(snapshots, []);
    assert!(monitor.free.is_empty() && monitor.ready.is_empty());
    assert!(monitor.was_heard(0) && monitor.was_heard(1) && !monitor.was_heard(2));
}

#[test]
fn a_watcher_that_leaves_takes_everything_along() {
    let mut session = session(&Controls::default());
    play(&mut session, true);
    let monitor = session.monitor();
    monitor.watch(None);
    let (snapshots, _) = play(&mut session, false);
    assert_eq!(snapshots, []);
    assert!(monitor.free.is_empty() && monitor.ready.is_empty());
}

#[test]
fn a_watcher_that_stalls_loses_snapshots_and_stops_nobody() {
    let mut session = session(&Controls::default());
    let monitor = session.monitor();
    monitor.watch(Some(1));
    for _ in 0..CIRCULATING * 2 {
        let (mut one, mut two) = (vec![0.1; 512], vec![0.2; 512]);
        session.process(&mut [&mut one, &mut two]).unwrap();
    }
    let mut waiting = 0_usize;
    while let Some(snapshot) = monitor.take() {
        let is_new = [0, 1].map(|mic: usize| snapshot.columns[mic].is_new);
        assert_eq!(is_new, [!waiting.is_multiple_of(2), true], "the selected mic in every hop");
        waiting += 1;
    }
    assert!((CIRCULATING / 2..=CIRCULATING).contains(&waiting), "{waiting}");
}

/// The worker may hold a snapshot while the watcher leaves, or pop one at that moment.
#[test]
fn what_was_in_hand_while_the_watcher_left_is_freed() {
    let monitor = Monitor::new(2, 0.01);
    monitor.watch(Some(0));
    let mut in_hand = [(); 3].map(|()| monitor.free.pop());
    monitor.watch(None);
    // Pushed before the worker checks for a watcher.
    drop(monitor.ready.push(in_hand[0].take().unwrap()));
    assert!(monitor.take().is_none());
    monitor.hand_over(in_hand[1].take().unwrap());
    monitor.give_back(in_hand[2].take().unwrap());
    assert!(monitor.free.is_empty() && monitor.ready.is_empty());
}

#[test]
fn who_watches_again_sees_nothing_of_before() {
    let monitor = Monitor::new(2, 0.01);
    monitor.watch(Some(0));
    let in_hand = monitor.free.pop().unwrap();
    monitor.watch(None);
    drop(monitor.ready.push(in_hand));
    monitor.watch(Some(1));
    assert!(monitor.take().is_none());
}
