//! Tests of the mics' rows: names, order, links, selections.

use egui::{Event, Key, Modifiers, vec2};
use nice_plug::prelude::Param;

use super::{Desk, MICS, kit};
use crate::editor::mics::AMOUNT_WIDTH;
use crate::editor::tests::Told;
use crate::testing::set_by_id;

#[test]
fn a_mic_is_renamed_by_double_click_and_f2_and_an_empty_name_is_taken_back() {
    let mut desk = kit();
    let at = desk.middle("Name of Snare");
    for pressed in [true, false, true, false] {
        desk.button(at, pressed);
    }
    desk.window.run_steps(2);
    desk.type_text("Snare oben");
    assert_eq!(desk.name(1), "Snare oben");
    assert!(desk.is_said("Remove Kick from Snare oben"), "the matrix follows");
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("Snare  unten ");
    assert_eq!(desk.name(1), "Snare unten");
    desk.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.name(1), "Snare oben");
    // Escape discards the text.
    desk.press(Modifiers::NONE, Key::F2);
    desk.window.event(Event::Text("nothing".to_owned()));
    desk.window.run_steps(1);
    desk.press(Modifiers::NONE, Key::Escape);
    assert_eq!(desk.name(1), "Snare oben");
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("");
    assert_eq!(desk.name(1), "Snare");
    assert_eq!(desk.params.saved.arranged.now().name(1), None);
    assert_eq!(desk.host.told(), [], "no parameter is touched");
}

#[test]
fn rows_are_moved_with_pointer_and_keys_and_nothing_else_changes() {
    let mut desk = kit();
    assert_eq!(desk.shown(), MICS);
    let (from, to) = (desk.middle("Place of Bass"), desk.middle("Place of Snare"));
    desk.drag(from, to - vec2(0.0, 10.0));
    assert_eq!(desk.shown(), ["Kick", "Bass", "Snare", "Hi-hat"]);
    let column = |desk: &Desk, name: &str| desk.middle(&format!("Column of {name}")).x;
    assert!(column(&desk, "Bass") < column(&desk, "Snare"), "the matrix follows");
    // The first row is selected.
    desk.press(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(desk.shown(), ["Bass", "Kick", "Snare", "Hi-hat"]);
    desk.node("Place of Hi-hat").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(desk.shown(), ["Bass", "Kick", "Hi-hat", "Snare"]);
    for order in [["Bass", "Kick", "Snare", "Hi-hat"], ["Kick", "Bass", "Snare", "Hi-hat"], MICS] {
        desk.press(Modifiers::COMMAND, Key::Z);
        assert_eq!(desk.shown(), order);
    }
    assert_eq!(desk.host.told(), [], "no parameter is touched");
}

#[test]
fn linked_mics_keep_their_distance_and_are_held_together() {
    let mut desk = kit();
    desk.click("Name of Kick", Modifiers::NONE);
    desk.click("Name of Hi-hat", Modifiers::COMMAND);
    desk.press(Modifiers::COMMAND, Key::L);
    desk.click("Name of Bass", Modifiers::NONE);
    set_by_id(&desk.params, "mic3_amount", "80");
    assert_eq!(desk.host.told(), []);
    let at = desk.middle("Kick Amount");
    desk.drag(at, at - vec2(0.5 * AMOUNT_WIDTH, 0.0));
    let (kick, hat) = (desk.value(desk.amount(0)), desk.value(desk.amount(2)));
    assert!((kick - 0.5).abs() < 1e-3 && (hat - 0.3).abs() < 1e-3, "{kick} {hat}");
    assert_eq!(desk.value(desk.amount(1)), 1.0);
    let told = desk.host.told();
    let both =
        [0, 2].map(|strip: usize| desk.params.mics[strip].output.as_ref().unwrap().amount.as_ptr());
    assert_eq!(told[..2], both.map(Told::Begin));
    assert_eq!(told[told.len() - 2..], both.map(Told::End));
    assert!(told[2..told.len() - 2].iter().all(|told| matches!(told, Told::Set(..))), "{told:?}");
    // A typed value moves the other by the same distance.
    desk.node("Hi-hat Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("35");
    assert!((desk.value(desk.amount(0)) - 0.55).abs() < 1e-3);
    // A click on the mark removes the link.
    desk.click("Unlink Kick", Modifiers::NONE);
    assert_eq!(desk.params.saved.arranged.now().link_of(2), None);
}

#[test]
fn chosen_mics_are_dragged_together() {
    let mut desk = kit();
    desk.click("Name of Snare", Modifiers::NONE);
    desk.click("Name of Bass", Modifiers::SHIFT);
    assert_eq!(desk.window.state().rows.together, [1, 2, 3]);
    desk.click("Name of Hi-hat", Modifiers::COMMAND);
    assert_eq!(desk.window.state().rows.together, [1, 3]);
    let at = desk.middle("Bass Amount");
    desk.drag(at, at - vec2(0.5 * AMOUNT_WIDTH, 0.0));
    let amounts = [0, 1, 2, 3].map(|strip| (100.0 * desk.value(desk.amount(strip))).round());
    assert_eq!(amounts, [100.0, 50.0, 100.0, 50.0]);
    let told = desk.host.told();
    let begins = told.iter().take_while(|told| matches!(told, Told::Begin(_))).count();
    let ends = told.iter().rev().take_while(|told| matches!(told, Told::End(_))).count();
    assert_eq!((begins, ends), (2, 2), "{told:?}");
    // A typed value applies to all selected mics.
    desk.node("Bass Amount").focus();
    desk.window.run_steps(2);
    desk.press(Modifiers::NONE, Key::Enter);
    desk.type_text("20");
    let amounts = [0, 1, 2, 3].map(|strip| (100.0 * desk.value(desk.amount(strip))).round());
    assert_eq!(amounts, [100.0, 20.0, 100.0, 20.0]);
}

#[test]
fn a_and_b_have_names_and_orders_of_their_own() {
    let mut desk = kit();
    desk.press(Modifiers::ALT, Key::ArrowDown);
    desk.click("B", Modifiers::NONE);
    desk.press(Modifiers::NONE, Key::F2);
    desk.type_text("Bassdrum");
    desk.click("A", Modifiers::NONE);
    assert_eq!(desk.shown(), ["Snare", "Kick", "Hi-hat", "Bass"]);
    desk.click("B", Modifiers::NONE);
    assert_eq!(desk.shown(), ["Snare", "Bassdrum", "Hi-hat", "Bass"]);
}

#[test]
fn a_cell_shows_level_and_removal_at_once() {
    let mut desk = kit();
    let _session = super::contrast::fill_matrix(&mut desk);
    let texts = |desk: &Desk| super::contrast::texts(desk, "Remove Kick from Snare");
    let level = texts(&desk);
    assert!(level.len() == 1 && level[0].starts_with('\u{2212}'), "{level:?}");
    set_by_id(&desk.params, "pair2_1", "40");
    desk.window.run_steps(2);
    assert_eq!(texts(&desk), [level[0].clone(), "40 %".to_owned()]);
}
