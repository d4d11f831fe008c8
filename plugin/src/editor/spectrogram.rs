//! The scrolling spectrogram of one mic: a ring of columns in a texture.

use egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect, TextureHandle, TextureOptions, pos2,
};
use engine::snapshot::{Column, NUM_COLUMN_BANDS};

use super::theme;

/// Number of columns in the ring.
const NUM_COLUMNS: usize = 560;
/// Duration of one column.
const COLUMN_S: f32 = 0.02;
/// Range of levels that have different colours.
pub(super) const LOWEST_DB: f32 = -96.0;
pub(super) const HIGHEST_DB: f32 = -6.0;

/// Displayed signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Signal {
    Before,
    #[default]
    After,
    Removed,
}

impl Signal {
    pub(super) const ALL: [Self; 3] = [Self::Before, Self::After, Self::Removed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Before => "Before",
            Self::After => "After",
            Self::Removed => "Removed",
        }
    }
}

type Levels = [[u8; NUM_COLUMN_BANDS]; 3];

/// The last seconds of one mic.
#[derive(Default)]
pub(super) struct Spectrogram {
    columns: Vec<Levels>,
    /// Index of the next column.
    next: usize,
    /// Number of columns up to `next` that are not yet in the texture.
    stale: usize,
    /// Elapsed time of the next column, and the highest levels in it so far.
    passed_s: f32,
    loudest: Option<Box<Levels>>,
    signal: Signal,
    texture: Option<TextureHandle>,
}

impl std::fmt::Debug for Spectrogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spectrogram").field("signal", &self.signal).finish_non_exhaustive()
    }
}

fn level(db: f32) -> u8 {
    let part = (db - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a byte first"
    )]
    let level = (part * 255.0).clamp(0.0, 255.0) as u8;
    level
}

/// Returns the colour of a level.
fn colour(signal: Signal, level: u8) -> Color32 {
    let part = f32::from(level) / 255.0;
    let hue = if signal == Signal::Removed { theme::BLEED } else { theme::KEEP };
    if part < 0.62 {
        theme::blend(theme::WELL, hue, (part / 0.62).powf(1.6))
    } else {
        theme::blend(hue, Color32::from_rgb(250, 246, 235), (part - 0.62) / 0.38)
    }
}

impl Spectrogram {
    /// Frees the texture while another spectrogram is shown.
    pub(super) fn hide(&mut self) {
        self.texture = None;
    }

    /// Adds one hop.
    pub(super) fn push(&mut self, column: &Column, hop_s: f32) {
        if self.columns.is_empty() {
            self.columns = vec![[[0; NUM_COLUMN_BANDS]; 3]; NUM_COLUMNS];
            (self.next, self.stale) = (0, NUM_COLUMNS);
        }
        let loudest = self.loudest.get_or_insert_with(|| Box::new([[0; NUM_COLUMN_BANDS]; 3]));
        let signals = [&column.before_db, &column.after_db, &column.removed_db];
        for (loudest, signal) in loudest.iter_mut().zip(signals) {
            for (loudest, &db) in loudest.iter_mut().zip(signal) {
                *loudest = (*loudest).max(level(db));
            }
        }
        self.passed_s += hop_s;
        while self.passed_s >= COLUMN_S {
            self.passed_s -= COLUMN_S;
            if let Some(loudest) = &self.loudest {
                self.columns[self.next] = **loudest;
                self.next = (self.next + 1) % NUM_COLUMNS;
                self.stale = (self.stale + 1).min(NUM_COLUMNS);
            }
            if self.passed_s < COLUMN_S {
                self.loudest = None;
            }
        }
    }

    /// Updates the texture.
    pub(super) fn upload(&mut self, signal: Signal, context: &Context) {
        if self.signal != signal || self.texture.is_none() {
            self.signal = signal;
            self.stale = NUM_COLUMNS;
        }
        if self.columns.is_empty() || self.stale == 0 {
            return;
        }
        let all = self.texture.is_none() || self.stale == NUM_COLUMNS;
        let texture = self.texture.get_or_insert_with(|| {
            let size = [NUM_COLUMNS, NUM_COLUMN_BANDS];
            let empty = ColorImage::filled(size, theme::WELL);
            context.load_texture("spectrogram", empty, TextureOptions::LINEAR)
        });
        let first = if all { 0 } else { (self.next + NUM_COLUMNS - self.stale) % NUM_COLUMNS };
        let count = if all { NUM_COLUMNS } else { self.stale };
        let head = count.min(NUM_COLUMNS - first);
        let which = match self.signal {
            Signal::Before => 0,
            Signal::After => 1,
            Signal::Removed => 2,
        };
        for (start, count) in [(first, head), (0, count - head)] {
            if count > 0 {
                let run = &self.columns[start..start + count];
                let pixels = (0..NUM_COLUMN_BANDS).rev().flat_map(|band| {
                    run.iter().map(move |column| colour(signal, column[which][band]))
                });
                let image = ColorImage::new([count, NUM_COLUMN_BANDS], pixels.collect());
                texture.set_partial([start, 0], image, TextureOptions::LINEAR);
            }
        }
        self.stale = 0;
    }

    /// Draws the ring, oldest column on the left.
    pub(super) fn draw(&self, painter: &Painter, rect: Rect) {
        let Some(texture) = &self.texture else { return };
        let part = self.next as f32 / NUM_COLUMNS as f32;
        let seam = rect.left() + (1.0 - part) * rect.width();
        // Half a texel off both ends, so that the newest and the oldest column do not blend.
        let half = 0.5 / NUM_COLUMNS as f32;
        let quads = [
            (Rect::from_min_max(rect.min, pos2(seam, rect.bottom())), part + half, 1.0 - half),
            (Rect::from_min_max(pos2(seam, rect.top()), rect.max), half, part - half),
        ];
        for (place, from, to) in quads {
            if place.width() > 0.5 && to > from {
                let uv = Rect::from_min_max(pos2(from, 0.0), Pos2::new(to, 1.0));
                painter.image(texture.id(), place, uv, Color32::WHITE);
            }
        }
    }

    /// Returns the duration of the spectrogram in seconds.
    pub(super) fn seconds() -> f32 {
        NUM_COLUMNS as f32 * COLUMN_S
    }
}
