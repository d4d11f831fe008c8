//! What is learned leaves one session and reaches another while both play.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::{Estimates, LearnState};

fn estimates(estimates: Estimates) -> Controls {
    Controls { estimates, ..Controls::default() }
}

/// A session with the engine's own method.
fn own(pace: Pace, controls: &Controls, learned: Option<Arc<Learned>>) -> Session {
    Session::prepare_learned(&config(2, pace), controls, None, learned).unwrap()
}

/// Says that it is over when it is dropped, in a panic too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        // Relaxed: a flag of its own.
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_learned_passes_from_session_to_session_while_both_play() {
    let input = noise(2, 60_000);
    let mut teacher = own(Pace::Offline, &estimates(Estimates::Learning), None);
    let mut pupil = own(Pace::Offline, &estimates(Estimates::Learned), None);
    let (from, to) = (teacher.learner(), pupil.learner());
    let is_over = AtomicBool::new(false);
    let given = std::thread::scope(|scope| {
        let (input, is_over) = (&input, &is_over);
        let over = Over(is_over);
        let plays = scope.spawn(move || {
            run(&mut teacher, input, &[(50_000, estimates(Estimates::Learned))], || 512);
            teacher
        });
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                run(&mut pupil, input, &[], || 512);
                pupil.reset();
            }
        });
        let (mut given, mut since) = (Vec::new(), Instant::now());
        let mut collect = || {
            if let Some(learned) = from.collect() {
                to.give(Some(Arc::clone(&learned)));
                given.push(learned);
                since = Instant::now();
            }
            assert!(since.elapsed() < PATIENCE, "nothing is learned any more");
            given.len()
        };
        while !plays.is_finished() {
            collect();
        }
        let teacher = plays.join().unwrap();
        // What was left between the last look and the end.
        collect();
        drop(teacher);
        let last = Instant::now();
        while to.state() != LearnState::Learned {
            assert!(last.elapsed() < PATIENCE, "{}", to.state());
        }
        drop(over);
        given
    });
    // After 32 and 64 hops, at the end, and once the passage was gone through again.
    assert!((1..=4).contains(&given.len()), "{}", given.len());
    assert_eq!(from.num_found(), 4);
    assert_eq!(from.state(), LearnState::Learned);
    drop((from, to));
    // Two sessions and two queues have let go of it.
    for learned in given {
        assert_eq!(Arc::strong_count(&learned), 1);
    }
}

#[test]
fn frozen_real_time_that_is_never_late_equals_offline() {
    let input = noise(2, 40_000);
    let mut teacher = own(Pace::Offline, &estimates(Estimates::Learning), None);
    run(&mut teacher, &input, &[(30_000, estimates(Estimates::Learned))], || 512);
    let learned = teacher.learner().collect().unwrap();
    let play = |pace, learned: &Arc<Learned>| {
        let mut session = own(pace, &estimates(Estimates::Learned), Some(Arc::clone(learned)));
        let output = run(&mut session, &input, &[], || 64);
        assert_eq!(session.learner().state(), LearnState::Learned);
        assert_eq!(session.stats().late_hops() + session.stats().lost_hops(), 0);
        output
    };
    let expected = play(Pace::Offline, &learned);
    assert!(play(Pace::Realtime, &learned) == expected);
    let adaptive = run(&mut own(Pace::Offline, &Controls::default(), None), &input, &[], || 64);
    assert!(adaptive != expected);
}
