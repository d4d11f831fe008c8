//! Settings that linked members share: in one worker, in two, and in two processes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod common;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::panel::Panel;
use common::process::{FOLDER, Process, ROLE, say, wait};
use common::{Track, Watchdog, config, folder, join_with, mics, stamp};
use engine::{Controls, Mode, SampleRate, SessionMethod};
use link::segment::Folder;
use link::{Entry, Member, MemberConfig, MemberInfo, MemberState, PAIR_CODE};

const BLOCK: usize = 512;

fn join(folder: &Folder, mode: Mode, panel: &Arc<Panel>) -> Member {
    join_with(folder, &config(mode, BLOCK), panel.clone())
}

/// Waits until something is true.
#[track_caller]
fn expect(expected: &str, mut is_true: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < Duration::from_secs(30), "{expected}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Waits until a roster has as many members as there are panels, with the panels' sheets.
#[track_caller]
fn expect_sheets(member: &Member, panels: &[&Arc<Panel>]) {
    expect("the roster has everyone's sheet", || {
        let roster = member.roster();
        let has = |panel: &&Arc<Panel>| roster.iter().any(|info| info.sheet == panel.lock().sheet);
        roster.len() == panels.len() && panels.iter().all(has)
    });
}

fn pair(about: u128, value: f32) -> Entry {
    Entry { code: PAIR_CODE, about, value }
}

/// The part of the started process; without a role there is nothing to do.
#[test]
fn role_of_a_started_process() {
    if env::var(ROLE).is_err() {
        return;
    }
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let folder = Folder::at(Path::new(&env::var(FOLDER).unwrap())).unwrap();
    // The same identity as in the first process, taken later.
    let panel = Panel::new(1, 6);
    let member = join(&folder, Mode::Live, &panel);
    expect("the first process's change", || panel.shared() == (1, 0.5));
    // The first process may hang, or end soon.
    std::thread::park_timeout(Duration::from_millis(300));
    assert_eq!(panel.lock().sheet.identity, 1);
    say("still the same");
    expect("another identity", || panel.lock().sheet.identity == 1001);
    panel.set(0.75);
    expect("a request", || !panel.lock().requests.is_empty());
    let received = panel.lock().requests[0].clone();
    assert_eq!((received.target, received.entry), (member.id(), pair(1, 0.5)));
    say(received.text);
    wait();
}

#[test]
fn two_processes_share_settings_identities_and_requests() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let (_temp, folder) = folder();
    let panel = Panel::new(1, 5);
    let mut member = join(&folder, Mode::Live, &panel);
    // The settings of the first sheet are no change.
    expect_sheets(&member, &[&panel]);
    panel.set(0.5);
    let mut process = Process::start("board", &folder);
    process.expect("still the same");
    member.process(&mut [&mut [0.1; 512]], &stamp(0, false)).unwrap();
    expect("the second process's change", || panel.shared() == (2, 0.75));
    assert_eq!(panel.lock().sheet.identity, 1);
    let is_other = |info: &MemberInfo| info.sheet.identity == 1001;
    expect("its sheet", || member.roster().iter().any(is_other));
    let other = member.roster().into_iter().find(is_other).unwrap();
    assert_ne!(other.process, std::process::id());
    member.watcher().request(other.id, pair(1, 0.5), "a name");
    process.expect("a name");
    process.kill();
    expect("the killed member is forgotten", || member.roster().len() == 1);
    member.watcher().request(other.id, pair(1, 0.5), "too late");
    panel.set(0.25);
    expect("the session goes on", || panel.shared() == (3, 0.25));
}

#[test]
fn members_of_one_worker_of_other_modes_and_of_other_rates_share_settings() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let (_temp, folder) = folder();
    let panels: Vec<Arc<Panel>> = (1..=4).map(|identity| Panel::new(identity, 5)).collect();
    let rate = SampleRate::new(44_100.0).unwrap();
    let slow = MemberConfig { rate, num_mics: 2, ..config(Mode::Live, BLOCK) };
    let members = [
        join(&folder, Mode::Live, &panels[0]),
        join(&folder, Mode::Live, &panels[1]),
        join(&folder, Mode::Mix, &panels[2]),
        join_with(&folder, &slow, panels[3].clone()),
    ];
    let apart = MemberConfig { session: 1, ..config(Mode::Live, BLOCK) };
    let stranger = Panel::new(1, 1);
    let _apart = join_with(&folder, &apart, stranger.clone());
    for member in &members {
        expect_sheets(member, &panels.iter().collect::<Vec<_>>());
    }
    for (version, changed) in [(1, 1), (2, 2), (3, 3), (4, 0)] {
        let value = version as f32 / 8.0;
        panels[changed].set(value);
        expect("the change everywhere", || {
            panels.iter().all(|panel| panel.shared() == (version, value))
        });
    }
    for member in &members {
        expect_sheets(member, &panels.iter().collect::<Vec<_>>());
        let info = member.roster().into_iter().find(|info| info.id == members[3].id()).unwrap();
        assert_eq!(info.num_sides, 2);
    }
    assert!(panels[0].lock().num_renumberings == 1 && panels[1].lock().num_renumberings == 1);
    assert_eq!(stranger.shared(), (0, 0.0), "another session");
    let unused = members[0].roster().into_iter().find(|info| info.mics.is_empty()).unwrap();
    assert_eq!(unused.state, MemberState::OtherRate(44_100.0));
    // Requests: to oneself, within a worker, and to other workers.
    for (from, to) in [(0, 0), (0, 1), (1, 2), (2, 3), (3, 0)] {
        let text = format!("{from} to {to}");
        members[from].watcher().request(members[to].id(), pair(9, 0.5), &text);
        expect("the request", || panels[to].lock().requests.iter().any(|it| it.text == text));
    }
    let received: Vec<usize> = panels.iter().map(|panel| panel.lock().requests.len()).collect();
    assert_eq!(received, [2, 1, 1, 1]);
}

#[test]
fn of_two_members_with_one_identity_the_later_one_takes_another() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    for (first_mode, second_mode) in [(Mode::Live, Mode::Live), (Mode::Live, Mode::Mix)] {
        let (_temp, folder) = folder();
        let panels = [6, 5].map(|claimed| Panel::new(7, claimed));
        let first = join(&folder, first_mode, &panels[0]);
        let _second = join(&folder, second_mode, &panels[1]);
        expect("another identity", || panels[0].lock().sheet.identity == 1007);
        assert_eq!(panels[1].lock().sheet.identity, 7);
        expect_sheets(&first, &[&panels[0], &panels[1]]);
        // An instance that joins again, in another worker, keeps its identity.
        drop(first);
        let again = join(&folder, Mode::Mix, &panels[0]);
        expect_sheets(&again, &[&panels[0], &panels[1]]);
        assert_eq!(panels[0].lock().sheet.identity, 1007);
    }
}

#[test]
fn a_watcher_outlives_its_member_without_harm() {
    fn is_for_any_thread<T: Clone + Send + Sync>(_: &T) {}
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let (_temp, folder) = folder();
    let panels = [1, 2].map(|identity| Panel::new(identity, 5));
    let [first, second] = panels.each_ref().map(|panel| join(&folder, Mode::Live, panel));
    let watcher = first.watcher();
    is_for_any_thread(&watcher);
    expect("both are there", || watcher.roster().len() == 2);
    let (gone, there) = (first.id(), second.id());
    assert_eq!(watcher.id(), gone);
    drop(first);
    watcher.request(there, pair(1, 0.5), "from nobody");
    assert!(watcher.roster().is_empty());
    expect("the other one is alone", || second.roster().len() == 1);
    second.watcher().request(gone, pair(1, 0.5), "to nobody");
    second.watcher().request(there, pair(1, 0.5), "to itself");
    expect("its own request", || !panels[1].lock().requests.is_empty());
    assert_eq!(panels[1].lock().requests.len(), 1);
    let weak = Arc::downgrade(&panels[1]);
    drop((second, panels));
    assert_eq!(weak.strong_count(), 0, "the worker has ended");
    let _ = (watcher.stats().hops(), watcher.monitor());
}

#[test]
fn the_amount_of_a_pair_changes_the_output_from_the_first_hop_on() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let mics = mics(48_000);
    let mut controls = Controls::default();
    controls.pair_amount[0][1] = 0.0;
    controls.pair_amount[2][0] = 0.5;
    let session = |controls| {
        common::whole::oracle_with(Mode::Live, SessionMethod::default(), controls, &mics[..3])
    };
    let (expected, usual) = (session(&controls), session(&Controls::default()));
    let (_temp, folder) = folder();
    let panels = [1, 2, 3].map(|identity| Panel::new(identity, 5));
    panels[0].lock().sheet.own = vec![pair(2, 0.0)];
    panels[2].lock().sheet.own = vec![pair(99, 0.0), pair(1, 0.5)];
    let members = panels.each_ref().map(|panel| join(&folder, Mode::Live, panel));
    let mut tracks: Vec<Track> =
        members.into_iter().zip(&mics).map(|(member, mic)| Track::new(member, mic)).collect();
    for start in (0..mics[0].len()).step_by(BLOCK) {
        tracks.iter_mut().for_each(|track| track.call(start, BLOCK, true));
    }
    for ((track, expected), usual) in tracks.iter().zip(&expected).zip(&usual) {
        track.check(expected, "with amounts");
        let is_other = expected.iter().zip(usual).any(|(a, b)| (a - b).abs() > 1e-3);
        assert_eq!(is_other, track.member.id() != tracks[1].member.id());
    }
    assert!(tracks.iter().all(|track| track.member.late_samples() == 0));
}

/// Renders three tracks whose first member gets the amount 0 for the second one's sound right
/// before the block at `change`.
fn rendered_with_a_change(mics: &[Vec<f32>], change: usize) -> Vec<Track> {
    let (_temp, folder) = folder();
    let panels = [1, 2, 3].map(|identity| Panel::new(identity, 5));
    let members = panels.each_ref().map(|panel| join(&folder, Mode::Live, panel));
    let mut tracks: Vec<Track> =
        members.into_iter().zip(mics).map(|(member, mic)| Track::new(member, mic)).collect();
    expect_sheets(&tracks[0].member, &panels.each_ref());
    for start in (0..mics[0].len()).step_by(BLOCK) {
        if start == change {
            panels[0].lock().sheet.own = vec![pair(2, 0.0)];
        }
        tracks.iter_mut().for_each(|track| track.call(start, BLOCK, true));
    }
    tracks
}

#[test]
fn a_state_that_is_loaded_right_before_a_render_counts_from_its_first_hop_on() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let mics = mics(48_000);
    let mut controls = Controls::default();
    controls.pair_amount[0][1] = 0.0;
    let expected =
        common::whole::oracle_with(Mode::Live, SessionMethod::default(), &controls, &mics[..3]);
    for round in 0..3 {
        for (track, expected) in rendered_with_a_change(&mics, 0).iter().zip(&expected) {
            track.check(expected, &format!("round {round}"));
        }
    }
}

#[test]
fn a_change_during_a_render_counts_within_two_hops() {
    let _watchdog = Watchdog::start(Duration::from_secs(120));
    let mics = mics(96_000);
    let change = 94 * BLOCK;
    let [with, without] = [change, usize::MAX].map(|change| rendered_with_a_change(&mics, change));
    let differs = |at: &usize| with[0].heard[*at].to_bits() != without[0].heard[*at].to_bits();
    let first = (0..with[0].heard.len()).find(differs).unwrap();
    // In Live, a hop has 512 samples at 48 kHz, and the worker may be behind by the latency.
    let hops = change..change + 2 * 512 + with[0].member.latency_samples();
    assert!(hops.contains(&first), "{first} is not in {hops:?}");
}
