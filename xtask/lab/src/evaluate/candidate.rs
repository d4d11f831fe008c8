//! Methods that can be evaluated, by their names on the command line.

use crate::baselines::optimisation::{Mix, Search, optimise};
use crate::cleaning::{self, Method, Setup, Signals, Unwatched};
use crate::ideal::Ideal;
use crate::scenes::Scene;
use anyhow::{Error, Result, bail};
use engine::Mode;
use engine::network::Model;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// A way to clean a scene: a method of the engine, or one that only an evaluation can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// One of the engine's methods.
    Engine(Method),
    /// An upper bound computed from the truth.
    Ideal(Ideal),
    /// The learning-free optimisation in the time domain, from the mics alone.
    Optimisation,
    /// The same optimisation as published, given the sum of all clean sources.
    OptimisationKnownMix,
}

impl Candidate {
    /// Returns all candidates, in the order of the help.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Method::ALL
            .map(Self::Engine)
            .into_iter()
            .chain([Self::Optimisation, Self::OptimisationKnownMix])
            .chain(Ideal::ALL.map(Self::Ideal))
            .collect()
    }

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine(method) => method.name(),
            Self::Ideal(ideal) => ideal.name(),
            Self::Optimisation => "optimisation",
            Self::OptimisationKnownMix => "optimisation-known-mix",
        }
    }

    /// Returns true if the candidate uses the targets or their sum, which no recording contains.
    #[must_use]
    pub fn needs_truth(self) -> bool {
        matches!(self, Self::Ideal(_) | Self::OptimisationKnownMix)
    }

    /// Returns true if the candidate works without lookahead and [`Mode::Live`] makes a difference.
    #[must_use]
    pub fn works_live(self) -> bool {
        matches!(
            self,
            Self::Engine(
                Method::NetworkOnline | Method::NetworkLearned | Method::Online | Method::Ratio
            )
        )
    }

    /// Returns true if the candidate uses a network.
    #[must_use]
    pub fn needs_model(self) -> bool {
        matches!(self, Self::Engine(method) if method.needs_model())
    }

    /// Cleans every mic of a scene, `[mic][sample]`, and returns the result and the time taken.
    ///
    /// The work is sequential: the engine's worker runs while this thread waits for it, so the time
    /// is that of one processor core. Room mics pass through. Only a method that uses a network
    /// needs `model`.
    ///
    /// # Errors
    ///
    /// Returns an error if the method does not support the scene's rate or fails.
    pub fn clean(
        self,
        scene: &Scene,
        mode: Mode,
        model: Option<&Model>,
    ) -> Result<(Vec<Vec<f32>>, Duration)> {
        let started = Instant::now();
        let search = Search::default();
        let mut outputs = match self {
            Self::Engine(method) => {
                let controls = scene.info.controls();
                let setup = Setup { method, model: model.cloned(), mode, controls };
                return run_engine(scene, &setup);
            }
            Self::Ideal(ideal) => ideal.clean(scene)?,
            Self::Optimisation => {
                optimise(&scene.mics, Mix::FromMics, scene.rate_hz, &search)?.sources
            }
            Self::OptimisationKnownMix => {
                let mix = sum_of_sources(scene);
                optimise(&scene.mics, Mix::Known(&mix), scene.rate_hz, &search)?.sources
            }
        };
        let elapsed = started.elapsed();
        for &position in &scene.info.room_mics {
            outputs[position - 1].clone_from(&scene.mics[position - 1]);
        }
        Ok((outputs, elapsed))
    }
}

/// Returns the sum of the targets, each source once; a group's first mic represents its source.
fn sum_of_sources(scene: &Scene) -> Vec<f32> {
    let mut sum = vec![0.0; scene.targets.first().map_or(0, Vec::len)];
    let sources = sources(scene);
    for (mic, (target, source)) in scene.targets.iter().zip(&sources).enumerate() {
        if source.is_some() && !sources[..mic].contains(source) {
            sum.iter_mut().zip(target).for_each(|(sum, s)| *sum += s);
        }
    }
    sum
}

/// Returns `[mic]`: the number of the mic's source, equal within a group; `None` for a room mic.
pub(super) fn sources(scene: &Scene) -> Vec<Option<usize>> {
    let source = |mic: usize| {
        let position = mic + 1;
        if scene.info.room_mics.contains(&position) {
            return None;
        }
        let group = scene.info.groups.iter().position(|group| group.contains(&position));
        Some(group.unwrap_or(scene.info.groups.len() + mic))
    };
    (0..scene.mics.len()).map(source).collect()
}

fn run_engine(scene: &Scene, setup: &Setup) -> Result<(Vec<Vec<f32>>, Duration)> {
    let mut outputs = vec![Vec::with_capacity(scene.mics[0].len()); scene.mics.len()];
    let mut source = Signals::new(&scene.mics, scene.rate_hz);
    let outcome = cleaning::clean(&mut source, setup, &mut Unwatched, |_, clean| {
        for (output, block) in outputs.iter_mut().zip(clean) {
            output.extend_from_slice(block);
        }
        Ok(())
    })?;
    Ok((outputs, outcome.elapsed))
}

impl FromStr for Candidate {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = Self::all();
        if let Some(candidate) = all.iter().find(|candidate| candidate.name() == name) {
            return Ok(*candidate);
        }
        let names: Vec<&str> = all.iter().map(|candidate| candidate.name()).collect();
        bail!("no method {name}; use one of {}", names.join(", "))
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::SceneInfo;
    use engine::Role;

    #[test]
    fn every_candidate_is_found_by_its_name() {
        for candidate in Candidate::all() {
            assert_eq!(candidate.name().parse::<Candidate>().unwrap(), candidate);
            let is_method = candidate.name().parse::<Method>().is_ok();
            assert_eq!(is_method, matches!(candidate, Candidate::Engine(_)));
        }
        let line = "best".parse::<Candidate>().unwrap_err().to_string();
        assert!(line.contains("cancel") && line.contains("ideal-mwf"), "{line}");
    }

    #[test]
    fn grouped_mics_have_one_source_and_room_mics_none() {
        let info =
            SceneInfo { groups: vec![vec![2, 3]], room_mics: vec![5], ..SceneInfo::default() };
        let signals: Vec<Vec<f32>> = [1.0, 2.0, 4.0, 8.0, 16.0].map(|x| vec![x; 9_000]).to_vec();
        let scene = Scene { info, rate_hz: 8_000, mics: signals.clone(), targets: signals };
        let found = sources(&scene);
        assert_eq!(found[1], found[2]);
        assert_eq!(found[4], None);
        assert!(found[0] != found[1] && found[0] != found[3] && found[1] != found[3]);
        assert_eq!(sum_of_sources(&scene), vec![11.0; 9_000]);
        assert_eq!(scene.info.controls().mics[4].role, Role::Room);
        let model = cleaning::model::find(None).unwrap();
        for candidate in Candidate::all() {
            let (outputs, _) = candidate.clean(&scene, Mode::Live, model.as_ref()).unwrap();
            assert_eq!(outputs[4], scene.mics[4], "{candidate}");
        }
    }
}
