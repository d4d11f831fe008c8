//! What the worker sent back: in order, in time, and faded where it is not there.

use crate::worker::{Packet, Receiver};

/// The removed signal of the hop being heard.
#[derive(Debug)]
pub(super) struct Wet {
    results: Receiver<Box<Packet>>,
    /// A result that is for a later hop than the one being heard.
    early: Option<Box<Packet>>,
    /// `[mic, hop]`: what is removed in the hop being heard, fades included.
    removed: Vec<f32>,
    hop_samples: usize,
    /// Fade in and out, `[fade]`, rising from near 0 to 1.
    fade: Vec<f32>,
    epoch: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing to remove, in this hop and the one before.
    Dry,
    /// The hop before was late and this one is too, but it still carries the fade to dry.
    Fading,
    /// What the worker found.
    Wet,
}

impl Wet {
    pub(super) fn new(
        results: Receiver<Box<Packet>>,
        num_mics: usize,
        hop_samples: usize,
        fade_samples: usize,
    ) -> Self {
        // Half a Hann window: no corner at either end.
        let fade = (1..=fade_samples)
            .map(|n| {
                let angle = std::f32::consts::PI * n as f32 / (fade_samples + 1) as f32;
                0.5 - 0.5 * angle.cos()
            })
            .collect();
        Self {
            results,
            early: None,
            removed: vec![0.0; num_mics * hop_samples],
            hop_samples,
            fade,
            epoch: 0,
            state: State::Dry,
        }
    }

    /// Makes the hop that starts at `heard` the current one if its result is there.
    pub(super) fn fetch(&mut self, heard: i64, free: &mut Vec<Box<Packet>>) -> bool {
        while let Some(packet) = self.early.take().or_else(|| self.results.pop()) {
            if packet.epoch != self.epoch || packet.start_sample < heard {
                free.push(packet);
            } else if packet.start_sample == heard {
                self.removed.copy_from_slice(&packet.samples);
                free.push(packet);
                // Nothing was removed before the first sample, so there is nothing to fade from.
                if self.state != State::Wet && heard > 0 {
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

    /// What is removed from `mic` in a piece of the current hop; `None` when nothing is.
    pub(super) fn removed(&self, mic: usize, offset: usize, length: usize) -> Option<&[f32]> {
        (self.state != State::Dry)
            .then(|| &self.removed[mic * self.hop_samples + offset..][..length])
    }

    /// Takes back packets of an earlier epoch that the worker is done with.
    pub(super) fn collect(&mut self, free: &mut Vec<Box<Packet>>) {
        if self.early.is_none()
            && let Some(packet) = self.results.pop()
        {
            if packet.epoch == self.epoch {
                self.early = Some(packet);
            } else {
                free.push(packet);
            }
        }
    }

    /// Forgets everything before `epoch`.
    pub(super) fn reset(&mut self, epoch: u64, free: &mut Vec<Box<Packet>>) {
        self.epoch = epoch;
        free.extend(self.early.take());
        self.state = State::Dry;
    }

    /// The worker is back: brings its signal in from nothing.
    fn fade_in(&mut self) {
        for mic in self.removed.chunks_exact_mut(self.hop_samples) {
            for (sample, gain) in mic.iter_mut().zip(&self.fade) {
                *sample *= gain;
            }
        }
    }

    /// The worker is late: the last hop, mirrored in time so that it goes on without a step,
    /// leads to nothing.
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
