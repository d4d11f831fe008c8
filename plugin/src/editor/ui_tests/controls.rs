//! Tests of the keyboard, the tooltips and typed values.

use std::collections::BTreeSet;

use egui::{Key, Modifiers, Pos2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::{Desk, kit};

/// Returns all controls that the keyboard reaches, with their positions.
fn reached_with_tab(desk: &mut Desk) -> Vec<(String, Pos2)> {
    let mut reached: Vec<(String, Pos2)> = Vec::new();
    for _ in 0..120 {
        desk.press(Modifiers::NONE, Key::Tab);
        let focused = desk.window.query_by(|node| node.is_focused());
        let named =
            focused.and_then(|node| Some((node.accesskit_node().label()?, node.rect().center())));
        reached.extend(named.filter(|new| !reached.contains(new)));
    }
    reached
}

#[test]
fn every_control_is_reached_with_tab() {
    let mut desk = kit();
    let reached: BTreeSet<_> =
        reached_with_tab(&mut desk).into_iter().map(|(label, _)| label).collect();
    for label in [
        "Live",
        "Mix",
        "Clean",
        "Removed",
        "Dry",
        "Amount",
        "Bypass",
        "Follow",
        "Locked",
        "Hide",
        "Learn",
        "Presets",
        "A",
        "B",
        "Snare",
        "Place of Snare",
        "Snare Instrument",
        "Snare Role: Close",
        "Snare Group: \u{2013}",
        "Snare Amount",
        "Snare Max Reduction",
        "Snare Solo",
        "Snare Solo Removed",
        "Snare Bypass",
        "Column of Snare",
        "Before",
        "Remove Kick from Snare",
        "4 more inputs without a signal",
        "100 %",
    ] {
        assert!(reached.contains(label), "{label} is not among {reached:?}");
    }
}

/// Returns all texts in the window.
fn written(desk: &Desk) -> BTreeSet<String> {
    let nodes = desk.window.query_all_by(|_| true);
    let texts = nodes.flat_map(|node| [node.accesskit_node().label(), node.value()]);
    texts.flatten().collect()
}

#[test]
fn every_control_has_a_tooltip() {
    let mut desk = kit();
    let controls = reached_with_tab(&mut desk);
    assert!(controls.len() > 70, "{} controls", controls.len());
    for (label, at) in controls {
        desk.window.hover_at(Pos2::new(1100.0, 400.0));
        desk.window.run_steps(3);
        let before = written(&desk);
        desk.window.hover_at(at);
        desk.window.run_steps(8);
        let new = written(&desk).difference(&before).count();
        assert!(new > 0, "nothing is said of {label} at {at:?}");
    }
}

#[test]
fn tooltips_say_what_things_do() {
    let mut desk = kit();
    for (label, said) in [
        ("Snare Amount", "How much bleed is removed from Snare"),
        ("Name of Snare", "Double-click or F2 to rename"),
        ("Place of Snare", "Affects only the window"),
        ("Remove Kick from Snare", "Kick in Snare: no bleed found yet"),
        ("Learn", "Undo restores it"),
    ] {
        assert!(!desk.is_said(said));
        desk.node(label).hover();
        desk.window.run_steps(8);
        assert!(desk.is_said(said), "{label}");
        desk.window.hover_at(Pos2::new(1100.0, 400.0));
        desk.window.run_steps(3);
    }
}

#[test]
fn values_are_typed_with_and_without_their_units() {
    let mut desk = kit();
    let floor =
        desk.window.state().edits.index(&desk.params.mics[1].output.as_ref().unwrap().floor);
    for (label, index, typed, shown) in [
        ("Snare Amount", desk.amount(1), "40 %", "40.0 %"),
        ("Snare Amount", desk.amount(1), "62.5", "62.5 %"),
        ("Snare Max Reduction", floor, "24 dB", "-24.0 dB"),
        ("Snare Max Reduction", floor, "no limit", "No limit"),
    ] {
        desk.node(label).focus();
        desk.window.run_steps(2);
        desk.press(Modifiers::NONE, Key::Enter);
        desk.type_text(typed);
        let edits = &desk.window.state().edits;
        assert_eq!(edits.text(index, edits.value(index)), shown, "{typed}");
        assert_eq!(desk.window.state().edits.message, None);
    }
    desk.node("Snare Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("loud");
    assert_eq!(desk.value(desk.amount(1)), 0.625);
    let message = desk.window.state().edits.message.clone().unwrap();
    assert!(
        message.contains("\u{201c}loud\u{201d} is not a valid value. Example: 62.5 %"),
        "{message}"
    );
    desk.node("Snare Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::ArrowDown);
    assert!((desk.value(desk.amount(1)) - 0.615).abs() < 1e-6);
    desk.press(Modifiers::NONE, Key::Delete);
    assert_eq!(desk.value(desk.amount(1)), 1.0);
}
