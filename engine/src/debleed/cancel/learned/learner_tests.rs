//! Tests: the learner returns the state and the convergence that the worker stored.

use super::learner::{LearnState, Learner};

#[test]
fn every_state_arrives_as_it_was_told() {
    let learner = Learner::new();
    assert_eq!(learner.state(), LearnState::Adaptive);
    for state in LearnState::ALL {
        learner.tell(state);
        assert_eq!(learner.state(), state);
    }
    learner.tell_convergence(0.25);
    assert_eq!(learner.convergence(), 0.25);
}
