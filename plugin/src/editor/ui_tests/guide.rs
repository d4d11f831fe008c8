//! Tests of the first steps, of settings by name, and of the state of the bleed map.

use std::sync::Arc;

use egui::{Key, Modifiers};
use engine::{
    Controls, Estimates, Learned, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod,
};
use link::Lesson;
use test_signals::Noise;

use super::{Desk, MICS, kit, play, running};
use crate::classes::{Class, Unspill8};
use crate::testing::set_by_id;

fn steps(desk: &Desk) -> Vec<bool> {
    ["Route", "Name the mics", "Play", "Learn"]
        .iter()
        .zip(1..)
        .map(|(text, number)| {
            let is_done = desk.is_said(&format!("Step {number}, {text}: done"));
            assert!(is_done || desk.is_said(&format!("Step {number}, {text}: to do")), "{text}");
            is_done
        })
        .collect()
}

fn rename(desk: &mut Desk, names: &[&str]) {
    let mut arrangement = desk.params.saved.arranged.now().clone();
    for (strip, name) in names.iter().enumerate() {
        arrangement.rename(strip, name);
    }
    desk.params.saved.arranged.change(arrangement);
    desk.window.run_steps(2);
}

#[test]
fn steps_tick_themselves_off_and_go_when_the_last_is_done() {
    let mut desk = Desk::new(&Unspill8::DESC, &[]);
    assert_eq!(steps(&desk), [false; 4]);
    let mut session = desk.hear(2, "");
    assert_eq!(steps(&desk), [true, false, false, false]);
    rename(&mut desk, &["Anna", "Berta"]);
    assert_eq!(steps(&desk), [true, true, false, false]);
    assert!(!desk.is_said("Ready") && desk.is_said("Listening"));

    // Two sources, each with bleed in the other's mic.
    let mut noise = [Noise::new(1), Noise::new(2)];
    let mut hop = 0;
    let mut sound = |session: &mut Session| {
        let on = hop / 20 % 2;
        hop += 1;
        let mut block = vec![[0.0; 2]; 512];
        for samples in &mut block {
            let own = 0.3 * noise[on].draw();
            *samples = [own, own];
            samples[1 - on] *= 0.2;
        }
        let mut at = [0; 2];
        play(session, desk.params.class, |mic| {
            let Some(at) = at.get_mut(mic) else { return 0.0 };
            *at += 1;
            block[*at - 1][mic]
        });
    };
    for _ in 0..1_200 {
        sound(&mut session);
        desk.window.run_steps(1);
    }
    assert_eq!(steps(&desk), [true, true, true, false]);
    assert!(desk.is_said("Ready"));
    let learned = passage(16, 6);
    desk.params.saved.kept.learn(&Arc::new(Lesson::now(Some(learned), Vec::new())));
    desk.window.run_steps(2);
    assert!(!desk.is_said("Step 1"));
    // A new passage brings the line back.
    set_by_id(&desk.params, "learn", "On");
    desk.window.run_steps(2);
    assert_eq!(steps(&desk), [true, true, true, false]);
}

#[test]
fn hidden_steps_stay_hidden_with_the_session() {
    let mut desk = Desk::new(&Unspill8::DESC, &[]);
    desk.click("Hide", Modifiers::NONE);
    assert!(!desk.is_said("Step 1"));
    let saved = desk.params.saved.fields();
    let other = Desk::new(&Unspill8::DESC, &[]);
    assert!(other.is_said("Step 1"));
    other.params.saved.load(&saved, 8);
    let mut other = other;
    other.window.run_steps(2);
    assert!(!other.is_said("Step 1"));
    // A session without the field shows them.
    other.params.saved.load(&std::collections::BTreeMap::new(), 8);
    other.window.run_steps(2);
    assert!(other.is_said("Step 1"));
}

#[test]
fn one_click_sets_what_the_names_tell_and_undo_takes_it_back() {
    let mut desk = Desk::new(&Unspill8::DESC, &[]);
    let _session = desk.hear(3, "");
    assert!(!desk.is_said("Settings by name"));
    rename(&mut desk, &["Kick In", "Kick Out", "OH"]);
    desk.click("Settings by name", Modifiers::NONE);
    let mics = &desk.params.mics;
    let found = [0, 1, 2].map(|strip: usize| {
        let (mic, edits) = (&mics[strip], &desk.window.state().edits);
        let text = |index| edits.text(index, edits.value(index));
        let shown = [
            text(edits.index(&mic.instrument)),
            text(edits.index(&mic.role)),
            text(edits.index(&mic.group)),
        ];
        shown.join(" ")
    });
    assert_eq!(found, ["Kick Close A", "Kick Close A", "Overhead Room None"]);
    assert!(!desk.is_said("Settings by name"));
    desk.press(Modifiers::COMMAND, Key::Z);
    assert!(desk.is_said("Settings by name"));
}

#[test]
fn undo_and_redo_tell_what_they_do() {
    let mut desk = kit();
    let hint = |desk: &mut Desk, button: &str| {
        desk.node(button).hover();
        desk.window.run_steps(8);
    };
    let at = desk.middle("Snare Amount");
    desk.drag(at, at - egui::vec2(20.0, 0.0));
    hint(&mut desk, "Undo");
    assert!(desk.is_said("Undo: Snare Amount (Ctrl+Z)"));
    desk.press(Modifiers::COMMAND, Key::Z);
    hint(&mut desk, "Redo");
    assert!(desk.is_said("Redo: Snare Amount (Ctrl+Shift+Z)"));
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("Bassdrum");
    hint(&mut desk, "Undo");
    assert!(desk.is_said("Undo: names, order or links of mics"));
}

#[test]
fn the_fall_of_the_bleed_is_that_of_the_quiet_parts() {
    let mut desk = kit();
    let mut session = running(desk.params.class, &desk.live);
    desk.window.run_steps(1);
    let mut noise = [Noise::new(1), Noise::new(2)];
    for hop in 0..1_500 {
        // Each source plays half of the time and is 14 dB softer in the other's mic.
        let on = hop / 30 % 2;
        let mut left = [0.0; 512];
        left.fill_with(|| 0.3 * noise[on].draw());
        let mut at = [0; 16];
        play(&mut session, desk.params.class, |mic| {
            at[mic] += 1;
            let own = left[at[mic] - 1];
            if mic == on {
                own
            } else if mic < 2 {
                0.2 * own
            } else {
                0.0
            }
        });
        desk.window.run_steps(1);
    }
    let levels = &desk.window.state().scene.strips[0];
    let quiet_db = levels.quiet_change_db().unwrap();
    assert!(quiet_db < -10.0, "{quiet_db}");
    assert!(desk.window.state().scene.strips[3].quiet_change_db().is_none());
    set_by_id(&desk.params, "listen", "Dry");
    let quiet_db = desk.window.state().scene.strips[0].quiet_change_db().unwrap();
    assert!(quiet_db < -10.0, "the choice of Listen does not matter");
}

/// Learns a passage of noise in all mics but the third.
fn passage(num_mics: usize, seconds: usize) -> Arc<Learned> {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics,
        mode: Mode::Live,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let controls = Controls { estimates: Estimates::Learning, ..Controls::default() };
    let method = SessionMethod::Own { model: None, learned: None };
    let mut session = Session::prepare(&config, &controls, method).unwrap();
    let noise = |seed: u32| Noise::new(seed).samples(seconds * 48_000, 0.2);
    let mut mics: Vec<Vec<f32>> = (1..).take(num_mics).map(noise).collect();
    mics[2].fill(0.0);
    let mut slices: Vec<_> = mics.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
    let learner = session.learner();
    session.finish();
    learner.collect().unwrap()
}

#[test]
fn a_learned_passage_tells_its_length_and_the_mics_that_were_silent() {
    for (seconds, said) in [
        (11, "Nothing is learned for Hi-hat: learn again, or choose Follow"),
        (3, "The learned passage has only 3 s of sound: learn ten seconds or more"),
    ] {
        let mut desk = kit();
        let mut session = desk.hear(MICS.len(), "");
        let num_mics = desk.live.session().unwrap().monitor.num_mics();
        let learned = passage(num_mics, seconds);
        let kept = &desk.params.saved.kept;
        kept.learn(&Arc::new(Lesson::now(Some(Arc::clone(&learned)), Vec::new())));
        session.learner().give(Some(learned));
        let controls = Controls { estimates: Estimates::Learned, ..Controls::default() };
        session.set_controls(&controls);
        for _ in 0..16 {
            play(&mut session, desk.params.class, |mic| if mic < MICS.len() { 0.25 } else { 0.0 });
        }
        desk.window.run_steps(3);
        let length = format!("Learned from 0:{seconds:02}");
        let state = session.learner().state();
        assert!(desk.is_said(&length), "{seconds} {state:?}");
        assert!(desk.is_said(said), "{seconds}");
        assert!(!desk.is_said("Ready") && !desk.is_said("Listening"));
    }
}
