//! The worker's results: in order, in time, and faded out where they are missing.

use crate::worker::{Packet, Receiver};

/// Removed signal of the current output hop.
#[derive(Debug)]
pub(super) struct Wet {
    results: Receiver<Packet>,
    /// Result for a later hop than the current one.
    early: Option<Packet>,
    /// Removed signal of the current hop, `[mic, hop]`, including fades.
    removed: Vec<f32>,
    hop_samples: usize,
    /// Gains of the fade-in, `[fade]`, rising from near 0 to 1. Reversed for the fade-out.
    fade: Vec<f32>,
    epoch: u64,
    /// Start of the first hop that the worker sends after a reset. It is negative, because the
    /// removed signal spreads over a whole window and so starts before the first sample.
    first_start: i64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is removed in this hop, and the previous one had no result either.
    Dry,
    /// This hop is late and carries the fade from the previous hop to dry.
    Fading,
    /// This hop has the worker's result.
    Wet,
}

/// Returns the gains of a fade-in: half a Hann window, which has no corner at either end.
pub(super) fn fade_in_gains(num_samples: usize) -> Vec<f32> {
    let angle = |n: usize| std::f32::consts::PI * n as f32 / (num_samples + 1) as f32;
    (1..=num_samples).map(|n| 0.5 - 0.5 * angle(n).cos()).collect()
}

impl Wet {
    pub(super) fn new(
        results: Receiver<Packet>,
        num_mics: usize,
        hop_samples: usize,
        fade_samples: usize,
        first_start: i64,
    ) -> Self {
        Self {
            results,
            early: None,
            removed: vec![0.0; num_mics * hop_samples],
            hop_samples,
            fade: fade_in_gains(fade_samples),
            epoch: 0,
            first_start,
            state: State::Dry,
        }
    }

    /// Makes the hop that starts at `heard` the current one. Returns false if its result
    /// is missing.
    pub(super) fn fetch(&mut self, heard: i64, free: &mut Vec<Packet>) -> bool {
        while let Some(packet) = self.early.take().or_else(|| self.results.pop()) {
            if packet.epoch != self.epoch || packet.start_sample < heard {
                free.push(packet);
            } else if packet.start_sample == heard {
                self.removed.copy_from_slice(&packet.samples);
                free.push(packet);
                // The very first hop rises from zero by itself.
                if self.state != State::Wet && heard > self.first_start {
                    self.fade_in();
                }
                self.state = State::Wet;
                return true;
            } else {
                self.early = Some(packet);
                break;
            }
        }
        false
    }

    /// Makes a hop without a result the current one.
    pub(super) fn miss(&mut self) {
        match self.state {
            State::Wet => {
                self.fade_out();
                self.state = State::Fading;
            }
            State::Fading => self.state = State::Dry,
            State::Dry => {}
        }
    }

    /// Returns the removed signal of `mic` in a piece of the current hop, or `None` if it
    /// is silent.
    pub(super) fn removed(&self, mic: usize, offset: usize, length: usize) -> Option<&[f32]> {
        (self.state != State::Dry)
            .then(|| &self.removed[mic * self.hop_samples + offset..][..length])
    }

    /// Collects packets that are no longer needed: of an earlier epoch, or for hops before `heard`.
    pub(super) fn collect(&mut self, heard: i64, free: &mut Vec<Packet>) {
        while let Some(packet) = self.early.take().or_else(|| self.results.pop()) {
            if packet.epoch == self.epoch && packet.start_sample >= heard {
                self.early = Some(packet);
                break;
            }
            free.push(packet);
        }
    }

    /// Discards everything before `epoch`.
    pub(super) fn reset(&mut self, epoch: u64, free: &mut Vec<Packet>) {
        self.epoch = epoch;
        free.extend(self.early.take());
        self.state = State::Dry;
    }

    /// Fades the worker's signal in after late hops.
    fn fade_in(&mut self) {
        for mic in self.removed.chunks_exact_mut(self.hop_samples) {
            for (sample, gain) in mic.iter_mut().zip(&self.fade) {
                *sample *= gain;
            }
        }
    }

    /// Fades the worker's signal out: mirrors the last hop in time, so that it continues without a
    /// step, and fades it to zero.
    fn fade_out(&mut self) {
        for mic in self.removed.chunks_exact_mut(self.hop_samples) {
            mic.reverse();
            let (fading, silent) = mic.split_at_mut(self.fade.len());
            for (sample, gain) in fading.iter_mut().zip(self.fade.iter().rev()) {
                *sample *= gain;
            }
            silent.fill(0.0);
        }
    }
}
