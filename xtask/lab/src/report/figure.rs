//! Stacked spectrograms of one mic: as recorded, as cleaned, and the removed signal or the target.

use super::canvas::{Align, Area, Canvas, Colour, Face, Label};
use super::spectrogram::{RANGE_HZ, Spectrogram, row_of};
use crate::convert::{to_f32, to_index};
use anyhow::Result;
use std::path::Path;

/// Content of the picture.
#[derive(Clone, Copy, Debug)]
pub struct BeforeAfter<'a> {
    /// The headline.
    pub title: &'a str,
    /// The line under it.
    pub subtitle: &'a str,
    /// The mic as recorded.
    pub before: &'a [f32],
    /// The mic as cleaned, of the same length.
    pub after: &'a [f32],
    /// Spans in which the own source plays, `[start, end)` in seconds.
    pub playing_s: &'a [(f64, f64)],
    /// Sample rate in Hz.
    pub rate_hz: u32,
}

const WIDTH: usize = 1_500;
const PANEL: (usize, usize) = (1_230, 300);
const LEFT: usize = 130;
const TOP: usize = 140;
/// Distance from the top of one panel to that of the next, in pixels.
const STRIDE: usize = 364;
const SCALE_LEFT: usize = LEFT + PANEL.0 + 28;
/// Range of the levels below the loudest, in dB.
const RANGE_DB: f32 = 60.0;

const PAPER: Colour = [250, 250, 248];
const INK: Colour = [28, 28, 34];
const GREY: Colour = [110, 110, 120];
const PLAYING: Colour = [0, 150, 136];

impl BeforeAfter<'_> {
    /// Draws the picture into a PNG file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn draw(&self, path: &Path) -> Result<()> {
        let removed: Vec<f32> = self.before.iter().zip(self.after).map(|(b, a)| b - a).collect();
        let panels = Panels {
            title: self.title,
            subtitle: self.subtitle,
            sounds: [("Before", self.before), ("After", self.after), ("Removed", &removed)],
            playing_s: self.playing_s,
            rate_hz: self.rate_hz,
        };
        panels.draw(path)
    }
}

/// Three stacked spectrograms of equal length, all with the colour scale of the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    /// Title and sound of each panel.
    pub(crate) sounds: [(&'a str, &'a [f32]); 3],
    /// Spans in which the own source plays, `[start, end)` in seconds.
    pub(crate) playing_s: &'a [(f64, f64)],
    pub(crate) rate_hz: u32,
}

impl Panels<'_> {
    pub(crate) fn draw(&self, path: &Path) -> Result<()> {
        let mut canvas = Canvas::new(WIDTH, TOP + 3 * STRIDE - 16, PAPER)?;
        self.heading(&mut canvas);
        let mut loudest_db = None;
        for (index, (name, signal)) in self.sounds.into_iter().enumerate() {
            let picture = Spectrogram::new(signal, self.rate_hz, PANEL)?;
            // One scale for all panels, so that brightness can be compared.
            let top_db = *loudest_db.get_or_insert_with(|| picture.quantile_db(0.9995));
            let area =
                Area { left: LEFT, top: TOP + index * STRIDE, width: PANEL.0, height: PANEL.1 };
            for (row, levels) in picture.rows().enumerate() {
                for (column, &level) in levels.iter().enumerate() {
                    let share = ((level - top_db) / RANGE_DB + 1.0).clamp(0.0, 1.0);
                    canvas.set(area.left + column, area.top + row, colour(share));
                }
            }
            self.axes(&mut canvas, area, name);
        }
        scale(&mut canvas);
        canvas.save(path)
    }

    fn heading(&self, canvas: &mut Canvas) {
        let mut line = |text, y, size, colour| {
            let at = (to_f32(LEFT as f64), y);
            canvas.label(Label { text, at, align: Align::Left, face: Face::Text, size, colour });
        };
        line(self.title, 36.0, 36.0, INK);
        line(self.subtitle, 76.0, 22.0, GREY);
    }

    fn axes(&self, canvas: &mut Canvas, area: Area, name: &str) {
        let (left, top) = (area.left as f64, area.top as f64);
        for (at_hz, text) in [
            (50.0, "50"),
            (100.0, "100"),
            (200.0, "200"),
            (500.0, "500"),
            (1_000.0, "1k"),
            (2_000.0, "2k"),
            (5_000.0, "5k"),
            (10_000.0, "10k"),
        ] {
            let y = top + row_of(at_hz, area.height);
            canvas.fill(Area { left: area.left - 7, top: to_index(y), width: 7, height: 1 }, GREY);
            let grid = Area { left: area.left, top: to_index(y), width: area.width, height: 1 };
            canvas.shade(grid, [255; 3], 0.1);
            number(canvas, text, (left - 12.0, y), Align::Right);
        }
        debug_assert!(RANGE_HZ.0 < 50.0);
        number(canvas, "Hz", (left - 12.0, top + 4.0), Align::Right);
        let duration_s = self.sounds[0].1.len() as f64 / f64::from(self.rate_hz);
        let bottom = area.top + area.height;
        for second in 0..=to_index(duration_s.floor()) {
            let x = left + second as f64 / duration_s * area.width as f64;
            canvas.fill(Area { left: to_index(x), top: bottom, width: 1, height: 6 }, GREY);
            let text = if second == 0 { "0 s".to_owned() } else { second.to_string() };
            number(canvas, &text, (x, bottom as f64 + 18.0), Align::Centre);
        }
        // The strip above the panel marks the spans in which the own source plays.
        for &(start_s, end_s) in self.playing_s {
            let x = |at_s: f64| to_index(at_s / duration_s * area.width as f64).min(area.width);
            let (from, to) = (x(start_s), x(end_s));
            let strip =
                Area { left: area.left + from, top: area.top - 10, width: to - from, height: 6 };
            canvas.fill(strip, PLAYING);
        }
        let at = (to_f32(left) - 2.0, to_f32(top) - 26.0);
        let label =
            Label { text: name, at, align: Align::Left, face: Face::Text, size: 24.0, colour: INK };
        canvas.label(label);
    }
}

fn number(canvas: &mut Canvas, text: &str, at: (f64, f64), align: Align) {
    let at = (to_f32(at.0), to_f32(at.1));
    canvas.label(Label { text, at, align, face: Face::Numbers, size: 17.0, colour: GREY });
}

/// Draws the colour scale, right of the first panel.
fn scale(canvas: &mut Canvas) {
    for row in 0..PANEL.1 {
        let share = 1.0 - row as f64 / (PANEL.1 - 1) as f64;
        let line = Area { left: SCALE_LEFT, top: TOP + row, width: 18, height: 1 };
        canvas.fill(line, colour(to_f32(share)));
    }
    for step in 0..4 {
        let level_db = -f64::from(step) * 20.0;
        let y = TOP as f64 + (PANEL.1 - 1) as f64 * f64::from(step) / 3.0;
        canvas.fill(Area { left: SCALE_LEFT + 18, top: to_index(y), width: 6, height: 1 }, GREY);
        let text = if step == 0 { "0 dB".to_owned() } else { format!("{level_db}") };
        number(canvas, &text, (SCALE_LEFT as f64 + 28.0, y), Align::Left);
    }
}

/// Number of steps of the colour scale, about 1 dB each: too fine to be visible, and the file is
/// half as large.
const COLOUR_STEPS: f64 = 64.0;

/// Returns a colour of a perceptually uniform map from black over red to a pale yellow.
fn colour(share: f32) -> Colour {
    let stepped = (f64::from(share) * COLOUR_STEPS).round() / COLOUR_STEPS;
    let colour = colorous::INFERNO.eval_continuous(stepped);
    [colour.r, colour.g, colour.b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_is_always_lighter() {
        let light = |share: f32| colour(share).iter().map(|&part| u32::from(part)).sum::<u32>();
        for step in 0..20 {
            assert!(light(step as f32 / 20.0) < light((step + 1) as f32 / 20.0), "{step}");
        }
    }

    #[test]
    fn what_was_removed_is_dark_in_the_middle_panel_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let tone = |at_hz: f64| -> Vec<f32> {
            let step = std::f64::consts::TAU * at_hz / 16_000.0;
            (0..16_000).map(|n| 0.3 * (step * f64::from(n)).sin() as f32).collect()
        };
        let (own, bleed) = (tone(300.0), tone(2_000.0));
        let before: Vec<f32> = own.iter().zip(&bleed).map(|(a, b)| a + b).collect();
        let picture = BeforeAfter {
            title: "t",
            subtitle: "s",
            before: &before,
            after: &own,
            playing_s: &[(0.0, 1.0)],
            rate_hz: 16_000,
        };
        picture.draw(&path).unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let light = |panel: usize, at_hz: f64| {
            let y = TOP + panel * STRIDE + to_index(row_of(at_hz, PANEL.1));
            let start = 3 * (y * WIDTH + LEFT + PANEL.0 / 2);
            pixels[start..start + 3].iter().map(|&part| u32::from(part)).sum::<u32>()
        };
        for (panel, own, bleed) in [(0, true, true), (1, true, false), (2, false, true)] {
            assert_eq!(light(panel, 300.0) > 300, own, "panel {panel}");
            assert_eq!(light(panel, 2_000.0) > 300, bleed, "panel {panel}");
        }
    }
}
