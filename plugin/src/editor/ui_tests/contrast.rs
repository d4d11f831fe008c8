//! Tests of the contrast of all text that is drawn, against the fills below it.

use egui::{Color32, Pos2, Rect, Shape};
use test_signals::Noise;

use super::{Desk, MICS, kit, play};
use crate::classes::{Class, Unspill8, Unspill16};
use crate::editor::theme;
use crate::testing::set_by_id;

/// A text with its colour and place.
struct Text {
    text: String,
    ink: Color32,
    /// Visible part.
    rect: Rect,
    /// Number of fills that were drawn before it.
    num_fills: usize,
}

/// All fills and texts of a picture, in the order of drawing.
#[derive(Default)]
struct Picture {
    fills: Vec<(Rect, Color32)>,
    texts: Vec<Text>,
}

impl Picture {
    fn of(desk: &Desk) -> Self {
        let mut picture = Self::default();
        for clipped in &desk.window.output().shapes {
            picture.add(&clipped.shape, clipped.clip_rect);
        }
        picture
    }

    fn add(&mut self, shape: &Shape, clip: Rect) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.add(shape, clip)),
            // The picture of a spectrogram has no text on it.
            Shape::Rect(rect) if rect.brush.is_none() => {
                self.fills.push((rect.rect.intersect(clip), rect.fill));
            }
            Shape::Text(text) => {
                let rect = text.galley.rect.translate(text.pos.to_vec2()).intersect(clip);
                if !rect.is_positive() || text.galley.text().trim().is_empty() {
                    return;
                }
                for section in &text.galley.job.sections {
                    let of_section = match section.format.color {
                        Color32::PLACEHOLDER => text.fallback_color,
                        colour => colour,
                    };
                    let ink = text.override_text_color.unwrap_or(of_section);
                    self.texts.push(Text {
                        text: text.galley.text().to_owned(),
                        ink: ink.gamma_multiply(text.opacity_factor),
                        rect,
                        num_fills: self.fills.len(),
                    });
                }
            }
            _ => {}
        }
    }

    /// Returns the colour below a text at a point.
    fn below(&self, text: &Text, at: Pos2) -> Color32 {
        let below = self.fills[..text.num_fills].iter().filter(|(rect, _)| rect.contains(at));
        below.fold(theme::BACKGROUND, |colour, (_, fill)| colour.blend(*fill))
    }

    /// Returns all texts with too little contrast anywhere, and the least contrast of each.
    fn illegible(&self) -> Vec<(&str, f32)> {
        let least = |text: &Text| {
            let contrast = |part: f32| {
                let at = Pos2::new(egui::lerp(text.rect.x_range(), part), text.rect.center().y);
                let below = self.below(text, at);
                theme::contrast(below.blend(text.ink), below)
            };
            [0.05, 0.25, 0.5, 0.75, 0.95].map(contrast).into_iter().fold(f32::MAX, f32::min)
        };
        let all = self.texts.iter().map(|text| (text.text.as_str(), least(text)));
        all.filter(|(_, contrast)| *contrast < theme::LEAST_CONTRAST).collect()
    }
}

/// Returns the texts that are drawn in the place of a control.
pub(super) fn texts(desk: &Desk, label: &str) -> Vec<String> {
    let place = desk.node(label).rect();
    let inside = |text: &&Text| place.contains_rect(text.rect);
    Picture::of(desk).texts.iter().filter(inside).map(|text| text.text.clone()).collect()
}

#[track_caller]
fn assert_legible(desk: &Desk, expected: &[&str]) {
    let picture = Picture::of(desk);
    for text in expected {
        assert!(picture.texts.iter().any(|found| found.text.contains(text)), "no text {text}");
    }
    assert_eq!(picture.illegible(), []);
}

/// Plays mics that hear each other from much to hardly at all.
pub(super) fn fill_matrix(desk: &mut Desk) -> engine::Session {
    let mut session = desk.hear(MICS.len(), "");
    let mut noise: Vec<Noise> = (0..8).map(Noise::new).collect();
    for block in 0..400_usize {
        // One source at a time, so that each pair has a level of its own.
        let source = block / 8 % 8;
        let mut at = 0;
        let sounds: Vec<f32> = (0..512).map(|_| noise[source].draw()).collect();
        let class = desk.params.class;
        play(&mut session, class, |mic| {
            at += 1;
            let apart = (mic as f32 - source as f32).abs();
            0.5 * sounds[(at - 1) % 512] * 10_f32.powf(-apart * (1.0 + mic as f32) / 20.0 * 2.0)
        });
        if block % 50 == 0 {
            desk.window.run_steps(1);
        }
    }
    desk.window.run_steps(3);
    session
}

#[test]
fn text_has_contrast_wherever_it_is_drawn() {
    let desk = Desk::new(&Unspill8::DESC, &[]);
    assert_legible(&desk, &["No signal yet", "Undo"]);

    let mut desk = kit();
    set_by_id(&desk.params, "mic2_group", "A");
    set_by_id(&desk.params, "mic3_group", "A");
    set_by_id(&desk.params, "mic1_amount", "40");
    set_by_id(&desk.params, "mic4_role", "Room");
    let _session = fill_matrix(&mut desk);
    assert_legible(&desk, &["Kick", "Room", "Undo", "1k"]);
    // Clicks that open a menu or a list, with one of its texts, and a tooltip.
    for (opener, text) in [
        ("Presets", "Save"),
        ("Snare Instrument", "Tom"),
        ("Snare Group: A", "H"),
        ("100 %", "150 %"),
    ] {
        desk.click(opener, egui::Modifiers::NONE);
        assert_legible(&desk, &[text]);
        desk.press(egui::Modifiers::NONE, egui::Key::Escape);
    }
    desk.node("Remove Kick from Bass").hover();
    desk.window.run_steps(8);
    assert_legible(&desk, &["Kick in Bass"]);
    assert_legible(&Desk::new(&Unspill16::DESC, &MICS), &["Kick"]);
}
