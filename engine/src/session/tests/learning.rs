//! Learned estimates pass from one session to another while both play.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::{Estimates, LearnState, Learned};

fn estimates(estimates: Estimates) -> Controls {
    Controls { estimates, ..Controls::default() }
}

/// Returns a session with the engine's own method.
fn own(pace: Pace, controls: &Controls, learned: Option<Arc<Learned>>) -> Session {
    Session::prepare(&config(2, pace), controls, SessionMethod::Own { model: None, learned })
        .unwrap()
}

/// Sets a flag when it is dropped, even by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        // Relaxed: an independent flag.
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
        // Collects estimates published after the last call and before the end.
        collect();
        drop(teacher);
        let last = Instant::now();
        while to.state() != LearnState::Learned {
            assert!(last.elapsed() < PATIENCE, "{}", to.state());
        }
        drop(over);
        given
    });
    // Published after 32 and 64 hops, at the end, and after the passes over the passage.
    assert!((1..=4).contains(&given.len()), "{}", given.len());
    assert_eq!(from.num_found(), 4);
    assert_eq!(from.state(), LearnState::Learned);
    drop((from, to));
    // Two sessions and two queues have released it.
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

/// Returns the estimates learned from two mics in two parts, with a call of `between` in between.
fn taught(between: impl FnOnce(Session) -> Session) -> Vec<u8> {
    let input = noise(2, 60_000);
    let parts = [0..25_000, 25_000..60_000];
    let part = |range: &std::ops::Range<usize>| -> Vec<Vec<f32>> {
        input.iter().map(|mic| mic[range.clone()].to_vec()).collect()
    };
    let mut session = own(Pace::Offline, &estimates(Estimates::Learning), None);
    let learner = session.learner();
    run(&mut session, &part(&parts[0]), &[], || 512);
    let mut session = between(session);
    assert!(Arc::ptr_eq(&learner, &session.learner()), "another learner");
    run(&mut session, &part(&parts[1]), &[], || 512);
    session.finish();
    learner.collect().unwrap().to_bytes()
}

#[test]
fn a_session_prepared_again_goes_on_learning_where_it_was() {
    let expected = taught(|mut session| {
        session.reset();
        session
    });
    let again = |pace, max_block_samples| {
        taught(|session| {
            let config = SessionConfig { max_block_samples, ..config(2, pace) };
            let mut again =
                session.prepare_again(&config, &estimates(Estimates::Learning)).unwrap();
            let latency = crate::latency_samples(config.rate, config.mode, pace, max_block_samples);
            assert_eq!(again.latency_samples(), latency);
            again.set_pace(Pace::Offline);
            again
        })
    };
    assert!(again(Pace::Offline, 4096) == expected);
    assert!(again(Pace::Realtime, 4096) == expected);
    // The second part alone gives other estimates.
    let input: Vec<Vec<f32>> = noise(2, 60_000).iter().map(|mic| mic[25_000..].to_vec()).collect();
    let mut alone = own(Pace::Offline, &estimates(Estimates::Learning), None);
    let learner = alone.learner();
    run(&mut alone, &input, &[], || 512);
    alone.finish();
    assert!(learner.collect().unwrap().to_bytes() != expected);
}

#[test]
fn another_set_up_ends_the_passage_and_what_it_taught_is_there() {
    let input = noise(2, 30_000);
    let teacher = || {
        let mut session = own(Pace::Offline, &estimates(Estimates::Learning), None);
        run(&mut session, &input, &[], || 512);
        session
    };
    let session = teacher();
    let finished = session.learner();
    session.finish();
    let expected = finished.collect().unwrap();
    for other in [
        SessionConfig { rate: rate(44_100.0), ..config(2, Pace::Offline) },
        SessionConfig { mode: Mode::Mix, ..config(2, Pace::Offline) },
        config(3, Pace::Offline),
    ] {
        let session = teacher();
        let learner = session.learner();
        let refused = session.prepare_again(&other, &estimates(Estimates::Learning));
        assert!(matches!(refused, Err(SessionError::OtherSetUp)), "{other:?}");
        assert_eq!(learner.collect().as_deref(), Some(&*expected), "{other:?}");
    }
    // A session that has not learned leaves nothing.
    let mut plays = own(Pace::Offline, &Controls::default(), None);
    let learner = plays.learner();
    run(&mut plays, &input, &[], || 512);
    plays.finish();
    assert!(learner.collect().is_none());
}
