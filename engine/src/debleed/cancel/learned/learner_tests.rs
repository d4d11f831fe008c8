//! Tests: the learner returns the state and the convergence that the worker stored.

use std::sync::Arc;

use super::learner::{LearnState, Learner, Publisher};

#[test]
fn every_state_arrives_as_it_was_told() {
    let learner = Arc::new(Learner::new());
    let publisher = Publisher::new(Arc::clone(&learner));
    assert_eq!(learner.state(), LearnState::Adaptive);
    for state in LearnState::ALL {
        publisher.set_state(state);
        assert_eq!(learner.state(), state);
    }
    publisher.set_convergence(0.25);
    assert_eq!(learner.convergence(), 0.25);
}
