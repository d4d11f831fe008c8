//! Tests of the texts about mics, network and mode, and of the space for sixteen mics.

use egui_kittest::kittest::Queryable;
use engine::Mode;
use engine::network::{Model, ModelSource};
use test_signals::Noise;

use super::{Desk, MICS, kit, play, running_by};
use crate::classes::{Class, Unspill8, Unspill16, UnspillTrack};
use crate::live::LiveSession;
use crate::testing::set_by_id;

#[test]
fn with_fewer_than_two_mics_the_window_says_how_to_route_more() {
    let mut desk = Desk::new(&Unspill8::DESC, &[]);
    assert!(desk.is_said("No signal yet"));
    assert!(desk.is_said("Send every mic of the room to an input of its own"));
    let _session = desk.hear(1, "REAPER");
    assert!(desk.is_said("Only one mic has a signal"));
    assert!(desk.is_said("REAPER: give this track a channel for every mic"));
    let _session = desk.hear(2, "REAPER");
    assert!(!desk.is_said("Only one mic has a signal") && !desk.is_said("REAPER"));

    let mut desk = Desk::new(&UnspillTrack::DESC, &[]);
    // Both sides of a stereo track are one mic.
    let _session = desk.hear(2, "Ableton Live 12 Suite");
    assert!(desk.is_said("Only one mic has a signal"));
    assert!(desk.is_said("Live: open the device\u{2019}s \u{201c}side-chain section\u{201d}"));
}

#[test]
fn it_is_said_when_rules_clean_in_the_networks_place() {
    let mut desk = kit();
    let _session = desk.hear(MICS.len(), "");
    assert!(!desk.is_said("built-in rules"));

    let model = Model::new(ModelSource {
        id: "band-t".into(),
        version: "1.2.3".into(),
        config: models::released().unwrap().model.config(),
        mics: 1..=16,
        weights: b"no weights".as_slice().into(),
    });
    let mut session = running_by(desk.params.class, &desk.live, Some(&model.unwrap()));
    // From here on the session is watched.
    desk.window.run_steps(1);
    for _ in 0..16 {
        play(&mut session, desk.params.class, |_| 0.25);
    }
    desk.window.run_steps(3);
    let said =
        "Network band-t 1.2.3 does not work: using built-in rules instead; less bleed is removed";
    assert!(desk.is_said(said));

    let without = desk.live.session().map(|session| LiveSession { model: None, ..session });
    desk.live.replace(without);
    desk.window.run_steps(2);
    assert!(desk.is_said("No network could be loaded: using built-in rules instead"));
    assert!(desk.is_said("no network"));
}

#[test]
fn two_mics_of_the_same_sound_are_named() {
    let mut desk = kit();
    let mut session = desk.hear(MICS.len(), "");
    let mut noise: [Noise; 16] =
        std::array::from_fn(|mic| Noise::new(if mic == 2 { 7 } else { 1 }));
    for _ in 0..16 {
        play(&mut session, desk.params.class, |mic| {
            let sample = 0.5 * noise[mic].draw();
            // The second and the fourth mic have the same signal; the third has another.
            if (1..=3).contains(&mic) { sample } else { 0.0 }
        });
    }
    desk.window.run_steps(3);
    let names = [1, 3].map(|strip| desk.name(strip));
    let [second, fourth] = names;
    assert!(desk.is_said(&format!("{second} and {fourth} carry the same sound")));
}

#[test]
fn it_is_said_while_another_mode_runs_than_was_chosen() {
    let mut desk = kit();
    let _session = desk.hear(MICS.len(), "");
    assert!(!desk.is_said("Running in"));
    set_by_id(&desk.params, "mode", "Mix");
    desk.window.run_steps(2);
    assert!(desk.is_said("Running in Live. For Mix, restart the plugin or load the session again"));
    let anew = desk.live.session().map(|session| LiveSession { mode: Mode::Mix, ..session });
    desk.live.replace(anew);
    desk.window.run_steps(2);
    assert!(!desk.is_said("Running in"));
}

#[test]
fn sixteen_mics_are_seen_at_once_in_a_window_as_it_opens() {
    const KIT: [&str; 16] = [
        "Kick",
        "Kick",
        "Snare",
        "Snare",
        "Hi-hat",
        "Tom",
        "Tom",
        "Tom",
        "Ride",
        "Cymbals",
        "Overhead",
        "Overhead",
        "Room",
        "Room",
        "Percussion",
        "Vocal",
    ];
    let desk = Desk::new(&Unspill16::DESC, &KIT);
    let spectrum = desk.window.get_all_by_label("Removed").map(|node| node.rect().top());
    let spectrum = spectrum.fold(0.0, f32::max);
    for strip in 0..KIT.len() {
        let row = desk.node(&format!("Place of {}", desk.name(strip))).rect();
        assert!(row.bottom() < spectrum && row.height() > 15.0, "{strip}: {row:?} of {spectrum}");
    }
}
