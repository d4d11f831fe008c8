//! The spectrum of the selected mic, current and over the last seconds.

use egui::{Align2, Color32, Id, Mesh, Pos2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};
use engine::snapshot::{NUM_COLUMN_BANDS, band_hz};

use super::controls::choices;
use super::rows::Rows;
use super::scene::Scene;
use super::spectra::Spectra;
use super::spectrogram::{Signal, Spectrogram};
use super::{icons, theme};

const TOP: f32 = 34.0;
/// Range of the curves.
const LOWEST_DB: f32 = -100.0;
const HIGHEST_DB: f32 = 0.0;
const MARKS_DB: [f32; 4] = [-80.0, -60.0, -40.0, -20.0];
const MARKS_HZ: [(f32, &str); 8] = [
    (50.0, "50"),
    (100.0, "100"),
    (200.0, "200"),
    (500.0, "500"),
    (1000.0, "1k"),
    (2000.0, "2k"),
    (5000.0, "5k"),
    (10000.0, "10k"),
];

/// Returns the position of a frequency, 0 at the middle of the lowest band and 1 at the highest's.
fn position(hz: f32) -> f32 {
    let (low, high) = (band_hz(0), band_hz(NUM_COLUMN_BANDS - 1));
    (hz / low).ln() / (high / low).ln()
}

/// Draws the panel.
pub(super) fn show(ui: &mut Ui, rect: Rect, spectra: &mut Spectra, scene: &Scene, rows: &Rows) {
    ui.painter().rect_filled(rect, 0.0, theme::blend(theme::BACKGROUND, theme::PANEL, 0.5));
    ui.painter().hline(rect.x_range(), rect.top(), (1.0, theme::LINE));
    if !rows.shown(scene).contains(&rows.selected) {
        return;
    }
    let inside = rect.shrink2(vec2(14.0, 0.0));
    let split = inside.left() + inside.width() * 0.44;
    let curves = Rect::from_min_max(
        pos2(inside.left(), inside.top() + TOP),
        pos2(split - 10.0, inside.bottom() - 10.0),
    );
    let picture = Rect::from_min_max(
        pos2(split + 10.0, inside.top() + TOP),
        pos2(inside.right(), inside.bottom() - 10.0),
    );
    let shown = spectra.signal();
    if let Some(signal) = title(ui, inside, split, shown, (rows.selected, scene)) {
        spectra.show(signal);
    }
    draw_curves(ui, curves, spectra);
    draw_picture(ui, picture, spectra);
}

/// Draws the line above the pictures. Returns the signal that was chosen for the spectrogram.
fn title(
    ui: &mut Ui,
    inside: Rect,
    split: f32,
    shown: Signal,
    (selected, scene): (usize, &Scene),
) -> Option<Signal> {
    let y = inside.top() + 0.5 * TOP;
    let icon = Rect::from_center_size(pos2(inside.left() + 9.0, y), vec2(18.0, 18.0));
    icons::draw(ui.painter(), icon, scene.instrument(selected), theme::TEXT);
    let at = pos2(icon.right() + 8.0, y);
    let font = theme::semibold(13.0);
    ui.painter().text(at, Align2::LEFT_CENTER, scene.name(selected), font, theme::TEXT);
    let mut x = split - 10.0;
    for (name, colour) in
        [("Removed", theme::BLEED), ("After", theme::KEEP), ("Before", theme::DIM)]
    {
        let at = pos2(x, y);
        let drawn =
            ui.painter().text(at, Align2::RIGHT_CENTER, name, theme::regular(11.5), theme::DIM);
        let key = Rect::from_center_size(pos2(drawn.left() - 10.0, y), vec2(10.0, 3.0));
        ui.painter().rect_filled(key, 1.0, colour);
        x = key.left() - 14.0;
    }
    let names = Signal::ALL.map(|signal| {
        (
            signal.name(),
            match signal {
                Signal::Before => "The unprocessed mic",
                Signal::After => "The mic without bleed",
                Signal::Removed => "The sound that is removed",
            },
        )
    });
    let place = Rect::from_min_size(pos2(split + 10.0, y - 11.0), vec2(216.0, 22.0));
    let chosen = Signal::ALL.iter().position(|&signal| signal == shown).unwrap_or(0);
    let colour = |choice: usize| [theme::DIM, theme::KEEP, theme::BLEED][choice];
    let choice = choices(ui, place, Id::unique("spectrogram"), &names, chosen, colour);
    let text = format!("last {:.0} s", Spectrogram::seconds());
    let at = pos2(inside.right(), y);
    ui.painter().text(at, Align2::RIGHT_CENTER, text, theme::regular(11.5), theme::DIM);
    choice.map(|choice| Signal::ALL[choice])
}

fn draw_curves(ui: &Ui, rect: Rect, spectra: &Spectra) {
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, theme::CORNER, theme::WELL);
    let y = |db: f32| {
        let part = (db - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB);
        rect.bottom() - part.clamp(0.0, 1.0) * rect.height()
    };
    for db in MARKS_DB {
        painter.hline(rect.x_range(), y(db), (1.0, theme::LINE));
        let at = pos2(rect.left() + 4.0, y(db) - 1.0);
        let text = format!("\u{2212}{:.0}", -db);
        painter.text(at, Align2::LEFT_BOTTOM, text, theme::regular(10.0), theme::DIM);
    }
    for (hz, name) in MARKS_HZ {
        let x = rect.left() + position(hz) * rect.width();
        painter.vline(x, rect.y_range(), (1.0, theme::LINE));
        let at = pos2(x, rect.bottom() - 2.0);
        painter.text(at, Align2::CENTER_BOTTOM, name, theme::regular(10.0), theme::DIM);
    }
    let Some(column) = spectra.column() else { return };
    let line = |levels: &[f32]| -> Vec<Pos2> {
        let step = rect.width() / (levels.len() - 1) as f32;
        let place = |(band, &db): (usize, &f32)| pos2(rect.left() + band as f32 * step, y(db));
        levels.iter().enumerate().map(place).collect()
    };
    let before = line(&column.before_db);
    painter.add(filled(&before, rect.bottom(), theme::DIM.gamma_multiply(0.22)));
    painter.add(Shape::line(before, Stroke::new(1.0, theme::DIM)));
    painter.add(Shape::line(line(&column.removed_db), Stroke::new(1.2, theme::BLEED)));
    painter.add(Shape::line(line(&column.after_db), Stroke::new(1.8, theme::KEEP)));

    let response = ui.interact(rect, Id::unique("curves"), Sense::hover());
    let Some(at) = response.hover_pos() else { return };
    painter.vline(at.x, rect.y_range(), (1.0, theme::DIM));
    let part = ((at.x - rect.left()) / rect.width()).clamp(0.0, 1.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "one of a few bands"
    )]
    let band = (part * (NUM_COLUMN_BANDS - 1) as f32).round() as usize;
    let [before, after, removed] = [&column.before_db, &column.after_db, &column.removed_db]
        .map(|levels| level_text(levels[band]));
    let hz = frequency_text(band_hz(band));
    response.on_hover_text_at_pointer(format!(
        "{hz}: {before} before, {after} after, {removed} removed"
    ));
}

fn draw_picture(ui: &Ui, rect: Rect, spectra: &Spectra) {
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, theme::CORNER, theme::WELL);
    if let Some(spectrogram) = spectra.spectrogram() {
        spectrogram.draw(&painter, rect);
    }
    for (hz, name) in MARKS_HZ {
        let y = rect.bottom() - position(hz) * rect.height();
        if ["100", "1k", "10k"].contains(&name) {
            painter.hline(rect.x_range(), y, (1.0, theme::TEXT.gamma_multiply(0.10)));
            let at = pos2(rect.left() + 4.0, y - 1.0);
            painter.text(at, Align2::LEFT_BOTTOM, name, theme::regular(10.0), theme::DIM);
        }
    }
}

fn frequency_text(hz: f32) -> String {
    if hz < 1000.0 { format!("{hz:.0} Hz") } else { format!("{:.1} kHz", hz / 1000.0) }
}

/// Returns a level as text, with a true minus sign and without values below the range of
/// the curves.
fn level_text(db: f32) -> String {
    if db <= LOWEST_DB {
        "nothing".to_owned()
    } else {
        format!("{db:.0} dB").replace('-', "\u{2212}")
    }
}

/// Returns the area under a curve.
fn filled(line: &[Pos2], bottom: f32, colour: Color32) -> Shape {
    let mut mesh = Mesh::default();
    for (&point, start) in line.iter().zip((0_u32..).step_by(2)) {
        mesh.colored_vertex(point, colour);
        mesh.colored_vertex(pos2(point.x, bottom), colour);
        if start > 0 {
            mesh.add_triangle(start - 2, start - 1, start);
            mesh.add_triangle(start - 1, start, start + 1);
        }
    }
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_frequencies_are_read_as_engineers_write_them() {
        for (hz, text) in [(20.0, "20 Hz"), (999.4, "999 Hz"), (1_260.0, "1.3 kHz")] {
            assert_eq!(frequency_text(hz), text);
        }
        for (db, text) in [(-12.4, "\u{2212}12 dB"), (3.0, "3 dB"), (-140.0, "nothing")] {
            assert_eq!(level_text(db), text);
        }
    }
}
