//! The spectra of all mics, of which the spectrum panel draws those of the selected one.

use egui::Context;
use engine::snapshot::Column;

use super::spectrogram::{Signal, Spectrogram};

/// The spectra of one strip: current, and over the last seconds.
#[derive(Debug, Default)]
struct Strip {
    /// The newest spectrum, smoothed.
    column: Option<Box<Column>>,
    spectrogram: Spectrogram,
}

/// The spectra of all strips.
#[derive(Debug, Default)]
pub(super) struct Spectra {
    strips: Vec<Strip>,
    chosen: usize,
    signal: Signal,
}

impl Spectra {
    /// Sets the strip whose spectra are shown.
    pub(super) fn choose(&mut self, strip: usize) {
        if self.chosen != strip {
            // Only the strip that is shown has a texture.
            if let Some(before) = self.strips.get_mut(self.chosen) {
                before.spectrogram.hide();
            }
            self.chosen = strip;
        }
    }

    /// Returns the newest spectrum of the chosen strip.
    pub(super) fn column(&self) -> Option<&Column> {
        self.strips.get(self.chosen)?.column.as_deref()
    }

    /// Returns the spectrogram of the chosen strip.
    pub(super) fn spectrogram(&self) -> Option<&Spectrogram> {
        self.strips.get(self.chosen).map(|strip| &strip.spectrogram)
    }

    /// Returns the signal that the spectrogram shows.
    pub(super) fn signal(&self) -> Signal {
        self.signal
    }

    /// Chooses the signal that the spectrogram shows.
    pub(super) fn show(&mut self, signal: Signal) {
        self.signal = signal;
    }

    /// Adds the spectra of a strip over the last `seconds`.
    pub(super) fn push(&mut self, strip: usize, column: &Column, seconds: f32) {
        if self.strips.len() <= strip {
            self.strips.resize_with(strip + 1, Strip::default);
        }
        let strip = &mut self.strips[strip];
        strip.spectrogram.push(column, seconds);
        match &mut strip.column {
            Some(shown) => smooth(shown, column, seconds),
            None => strip.column = Some(Box::new(column.clone())),
        }
    }

    /// Updates the texture of the spectrogram.
    pub(super) fn upload(&mut self, context: &Context) {
        if let Some(strip) = self.strips.get_mut(self.chosen) {
            strip.spectrogram.upload(self.signal, context);
        }
    }

    /// Removes the curves, and leaves the spectrograms.
    pub(super) fn forget_curves(&mut self) {
        self.strips.iter_mut().for_each(|strip| strip.column = None);
    }

    /// Removes the spectra of a strip that has become another mic's.
    pub(super) fn forget(&mut self, strip: usize) {
        if let Some(strip) = self.strips.get_mut(strip) {
            *strip = Strip::default();
        }
    }

    /// Removes the spectra when the window closes.
    pub(super) fn close(&mut self) {
        self.strips.clear();
    }
}

fn smooth(shown: &mut Column, new: &Column, seconds: f32) {
    for (shown, new) in [
        (&mut shown.before_db, &new.before_db),
        (&mut shown.after_db, &new.after_db),
        (&mut shown.removed_db, &new.removed_db),
    ] {
        for (shown, &new) in shown.iter_mut().zip(new) {
            // Fast attack and slow decay, so that the eye can follow.
            let part = (seconds / if new > *shown { 0.03 } else { 0.25 }).min(1.0);
            *shown += part * (new - *shown);
        }
    }
}
