//! The transforms around a method: takes samples hop by hop and returns the removed samples,
//! without threads.

use realfft::num_complex::Complex32;

use crate::Controls;
use crate::debleed::{Debleed, GuideTrouble, Hop};
use crate::stft::{Analysis, Geometry, Spectrum, Synthesis};

/// Runs a method over hops of samples.
///
/// # Shapes
///
/// - input: `[mic, hop]`, planar
/// - output: `[mic, hop]`, the samples to subtract from each mic, delayed by
///   [`Pipeline::latency_samples`]
///
/// # Invariants
///
/// - The output depends only on the sequence of hops and their controls.
/// - If a method removes nothing, the output is exactly zero.
/// - The output is finite for every input.
///
/// # Real-time
///
/// Worker or main thread only: runs the method.
#[derive(Debug)]
pub struct Pipeline {
    method: Box<dyn Debleed>,
    analysis: Analysis,
    synthesis: Synthesis,
    /// The last `lookahead + 1` spectra with their controls, a ring.
    past: Vec<(Spectrum, Controls)>,
    newest: usize,
    removed: Spectrum,
}

impl Pipeline {
    /// Plans the transforms of `method` for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(method: Box<dyn Debleed>, num_mics: usize) -> Self {
        let geometry = method.geometry();
        let silence = Spectrum::new(num_mics, geometry.num_bins());
        Self {
            analysis: Analysis::new(geometry, num_mics),
            synthesis: Synthesis::new(geometry, num_mics),
            past: vec![(silence.clone(), Controls::default()); method.lookahead_hops() + 1],
            newest: 0,
            removed: silence,
            method,
        }
    }

    /// Returns the method's transform.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.method.geometry()
    }

    /// Returns the latency from input to output, in samples.
    ///
    /// # Real-time
    ///
    /// Safe on the audio thread: no allocation.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.synthesis.latency_samples() + (self.past.len() - 1) * self.geometry().hop_samples()
    }

    /// Returns the number of passes over the whole session that [`Pipeline::learn_hop`] needs
    /// before the first hop is processed.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: calls the method.
    #[must_use]
    pub fn learning_passes(&self) -> usize {
        self.method.learning_passes()
    }

    /// Processes one hop of a learning pass; `samples` is `[mic, hop]`.
    ///
    /// # Panics
    ///
    /// Panics if `samples` has another shape.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn learn_hop(&mut self, samples: &[f32], controls: &Controls) {
        let (spectrum, _) = &mut self.past[self.newest];
        self.analysis.push_hop(samples, spectrum);
        self.method.learn_hop(spectrum, controls);
    }

    /// Ends a learning pass and discards its audio.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn end_learning_pass(&mut self) {
        self.method.end_learning_pass();
        self.forget_audio();
    }

    /// Replaces one hop of every mic by its removed signal, [`Pipeline::latency_samples`] late.
    ///
    /// # Shapes
    ///
    /// `samples` is `[mic, hop]`.
    ///
    /// # Panics
    ///
    /// Panics if `samples` has another shape.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn process_hop(&mut self, samples: &mut [f32], controls: &Controls) {
        self.newest = (self.newest + 1) % self.past.len();
        let (spectrum, stored) = &mut self.past[self.newest];
        self.analysis.push_hop(samples, spectrum);
        stored.clone_from(controls);

        let oldest = (self.newest + 1) % self.past.len();
        let ((newest, newest_controls), (current, current_controls)) =
            (&self.past[self.newest], &self.past[oldest]);
        self.removed.silence_all();
        let hop = Hop { newest, newest_controls, current, current_controls };
        self.method.process_hop(&hop, &mut self.removed);

        let mut healthy = true;
        for mic in 0..current.num_mics() {
            if !self.removed.is_active(mic) {
                continue;
            }
            // A sum is finite only if all its terms are.
            if !self.removed.mic(mic).iter().sum::<Complex32>().is_finite() {
                self.removed.silence(mic);
                healthy = false;
                continue;
            }
            let floor_lin = current_controls.mics[mic].floor.to_lin();
            if floor_lin > 0.0 {
                limit_reduction(current.mic(mic), self.removed.mic_mut(mic), floor_lin);
            }
        }
        if !healthy {
            self.method.reset();
        }
        self.synthesis.push_hop(&self.removed, samples);
    }

    /// Prepares everything in the method that takes long at the first hop.
    pub(crate) fn warm_up(&mut self) {
        self.method.warm_up();
    }

    /// Applies the controls of the next hop as far as this needs no audio.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn follow(&mut self, controls: &Controls) {
        self.method.follow(controls);
    }

    /// Does a part of the deferred work. Returns false if there is none.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn idle(&mut self) -> bool {
        self.method.idle()
    }

    /// Returns the hop that was cleaned last: the spectra of the mics and of the removed signal,
    /// and the controls in effect.
    pub(crate) fn last(&self) -> (&Spectrum, &Spectrum, &Controls) {
        let (current, controls) = &self.past[(self.newest + 1) % self.past.len()];
        (current, &self.removed, controls)
    }

    /// Returns the method's estimate of the fraction of a bleeder's power that reaches a target.
    pub(crate) fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.method.crosstalk(target, bleeder)
    }

    /// Returns the first other mic that carries the same sound.
    pub(crate) fn twin(&self, mic: usize) -> Option<usize> {
        self.method.twin(mic)
    }

    /// Returns the reason why the method does not use its guide. `None` if it does, or has none.
    pub(crate) fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.method.guide_trouble()
    }

    /// Discards audio and everything adapted from it. Keeps the results of learning passes.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: runs the method.
    pub fn reset(&mut self) {
        self.forget_audio();
        for (_, controls) in &mut self.past {
            *controls = Controls::default();
        }
        self.method.reset();
    }

    /// Discards audio, but nothing adapted from it, for a gap in the stream.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only.
    pub fn forget_audio(&mut self) {
        self.analysis.reset();
        self.synthesis.reset();
        for (spectrum, _) in &mut self.past {
            spectrum.silence_all();
        }
    }
}

/// Scales the removed signal down in bins where it exceeds the floor.
///
/// With mic `x` and removed `r`, takes the largest `a <= 1` for which `|x - a r| >= floor |x|`
/// holds from 0 up to `a`. Only the amount of the removed signal decreases, so phases stay natural.
fn limit_reduction(mic: &[Complex32], removed: &mut [Complex32], floor_lin: f32) {
    let floor_power = floor_lin * floor_lin;
    for (x, r) in mic.iter().zip(removed) {
        let (own, gone) = (x.norm_sqr(), r.norm_sqr());
        if (x - *r).norm_sqr() >= floor_power * own || gone == 0.0 {
            continue;
        }
        // |x - a r|^2 = own - 2 a cross + a^2 gone; `root` is the smaller root of "= floor^2 own".
        let cross = (x * r.conj()).re;
        let inside = (cross * cross - gone * own * (1.0 - floor_power)).max(0.0);
        let root = (cross - inside.sqrt()) / gone;
        *r *= root.clamp(0.0, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Method with two hops of lookahead that sends the global amount of each hop it cleans.
    #[derive(Debug)]
    struct Telling(Sender<f32>);

    impl Debleed for Telling {
        fn geometry(&self) -> Geometry {
            Geometry::new(16, 4, 16).unwrap()
        }

        fn lookahead_hops(&self) -> usize {
            2
        }

        fn learning_passes(&self) -> usize {
            0
        }

        fn learn_hop(&mut self, _spectrum: &Spectrum, _controls: &Controls) {}

        fn end_learning_pass(&mut self) {}

        fn process_hop(&mut self, hop: &Hop<'_>, _removed: &mut Spectrum) {
            self.0.send(hop.current_controls.global_amount).unwrap();
        }

        fn reset(&mut self) {}
    }

    #[test]
    fn controls_travel_with_their_hop_and_are_gone_after_a_reset() {
        let (sender, told) = channel();
        let mut pipeline = Pipeline::new(Box::new(Telling(sender)), 1);
        assert_eq!(pipeline.latency_samples(), 12 + 2 * 4);
        for _ in 0..2 {
            for amount in [0.1, 0.2, 0.3, 0.4] {
                let controls = Controls { global_amount: amount, ..Controls::default() };
                pipeline.process_hop(&mut [0.5; 4], &controls);
            }
            let default = Controls::default().global_amount;
            assert_eq!(told.try_iter().collect::<Vec<_>>(), [default, default, 0.1, 0.2]);
            pipeline.reset();
        }
    }

    #[test]
    fn a_floor_limits_the_reduction_and_nothing_else() {
        let mic = [Complex32::new(1.0, 1.0); 4];
        let mut removed =
            [1.0, 0.5, -0.5, 0.95].map(|part| Complex32::new(part, part * 0.9)).to_vec();
        let before = removed.clone();
        limit_reduction(&mic, &mut removed, 0.25);
        for (index, (x, r)) in mic.iter().zip(&removed).enumerate() {
            let left = (x - r).norm() / x.norm();
            assert!(left >= 0.25 - 1e-5, "{index}: {left}");
        }
        assert_eq!(removed[1..3], before[1..3], "reductions above the floor are left alone");
        assert!(((mic[0] - removed[0]).norm() / mic[0].norm() - 0.25).abs() < 1e-5);
    }
}
