//! The methods that a session can run.

use std::sync::Arc;

use super::{SessionConfig, SessionError};
use crate::MAX_MICS;
use crate::debleed::cancel::{Learned, Learner};
use crate::debleed::{Debleed, Online};
use crate::network::Model;
use crate::pipeline::Pipeline;

/// Method of a session.
///
/// # Real-time
///
/// Main thread only: preparing a session allocates the method.
#[derive(Debug)]
pub enum SessionMethod<'a> {
    /// The engine's own method, [`Online`].
    ///
    /// The latency is the same with and without a model. The worker builds the network when it
    /// starts. In real time, a hop that arrives before that is late, and so dry.
    ///
    /// The session starts with the learned estimates if the controls select
    /// [`Estimates::Learned`](crate::Estimates::Learned).
    /// [`Session::learner`](super::Session::learner) reports whether they are usable, accepts
    /// others while audio runs, and returns those that this session learns.
    Own {
        /// Network that guides the method; `None` for rules alone.
        model: Option<&'a Model>,
        /// Estimates that an earlier session learned from a passage.
        learned: Option<Arc<Learned>>,
    },
    /// Any method. Its transform and lookahead determine the latency.
    Any(Box<dyn Debleed>),
    /// A pipeline whose method may already have learned.
    Pipeline(Box<Pipeline>),
}

impl Default for SessionMethod<'_> {
    fn default() -> Self {
        Self::Own { model: None, learned: None }
    }
}

impl SessionMethod<'_> {
    /// Returns the pipeline of the method, and the learner of its estimates.
    pub(crate) fn build(
        self,
        config: &SessionConfig,
    ) -> Result<(Pipeline, Arc<Learner>), SessionError> {
        let num_mics = config.num_mics;
        if !(1..=MAX_MICS).contains(&num_mics) {
            return Err(SessionError::NumMics { actual: num_mics, max: MAX_MICS });
        }
        Ok(match self {
            Self::Own { model, learned } => {
                let SessionConfig { rate, mode, .. } = *config;
                let mut method = match model {
                    Some(model) => Online::guided(rate, mode, num_mics, &|| model.guide(num_mics)),
                    None => Online::new(rate, mode, num_mics),
                };
                method.set_learned(learned);
                let learner = method.learner();
                (Pipeline::new(Box::new(method), num_mics), learner)
            }
            Self::Any(method) => (Pipeline::new(method, num_mics), Arc::new(Learner::new())),
            Self::Pipeline(pipeline) => (*pipeline, Arc::new(Learner::new())),
        })
    }
}
