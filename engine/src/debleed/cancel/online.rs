//! The canceller that adapts while it plays, or plays with learned estimates.

use std::sync::Arc;

use super::canceller::{Canceller, Extent};
use super::guide::{Guide, GuideHop, GuideMasks};
use super::learned::{
    Given, LearnState, Learned, Learner, Passage, Publisher, Setup, Study, Unusable,
};
use super::twins::Twins;
use crate::controls::{Controls, Estimates};
use crate::debleed::{Debleed, GuideTrouble, Hop};
use crate::mode::Mode;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Hops between two publications while a passage is learned (2.7 s at 48 kHz), and hops before the
/// first one, from where the distance doubles. The last one remains if the host stops before the
/// passage ends.
const PUBLISH_EVERY_HOPS: usize = 256;
const PUBLISH_FIRST_HOPS: usize = 32;
/// Shortest passage, in hops (a second at 48 kHz), that is refined.
const FEWEST_HOPS: usize = 94;
/// Guides for the canceller that refines a passage and the one that plays its result: one of each.
const NUM_SPARE_GUIDES: usize = 2;
/// Hops between two updates of the convergence.
const CONVERGENCE_EVERY_HOPS: usize = 16;
/// Hops of digital silence in all mics after which the method rests, 2.7 s at 48 kHz. By then the
/// lookahead, the filters' taps and the guide's memory hold nothing but silence.
const REST_AFTER_HOPS: usize = 256;

/// Cancellation that adapts crosstalk and filters while playing: the plugin's method.
///
/// Causal in [`Mode::Live`]. In [`Mode::Mix`] the estimates run ahead of the audio that they clean,
/// so that the first note is cleaned with estimates from the first second.
///
/// [`Controls::estimates`] of the newest hop applies from that hop on:
///
/// - `Adaptive` adapts to the music, from the last reset on.
/// - `Learning` starts from nothing and adapts to a passage. A reset in between clears audio, but
///   nothing learned. Up to three minutes of the passage are kept in memory.
/// - `Learned` plays with frozen estimates: the end of the passage just learned, or the value from
///   [`Online::set_learned`] or [`Learner::give`]. If they cannot be used it adapts, and
///   [`Learner::state`] holds the reason. A mic that was silent in the passage is not cleaned.
///
/// After a passage, [`Debleed::idle`] refines it in the passes in which [`Cancel`](super::Cancel)
/// learns a whole session. The result is published and replaces the first estimates.
///
/// # Invariants
///
/// - No bin of the output is more than 6 dB louder than in the input.
/// - A mic in which no bleed is found is output unchanged, bit for bit.
/// - With frozen estimates, the output depends only on them and on the hops since the last reset.
///
/// - After 256 hops of digital silence in all mics (2.7 s at 48 kHz), further silence costs next to
///   nothing, ages nothing and is not part of a passage. The length of a longer pause does not
///   change the output after it, bit for bit.
///
/// # Latency
///
/// The latency of the mode's transform and lookahead.
///
/// # Real-time
///
/// Worker or main thread only.
#[derive(Debug)]
pub struct Online {
    canceller: Canceller,
    /// Mics of the same sound; frozen together with the estimates.
    twins: Twins,
    geometry: Geometry,
    lookahead_hops: usize,
    rate: SampleRate,
    mode: Mode,
    num_mics: usize,
    phase: Phase,
    learned: Option<Arc<Learned>>,
    /// Canceller for estimates learned in passes; created on first use.
    settled: Option<Box<Canceller>>,
    /// Passage so far, while one is learned.
    passage: Option<Passage>,
    study: Option<Box<Study>>,
    /// Canceller that is ready for the next study.
    idle_canceller: Option<Box<Canceller>>,
    /// Guides for cancellers that do not exist yet; empty without a guide.
    spare_guides: Vec<Box<dyn Guide>>,
    is_guided: bool,
    publisher: Publisher,
    /// Sequence number of the last value from the main thread.
    gift: u64,
    /// True if the passage that the controls request was called off.
    is_called_off: bool,
    hop: usize,
    /// Consecutive hops without sound in any mic.
    silent_hops: usize,
}

/// State of the estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Adaptive,
    Learning,
    /// Learned estimates, played by the adaptive canceller (`Frozen`) or by the settled
    /// one (`Settled`).
    Frozen,
    Settled,
}

impl Online {
    /// Creates the method for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, mode: Mode, num_mics: usize) -> Self {
        Self::with(rate, mode, num_mics, None)
    }

    /// Creates the method with a guide. `make_guide` is called for every front and for two
    /// spare guides.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn guided(
        rate: SampleRate,
        mode: Mode,
        num_mics: usize,
        make_guide: &dyn Fn() -> Box<dyn Guide>,
    ) -> Self {
        Self::with(rate, mode, num_mics, Some(make_guide))
    }

    fn with(
        rate: SampleRate,
        mode: Mode,
        num_mics: usize,
        make_guide: Option<&dyn Fn() -> Box<dyn Guide>>,
    ) -> Self {
        let geometry = mode.geometry(rate);
        let lookahead_hops = mode.lookahead_hops();
        Self {
            canceller: Canceller::new(
                geometry,
                rate,
                (num_mics, Extent::PLAYING),
                lookahead_hops > 0,
                make_guide,
            ),
            twins: Twins::new(num_mics, geometry.num_bins()),
            settled: None,
            passage: None,
            study: None,
            idle_canceller: None,
            spare_guides: make_guide.map_or_else(Vec::new, |make_guide| {
                (0..NUM_SPARE_GUIDES).map(|_| make_guide()).collect()
            }),
            is_guided: make_guide.is_some(),
            geometry,
            lookahead_hops,
            rate,
            mode,
            num_mics,
            phase: Phase::Adaptive,
            learned: None,
            publisher: Publisher::new(Arc::new(Learner::new())),
            gift: 0,
            is_called_off: false,
            hop: 0,
            silent_hops: 0,
        }
    }

    /// Sets the estimates to play with while the controls request learned ones.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only.
    pub fn set_learned(&mut self, learned: Option<Arc<Learned>>) {
        self.learned = learned;
        // Drops a passage that was being learned.
        self.passage = None;
        self.end_study();
        if self.phase != Phase::Adaptive {
            // Restored at the next hop.
            self.canceller.reset();
            self.phase = Phase::Adaptive;
        }
    }

    /// Creates a canceller for whole passages, without equations; returns `None` if all its guides
    /// are in use.
    fn make_canceller(&mut self) -> Option<Box<Canceller>> {
        let guide = std::cell::RefCell::new(self.spare_guides.pop());
        if self.is_guided && guide.borrow().is_none() {
            return None;
        }
        let take = || guide.borrow_mut().take().unwrap_or_else(|| Box::new(NoGuide));
        let make_guide: Option<&dyn Fn() -> Box<dyn Guide>> =
            if self.is_guided { Some(&take) } else { None };
        let size = (self.num_mics, Extent::SESSION);
        let (geometry, rate) = (self.geometry, self.rate);
        Some(Box::new(Canceller::without_equations(geometry, rate, size, false, make_guide)))
    }

    /// Ends a study without a result.
    fn end_study(&mut self) {
        if let Some(study) = self.study.take() {
            self.idle_canceller = Some(study.into_canceller());
        }
    }

    /// Starts to refine the passage that has ended.
    fn begin_study(&mut self, controls: &Controls) {
        self.end_study();
        let Some(passage) = self.passage.take().filter(|passage| passage.num_hops() >= FEWEST_HOPS)
        else {
            return;
        };
        if let Some(canceller) = self.idle_canceller.take().or_else(|| self.make_canceller()) {
            self.study = Some(Box::new(Study::new(canceller, passage, controls)));
        }
    }

    /// Publishes the result of a study; it applies from the next hop on.
    fn conclude_study(&mut self) {
        let Some(study) = self.study.take() else { return };
        let (rate, mode, num_mics) = (self.rate, self.mode, self.num_mics);
        let (learned, canceller) =
            study.finish(|controls| Setup::new(rate, mode, num_mics, controls));
        if let Some(learned) = learned {
            let learned = Arc::new(learned);
            self.learned = Some(Arc::clone(&learned));
            self.publisher.publish(self.gift, learned);
            self.idle_canceller = self.settled.replace(canceller);
            if matches!(self.phase, Phase::Frozen | Phase::Settled) {
                self.phase = Phase::Adaptive;
            }
        } else {
            self.idle_canceller = Some(canceller);
        }
        if self.publisher.learner().state() == LearnState::Refining {
            self.publisher.set_state(LearnState::Learned);
            self.publisher.set_convergence(1.0);
        }
    }

    /// Applies `controls` and does all the work of [`Debleed::idle`], for callers without idle time
    /// that already have the whole passage.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only: the duration grows with the passage.
    pub fn settle(&mut self, controls: &Controls) {
        self.follow(controls);
        while self.idle() {}
    }

    /// Returns the learner, which gives access to the state of learning and to learned estimates.
    ///
    /// # Real-time
    ///
    /// Main thread only: dropping the last reference frees the memory.
    #[must_use]
    pub fn learner(&self) -> Arc<Learner> {
        Arc::clone(self.publisher.learner())
    }

    /// Applies the estimates that the controls of the newest hop request.
    fn follow_estimates(&mut self, controls: &Controls) {
        if let Some(Given { gift, learned, calls_off }) = self.publisher.take_given() {
            self.gift = gift;
            self.is_called_off = calls_off;
            self.set_learned(learned);
        }
        self.is_called_off &= controls.estimates == Estimates::Learning;
        let estimates = if self.is_called_off { Estimates::Adaptive } else { controls.estimates };
        match estimates {
            Estimates::Adaptive => {
                match self.phase {
                    Phase::Adaptive => {}
                    Phase::Learning => {
                        self.publish();
                        self.begin_study(controls);
                    }
                    Phase::Frozen | Phase::Settled => self.canceller.reset(),
                }
                self.phase = Phase::Adaptive;
                self.publisher.set_state(LearnState::Adaptive);
            }
            Estimates::Learning => {
                if self.phase != Phase::Learning {
                    self.end_study();
                    self.passage = Some(Passage::new(self.geometry, self.num_mics, self.rate.hz()));
                    self.canceller.reset();
                    self.phase = Phase::Learning;
                    self.hop = 0;
                }
                self.publisher.set_state(LearnState::Learning);
            }
            Estimates::Learned => {
                if self.phase == Phase::Learning {
                    self.publish();
                    self.begin_study(controls);
                    // The published estimates are the ones played, so that a later session plays
                    // the same.
                    self.phase = Phase::Adaptive;
                }
                let state = match self.freeze(controls) {
                    Ok(()) if self.study.is_some() => LearnState::Refining,
                    Ok(()) => LearnState::Learned,
                    Err(why) => {
                        if matches!(self.phase, Phase::Frozen | Phase::Settled) {
                            self.canceller.reset();
                        }
                        self.phase = Phase::Adaptive;
                        LearnState::Unusable(why)
                    }
                };
                self.publisher.set_state(state);
            }
        }
    }

    /// Freezes the estimates at the learned ones, unless they are frozen already.
    fn freeze(&mut self, controls: &Controls) -> Result<(), Unusable> {
        let learned = Arc::clone(self.learned.as_ref().ok_or(Unusable::Nothing)?);
        learned.fits(self.rate, self.mode, self.num_mics, controls)?;
        if matches!(self.phase, Phase::Frozen | Phase::Settled) {
            return Ok(());
        }
        if self.canceller.takes(&learned) {
            self.canceller.restore(&learned)?;
            self.phase = Phase::Frozen;
        } else {
            if self.settled.is_none() {
                self.settled = self.make_canceller();
            }
            let settled = self.settled.as_mut().ok_or(Unusable::Layout)?;
            settled.restore(&learned)?;
            settled.forget_audio();
            settled.take_own_means(&self.canceller);
            self.phase = Phase::Settled;
        }
        self.publisher.set_convergence(1.0);
        Ok(())
    }

    /// Returns the canceller that plays.
    fn playing(&self) -> &Canceller {
        match &self.settled {
            Some(settled) if self.phase == Phase::Settled => settled,
            _ => &self.canceller,
        }
    }

    /// Stores and publishes the estimates learned so far; does nothing if no mic had sound.
    fn publish(&mut self) {
        let Some(controls) = self.canceller.controls_seen() else { return };
        let setup = Setup::new(self.rate, self.mode, self.num_mics, controls);
        let learned = Arc::new(self.canceller.export(setup));
        self.learned = Some(Arc::clone(&learned));
        self.publisher.publish(self.gift, learned);
    }
}

impl Debleed for Online {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn lookahead_hops(&self) -> usize {
        self.lookahead_hops
    }

    fn learning_passes(&self) -> usize {
        0
    }

    fn learn_hop(&mut self, _spectrum: &Spectrum, _controls: &Controls) {}

    fn end_learning_pass(&mut self) {}

    fn process_hop(&mut self, hop: &Hop<'_>, removed: &mut Spectrum) {
        if !matches!(self.phase, Phase::Frozen | Phase::Settled) {
            self.twins.update(hop.newest);
        }
        let newest = self.twins.join(hop.newest_controls);
        let current = self.twins.join(hop.current_controls);
        let hop = &Hop { newest_controls: &newest, current_controls: &current, ..*hop };
        self.follow_estimates(hop.newest_controls);
        let has_sound = (0..self.num_mics).any(|mic| hop.newest.is_active(mic));
        self.silent_hops = if has_sound { 0 } else { self.silent_hops.saturating_add(1) };
        if self.silent_hops > REST_AFTER_HOPS {
            return;
        }
        if let Some(settled) = self.settled.as_mut().filter(|_| self.phase == Phase::Settled) {
            // Nothing is learned ahead, so the guides of the hop to clean are sufficient.
            settled.look_frozen(hop.current, hop.current_controls);
            settled.clean(hop, removed);
            return;
        }
        if self.phase == Phase::Frozen {
            // With lookahead, the guides of the hop to clean are sufficient.
            if self.lookahead_hops == 0 {
                self.canceller.look_frozen(hop.newest, hop.newest_controls);
            }
        } else {
            self.canceller.adapt(hop.newest, hop.newest_controls);
            if let Some(passage) = &mut self.passage {
                passage.push(hop.newest);
            }
            if self.phase == Phase::Learning {
                self.canceller.follow_interference(hop.newest, hop.newest_controls);
            }
            self.hop += 1;
            if self.hop.is_multiple_of(CONVERGENCE_EVERY_HOPS) {
                self.publisher.set_convergence(self.canceller.convergence(hop.newest_controls));
            }
            let early = self.hop.is_power_of_two() && self.hop >= PUBLISH_FIRST_HOPS;
            let due = early || self.hop.is_multiple_of(PUBLISH_EVERY_HOPS);
            if self.phase == Phase::Learning && due {
                self.publish();
            }
        }
        self.canceller.clean(hop, removed);
    }

    fn reset(&mut self) {
        let keep = match self.phase {
            Phase::Adaptive => false,
            // Hosts reset at every stop, and a passage may be played in parts.
            Phase::Learning => self.canceller.is_sound(),
            Phase::Frozen | Phase::Settled => true,
        };
        if let Some(settled) = &mut self.settled {
            settled.forget_audio();
        }
        if keep {
            self.canceller.forget_audio();
        } else {
            self.canceller.reset();
            self.twins.reset();
        }
    }

    fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.playing().crosstalk(target, bleeder)
    }

    fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.playing().guide_trouble()
    }

    fn twin(&self, mic: usize) -> Option<usize> {
        self.twins.twin(mic)
    }

    fn warm_up(&mut self) {
        self.canceller.warm_up();
    }

    fn follow(&mut self, controls: &Controls) {
        let controls = self.twins.join(controls);
        self.follow_estimates(&controls);
    }

    fn idle(&mut self) -> bool {
        let Some(study) = &mut self.study else { return false };
        if study.step() {
            self.publisher.set_convergence(study.progress());
            return true;
        }
        self.conclude_study();
        false
    }
}

/// Guide that never fills masks, used if a guide is missing.
#[derive(Debug)]
struct NoGuide;

impl Guide for NoGuide {
    fn look(&mut self, _: &GuideHop<'_>, _: &mut GuideMasks<'_>) -> bool {
        false
    }

    fn reset(&mut self) {}
}
