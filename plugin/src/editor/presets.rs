//! Presets: ensembles to begin with, and the engineer's own as files.

use std::fs;
use std::path::{Path, PathBuf};

use egui::{self, Id, Popup, PopupCloseBehavior, Rect, ScrollArea, TextEdit, Ui};
use nice_plug::plugin::PluginState;
use nice_plug::prelude::Enum;

use super::controls::switch;
use super::edits::ParamIndex;
use super::{Editor, theme};
use crate::params::{GroupChoice, Instrument, RoleChoice};
use crate::state;

const ENDING: &str = "unspill.json";

/// One mic of an ensemble: what it stands at, and the group it shares its source with.
type Place = (Instrument, GroupChoice);

/// An ensemble, in the order its mics usually lie on a desk.
#[derive(Debug)]
struct Ensemble {
    name: &'static str,
    mics: &'static [Place],
    /// The most a mic is turned down, in dB; 0 for no limit.
    floor_db: f32,
}

use GroupChoice::{A, B, C, D, None as Alone};
use Instrument as I;

const ENSEMBLES: [Ensemble; 6] = [
    Ensemble {
        name: "Drum kit",
        mics: &[
            (I::Kick, A),
            (I::Kick, A),
            (I::Snare, B),
            (I::Snare, B),
            (I::HiHat, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Ride, Alone),
            (I::Overhead, C),
            (I::Overhead, C),
            (I::Room, D),
            (I::Room, D),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        name: "Drum kit, 8 mics",
        mics: &[
            (I::Kick, Alone),
            (I::Snare, A),
            (I::Snare, A),
            (I::HiHat, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Overhead, B),
            (I::Overhead, B),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        name: "Band",
        mics: &[
            (I::Vocal, Alone),
            (I::Guitar, Alone),
            (I::Bass, Alone),
            (I::Keys, Alone),
            (I::Kick, Alone),
            (I::Snare, Alone),
            (I::HiHat, Alone),
            (I::Overhead, Alone),
            (I::Tom, Alone),
            (I::Tom, Alone),
            (I::Vocal, Alone),
            (I::Guitar, Alone),
        ],
        floor_db: 0.0,
    },
    Ensemble {
        name: "String quartet",
        mics: &[
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Strings, Alone),
            (I::Room, A),
            (I::Room, A),
        ],
        floor_db: -18.0,
    },
    Ensemble {
        name: "Choir",
        mics: &[
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Vocal, Alone),
            (I::Piano, Alone),
            (I::Room, A),
            (I::Room, A),
        ],
        floor_db: -12.0,
    },
    Ensemble {
        name: "Podcast table",
        mics: &[(I::Vocal, Alone), (I::Vocal, Alone), (I::Vocal, Alone), (I::Vocal, Alone)],
        floor_db: -30.0,
    },
];

impl Ensemble {
    /// Which mic comes in where.
    fn explain(&self, ui: &mut Ui) {
        let names = Instrument::variants();
        ui.label("For mics that come in in this order:");
        for (number, (instrument, group)) in (1..).zip(self.mics) {
            let name = names[instrument.to_index()];
            let group = match group {
                Alone => String::new(),
                letter => format!(", group {}", GroupChoice::variants()[letter.to_index()]),
            };
            ui.colored_label(theme::DIM, format!("{number}  {name}{group}"));
        }
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

    /// Looks which files there are.
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
        let folder = self.folder.as_ref().ok_or("This system names no folder for presets")?;
        let is_plain = |c: char| c.is_alphanumeric() || " -_.()&+,'".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err(format!("\u{201c}{name}\u{201d} cannot be a preset's name"));
        }
        Ok(folder.join(format!("{name}.{ENDING}")))
    }
}

/// Where presets are kept on this system.
pub(super) fn user_folder() -> Option<PathBuf> {
    let from = |variable: &str| {
        std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
    };
    if cfg!(target_os = "windows") {
        Some(from("APPDATA")?.join("Unspill").join("Presets"))
    } else if cfg!(target_os = "macos") {
        Some(from("HOME")?.join("Library/Audio/Presets/Unspill/Unspill"))
    } else {
        let data = from("XDG_DATA_HOME").or_else(|| Some(from("HOME")?.join(".local/share")))?;
        Some(data.join("unspill/presets"))
    }
}

/// Writes all or nothing.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let half = path.with_extension("part");
    fs::write(&half, text)?;
    fs::rename(&half, path).inspect_err(|_| {
        // Nothing half-written stays behind.
        let _ = fs::remove_file(&half);
    })
}

impl Editor {
    /// Labels, roles, groups and limits of an ensemble; amounts go back to all.
    pub(super) fn take_ensemble(&mut self, number: usize) {
        let ensemble = &ENSEMBLES[number];
        let params = self.params();
        let mut values: Vec<(ParamIndex, f32)> = Vec::new();
        for (strip, mic) in params.mics.iter().enumerate() {
            let (instrument, group) =
                ensemble.mics.get(strip).copied().unwrap_or((I::Other, Alone));
            let hears_all = matches!(instrument, I::Overhead | I::Room);
            let role = if hears_all { RoleChoice::Room } else { RoleChoice::Close };
            let mut choose = |index: ParamIndex, choice: usize| {
                let steps = self.edits.num_choices(index) - 1;
                values.push((index, choice as f32 / steps as f32));
            };
            choose(self.edits.index(&mic.instrument), instrument.to_index());
            choose(self.edits.index(&mic.role), role.to_index());
            choose(self.edits.index(&mic.group), group.to_index());
            if let Some(output) = &mic.output {
                values.push((self.edits.index(&output.amount), 1.0));
                let floor = self.edits.index(&output.floor);
                let limit = self.edits.parse(floor, &format!("{} dB", ensemble.floor_db));
                let none = self.edits.default_value(floor);
                values.push((floor, limit.filter(|_| ensemble.floor_db < 0.0).unwrap_or(none)));
            }
        }
        values.extend(params.pairs.iter().map(|pair| (self.edits.index(&pair.amount), 1.0)));
        self.edits.set(&values);
    }

    pub(super) fn save_preset(&mut self) {
        let name = self.presets.new_name.trim().to_owned();
        let saved = self.presets.path(&name).and_then(|path| {
            let state = state::of(self.edits.params());
            let text = serde_json::to_string_pretty(&state).map_err(|error| error.to_string())?;
            write(&path, &text).map_err(|error| format!("Cannot write {}: {error}", path.display()))
        });
        match saved {
            Ok(()) => {
                self.message = None;
                self.presets.new_name.clear();
                self.presets.refresh();
            }
            Err(error) => self.message = Some(error),
        }
    }

    pub(super) fn load_preset(&mut self, name: &str) {
        let loaded = self.presets.path(name).and_then(|path| {
            let cannot =
                |error: &dyn std::fmt::Display| format!("Cannot read {}: {error}", path.display());
            let text = fs::read_to_string(&path).map_err(|error| cannot(&error))?;
            serde_json::from_str::<PluginState>(&text).map_err(|error| cannot(&error))
        });
        match loaded {
            Ok(state) => {
                self.message = None;
                let params = self.params();
                // What belongs to the session, not to how it is set up.
                let kept = [
                    self.edits.index(&params.bypass),
                    self.edits.index(&params.estimates),
                    self.edits.index(&params.learn),
                ];
                let class = params.class;
                let arrangement = state::arrangement_of(&state, class.num_strips);
                let values = state::normalized(class, state);
                let all = self.edits.all().zip(values);
                let values: Vec<_> = all.filter(|(index, _)| !kept.contains(index)).collect();
                match arrangement {
                    Some(arrangement) => self.edits.set_and_arrange(&values, arrangement),
                    None => self.edits.set(&values),
                }
            }
            Err(error) => self.message = Some(error),
        }
    }

    pub(super) fn presets_menu(&mut self, ui: &mut Ui, rect: Rect) {
        let response = switch(ui, rect, Id::unique("presets"), "Presets", None)
            .on_hover_text("Ensembles to begin with, and settings of your own");
        if response.clicked() {
            self.presets.refresh();
        }
        let menu = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        menu.show(|ui| {
            ui.set_min_width(230.0);
            ui.colored_label(theme::DIM, "Ensembles");
            for (number, ensemble) in ENSEMBLES.iter().enumerate() {
                let response = ui.selectable_label(false, ensemble.name);
                if response.on_hover_ui(|ui| ensemble.explain(ui)).clicked() {
                    self.take_ensemble(number);
                    ui.close();
                }
            }
            ui.separator();
            ui.colored_label(theme::DIM, "Your own");
            let names = self.presets.names.clone();
            ScrollArea::vertical().max_height(220.0).show(ui, |ui| {
                for name in &names {
                    let hint = "Everything but Bypass, Estimates and what was learned";
                    if ui.selectable_label(false, name).on_hover_text(hint).clicked() {
                        self.load_preset(name);
                        ui.close();
                    }
                }
            });
            ui.horizontal(|ui| {
                let field = TextEdit::singleline(&mut self.presets.new_name)
                    .hint_text("Name")
                    .desired_width(150.0);
                let field = ui.add(field).on_hover_text("What to save these settings as");
                let entered =
                    field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                let can = !self.presets.new_name.trim().is_empty();
                let save = ui
                    .add_enabled(can, egui::Button::new("Save"))
                    .on_hover_text(
                        "Write these settings to a file; one of the same name is replaced",
                    )
                    .on_disabled_hover_text("Type a name first");
                if save.clicked() || entered && can {
                    self.save_preset();
                }
            });
            if let Some(folder) = &self.presets.folder {
                let text = egui::RichText::new(folder.display().to_string()).size(10.5);
                ui.label(text.color(theme::FAINT));
            }
        });
    }
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
