//! Output side of a linked instance: its own mics, delayed, without the removed signal that a
//! shared worker sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::mixer::Mixer;
use super::prepare::{FADE_S, RAMP_S, max_events};
use super::wet::fade_in_gains;
use super::{ProcessError, to_i64};
use crate::controls::Controls;
use crate::units::SampleRate;

/// Sizes of an [`Outlet`] and of its connection to the worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutletConfig {
    /// Sample rate of the mics.
    pub rate: SampleRate,
    /// Number of mono mics, 1 or more.
    pub num_mics: usize,
    /// Largest number of samples of a [`Removal`].
    pub hop_samples: usize,
    /// Samples from input to output.
    pub latency_samples: usize,
    /// Number of [`Removal`]s that circulate.
    pub num_removals: usize,
}

/// Removed signal of a stretch of the mics' samples, on its way from the worker to an [`Outlet`].
///
/// The contents are allocated once and circulate. No thread frees them while audio runs.
#[derive(Debug)]
pub struct Removal {
    /// Number of the first sample, counted from the outlet's creation.
    pub start: i64,
    /// Number of samples, at most a hop.
    pub length: usize,
    /// Number of the outlet's resets before the first sample.
    pub epoch: u64,
    /// True if nothing is removed in this stretch.
    pub is_dry: bool,
    /// True if the signal needs no fade-in: it rises from zero by itself, as after a reset, here or
    /// before the outlet's first sample.
    pub rises: bool,
    /// Samples, `[mic, hop]`. Only the first `length` of each hop count.
    pub samples: Box<[f32]>,
}

/// The worker's end of an [`Outlet`].
#[derive(Debug)]
pub struct Inlet {
    results: Producer<Removal>,
    free: Consumer<Removal>,
}

impl Inlet {
    /// Returns a removal to fill, or `None` if the outlet has not returned one yet.
    ///
    /// # Real-time
    ///
    /// Wait-free.
    pub fn take(&mut self) -> Option<Removal> {
        self.free.pop().ok()
    }

    /// Sends a removal. Stretches are sent in order.
    ///
    /// # Real-time
    ///
    /// Wait-free.
    pub fn send(&mut self, removal: Removal) {
        let sent = self.results.push(removal);
        debug_assert!(sent.is_ok(), "the ring holds every removal there is");
    }
}

/// Delays the mics of one instance and subtracts removed signals that another thread sends.
///
/// # Shapes
///
/// `[mic][sample]`, linear, full scale 1, any number of samples per block.
///
/// # Invariants
///
/// - The mics leave exactly `latency_samples` late. Where nothing is removed, they are unchanged
///   bit for bit.
/// - The output does not depend on the division of the input into blocks.
/// - A stretch without a removed signal is dry, faded in and out.
///
/// # Real-time
///
/// Safe on the audio thread, except creation and dropping.
#[derive(Debug)]
pub struct Outlet {
    num_mics: usize,
    hop_samples: usize,
    latency_samples: usize,
    /// Input samples since the last reset.
    position: usize,
    /// Number of the first sample after the last reset, counted from the creation.
    base: i64,
    epoch: u64,
    /// Delayed input, `[mic, dry_samples]`, a ring.
    dry: Vec<f32>,
    dry_samples: usize,
    mixer: Mixer,
    controls: Box<Controls>,
    results: Consumer<Removal>,
    free: Producer<Removal>,
    /// The oldest removal that is not over.
    next: Option<Removal>,
    /// Removed signal of the piece in progress, `[mic, hop]`.
    removed: Vec<f32>,
    /// The last samples that were removed, with their fades, in reversed order, `[mic, fade]`.
    tail: Vec<f32>,
    /// The tail at the begin of the fade-out, `[mic, fade]`.
    falling: Vec<f32>,
    /// Gains of the fade-in, `[fade]`.
    fade: Vec<f32>,
    /// Samples of the fade-out already played; the length of `fade` if none is in progress.
    faded_out: usize,
    /// Samples of the fade-in already played; the length of `fade` if none is in progress.
    faded_in: usize,
    /// True if the sample before the next one had a removed signal.
    was_wet: bool,
    late_samples: Arc<AtomicU64>,
}

impl Outlet {
    /// Allocates an outlet, and the worker's end of it.
    #[must_use]
    pub fn new(config: &OutletConfig, controls: &Controls) -> (Self, Inlet) {
        let OutletConfig { rate, num_mics, hop_samples, latency_samples, num_removals } = *config;
        let (result_sender, results) = RingBuffer::new(num_removals + 1);
        let (mut free, free_receiver) = RingBuffer::new(num_removals + 1);
        for _ in 0..num_removals {
            let samples = vec![0.0; num_mics * hop_samples].into();
            let removal =
                Removal { start: 0, length: 0, epoch: 0, is_dry: true, rises: false, samples };
            let kept = free.push(removal);
            debug_assert!(kept.is_ok(), "the ring holds every removal there is");
        }
        let fade_samples = rate.samples_in(FADE_S).clamp(1, hop_samples);
        let mut controls = controls.clone();
        controls.make_sound();
        let dry_samples = latency_samples + hop_samples;
        let outlet = Self {
            num_mics,
            hop_samples,
            latency_samples,
            position: 0,
            base: 0,
            epoch: 0,
            dry: vec![0.0; num_mics * dry_samples],
            dry_samples,
            mixer: Mixer::new(
                num_mics,
                rate.samples_in(RAMP_S).max(1),
                max_events(latency_samples),
                &controls,
            ),
            controls: Box::new(controls),
            results,
            free,
            next: None,
            removed: vec![0.0; num_mics * hop_samples],
            tail: vec![0.0; num_mics * fade_samples],
            falling: vec![0.0; num_mics * fade_samples],
            fade: fade_in_gains(fade_samples),
            faded_out: fade_samples,
            faded_in: fade_samples,
            was_wet: false,
            late_samples: Arc::default(),
        };
        (outlet, Inlet { results: result_sender, free: free_receiver })
    }

    /// Returns the number of the next input sample, counted from the creation.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.base + to_i64(self.position)
    }

    /// Returns the number of resets.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the counter of samples that were dry because nothing had arrived for them.
    #[must_use]
    pub fn late_samples(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.late_samples)
    }

    /// Changes the controls from the first sample of the next block on. Only amounts and listening
    /// of the outlet's own mics, the first ones, have an effect here.
    pub fn set_controls(&mut self, controls: &Controls) {
        self.controls.as_mut().clone_from(controls);
        self.controls.make_sound();
        self.mixer.receive(self.position, &self.controls);
    }

    /// Checks the shape of a block.
    ///
    /// # Errors
    ///
    /// Those of [`Outlet::process`].
    pub fn check(&self, mics: &[&mut [f32]]) -> Result<(), ProcessError> {
        super::checked_length(mics, self.num_mics).map(drop)
    }

    /// Discards all audio. The count continues.
    pub fn reset(&mut self) {
        self.base = self.count();
        self.epoch += 1;
        self.position = 0;
        self.dry.fill(0.0);
        self.mixer.settle(&self.controls);
        self.was_wet = false;
        self.tail.fill(0.0);
        self.faded_out = self.fade.len();
        self.faded_in = self.fade.len();
    }

    /// Processes one block in place.
    ///
    /// `wait` is called where the removed signal of the next sample has not arrived. It returns
    /// true after a wait for the worker, and false if there is no reason to wait (any longer).
    ///
    /// # Shapes
    ///
    /// `[mic][sample]`, one slice per mic, all of one length, which may change from call to call.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] if the number of mics or the lengths are wrong. The block is
    /// unchanged then.
    pub fn process(
        &mut self,
        mics: &mut [&mut [f32]],
        mut wait: impl FnMut() -> bool,
    ) -> Result<(), ProcessError> {
        self.check(mics)?;
        let num_samples = mics.first().map_or(0, |mic| mic.len());
        let mut start = 0;
        while start < num_samples {
            let heard = to_i64(self.position) - to_i64(self.latency_samples);
            let (most, piece) = self.look_up(self.base + heard, &mut wait);
            // Pieces do not cross the seam of the delay line.
            let input_slot = self.position % self.dry_samples;
            let output_slot =
                (self.position + self.dry_samples - self.latency_samples) % self.dry_samples;
            let length = most
                .min(num_samples - start)
                .min(self.mixer.samples_to_event(heard))
                .min(self.dry_samples - input_slot)
                .min(self.dry_samples - output_slot);
            self.take_input(mics, start, input_slot, length);
            let is_audible = self.render(self.base + heard, length, piece);
            self.mixer.apply_events(heard);
            for (mic, samples) in mics.iter_mut().enumerate() {
                let dry = &self.dry[mic * self.dry_samples + output_slot..][..length];
                let removed = is_audible.then(|| &self.removed[mic * self.hop_samples..][..length]);
                self.mixer.mix(mic, dry, removed, &mut samples[start..start + length]);
            }
            self.mixer.advance(length);
            self.position += length;
            start += length;
        }
        Ok(())
    }

    /// Returns the number of samples from `heard` on, at most a hop, that have the same kind of
    /// removed signal, and the kind.
    fn look_up(&mut self, heard: i64, wait: &mut impl FnMut() -> bool) -> (usize, Piece) {
        loop {
            if let Some(removal) = &self.next {
                let from = heard - removal.start;
                if removal.epoch != self.epoch || from >= to_i64(removal.length) {
                    self.give_back();
                } else if from >= 0 {
                    let left = usize::try_from(to_i64(removal.length) - from).unwrap_or(0);
                    let left = left.min(self.hop_samples);
                    return (left, if removal.is_dry { Piece::Dry } else { Piece::Wet });
                } else {
                    let gap = usize::try_from(-from).unwrap_or(usize::MAX);
                    return (gap.min(self.hop_samples), Piece::Late);
                }
            } else if let Ok(removal) = self.results.pop() {
                self.next = Some(removal);
            } else if heard < self.base || !wait() {
                // Late results are looked up at the same places for all block sizes.
                let hop = to_i64(self.hop_samples);
                let left = hop - heard.rem_euclid(hop);
                return (usize::try_from(left).unwrap_or(self.hop_samples), Piece::Late);
            }
        }
    }

    fn give_back(&mut self) {
        if let Some(removal) = self.next.take() {
            let kept = self.free.push(removal);
            debug_assert!(kept.is_ok(), "the ring holds every removal there is");
        }
    }

    /// Copies a piece to the delay line. Samples that are not finite become silence.
    fn take_input(&mut self, mics: &[&mut [f32]], start: usize, slot: usize, length: usize) {
        for (mic, samples) in mics.iter().enumerate() {
            let fresh = &samples[start..start + length];
            let line = &mut self.dry[mic * self.dry_samples + slot..][..length];
            for (to, &from) in line.iter_mut().zip(fresh) {
                *to = if from.is_finite() { from } else { 0.0 };
            }
        }
    }

    /// Renders the removed signal of a piece, with its fades. Returns false if it is silent.
    fn render(&mut self, heard: i64, length: usize, piece: Piece) -> bool {
        let fade = self.fade.len();
        let is_wet = piece == Piece::Wet;
        if is_wet && !self.was_wet {
            // Before the first sample nothing is heard of a rise whose beginning came too late.
            let begins = |removal: &Removal| removal.start == heard || heard < self.base;
            let rises = |removal: &Removal| removal.rises && begins(removal);
            self.faded_in = if self.next.as_ref().is_some_and(rises) { fade } else { 0 };
        } else if !is_wet && self.was_wet {
            self.falling.copy_from_slice(&self.tail);
            self.faded_out = 0;
        }
        self.was_wet = is_wet;
        if piece == Piece::Late && heard >= self.base {
            // Relaxed: a counter.
            self.late_samples.fetch_add(length as u64, Ordering::Relaxed);
        }
        let is_audible = is_wet || self.faded_out < fade;
        let newest = length.min(fade);
        if !is_audible {
            for tail in self.tail.chunks_exact_mut(fade) {
                tail.copy_within(..fade - newest, newest);
                tail[..newest].fill(0.0);
            }
            return false;
        }
        let hop = self.hop_samples;
        for mic in 0..self.num_mics {
            let removed = &mut self.removed[mic * hop..][..length];
            match &self.next {
                Some(removal) if is_wet => {
                    let from = usize::try_from(heard - removal.start).unwrap_or(0);
                    removed.copy_from_slice(&removal.samples[mic * hop + from..][..length]);
                    for (sample, gain) in removed.iter_mut().zip(&self.fade[self.faded_in..]) {
                        *sample *= gain;
                    }
                }
                _ => removed.fill(0.0),
            }
            let falling = &self.falling[mic * fade..][self.faded_out..fade];
            // The fade-out is the fade-in in reversed order.
            let gains = self.fade.iter().rev().skip(self.faded_out);
            for ((sample, last), gain) in removed.iter_mut().zip(falling).zip(gains) {
                *sample += last * gain;
            }
            let tail = &mut self.tail[mic * fade..][..fade];
            tail.copy_within(..fade - newest, newest);
            for (to, &from) in tail.iter_mut().zip(removed.iter().rev()) {
                *to = from;
            }
        }
        if is_wet {
            self.faded_in = (self.faded_in + length).min(fade);
        }
        self.faded_out = (self.faded_out + length).min(fade);
        true
    }
}

/// Removed signal of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Wet,
    /// Nothing is removed.
    Dry,
    /// Nothing has arrived.
    Late,
}
