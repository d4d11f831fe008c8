//! The models, each with a few steps of two or three threads.

use loom::thread;

use super::learner::{LearnState, Learner, Publisher};
use super::link::{Bell, ring};
use super::sync::{Arc, AtomicU64, Ordering};
use crate::learned::Learned;

/// Environment variable that `cargo xtask races` sets: the largest number of preemptions, in place
/// of each model's own.
const PREEMPTIONS_VARIABLE: &str = "UNSPILL_PREEMPTIONS";

/// Runs a model in every order with at most this number of preemptions.
pub(super) fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let given = std::env::var(PREEMPTIONS_VARIABLE).ok().and_then(|text| text.parse().ok());
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(given.unwrap_or(preemptions));
    builder.check(body);
}

#[test]
fn packets_travel_in_circles_in_order_and_whole() {
    model(3, || {
        let (mut to_worker, mut input) = ring::<Box<u32>>(2);
        let (mut output, mut results) = ring::<Box<u32>>(2);
        let worker = thread::spawn(move || {
            let mut done = 0;
            while done < 2 {
                match input.pop() {
                    Some(mut packet) => {
                        *packet += 100;
                        assert!(output.push(packet).is_ok(), "there is room for every packet");
                        done += 1;
                    }
                    None => thread::yield_now(),
                }
            }
        });
        for number in 0..2 {
            assert!(to_worker.push(Box::new(number)).is_ok(), "there is room for every packet");
        }
        let mut expected = 100;
        while expected < 102 {
            match results.pop() {
                Some(packet) => {
                    assert_eq!(*packet, expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        assert!(results.pop().is_none());
        worker.join().unwrap();
    });
}

/// Without the bell's fences the waiting thread may sleep forever, which loom reports as
/// a deadlock.
#[test]
fn whoever_asks_before_looking_is_woken() {
    model(4, || {
        let (mut sender, mut receiver) = ring::<u32>(1);
        let bell = Bell::new();
        let ringing = bell.clone();
        let waiter = thread::spawn(move || {
            let received = loop {
                bell.register();
                if let Some(received) = receiver.pop() {
                    break received;
                }
                thread::park();
            };
            assert_eq!(received, 7);
        });
        assert!(sender.push(7).is_ok());
        ringing.ring();
        waiter.join().unwrap();
    });
}

#[test]
fn who_sees_that_there_is_news_finds_it() {
    model(4, || {
        let learner = Arc::new(Learner::new());
        let on_worker = Publisher::new(Arc::clone(&learner));
        let worker = thread::spawn(move || on_worker.publish(0, Arc::new(Learned(1))));
        if learner.num_found() > 0 {
            assert_eq!(learner.collect().as_deref(), Some(&Learned(1)));
        }
        worker.join().unwrap();
    });
}

/// The host's audio thread sees a change and has the main thread called, which saves the state.
#[test]
fn who_is_told_of_news_finds_it() {
    model(3, || {
        let learner = Arc::new(Learner::new());
        let told = Arc::new(AtomicU64::new(0));
        let (on_worker, on_audio, tell) =
            (Publisher::new(Arc::clone(&learner)), Arc::clone(&learner), Arc::clone(&told));
        let worker = thread::spawn(move || on_worker.publish(0, Arc::new(Learned(1))));
        let audio = thread::spawn(move || tell.store(on_audio.num_found(), Ordering::Release));
        if told.load(Ordering::Acquire) > 0 {
            assert_eq!(learner.collect().as_deref(), Some(&Learned(1)));
        }
        worker.join().unwrap();
        audio.join().unwrap();
    });
}

#[test]
fn who_sees_that_learning_has_ended_finds_what_it_taught() {
    model(4, || {
        let learner = Arc::new(Learner::new());
        let on_worker = Publisher::new(Arc::clone(&learner));
        on_worker.set_state(LearnState::Learning);
        let worker = thread::spawn(move || {
            on_worker.publish(0, Arc::new(Learned(1)));
            on_worker.set_state(LearnState::Learned);
        });
        if learner.state() == LearnState::Learned {
            assert_eq!(learner.collect().as_deref(), Some(&Learned(1)));
        }
        worker.join().unwrap();
    });
}

#[test]
fn what_was_learned_before_a_gift_is_not_collected_after_it() {
    model(3, || {
        let learner = Arc::new(Learner::new());
        let on_worker = Publisher::new(Arc::clone(&learner));
        let worker = thread::spawn(move || {
            let mut gift = 0;
            for number in 0..2 {
                if let Some(given) = on_worker.take_given() {
                    assert_eq!(given.learned.as_deref(), Some(&Learned(100)));
                    gift = given.gift;
                }
                // The number contains the gift that the passage belongs to.
                let passage = u32::try_from(gift).unwrap() * 10 + number;
                on_worker.publish(gift, Arc::new(Learned(passage)));
            }
        });
        learner.give(Some(Arc::new(Learned(100))));
        if let Some(learned) = learner.collect() {
            assert!(learned.0 >= 10, "{learned:?} was learned before");
        }
        worker.join().unwrap();
    });
}
