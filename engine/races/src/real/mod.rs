//! The engine's files unchanged, with their own tests, and a test of the learner between threads.

use crate::learned::{Learned, Unusable};

#[path = "../../../src/debleed/cancel/learned/learner.rs"]
#[allow(dead_code, reason = "the tests need a part of it")]
mod learner;
#[path = "../../../src/worker/link.rs"]
#[allow(dead_code, reason = "packets stay in the engine")]
mod link;
#[path = "../../../src/worker/link_tests.rs"]
mod link_tests;
mod linked;
#[path = "../../../src/sync.rs"]
mod sync;

use std::sync::Arc;

use learner::{LearnState, Learner, Publisher};

#[test]
fn passages_and_gifts_cross_each_other() {
    const PASSAGES: u32 = if cfg!(miri) { 40 } else { 4000 };
    let learner = Arc::new(Learner::new());
    let on_worker = Publisher::new(Arc::clone(&learner));
    let worker = std::thread::spawn(move || {
        let mut gift = 0;
        for number in 1..=PASSAGES {
            if let Some(given) = on_worker.take_given() {
                gift = given.gift;
            }
            let passage = u32::try_from(gift).unwrap() * (PASSAGES + 1) + number;
            on_worker.publish(gift, Arc::new(Learned(passage)));
            on_worker.set_state(LearnState::Learned);
        }
    });
    let (mut gifts, mut newest) = (0, 0);
    while !worker.is_finished() || learner.num_found() == 0 {
        if let Some(found) = learner.collect() {
            assert_eq!(found.0 / (PASSAGES + 1), gifts, "of another gift");
            assert!(found.0 > newest, "{} after {newest}", found.0);
            newest = found.0;
        }
        if newest.is_multiple_of(7) && gifts < 5 {
            learner.give(Some(Arc::new(Learned(0))));
            gifts += 1;
        }
        std::thread::yield_now();
    }
    worker.join().unwrap();
    assert_eq!(learner.state(), LearnState::Learned);
}
