//! Tests of the messages about linked tracks.

use link::Label;

use super::*;

/// Returns members on tracks of these names, each with one mic, all in one process.
fn members(names: &[&str]) -> Vec<MemberInfo> {
    let member = |(at, name): (usize, &&str)| MemberInfo {
        id: at as u128 + 1,
        sheet: link::Sheet::default(),
        label: Label { name: (*name).to_owned(), colour: None },
        process: 7,
        num_sides: 1,
        mics: at..at + 1,
        state: MemberState::Playing,
        alone_from_s: None,
    };
    names.iter().enumerate().map(member).collect()
}

fn told(roster: &[MemberInfo]) -> Option<String> {
    problem(roster, Some(1), |member| member.label.name.clone())
}

#[test]
fn every_state_is_told_in_the_bottom_line_and_in_its_row() {
    for (state, line, row) in [
        (MemberState::OtherRate(44_100.0), "Another sample rate: Snare, Vox", "44.1 kHz"),
        (
            MemberState::Misaligned(0.0421),
            "Snare is 42 ms too late and not used. Check the delay compensation of its track.",
            "42 ms too late",
        ),
        (
            MemberState::Misaligned(-0.1),
            "Snare is 100 ms too early and not used. Check the delay compensation of its track.",
            "100 ms too early",
        ),
        (MemberState::Late(0.0042), "Snare is late by 4.2 ms", "late by 4.2 ms"),
        (
            MemberState::Unplaced,
            "The host states no position for Snare, Vox",
            "no position from the host",
        ),
        (
            MemberState::Elsewhere,
            "Plays another part of the timeline: Snare, Vox",
            "plays another part",
        ),
        (MemberState::Still, "Not playing: Snare, Vox", "not playing"),
    ] {
        let mut roster = members(&["Kick", "Snare", "Hat", "Vox"]);
        assert_eq!(told(&roster), None);
        roster[1].state = state;
        roster[3].state = state;
        assert_eq!(told(&roster).as_deref(), Some(line));
        assert_eq!(trouble_of(&roster[1]).as_deref(), Some(row));
        assert_eq!(trouble_of(&roster[0]), None);
    }
    let mut roster = members(&["Kick", "Snare"]);
    roster[1].state = MemberState::Kept;
    assert_eq!(told(&roster), None, "nothing is wrong");
    assert_eq!(trouble_of(&roster[1]).as_deref(), Some("last playback used"));
}

#[test]
fn tracks_without_a_free_mic_are_counted_with_the_mics_that_they_need() {
    let names: Vec<String> = (1..=16).map(|number| format!("Mic {number}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("Room");
    let line = "17 mics, but the network takes 16 at most: Room not cleaned";
    // No mic is left. Whether its two sides differ is unknown then.
    let mut roster = members(&names);
    (roster[16].mics, roster[16].num_sides, roster[16].state) = (0..0, 2, MemberState::NoRoom);
    assert_eq!(told(&roster).as_deref(), Some(line));
    assert_eq!(trouble_of(&roster[16]).as_deref(), Some("no free mic"));
    // One mic is left, which the others hear; the second side has none.
    names.remove(0);
    let mut roster = members(&names);
    (roster[15].num_sides, roster[15].state) = (2, MemberState::NoRoom);
    assert_eq!(told(&roster).as_deref(), Some(line));
}

#[test]
fn another_process_and_a_lone_render_are_told_before_silence() {
    let mut roster = members(&["Kick", "Snare", "Vox"]);
    roster[1].state = MemberState::Still;
    roster[2].alone_from_s = Some(75.5);
    let line = told(&roster).unwrap();
    assert!(line.starts_with("Vox was rendered without its neighbours from 1:15 on"), "{line}");
    roster[2].process = 8;
    let line = told(&roster).unwrap();
    assert_eq!(line, "In another process: Vox");
    // While nobody plays, silence is no news.
    let mut stopped = members(&["Kick", "Snare"]);
    stopped.iter_mut().for_each(|member| member.state = MemberState::Still);
    assert_eq!(told(&stopped), None);
}

#[test]
fn the_manual_lists_the_messages() {
    let manual = include_str!("../../../../docs/manual.md");
    for (state, name, text) in [
        (MemberState::OtherRate(44_100.0), "Vox", "Another sample rate: Vox"),
        (MemberState::Misaligned(0.12), "Vox", "Vox is 120 ms too late and not used"),
        (MemberState::Late(0.0042), "Vox", "Vox is late by 4.2 ms"),
        (MemberState::Unplaced, "Vox", "The host states no position for Vox"),
        (MemberState::Elsewhere, "Vox", "Plays another part of the timeline: Vox"),
        (MemberState::Still, "Tom 2", "Not playing: Tom 2"),
        (MemberState::Playing, "Vox", "In another process: Vox"),
    ] {
        let mut roster = members(&["Kick", name]);
        roster[1].state = state;
        if state == MemberState::Playing {
            roster[1].process = 8;
        }
        let line = told(&roster).unwrap();
        assert!(line.starts_with(text), "{line}");
        assert!(manual.contains(&format!("| {text} |")), "{text}");
    }
}
