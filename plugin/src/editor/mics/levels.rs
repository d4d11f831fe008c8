//! A mic's levels and its reduction.

use egui::{Align2, Color32, Id, Painter, Rect, Sense, Ui, pos2, vec2};

use crate::editor::scene::{LOWEST_DB, Meter, Scene};
use crate::editor::theme;

/// Levels with a mark above the meters, in dBFS.
pub(super) const MARKS_DB: [f32; 4] = [-48.0, -24.0, -12.0, 0.0];
/// Full scale of a reduction meter.
const LARGEST_REDUCTION_DB: f32 = 24.0;

/// Draws the levels of input and output.
pub(super) fn meters(ui: &mut Ui, rect: Rect, strip: usize, scene: &Scene) {
    let levels = &scene.strips[strip];
    let has_output = scene.params().mics[strip].output.is_some();
    let half = vec2(rect.width(), 8.0);
    meter(ui.painter(), Rect::from_min_size(rect.min, half), levels.input, theme::DIM);
    if has_output {
        let below = pos2(rect.left(), rect.bottom() - 8.0);
        meter(ui.painter(), Rect::from_min_size(below, half), levels.output, theme::KEEP);
    }
    let text =
        |meter: Meter| format!("{:.1} dBFS peak, {:.1} dBFS RMS", meter.peak_db(), meter.rms_db());
    let response = ui.interact(rect, Id::unique(("meters", strip)), Sense::hover());
    response.on_hover_ui(|ui| {
        ui.label(format!("In: {}", text(levels.input)));
        if has_output {
            ui.label(format!("Out: {}", text(levels.output)));
        }
    });
}

/// Draws how far the bleed fell.
pub(super) fn reduction(ui: &mut Ui, rect: Rect, strip: usize, scene: &Scene) {
    let levels = &scene.strips[strip];
    let whole_db = levels.reduction_db();
    let quiet_db = levels.quiet_change_db();
    let db = quiet_db.unwrap_or(whole_db);
    let painter = ui.painter();
    painter.rect_filled(rect, theme::CORNER, theme::WELL);
    let mut filled = rect.shrink(1.0);
    filled.set_width(filled.width() * (-db / LARGEST_REDUCTION_DB).clamp(0.0, 1.0));
    painter.rect_filled(filled, theme::CORNER, theme::blend(theme::WELL, theme::BLEED, 0.46));
    let text = |db: f32| {
        if db > -0.05 { "0.0".to_owned() } else { format!("\u{2212}{:.1}", -db) }
    };
    let at = rect.right_center() - vec2(5.0, 0.0);
    painter.text(at, Align2::RIGHT_CENTER, text(db), theme::regular(11.5), theme::TEXT);
    let response = ui.interact(rect, Id::unique(("reduction", strip)), Sense::hover());
    let name = scene.name(strip);
    response.on_hover_ui(|ui| {
        if let Some(quiet_db) = quiet_db {
            ui.label(format!("Quiet parts of {name}: {} dB", text(quiet_db)));
        }
        ui.label(format!("Whole mic: {} dB", text(whole_db)));
        let hint = "The quiet parts are the quietest quarter of the last 20 s. Most of the sound \
                    there is bleed if the source rests at times. A source that never rests shows \
                    less than was removed.";
        ui.colored_label(theme::DIM, hint);
    });
}

/// Draws one horizontal level meter.
fn meter(painter: &Painter, rect: Rect, meter: Meter, colour: Color32) {
    painter.rect_filled(rect, 2.0, theme::WELL);
    let part = |db: f32| (1.0 - db / LOWEST_DB).clamp(0.0, 1.0);
    let mut filled = rect;
    filled.set_width(rect.width() * part(meter.rms_db()));
    painter.rect_filled(filled, 2.0, theme::blend(theme::WELL, colour, 0.85));
    let peak = part(meter.peak_db());
    if peak > 0.0 {
        let x = rect.left() + rect.width() * peak;
        let is_over = meter.peak_db() > -0.1;
        let ink = if is_over { theme::ALARM } else { theme::TEXT };
        painter.vline(x.min(rect.right() - 0.75), rect.y_range(), (1.5, ink));
    }
    for db in MARKS_DB {
        let x = rect.left() + rect.width() * part(db);
        if db < 0.0 {
            painter.vline(x, rect.y_range(), (1.0, theme::BACKGROUND.gamma_multiply(0.5)));
        }
    }
}
