//! Tests: the learner returns the state and the convergence that the worker stored.

use super::learner::{LearnState, Learner};

#[test]
fn every_state_arrives_as_it_was_told() {
    let learner = Learner::new();
    assert_eq!(learner.state(), LearnState::Adaptive);
    for state in LearnState::ALL {
        learner.set_state(state);
        assert_eq!(learner.state(), state);
    }
    learner.set_convergence(0.25);
    assert_eq!(learner.convergence(), 0.25);
}
