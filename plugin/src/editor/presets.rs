//! Presets: ensembles, and the user's own as files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{self, Id, Popup, PopupCloseBehavior, Rect, ScrollArea, TextEdit, Ui};
use nice_plug::plugin::PluginState;

use super::controls::switch;
use super::edits::Edits;
use super::theme;
use crate::ensembles::{ENSEMBLES, Ensemble};
use crate::linking::folder_in;
use crate::{saved, state};

const ENDING: &str = "unspill.json";

/// Lists the mics of an ensemble.
fn explain(ensemble: &Ensemble, ui: &mut Ui) {
    ui.label("Finds the mics by their names. If none has a name, they get this order:");
    for line in ensemble.lines() {
        ui.colored_label(theme::DIM, line);
    }
}

/// The user's own presets.
#[derive(Debug)]
pub(super) struct Presets {
    folder: Option<PathBuf>,
    names: Vec<String>,
    new_name: String,
}

impl Presets {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, names: Vec::new(), new_name: String::new() }
    }

    /// Lists the files.
    pub(super) fn refresh(&mut self) {
        let entries = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let files = entries.into_iter().flatten().filter_map(Result::ok);
        let names = files.filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            Some(name.strip_suffix(&format!(".{ENDING}"))?.to_owned())
        });
        self.names = names.collect();
        self.names.sort();
    }

    #[cfg(test)]
    pub(super) fn name_for_tests(&mut self, name: &str) {
        name.clone_into(&mut self.new_name);
    }

    fn path(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.folder.as_ref().ok_or("This system has no folder for presets")?;
        let is_plain = |c: char| c.is_alphanumeric() || " -_.()&+,'".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(format!("\u{201c}{name}\u{201d} is not a valid name for a preset"));
        }
        Ok(folder.join(format!("{name}.{ENDING}")))
    }

    /// Saves the current settings under the new name.
    pub(super) fn save(&mut self, edits: &mut Edits) {
        let name = self.new_name.trim().to_owned();
        let saved = self.path(&name).and_then(|path| {
            let state = state::of(edits.params());
            let text = serde_json::to_string_pretty(&state).map_err(|error| error.to_string())?;
            write(&path, &text).map_err(|error| format!("Cannot write {}: {error}", path.display()))
        });
        match saved {
            Ok(()) => {
                edits.message = None;
                self.new_name.clear();
                self.refresh();
            }
            Err(error) => edits.message = Some(error),
        }
    }

    /// Loads one of the user's presets.
    pub(super) fn load(&self, name: &str, edits: &mut Edits) {
        let loaded = self.path(name).and_then(|path| {
            let cannot =
                |error: &dyn std::fmt::Display| format!("Cannot read {}: {error}", path.display());
            let text = fs::read_to_string(&path).map_err(|error| cannot(&error))?;
            serde_json::from_str::<PluginState>(&text).map_err(|error| cannot(&error))
        });
        match loaded {
            Ok(state) => {
                edits.message = None;
                let params = Arc::clone(edits.params());
                // Parameters that belong to the session and not to a preset.
                let kept = [
                    edits.index(&params.bypass),
                    edits.index(&params.estimates),
                    edits.index(&params.learn),
                ];
                let session = params.session.as_ref().map(|session| edits.index(session));
                let keep = params.keep.as_ref().map(|keep| edits.index(keep));
                let class = params.class;
                let arrangement = saved::arrangement_of(&state, class.num_strips);
                let values = state::normalized(class, state);
                let all = edits.all().zip(values);
                let values: Vec<_> = all
                    .filter(|(index, _)| {
                        !kept.contains(index) && ![session, keep].contains(&Some(*index))
                    })
                    .collect();
                match arrangement {
                    Some(arrangement) => edits.set_and_arrange(&values, arrangement),
                    None => edits.set(&values),
                }
            }
            Err(error) => edits.message = Some(error),
        }
    }

    /// Draws the button with the menu.
    pub(super) fn show(&mut self, ui: &mut Ui, rect: Rect, edits: &mut Edits) {
        let response = switch(ui, rect, Id::unique("presets"), "Presets", None)
            .on_hover_text("Ensembles as starting points, and your own presets");
        if response.clicked() {
            self.refresh();
        }
        let menu = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        menu.show(|ui| {
            ui.set_min_width(230.0);
            ui.colored_label(theme::DIM, "Ensembles");
            for (number, ensemble) in ENSEMBLES.iter().enumerate() {
                let response = ui.selectable_label(false, ensemble.name);
                if response.on_hover_ui(|ui| explain(ensemble, ui)).clicked() {
                    take_ensemble(number, edits);
                    ui.close();
                }
            }
            ui.separator();
            ui.colored_label(theme::DIM, "Your presets");
            let names = self.names.clone();
            ScrollArea::vertical().max_height(220.0).show(ui, |ui| {
                for name in &names {
                    let hint = "Loads all settings except Bypass and the bleed map";
                    if ui.selectable_label(false, name).on_hover_text(hint).clicked() {
                        self.load(name, edits);
                        ui.close();
                    }
                }
            });
            ui.horizontal(|ui| {
                let field =
                    TextEdit::singleline(&mut self.new_name).hint_text("Name").desired_width(150.0);
                let field = ui.add(field).on_hover_text("Name of the new preset");
                let entered =
                    field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                let can = !self.new_name.trim().is_empty();
                let save = ui
                    .add_enabled(can, egui::Button::new("Save"))
                    .on_hover_text(
                        "Save the settings as a file. A preset of the same name is replaced.",
                    )
                    .on_disabled_hover_text("Enter a name first");
                if save.clicked() || entered && can {
                    self.save(edits);
                }
            });
            if let Some(folder) = &self.folder {
                let text = egui::RichText::new(folder.display().to_string()).size(10.5);
                ui.label(text.color(theme::DIM));
            }
        });
    }
}

/// Returns the folder for presets on this system.
pub(super) fn user_folder() -> Option<PathBuf> {
    if cfg!(target_os = "windows") {
        Some(folder_in("APPDATA")?.join("Unspill").join("Presets"))
    } else if cfg!(target_os = "macos") {
        Some(folder_in("HOME")?.join("Library/Audio/Presets/Unspill/Unspill"))
    } else {
        let data =
            folder_in("XDG_DATA_HOME").or_else(|| Some(folder_in("HOME")?.join(".local/share")))?;
        Some(data.join("unspill/presets"))
    }
}

/// Writes a file completely or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let half = path.with_extension("part");
    fs::write(&half, text)?;
    fs::rename(&half, path).inspect_err(|_| {
        // Removes the partly written file.
        let _ = fs::remove_file(&half);
    })
}

/// Applies labels, roles, groups and limits of an ensemble; sets the amounts of mics and pairs
/// to 100 %.
pub(super) fn take_ensemble(number: usize, edits: &mut Edits) {
    let positions = ENSEMBLES[number].positions(edits.params());
    let values = positions.into_iter().map(|(param, value)| (edits.place(param), value));
    let values: Vec<_> = values.collect();
    edits.set(&values);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        let presets = Presets::new(Some(PathBuf::from("/presets")));
        for name in ["", "..", "../other", "a/b", "a\\b", ".hidden", "a\0b"] {
            assert!(presets.path(name).is_err(), "{name}");
        }
        let path = presets.path("My kit, 2nd day").unwrap();
        assert_eq!(path, PathBuf::from("/presets/My kit, 2nd day.unspill.json"));
    }
}
