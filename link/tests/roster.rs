//! The list of members, with their names and troubles.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::panel::Panel;
use common::{folder, join_with};
use engine::{Mode, SampleRate};
use link::segment::Folder;
use link::{
    Label, Line, MAX_LINKED_MICS, Member, MemberConfig, MemberState, MicSettings, Place, Stamp,
};

const BLOCK: usize = 512;

fn config() -> MemberConfig<'static> {
    common::config(Mode::Live, BLOCK)
}

fn join(folder: &Folder, config: &MemberConfig<'_>, name: &str) -> Member {
    let panel = Panel::default();
    panel.lock().label = Label { name: name.to_owned(), colour: None };
    join_with(folder, config, Arc::new(panel))
}

/// Calls a member with the block at `sample` of the timeline, or with one without a place.
fn call(member: &mut Member, sample: Option<usize>) {
    let place =
        sample.map(|sample| Place { line: Line::Timeline, sample: i64::try_from(sample).unwrap() });
    let stamp = Stamp { place, is_offline: false, settings: MicSettings::default() };
    member.process(&mut [&mut [0.1; BLOCK]], &stamp).unwrap();
}

/// Waits until the roster that `member` sees has these names and states, in any order, while
/// `play` gives the next block of every member.
#[track_caller]
fn expect(
    members: &mut [Member],
    expected: &[(&str, MemberState)],
    mut play: impl FnMut(&mut [Member]),
) {
    let began = Instant::now();
    loop {
        play(members);
        let mut roster: Vec<(String, MemberState)> = (members[0].roster().into_iter())
            .map(|member| (member.label.name, member.state))
            .collect();
        roster.sort_by(|a, b| a.0.cmp(&b.0));
        let is_same = roster.len() == expected.len()
            && roster.iter().zip(expected).all(|(a, b)| a.0 == b.0 && is_like(a.1, b.1));
        if is_same {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{roster:?}, expected {expected:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Late members are compared within a block.
fn is_like(a: MemberState, b: MemberState) -> bool {
    match (a, b) {
        (MemberState::Late(a), MemberState::Late(b)) => (a - b).abs() < 2.0 * 512.0 / 48_000.0,
        _ => a == b,
    }
}

#[test]
fn every_member_is_listed_with_its_name_and_state() {
    use MemberState::{Elsewhere, Late, Playing, Still, Unplaced};
    let (_temp, folder) = folder();
    let names = ["a kick", "b snare", "c late", "d still", "e elsewhere", "f unplaced"];
    let mut members: Vec<Member> =
        names.iter().map(|name| join(&folder, &config(), name)).collect();
    let still: Vec<_> = names.iter().map(|name| (*name, Still)).collect();
    expect(&mut members, &still, |_| {});
    let mut block = 100;
    let states = [Playing, Playing, Late(0.1), Still, Elsewhere, Unplaced];
    let expected: Vec<_> = names.into_iter().zip(states).collect();
    expect(&mut members, &expected, |members| {
        for _ in 0..20 {
            let sample = block * BLOCK;
            call(&mut members[0], Some(sample));
            call(&mut members[1], Some(sample));
            call(&mut members[2], Some(sample - 4800));
            call(&mut members[4], Some(sample + 48_000 * 60));
            call(&mut members[5], None);
            block += 1;
            std::thread::park_timeout(Duration::from_millis(1));
        }
    });
    members.truncate(2);
    expect(&mut members, &[("a kick", Still), ("b snare", Still)], |_| {});
}

#[test]
fn members_without_room_and_of_another_rate_are_listed_and_unused() {
    use MemberState::{NoRoom, OtherRate, Still};
    let (_temp, folder) = folder();
    // Stereo tracks without sound have one mic each.
    let mut members: Vec<Member> = (0..MAX_LINKED_MICS - 1)
        .map(|_| join(&folder, &MemberConfig { num_mics: 2, ..config() }, "pair"))
        .collect();
    members.push(join(&folder, &config(), "single"));
    let rate = SampleRate::new(44_100.0).unwrap();
    let _other = join(&folder, &MemberConfig { rate, ..config() }, "slow");
    let _absent = join(&folder, &MemberConfig { session: 1, ..config() }, "session B");
    let one_too_many = join(&folder, &MemberConfig { num_mics: 2, ..config() }, "too many");
    let mut expected = vec![("pair", Still); MAX_LINKED_MICS - 1];
    expected.extend([("single", Still), ("slow", OtherRate(44_100.0)), ("too many", NoRoom)]);
    expect(&mut members, &expected, |_| {});
    let roster = members[0].roster();
    let process = std::process::id();
    assert!(roster.iter().all(|member| member.process == process));
    let used: usize = roster.iter().map(|member| member.mics.len()).sum();
    assert_eq!(used, MAX_LINKED_MICS);
    // A free place goes to the one that waits.
    members.remove(0);
    let last = expected.len() - 1;
    expected[last].1 = Still;
    expected.remove(0);
    expect(&mut members, &expected, |_| {});
    drop(one_too_many);
}
