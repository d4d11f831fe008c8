//! What is said where there is little or nothing to see yet.

use egui::{Align2, Id, Rect, Sense, Ui, pos2, vec2};

use super::controls::{focus_ring, name};
use super::strips::ICON;
use super::{Editor, theme};

impl Editor {
    pub(super) fn foot(&mut self, ui: &mut Ui, rect: Rect, shown: usize) {
        let params = self.params();
        let there = (0..params.class.num_strips).filter(|&strip| self.scene.exists(strip)).count();
        let used = (0..there).filter(|&strip| self.scene.is_used(strip)).count();
        let at = rect.left_center() + vec2(ICON, 2.0);
        if used < there {
            let text = if self.show_all {
                "Hide inputs without a signal".to_owned()
            } else {
                format!("{} more inputs without a signal", there - shown)
            };
            let place = Rect::from_min_size(pos2(rect.left(), rect.top() + 3.0), vec2(210.0, 20.0));
            let response = ui.interact(place, Id::unique("show all"), Sense::click());
            let ink = if response.hovered() { theme::TEXT } else { theme::DIM };
            ui.painter().text(at, Align2::LEFT_CENTER, &text, theme::regular(12.0), ink);
            name(&response, &text, self.show_all);
            focus_ring(ui, place, &response);
            if response.clicked() {
                self.show_all = !self.show_all;
            }
        }
        self.link_button(ui, rect);
        if used == 1 {
            let at = rect.left_center() + vec2(226.0, 2.0);
            ui.painter().text(at, Align2::LEFT_CENTER, ONE_MIC, theme::regular(12.0), theme::BLEED);
        }
    }
}

const ONE_MIC: &str = "Only one mic is heard. Bleed is found by comparing mics: send the others of the room here, too";

/// What to do when nothing is heard yet.
pub(super) fn empty(ui: &Ui, rect: Rect) {
    let painter = ui.painter();
    let middle = rect.center();
    painter.text(
        middle - vec2(0.0, 24.0),
        Align2::CENTER_CENTER,
        "Nothing is heard yet",
        theme::semibold(18.0),
        theme::TEXT,
    );
    for (line, text) in [
        "Route every mic of the room to an input of its own, before any compressor, gate or equaliser,",
        "and play: each mic shows up here as soon as it is heard.",
    ]
    .iter()
    .enumerate()
    {
        let at = middle + vec2(0.0, 6.0 + 20.0 * line as f32);
        painter.text(at, Align2::CENTER_CENTER, text, theme::regular(13.5), theme::DIM);
    }
}
