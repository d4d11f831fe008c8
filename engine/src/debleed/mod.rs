//! Methods that find the bleed, behind one small trait.

pub mod batch;
pub mod cancel;
pub mod chunked;
pub mod kamir;
pub mod mira;
pub mod ratio;

pub use cancel::{Cancel, Online};
pub use ratio::Ratio;

use crate::controls::{Controls, Role};
use crate::stft::{Geometry, Spectrum};

/// The input of a method for one hop.
#[derive(Clone, Copy, Debug)]
pub struct Hop<'a> {
    /// Newest spectra, `[mic, bin]`.
    pub newest: &'a Spectrum,
    /// Controls that arrived with the newest spectra.
    pub newest_controls: &'a Controls,
    /// Spectra to clean in this hop, `lookahead_hops` older than the newest, `[mic, bin]`.
    pub current: &'a Spectrum,
    /// Controls that arrived with the spectra to clean.
    pub current_controls: &'a Controls,
}

/// A method that finds the bleed in every mic.
///
/// A method outputs the bleed to remove. [`Pipeline`](crate::pipeline::Pipeline) computes the
/// transforms and enforces the floors; the session scales by the amounts. A method honours roles,
/// groups and pair amounts: grouped mics are never each other's bleed, nothing is removed from a
/// `Room` mic, and the bleed of bleeder `b` in target `t` is removed by `pair_amount[t][b]`.
///
/// Some methods learn from the whole session before they clean it. They receive every hop through
/// [`learn_hop`](Debleed::learn_hop), [`learning_passes`](Debleed::learning_passes) times.
///
/// # Real-time
///
/// Worker or main thread only: methods may take milliseconds a hop.
pub trait Debleed: Send + std::fmt::Debug {
    /// Returns the geometry of the transform that the method works on.
    fn geometry(&self) -> Geometry;

    /// Returns the number of hops from the hop being cleaned to the newest hop.
    fn lookahead_hops(&self) -> usize;

    /// Returns the number of passes over the whole session before cleaning; 0 for adaptive methods.
    fn learning_passes(&self) -> usize;

    /// Processes one hop of a learning pass.
    fn learn_hop(&mut self, spectrum: &Spectrum, controls: &Controls);

    /// Ends a learning pass.
    fn end_learning_pass(&mut self);

    /// Writes the bleed in `hop.current` to `removed`, which is `[mic, bin]` and silent on entry.
    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum);

    /// Clears the audio and everything adapted from it; keeps the results of learning passes.
    fn reset(&mut self);

    /// Prepares everything that takes long at the first hop. The thread that processes the hops
    /// calls it before the first one.
    fn warm_up(&mut self) {}

    /// Applies the controls of the next hop as far as that needs no audio.
    fn follow(&mut self, _controls: &Controls) {}

    /// Does a part of the deferred work, for about the duration of a hop; returns false if none
    /// is left.
    ///
    /// Called between hops while no hop waits to be cleaned. In offline rendering it is called
    /// before the next hop until no work is left, so that every rendering is the same.
    fn idle(&mut self) -> bool {
        false
    }

    /// Returns the estimated share of a bleeder's power in a target, averaged over frequencies;
    /// `None` if the method does not estimate it or has no estimate yet.
    fn crosstalk(&self, _target: usize, _bleeder: usize) -> Option<f32> {
        None
    }

    /// Returns the first other mic that carries the same sound, if any. Both count as one group.
    fn twin(&self, _mic: usize) -> Option<usize> {
        None
    }

    /// Returns the reason why a method with a guide falls back to its own rules, if it does.
    fn guide_trouble(&self) -> Option<GuideTrouble> {
        None
    }
}

/// Reason why a method with a guide cleans the mics by its own rules alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuideTrouble {
    /// The weights of the guide do not fit, or it failed; it is not used again.
    Broken,
    /// The last output of the guide was not finite.
    NoNumbers,
    /// The guide was made for fewer mics than have sound.
    Mics {
        /// Number of mics with sound.
        heard: usize,
        /// Largest number of mics that it was made for.
        most: usize,
    },
}

/// Returns true if sound that `bleeder` picks up can be bleed in `target`: the mics have different
/// sources, the bleeder is a close mic, and the target is not a `Room` mic.
///
/// Mics of one group share a source, and so does a mic with itself. Pair amounts have no influence.
///
/// # Panics
///
/// If an index is not below [`MAX_MICS`](crate::MAX_MICS).
///
/// # Real-time
///
/// Safe on the audio thread: no allocation.
#[must_use]
pub fn is_bleed(controls: &Controls, target: usize, bleeder: usize) -> bool {
    let (to, from) = (&controls.mics[target], &controls.mics[bleeder]);
    let one_source = target == bleeder || (to.group.is_some() && to.group == from.group);
    !one_source && to.role != Role::Room && from.role == Role::Close
}
