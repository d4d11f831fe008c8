//! Tests of the window of linked tracks, with real members and their worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use engine::{
    Controls, Estimates, Learned, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod,
};
use link::Lesson;
use nice_plug::prelude::{AuxiliaryBuffers, Buffer};

use super::Desk;
use crate::audio::AudioPath;
use crate::buses::MicMap;
use crate::classes::{Class, UnspillLink};
use crate::guard::{Activation, HostTime};
use crate::linking;
use crate::live::Live;
use crate::params::{GroupChoice, Instrument, KeepChoice, ModeChoice, RoleChoice, UnspillParams};
use crate::testing::set_by_id;

/// An instance on a mono track.
struct Instance {
    params: Arc<UnspillParams>,
    live: Arc<Live>,
    path: AudioPath,
}

impl Instance {
    fn new(track: &str) -> Self {
        let params = Arc::new(UnspillParams::new(&UnspillLink::DESC));
        params.saved.arranged.track_is(track);
        params.saved.arranged.track_has_colour(0x00_40_80_c0);
        let live = Arc::<Live>::default();
        let mut path = AudioPath::new(&params, &live);
        let activation = Activation { max_block_samples: 512, ..Activation::default() };
        path.activate(&params, &UnspillLink::DESC.layouts[1], &activation);
        live.replace(path.live());
        live.watch(path.watcher());
        Self { params, live, path }
    }

    /// Plays a block at `sample` of the timeline.
    #[allow(unsafe_code, reason = "the framework's buffers are built from raw slices")]
    fn play(&mut self, sample: i64) {
        let map = MicMap::new(&UnspillLink::DESC, &UnspillLink::DESC.layouts[1]);
        self.params.block.set_time(&HostTime { timeline: Some(sample), steady: None });
        let mut samples = [0.25; 512];
        let mut main = Buffer::default();
        // SAFETY: the slice has this length and outlives the buffer.
        unsafe { main.set_slices(512, |slices| *slices = vec![&mut samples]) };
        let mut aux = AuxiliaryBuffers { inputs: &mut [], outputs: &mut [] };
        self.path.process(&self.params, &map, &mut main, &mut aux);
    }

    fn amount(&self) -> f32 {
        self.params.mics[0].output.as_ref().unwrap().amount.value()
    }
}

/// Instances on these tracks, and the window of the first one.
fn session(tracks: &[&str]) -> (tempfile::TempDir, Vec<Instance>, Desk) {
    let folder = tempfile::tempdir().unwrap();
    linking::use_folder(Some(&folder.path().join("link")));
    let instances: Vec<_> = tracks.iter().map(|track| Instance::new(track)).collect();
    linking::use_folder(None);
    let desk = Desk::of(Arc::clone(&instances[0].params), Arc::clone(&instances[0].live));
    (folder, instances, desk)
}

/// Draws pictures until `holds` does.
#[track_caller]
fn wait_for(desk: &mut Desk, label: &str, mut holds: impl FnMut(&Desk) -> bool) {
    let since = Instant::now();
    while !holds(desk) {
        assert!(since.elapsed() < Duration::from_secs(10), "{label}");
        std::thread::sleep(Duration::from_millis(10));
        desk.window.run_steps(1);
    }
}

fn has_row(desk: &Desk, name: &str) -> bool {
    desk.window.query_by_label(&format!("Place of {name}")).is_some()
}

#[test]
fn one_window_shows_and_edits_all_linked_tracks() {
    let (_folder, instances, mut desk) = session(&["Kick in", "Snare", "Vox"]);
    wait_for(&mut desk, "three rows", |desk| {
        ["Kick in", "Snare", "Vox"].iter().all(|name| has_row(desk, name))
    });
    assert!(desk.is_said("3 linked"));

    // A bar of another track's row.
    let bar = desk.middle("Snare Amount");
    desk.drag(bar, bar - vec2(33.0, 0.0));
    wait_for(&mut desk, "amount", |_| instances[1].amount() < 60.0);
    assert!(instances[1].amount() > 40.0, "{}", instances[1].amount());
    assert_eq!([instances[0].amount(), instances[2].amount()], [100.0; 2]);
    // The window's own track is a host parameter, with gestures.
    let bar = desk.middle("Kick in Amount");
    desk.drag(bar, bar - vec2(33.0, 0.0));
    wait_for(&mut desk, "own amount", |_| instances[0].amount() < 60.0);

    // A name, the mode of all, and a cell of the matrix.
    desk.node("Name of Vox").click();
    desk.window.run_steps(3);
    desk.press(Modifiers::NONE, egui::Key::F2);
    desk.type_text("Singer");
    let name = || instances[2].params.saved.arranged.now().name(0).map(str::to_owned);
    wait_for(&mut desk, "a name", |_| name().as_deref() == Some("Singer"));
    assert!(has_row(&desk, "Singer"));
    desk.click("Mix", Modifiers::NONE);
    wait_for(&mut desk, "mode", |_| {
        instances.iter().all(|instance| instance.params.mode.value() == ModeChoice::Mix)
    });
    let cell = desk.middle("Remove Snare from Singer");
    desk.drag(cell, cell + vec2(0.0, 70.0));
    let cells = || instances[2].params.saved.linked.as_ref().unwrap().cells();
    wait_for(&mut desk, "a cell", |_| !cells().is_empty());
    let snare = instances[1].params.saved.linked.as_ref().unwrap().identity().0;
    assert!((cells()[0].1 - 0.5).abs() < 0.1 && cells()[0].0 == snare, "{:?}", cells());
}

#[test]
fn tracks_that_do_not_play_are_named_and_those_that_left_are_gone() {
    let (_folder, mut instances, mut desk) = session(&["Kick", "Snare", "Vox"]);
    let mut sample = 0;
    let mut play = |instances: &mut [Instance]| {
        instances.iter_mut().for_each(|instance| instance.play(sample));
        sample += 512;
    };
    wait_for(&mut desk, "a silent track", |desk| {
        play(&mut instances[..2]);
        desk.is_said("Not playing: Vox")
    });
    wait_for(&mut desk, "all", |desk| {
        play(&mut instances);
        !desk.is_said("Not playing")
    });
    instances.pop();
    wait_for(&mut desk, "two rows", |desk| !has_row(desk, "Vox") && desk.is_said("2 linked"));
}

#[test]
fn tracks_that_do_not_play_are_named_in_the_order_of_the_rows() {
    let (_folder, mut instances, mut desk) = session(&["Kick", "Snare", "Vox"]);
    wait_for(&mut desk, "rows", |desk| has_row(desk, "Vox"));
    desk.node("Place of Vox").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, egui::Key::ArrowUp);
    let mut sample = 0;
    wait_for(&mut desk, "two silent tracks", |desk| {
        instances[0].play(sample);
        sample += 512;
        desk.is_said("Not playing: Vox, Snare")
    });
}

#[test]
fn tracks_without_names_are_numbered_by_their_rows() {
    let (_folder, _instances, mut desk) = session(&["", "Snare", ""]);
    wait_for(&mut desk, "rows", |desk| has_row(desk, "Snare") && has_row(desk, "Mic 3"));
    assert!(has_row(&desk, "Mic 1"));
    assert!(desk.is_said("Step 2, Name the mics: to do"));
    desk.node("Place of Mic 3").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, egui::Key::ArrowUp);
    wait_for(&mut desk, "new numbers", |desk| has_row(desk, "Mic 2") && !has_row(desk, "Mic 3"));
}

#[test]
fn settings_by_name_reach_all_linked_tracks() {
    let (_folder, instances, mut desk) = session(&["Kick In", "Kick Out", "OH L"]);
    wait_for(&mut desk, "rows", |desk| has_row(desk, "OH L") && has_row(desk, "Kick Out"));
    desk.click("Settings by name", Modifiers::NONE);
    let settings = |instance: &Instance| {
        let mic = &instance.params.mics[0];
        (mic.instrument.value(), mic.role.value(), mic.group.value())
    };
    let kick = (Instrument::Kick, RoleChoice::Close, GroupChoice::A);
    let overhead = (Instrument::Overhead, RoleChoice::Room, GroupChoice::None);
    wait_for(&mut desk, "settings", |_| {
        instances.iter().map(settings).collect::<Vec<_>>() == [kick, kick, overhead]
    });
    wait_for(&mut desk, "no offer", |desk| !desk.is_said("Settings by name"));
}

#[test]
fn a_track_that_came_after_the_passage_is_named() {
    let (_folder, instances, mut desk) = session(&["Kick", "Snare"]);
    wait_for(&mut desk, "rows", |desk| has_row(desk, "Snare"));
    let params = &instances[0].params;
    let kick = params.saved.linked.as_ref().unwrap().identity().0;
    let learned = learned_of(16);
    params.saved.kept.learn(&Arc::new(Lesson::now(Some(learned), vec![kick])));
    assert!(!desk.is_said("Nothing is learned"));
    set_by_id(params, "estimates", "Locked");
    wait_for(&mut desk, "a message", |desk| desk.is_said("Nothing is learned for Snare"));
}

/// Returns estimates of a session of silent mics.
fn learned_of(num_mics: usize) -> Arc<Learned> {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics,
        mode: Mode::Live,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let controls = Controls { estimates: Estimates::Learning, ..Controls::default() };
    let mut session =
        Session::prepare(&config, &controls, SessionMethod::Own { model: None, learned: None })
            .unwrap();
    let mut mics = vec![vec![0.25; 48_000]; num_mics];
    let mut slices: Vec<_> = mics.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
    let learner = session.learner();
    session.finish();
    learner.collect().unwrap()
}

#[test]
fn a_track_that_was_rendered_without_its_neighbours_is_named_until_all_play() {
    let (_folder, mut instances, mut desk) = session(&["Kick", "Snare"]);
    let mut sample = 75 * 48_000;
    let said = "Kick was rendered without its neighbours from 1:15 on";
    instances[0].params.block.set_renders(true);
    wait_for(&mut desk, said, |desk| {
        instances[0].play(sample);
        sample += 512;
        desk.is_said(said)
    });
    instances[0].params.block.set_renders(false);
    wait_for(&mut desk, "both play", |desk| {
        instances.iter_mut().for_each(|instance| instance.play(sample));
        sample += 512;
        !desk.is_said(said)
    });
    // The switch is in the menu of the session, and counts for all.
    desk.click("Session A", Modifiers::NONE);
    desk.click("Keep no neighbours", Modifiers::NONE);
    let choice = |instance: &Instance| instance.params.keep.as_ref().unwrap().value();
    wait_for(&mut desk, "off", |_| {
        instances.iter().all(|instance| choice(instance) == KeepChoice::Off)
    });
}

#[test]
fn a_window_begins_with_its_own_track() {
    let (_folder, instances, first) = session(&["Kick", "Snare", "Vox"]);
    drop(first);
    let mut desk = Desk::of(Arc::clone(&instances[2].params), Arc::clone(&instances[2].live));
    wait_for(&mut desk, "rows", |desk| has_row(desk, "Vox") && has_row(desk, "Kick"));
    desk.window.run_steps(1);
    assert_eq!(desk.window.state().rows.selected, 2);
    desk.node("Name of Kick").click();
    desk.window.run_steps(3);
    assert_eq!(desk.window.state().rows.selected, 0);
}

#[test]
fn a_track_alone_gets_advice() {
    let (_folder, _instances, mut desk) = session(&["Kick"]);
    wait_for(&mut desk, "a row", |desk| has_row(desk, "Kick"));
    assert!(desk.is_said("Put Unspill Link on the tracks of the other mics"));
}
