//! The canceller that follows everything while it plays, or plays with what it was taught.

use std::sync::Arc;

use super::engine::{Engine, Extent};
use super::guide::{Guide, GuideTrouble};
use super::learned::{Learned, Setup, Unusable};
use super::learner::{Given, LearnState, Learner};
use crate::controls::{Controls, Estimates};
use crate::debleed::{Debleed, Hop};
use crate::mode::Mode;
use crate::stft::{Geometry, Spectrum};
use crate::units::SampleRate;

/// Hops between two snapshots while a passage is learned (2.7 s at 48 kHz), and after how many the first one is due, the next after
/// twice as many: what is kept should the host stop before it says so.
const PUBLISH_EVERY_HOPS: usize = 256;
const PUBLISH_FIRST_HOPS: usize = 32;
/// Hops between two looks at how far the filters are.
const TELL_EVERY_HOPS: usize = 16;

/// Cancellation that follows crosstalk and filters while playing: the plugin's method.
///
/// Causal in [`Mode::Live`]. In [`Mode::Mix`] the estimates run ahead of the audio they clean, so
/// that the first note is cleaned with what the first second teaches.
///
/// What [`Controls::estimates`] of the newest hop says counts from that hop on:
///
/// - `Adaptive` follows the music, from the last reset on.
/// - `Learning` starts from nothing and follows a passage; a reset in between forgets audio, but nothing learned.
/// - `Learned` plays with what a passage taught, frozen: the end of the one just learned, or what
///   [`Online::set_learned`] or [`Learner::give`] gave. What cannot be used leaves it adaptive, and [`Learner::state`] says why.
///   A mic that was silent in the passage is left alone.
///
/// # Invariants
///
/// - No bin comes out louder than it went in.
/// - A mic in which nothing of the others is found comes out bit for bit.
/// - Frozen, the output depends on what was learned and on the hops since the last reset.
///
/// # Latency
///
/// That of the mode's transform and lookahead.
///
/// # Real-time
///
/// Worker or main thread only.
#[derive(Debug)]
pub struct Online {
    engine: Engine,
    geometry: Geometry,
    lookahead_hops: usize,
    rate: SampleRate,
    mode: Mode,
    num_mics: usize,
    phase: Phase,
    learned: Option<Arc<Learned>>,
    learner: Arc<Learner>,
    /// The number of the last thing given through the learner.
    gift: u64,
    /// The passage that the controls ask for is not wanted.
    is_called_off: bool,
    hop: usize,
}

/// What the engine's estimates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Adaptive,
    Learning,
    Frozen,
}

impl Online {
    /// Allocates for `num_mics` mics.
    ///
    /// # Real-time
    ///
    /// Allocates; call from `prepare`.
    #[must_use]
    pub fn new(rate: SampleRate, mode: Mode, num_mics: usize) -> Self {
        Self::with(rate, mode, num_mics, None)
    }

    /// The same, steered by a guide; `make_guide` is called once for every look at the audio.
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
            engine: Engine::new(
                geometry,
                rate,
                (num_mics, Extent::PLAYING),
                lookahead_hops > 0,
                make_guide,
            ),
            geometry,
            lookahead_hops,
            rate,
            mode,
            num_mics,
            phase: Phase::Adaptive,
            learned: None,
            learner: Arc::new(Learner::new()),
            gift: 0,
            is_called_off: false,
            hop: 0,
        }
    }

    /// What to play with where the controls ask for learned estimates.
    ///
    /// # Real-time
    ///
    /// Worker or main thread only.
    pub fn set_learned(&mut self, learned: Option<Arc<Learned>>) {
        self.learned = learned;
        if self.phase != Phase::Adaptive {
            // Taken over at the next hop; a passage that was being learned is not wanted any more.
            self.engine.reset();
            self.phase = Phase::Adaptive;
        }
    }

    /// Where to watch learning and to collect what was learned.
    ///
    /// # Real-time
    ///
    /// Main thread only: the last owner frees.
    #[must_use]
    pub fn learner(&self) -> Arc<Learner> {
        Arc::clone(&self.learner)
    }

    /// Does what the controls of the newest hop say about estimates.
    fn follow(&mut self, controls: &Controls) {
        if let Some(Given { gift, learned, calls_off }) = self.learner.take_given() {
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
                    Phase::Learning => self.publish(),
                    Phase::Frozen => self.engine.reset(),
                }
                self.phase = Phase::Adaptive;
                self.learner.tell(LearnState::Adaptive);
            }
            Estimates::Learning => {
                if self.phase != Phase::Learning {
                    self.engine.reset();
                    self.phase = Phase::Learning;
                    self.hop = 0;
                }
                self.learner.tell(LearnState::Learning);
            }
            Estimates::Learned => {
                if self.phase == Phase::Learning {
                    self.publish();
                    // What is played is what was published, so that a later session plays the same.
                    self.phase = Phase::Adaptive;
                }
                let state = match self.freeze(controls) {
                    Ok(()) => LearnState::Learned,
                    Err(why) => {
                        if self.phase == Phase::Frozen {
                            self.engine.reset();
                        }
                        self.phase = Phase::Adaptive;
                        LearnState::Unusable(why)
                    }
                };
                self.learner.tell(state);
            }
        }
    }

    /// Sees to it that the estimates are what was learned.
    fn freeze(&mut self, controls: &Controls) -> Result<(), Unusable> {
        let learned = self.learned.as_ref().ok_or(Unusable::Nothing)?;
        learned.fits(self.rate, self.mode, self.num_mics, controls)?;
        if self.phase != Phase::Frozen {
            self.engine.restore(learned)?;
            self.phase = Phase::Frozen;
            self.learner.tell_convergence(1.0);
        }
        Ok(())
    }

    /// Keeps and publishes what was learned so far; nothing, if nothing was heard.
    fn publish(&mut self) {
        let Some(controls) = self.engine.controls_seen() else { return };
        let setup = Setup::new(self.rate, self.mode, self.num_mics, controls);
        let learned = Arc::new(self.engine.snapshot(setup));
        self.learned = Some(Arc::clone(&learned));
        self.learner.publish(self.gift, learned);
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
        self.follow(hop.newest_controls);
        if self.phase == Phase::Frozen {
            // With lookahead, the look at the hop to clean is all that is needed.
            if self.lookahead_hops == 0 {
                self.engine.look_frozen(hop.newest, hop.newest_controls);
            }
        } else {
            self.engine.adapt(hop.newest, hop.newest_controls);
            if self.phase == Phase::Learning {
                self.engine.follow_interference(hop.newest, hop.newest_controls);
            }
            self.hop += 1;
            if self.hop.is_multiple_of(TELL_EVERY_HOPS) {
                self.learner.tell_convergence(self.engine.convergence(hop.newest_controls));
            }
            let early = self.hop.is_power_of_two() && self.hop >= PUBLISH_FIRST_HOPS;
            let due = early || self.hop.is_multiple_of(PUBLISH_EVERY_HOPS);
            if self.phase == Phase::Learning && due {
                self.publish();
            }
        }
        self.engine.clean(hop, removed);
    }

    fn reset(&mut self) {
        let keep = match self.phase {
            Phase::Adaptive => false,
            // Hosts reset whenever they stop; a passage may well be played in parts.
            Phase::Learning => self.engine.is_sound(),
            Phase::Frozen => true,
        };
        if keep {
            self.engine.forget_audio();
        } else {
            self.engine.reset();
        }
    }

    fn crosstalk(&self, target: usize, bleeder: usize) -> Option<f32> {
        self.engine.crosstalk(target, bleeder)
    }

    fn guide_trouble(&self) -> Option<GuideTrouble> {
        self.engine.guide_trouble()
    }
}
