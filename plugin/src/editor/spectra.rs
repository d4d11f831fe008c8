//! The spectra of the selected mic, which the spectrum panel draws.

use egui::Context;
use engine::snapshot::Column;

use super::spectrogram::Spectrogram;

/// The spectra of one strip: current, and over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Spectra {
    strip: usize,
    /// The newest spectrum.
    pub(super) column: Option<Box<Column>>,
    pub(super) spectrogram: Spectrogram,
}

impl Spectra {
    /// Sets the strip whose spectra follow. The spectra of another strip are removed.
    pub(super) fn choose(&mut self, strip: usize) {
        if self.strip != strip {
            self.strip = strip;
            self.column = None;
            self.spectrogram.clear();
        }
    }

    /// Adds one hop.
    pub(super) fn push(&mut self, column: &Column, hop_s: f32) {
        self.spectrogram.push(column, hop_s);
        match &mut self.column {
            Some(shown) => smooth(shown, column, hop_s),
            None => self.column = Some(Box::new(column.clone())),
        }
    }

    /// Updates the texture of the spectrogram.
    pub(super) fn upload(&mut self, context: &Context) {
        self.spectrogram.upload(context);
    }

    /// Removes the curves, and leaves the spectrogram.
    pub(super) fn forget_curves(&mut self) {
        self.column = None;
    }

    /// Removes the spectra when the window closes.
    pub(super) fn close(&mut self) {
        self.column = None;
        self.spectrogram = Spectrogram::default();
    }
}

fn smooth(shown: &mut Column, new: &Column, hop_s: f32) {
    shown.mic = new.mic;
    for (shown, new) in [
        (&mut shown.before_db, &new.before_db),
        (&mut shown.after_db, &new.after_db),
        (&mut shown.removed_db, &new.removed_db),
    ] {
        for (shown, &new) in shown.iter_mut().zip(new) {
            // Fast attack and slow decay, so that the eye can follow.
            let part = (hop_s / if new > *shown { 0.03 } else { 0.25 }).min(1.0);
            *shown += part * (new - *shown);
        }
    }
}
