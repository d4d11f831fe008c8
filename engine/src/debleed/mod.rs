//! Methods that find the bleed, behind one small trait.

pub mod batch;
pub mod cancel;
pub mod chunked;
pub mod kamir;
pub mod kamir_method;
pub mod mira;
pub mod mira_method;
pub mod ratio;

pub use cancel::{Cancel, Online};
pub use ratio::Ratio;

use crate::controls::{Controls, Role};
use crate::stft::{Geometry, Spectrum};
use cancel::GuideTrouble;

/// What a method sees of one hop.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// The newest spectra, `[mic, bin]`.
    pub newest: &'a Spectrum,
    /// The controls that came in with the newest spectra.
    pub newest_controls: &'a Controls,
    /// The spectra to clean now: `lookahead_hops` older than the newest, `[mic, bin]`.
    pub current: &'a Spectrum,
    /// The controls that came in with the spectra to clean now.
    pub current_controls: &'a Controls,
}

/// A method of finding the bleed in every mic.
///
/// A method says what to remove; [`Pipeline`](crate::pipeline::Pipeline) around it does the
/// transforms and enforces floors, the session scales by the amounts. A method honours
/// roles, groups and pair amounts: grouped mics are never each other's bleed, a `Room` mic loses
/// nothing, and what bleeder `b` left in target `t` is removed by `pair_amount[t][b]`.
///
/// Some methods learn from the whole session before they clean it: they are given every hop
/// through [`learn_hop`](Debleed::learn_hop), [`learning_passes`](Debleed::learning_passes) times.
///
/// # Real-time
///
/// Worker or main thread only: methods may take milliseconds a hop.
pub trait Debleed: Send + std::fmt::Debug {
    /// The transform this method works on.
    fn geometry(&self) -> Geometry;

    /// How many hops the method looks ahead of the hop it cleans.
    fn lookahead_hops(&self) -> usize;

    /// How many times the whole session must be heard before cleaning; 0 for a method that adapts.
    fn learning_passes(&self) -> usize;

    /// Hears one hop of a learning pass.
    fn learn_hop(&mut self, spectrum: &Spectrum, controls: &Controls);

    /// Ends a learning pass.
    fn end_learning_pass(&mut self);

    /// Finds what to remove from `hop.current`; `removed` is `[mic, bin]` and silent on entry.
    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum);

    /// Forgets audio and everything adapted from it; keeps what learning passes found.
    fn reset(&mut self);

    /// Takes over what the controls of the next hop want, where that needs no audio.
    fn follow(&mut self, _controls: &Controls) {}

    /// Does a part of what can wait, for about as long as a hop takes; false when nothing waits.
    ///
    /// Called between hops, whenever none is there to be cleaned; before the next hop, until nothing
    /// waits, where audio is rendered offline, so that every rendering is the same.
    fn idle(&mut self) -> bool {
        false
    }

    /// The estimated share of a bleeder's power that a target hears, on average over frequencies;
    /// `None` for a method that does not estimate it, or while nothing is known.
    fn crosstalk(&self, _target: usize, _bleeder: usize) -> Option<f32> {
        None
    }

    /// The first other mic that carries the same sound, if there is one: both count as one group.
    fn twin(&self, _mic: usize) -> Option<usize> {
        None
    }

    /// Why the method goes by rules of its own although it was given a guide, if that is so.
    fn guide_trouble(&self) -> Option<GuideTrouble> {
        None
    }
}

/// Whether what `bleeder` picks up can be bleed in `target`: two mics of different sources, the
/// bleeder close to its own, the target one that is cleaned.
pub(crate) fn is_bleed(controls: &Controls, target: usize, bleeder: usize) -> bool {
    let (to, from) = (&controls.mics[target], &controls.mics[bleeder]);
    let one_source = target == bleeder || (to.group.is_some() && to.group == from.group);
    !one_source && to.role != Role::Room && from.role == Role::Close
}
