//! Advice for a window with few or no mics.

use egui::{Align, Align2, Id, Layout, Rect, RichText, Sense, Ui, UiBuilder, pos2, vec2};

use super::reorder::link_button;
use super::strips::ICON;
use crate::classes::Topology;
use crate::daw::Daw;
use crate::editor::access::Access;
use crate::editor::controls::{focus_ring, name};
use crate::editor::scene::Scene;
use crate::editor::theme;

/// Draws the line below the rows, of which `shown` are shown.
pub(super) fn foot(ui: &mut Ui, rect: Rect, shown: usize, access: &mut Access<'_>) {
    let scene = access.scene;
    let params = scene.params();
    let there = (0..params.class.num_strips).filter(|&strip| scene.exists(strip)).count();
    let used = (0..there).filter(|&strip| scene.is_used(strip)).count();
    let at = rect.left_center() + vec2(ICON, 2.0);
    if used < there && scene.tracks().is_none() {
        let text = if access.rows.show_all {
            "Hide inputs without a signal".to_owned()
        } else {
            format!("{} more inputs without a signal", there - shown)
        };
        let place = Rect::from_min_size(pos2(rect.left(), rect.top() + 3.0), vec2(210.0, 20.0));
        let response = ui.interact(place, Id::unique("show all"), Sense::click());
        let ink = if response.hovered() { theme::TEXT } else { theme::DIM };
        ui.painter().text(at, Align2::LEFT_CENTER, &text, theme::regular(12.0), ink);
        name(&response, &text, access.rows.show_all);
        focus_ring(ui, place, &response);
        let hint = "Inputs that have had no signal yet and have no name";
        if response.on_hover_text(hint).clicked() {
            access.rows.show_all = !access.rows.show_all;
        }
    }
    if scene.tracks().is_none() {
        link_button(ui, rect, access);
    }
    if num_heard(scene) == 1 && shown > 1 {
        let at = rect.left_center() + vec2(226.0, 2.0);
        let font = theme::regular(12.0);
        let text = if scene.tracks().is_some() { ONE_TRACK_PLAYS } else { ONE_MIC };
        ui.painter().text(at, Align2::LEFT_CENTER, text, font, theme::BLEED);
    }
}

fn num_heard(scene: &Scene) -> usize {
    let strips = 0..scene.params().class.num_strips;
    strips.filter(|&strip| scene.was_heard(strip)).count()
}

/// Draws advice below the rows while there are no mics to compare.
pub(super) fn advice(ui: &mut Ui, rect: Rect, shown: usize, scene: &Scene) {
    let topology = scene.params().class.topology;
    let (title, colour, first) = match (shown, num_heard(scene)) {
        (0, _) if topology == Topology::Linked => ("Not linked yet", theme::TEXT, NOT_LINKED),
        (1, _) if topology == Topology::Linked => ("One track is linked", theme::BLEED, ONE_TRACK),
        (0, _) => ("No signal yet", theme::TEXT, NOTHING),
        (1, 1) => ("Only one mic has a signal", theme::BLEED, ONE_MIC),
        _ => return,
    };
    let more = match topology {
        Topology::Linked => &MORE_TRACKS,
        Topology::Track => steps(scene.daw(), true),
        Topology::Buses | Topology::Channels => steps(scene.daw(), false),
    };
    let lines = [first].into_iter().chain(more.iter().copied());
    let width = rect.width().min(760.0);
    let height = 30.0 + 21.0 * lines.clone().count() as f32;
    let place = Rect::from_center_size(rect.center(), vec2(width, height.min(rect.height())));
    let layout = Layout::top_down(Align::Center);
    let mut block = ui.new_child(UiBuilder::new().max_rect(place).layout(layout));
    block.spacing_mut().item_spacing.y = 4.0;
    block.label(RichText::new(title).font(theme::semibold(18.0)).color(colour));
    for line in lines {
        block.label(RichText::new(line).font(theme::regular(13.5)).color(theme::DIM));
    }
}

const NOTHING: &str = "Start playback. Each mic appears here when it receives sound.";
const NOT_LINKED: &str = "The track appears here when the host starts the plugin.";
const ONE_TRACK: &str =
    "Put Unspill Link on the tracks of the other mics of the room, too, first in the chain.";
const ONE_TRACK_PLAYS: &str = "Unspill compares mics, and only one track has a signal.";
const MORE_TRACKS: [&str; 2] = [
    "All tracks with Unspill Link find each other. They need no sends and no side-chains.",
    "Tracks of another room or kit belong in a session of their own, B to H.",
];
const ONE_MIC: &str = "Unspill compares mics. Send the other mics of the room here, too.";

/// Returns the steps that connect mics in a DAW, in the words of the manual.
fn steps(daw: Daw, is_track: bool) -> &'static [&'static str] {
    match (daw, is_track) {
        (Daw::Reaper, false) => &[
            "REAPER: give this track a channel for every mic (\u{201c}Track channels\u{201d} in \
             its routing window).",
            "Send each mic\u{2019}s track to its own channel, pre-fader. In the \
             \u{201c}pin connector\u{201d}, inputs and outputs must lie on the diagonal.",
        ],
        (Daw::Reaper, true) => &[
            "REAPER: give this track more channels (\u{201c}Track channels\u{201d} in its routing \
             window).",
            "Send the other mics\u{2019} tracks to them, pre-fader. In the \
             \u{201c}pin connector\u{201d}, they are the inputs after the track\u{2019}s own.",
        ],
        (Daw::Ardour, false) => &[
            "Ardour: give this bus an input for every mic, eight at most, and connect the output \
             of each mic\u{2019}s track to one of them.",
            "\u{201c}Bypass\u{201d} the panner of the bus, which mixes the mics. \
             \u{201c}Pin Connections\u{201d} should show a straight line for each channel.",
        ],
        (Daw::Ardour, true) => &[
            "Ardour: add side-chain inputs in the plugin\u{2019}s \u{201c}Pin Connections\u{201d} \
             and connect the other mics\u{2019} tracks to them.",
        ],
        (Daw::Bitwig, false) => &[
            "Bitwig Studio: put \u{201c}Unspill Link\u{201d} on the track of each mic instead.",
            "The tracks find each other, without side-chains.",
        ],
        (Daw::Bitwig, true) => &[
            "Bitwig Studio: choose the mic that bleeds most as this device\u{2019}s \
             \u{201c}side-chain\u{201d}; it arrives as mic 2.",
            "If your version offers more side-chains for this device, each one is a further mic.",
        ],
        (Daw::Cubase, false) => &[
            "Cubase and Nuendo: put \u{201c}Unspill Link\u{201d} on the track of each mic instead.",
            "The tracks find each other, without side-chains.",
        ],
        (Daw::Cubase, true) => &[
            "Cubase and Nuendo: switch this plugin\u{2019}s \u{201c}side-chains\u{201d} on.",
            "Send each of the other mics to one of them, pre-fader. Up to seven are possible.",
        ],
        (Daw::Live, false) => &[
            "Live: put \u{201c}Unspill Link\u{201d} on the track of each mic instead.",
            "The tracks find each other, without side-chains.",
        ],
        (Daw::Live, true) => {
            &["Live: open the device\u{2019}s \u{201c}side-chain section\u{201d} and choose the \
             track of the mic that bleeds most, \u{201c}Pre FX\u{201d}."]
        }
        (Daw::Other, false) => &[
            "Send every mic of the room to an input of its own, before any compressor, gate or \
             equaliser.",
            "The manual has the steps for REAPER, Ardour, Bitwig Studio, Cubase and Live.",
        ],
        (Daw::Other, true) => &[
            "Send the other mics of the room to this plugin\u{2019}s side-chains, before any \
             compressor, gate or equaliser.",
            "The manual has the steps for REAPER, Ardour, Bitwig Studio, Cubase and Live.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts in quotation marks occur in the manual's chapter on that DAW.
    #[test]
    fn the_steps_are_those_of_the_manual() {
        let manual = include_str!("../../../../docs/manual.md").to_lowercase();
        for (daw, title) in [
            (Daw::Reaper, "reaper"),
            (Daw::Ardour, "ardour"),
            (Daw::Bitwig, "bitwig studio"),
            (Daw::Cubase, "cubase and nuendo"),
            (Daw::Live, "live"),
        ] {
            let (_, chapter) = manual.split_once(&format!("\n### {title}\n")).unwrap();
            let chapter = chapter.split("\n##").next().unwrap();
            for is_track in [false, true] {
                let text = steps(daw, is_track).join(" ").to_lowercase();
                assert!(text.starts_with(title), "{text}");
                let quoted: Vec<_> =
                    text.split('\u{201c}').skip(1).map(|rest| rest.split('\u{201d}')).collect();
                assert!(!quoted.is_empty(), "{text}");
                for mut words in quoted {
                    let words = words.next().unwrap();
                    assert!(chapter.contains(words), "{title}: {words}");
                }
            }
        }
    }
}
