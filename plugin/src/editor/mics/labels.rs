//! The labels of a mic: its instrument, name, role and group.

use egui::{Align2, Button, Id, Popup, Rect, Response, ScrollArea, Sense, Ui, vec2};
use nice_plug::prelude::Enum;

use super::reorder::{link_chosen, move_rows};
use crate::editor::access::Access;
use crate::editor::controls::{focus_ring, name, switch};
use crate::editor::edits::{Edits, ParamIndex};
use crate::editor::field::{Field, Typed};
use crate::editor::{icons, theme};
use crate::names::label_name;
use crate::params::{GroupChoice, Instrument, RoleChoice};

const ROLE_HINTS: [&str; 3] = [
    "Close to its own source. The mic is cleaned, and its source is removed from the other mics.",
    "Picks up everything, like overheads and room mics. Passes unchanged, and nothing is removed \
     from other mics because of it.",
    "Picks up everything. The sources of the close mics are removed from it.",
];

/// A mic's name that is being typed.
#[derive(Debug)]
struct Renaming {
    strip: usize,
    field: Field,
}

/// The labels of all mics.
#[derive(Debug, Default)]
pub(super) struct Labels {
    renaming: Option<Renaming>,
}

impl Labels {
    pub(super) fn is_renaming(&self) -> bool {
        self.renaming.is_some()
    }

    /// Discards the name that is being typed.
    pub(super) fn close(&mut self) {
        self.renaming = None;
    }

    /// Begins to type the name of a mic.
    pub(super) fn begin_renaming(&mut self, strip: usize, access: &mut Access<'_>) {
        access.edits.finish();
        access.rows.select_if_apart(strip);
        self.renaming = Some(Renaming { strip, field: Field::new(access.scene.name(strip)) });
    }

    /// Draws the name, or the field in which it is typed.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        strip: usize,
        is_bright: bool,
        access: &mut Access<'_>,
    ) {
        if let Some(renaming) = &mut self.renaming
            && renaming.strip == strip
        {
            let hint = label_name(access.scene.params(), strip);
            let id = Id::unique(("renaming", strip));
            let place = rect.shrink2(vec2(0.0, 0.5 * (rect.height() - 22.0)));
            match renaming.field.show(ui, place, id, Align2::LEFT_CENTER, &hint) {
                Typed::Going => {}
                Typed::Left => self.renaming = None,
                Typed::Done => {
                    let text = renaming.field.text().trim().to_owned();
                    self.renaming = None;
                    // The default name needs no name of its own.
                    let text = if text == hint { String::new() } else { text };
                    access.edits.arrange(|arrangement| arrangement.rename(strip, &text));
                }
            }
            return;
        }
        let response = ui.interact(rect, Id::unique(("name", strip)), Sense::CLICK);
        let text = access.scene.name(strip);
        name(&response, &format!("Name of {text}"), false);
        let ink = if is_bright || response.hovered() {
            theme::TEXT
        } else {
            theme::blend(theme::DIM, theme::TEXT, 0.6)
        };
        theme::elided(ui.painter(), rect, Align2::LEFT_CENTER, &text, theme::semibold(13.0), ink);
        if response.double_clicked() {
            self.begin_renaming(strip, access);
        } else if response.clicked() {
            access.rows.select_as(strip, ui.input(|input| input.modifiers), access.scene);
        }
        self.menu(&response, strip, access);
        response.on_hover_ui(|ui| {
            ui.label(text);
            let hint = "Click to show its spectrum, with Ctrl or Shift to select several. \
                        Double-click or F2 to rename, right-click for more.";
            ui.colored_label(theme::DIM, hint);
        });
    }

    /// Shows the context menu of a strip.
    pub(super) fn menu(&mut self, response: &Response, strip: usize, access: &mut Access<'_>) {
        Popup::context_menu(response).show(|ui| {
            let item = |text, keys: &'static str| Button::new(text).shortcut_text(keys);
            if ui.add(item("Rename", "F2")).clicked() {
                self.begin_renaming(strip, access);
                ui.close();
            }
            if ui.add(item("Move up", "Alt+\u{2191}")).clicked() {
                move_rows(strip, true, access);
                ui.close();
            }
            if ui.add(item("Move down", "Alt+\u{2193}")).clicked() {
                move_rows(strip, false, access);
                ui.close();
            }
            if access.scene.tracks().is_none() {
                link_items(ui, strip, access);
            }
        });
    }
}

/// Lists the entries of the menu about linked strips.
fn link_items(ui: &mut Ui, strip: usize, access: &mut Access<'_>) {
    let item = |text, keys: &'static str| Button::new(text).shortcut_text(keys);
    let can_link = access.rows.together.len() > 1 && access.rows.together.contains(&strip);
    if ui
        .add_enabled(can_link, item("Link the selected mics", "Ctrl+L"))
        .on_hover_text("Amount and Max reduction of linked mics move together")
        .on_disabled_hover_text("Select several mics first, with Ctrl or Shift")
        .clicked()
    {
        link_chosen(access);
        ui.close();
    }
    let is_linked = access.scene.params().saved.arranged.now().link_of(strip).is_some();
    if ui
        .add_enabled(is_linked, item("Unlink", ""))
        .on_disabled_hover_text("This mic is not linked")
        .clicked()
    {
        access.edits.arrange(|arrangement| arrangement.unlink(&[strip]));
        ui.close();
    }
}

/// Draws the button that chooses the instrument of a mic.
pub(super) fn instrument_button(ui: &mut Ui, rect: Rect, strip: usize, access: &mut Access<'_>) {
    let response = ui.interact(rect, Id::unique(("instrument", strip)), Sense::click());
    name(&response, &format!("{} Instrument", access.scene.name(strip)), false);
    access.rows.note_focus(&response, strip);
    let ink = if response.hovered() || access.rows.together.contains(&strip) {
        theme::TEXT
    } else {
        theme::blend(theme::DIM, theme::TEXT, 0.6)
    };
    icons::draw(ui.painter(), rect.shrink(1.0), access.scene.instrument(strip), ink);
    focus_ring(ui, rect, &response);
    let response = response.on_hover_text(
        "Instrument, which names the mic unless it has a name of its own. Click to choose.",
    );
    let index = access.edits.index(&access.scene.params().mics[strip].instrument);
    if response.clicked() {
        access.rows.select_if_apart(strip);
    }
    Popup::menu(&response).show(|ui| {
        ui.set_max_height(500.0);
        ScrollArea::vertical()
            .max_height(480.0)
            .show(ui, |ui| choices(ui, index, Instrument::variants(), &[], access.edits));
    });
}

/// Lists the choices of a parameter in a menu.
fn choices(ui: &mut Ui, index: ParamIndex, names: &[&str], hints: &[&str], edits: &mut Edits) {
    let chosen = edits.choice(index);
    for (choice, name) in names.iter().enumerate() {
        let mut response = ui.selectable_label(choice == chosen, *name);
        if let Some(hint) = hints.get(choice) {
            response = response.on_hover_text(*hint);
        }
        if response.clicked() {
            edits.choose(index, choice);
            ui.close();
        }
    }
}

/// Draws the button that chooses the role of a mic.
pub(super) fn role_button(ui: &mut Ui, rect: Rect, strip: usize, access: &mut Access<'_>) {
    let index = access.edits.index(&access.scene.params().mics[strip].role);
    let chosen = access.edits.choice(index);
    let text = ["Close", "Room", "Room cl."][chosen.min(2)];
    let response = switch(ui, rect, Id::unique(("role", strip)), text, None).on_hover_text(
        "Close: at its own source\nRoom: picks up everything and passes unchanged\n\
         Room cleaned: the sources of the close mics are removed",
    );
    name(&response, &format!("{} Role: {text}", access.scene.name(strip)), false);
    access.rows.note_focus(&response, strip);
    Popup::menu(&response)
        .show(|ui| choices(ui, index, RoleChoice::variants(), &ROLE_HINTS, access.edits));
}

/// Draws the button that chooses the group of a mic.
pub(super) fn group_button(ui: &mut Ui, rect: Rect, strip: usize, access: &mut Access<'_>) {
    let index = access.edits.index(&access.scene.params().mics[strip].group);
    let chosen = access.edits.choice(index);
    let names = GroupChoice::variants();
    let text = if chosen == 0 { "\u{2013}" } else { names[chosen] };
    let lit = access.scene.group_colour(strip);
    let response = switch(ui, rect, Id::unique(("group", strip)), text, lit).on_hover_text(
        "Put mics of one source into one group (top and bottom, in and out, left and right). They \
         are never treated as each other's bleed.",
    );
    name(&response, &format!("{} Group: {text}", access.scene.name(strip)), false);
    access.rows.note_focus(&response, strip);
    Popup::menu(&response).show(|ui| choices(ui, index, names, &[], access.edits));
}
