//! A learned passage: every member keeps it, and the mics are found again in any order.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::panel::Panel;
use common::{Track, config, folder, join_with, mics};
use engine::{Estimates, LearnState, Mode};
use link::{Lesson, Member};

const BLOCK: usize = 512;
const NUM_SAMPLES: usize = 96_000;

/// Plays all tracks once, as a host that renders.
fn play(tracks: &mut [Track]) {
    for start in (0..NUM_SAMPLES).step_by(BLOCK) {
        tracks.iter_mut().for_each(|track| track.call(start, BLOCK, true));
    }
}

/// Waits for what a worker does within a moment.
#[track_caller]
fn wait_for(label: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{label}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn choose(panels: &[Arc<Panel>], estimates: Estimates) {
    panels.iter().for_each(|panel| panel.lock().estimates = estimates);
    // Longer than a poll takes to come.
    std::thread::park_timeout(Duration::from_millis(100));
}

fn state(member: &Member) -> LearnState {
    member.watcher().learner().state()
}

fn lesson(panel: &Panel) -> Option<Arc<Lesson>> {
    panel.lock().lesson.clone()
}

#[test]
fn what_one_session_learned_is_kept_by_all_and_used_again_in_another_order() {
    let mics = mics(NUM_SAMPLES);
    let (_temp, folder) = folder();
    let join = |panel: &Arc<Panel>, mic: &[f32]| {
        Track::new(join_with(&folder, &config(Mode::Live, BLOCK), panel.clone()), mic)
    };
    let panels: Vec<Arc<Panel>> = (0..3).map(|mic| Panel::new(100 + mic, 1)).collect();
    let mut tracks: Vec<Track> = panels.iter().zip(&mics).map(|(p, mic)| join(p, mic)).collect();
    choose(&panels, Estimates::Learning);
    play(&mut tracks);
    choose(&panels, Estimates::Learned);
    play(&mut tracks);
    wait_for("a lesson", || panels.iter().all(|panel| lesson(panel).is_some()));
    let learned = lesson(&panels[0]).unwrap();
    assert_eq!(learned.identities[..4], [100, 101, 102, 0]);
    assert!(panels.iter().all(|panel| lesson(panel).as_ref() == Some(&learned)));

    // Another session, with the members in another order, one of which has lost its lesson.
    drop(tracks);
    panels[2].lock().lesson = None;
    let order = [2, 0, 1];
    let mut again: Vec<Track> = order.iter().map(|&at| join(&panels[at], &mics[at])).collect();
    wait_for("the lesson of the others", || lesson(&panels[2]).as_ref() == Some(&learned));
    play(&mut again[..]);
    assert_eq!(state(&again[0].member), LearnState::Learned);

    // A member that was not there then changes nothing for the others.
    let stranger = Panel::new(500, 1);
    stranger.lock().estimates = Estimates::Learned;
    again.push(join(&stranger, &mics[3]));
    play(&mut again);
    assert_eq!(state(&again[0].member), LearnState::Learned);
    assert_eq!(lesson(&stranger).as_ref(), Some(&learned));

    // Discarded.
    stranger.lock().lesson = Some(Arc::new(Lesson::now(None, Vec::new())));
    wait_for("nothing", || panels.iter().all(|panel| lesson(panel).unwrap().learned.is_none()));
    play(&mut again);
    assert_ne!(state(&again[0].member), LearnState::Learned);
}
