//! Boards of several workers without threads: they are polled in turns.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use engine::{Controls, Estimates};

use super::{Board, Desk, Entry, PAIR_CODE, Request, RequestWriter, Seat, apply};
use crate::panel::Panel;
use crate::ring::{About, BOARD, Reader, SHAPE, Writer};
use crate::segment::Memory;
use crate::stream::Owner;
use crate::track::{MemberId, Track};

/// A member with its segment.
struct Player {
    id: MemberId,
    memory: Memory,
    reader: Reader,
    panel: Arc<Panel>,
}

impl Player {
    fn new(id: MemberId) -> Self {
        Self::with(id, 1, Panel::new(100 + id, 7))
    }

    fn with(id: MemberId, num_mics: usize, panel: Arc<Panel>) -> Self {
        let memory = Memory::plain(SHAPE);
        Writer::new(memory.clone(), &About { num_mics, rate_hz: 48_000.0, session: 0, process: 1 });
        let reader = Reader::new(memory.view()).unwrap();
        Self { id, memory, reader, panel }
    }

    fn seat(&self) -> Seat {
        let desk = Desk::new(self.panel.clone(), self.memory.clone(), Arc::default());
        Seat::local(self.id, &self.reader, desk)
    }
}

/// Returns the boards of workers with one local member each, who all know each other.
fn boards(players: &[Player]) -> Vec<Board> {
    let mut boards: Vec<Board> = players.iter().map(|_| Board::default()).collect();
    for (board, player) in boards.iter_mut().zip(players) {
        board.join(player.seat());
    }
    for (board, own) in boards.iter_mut().zip(players) {
        for player in players.iter().filter(|player| player.id != own.id) {
            assert!(board.meet(player.id, &player.reader));
        }
    }
    boards
}

fn poll(boards: &mut [Board]) {
    for board in boards {
        board.poll(Instant::now(), |_| true);
    }
}

fn shared(players: &[Player]) -> Vec<(u64, f32)> {
    players.iter().map(|player| player.panel.shared()).collect()
}

#[test]
fn a_change_reaches_every_member_once_and_the_latest_one_prevails() {
    let players = [4, 9, 2].map(Player::new);
    let mut boards = boards(&players);
    poll(&mut boards);
    assert_eq!(shared(&players), [(0, 0.0); 3], "nobody has changed anything");
    players[2].panel.set(0.5);
    poll(&mut boards);
    poll(&mut boards);
    assert_eq!(shared(&players), [(1, 0.5); 3]);
    players[0].panel.set(0.25);
    (0..5).for_each(|_| poll(&mut boards));
    assert_eq!(shared(&players), [(2, 0.25); 3]);
    let counts = players.each_ref().map(|player| {
        let state = player.panel.lock();
        (state.num_renumberings, state.num_adoptions)
    });
    assert_eq!(counts, [(1, 1), (0, 2), (1, 1)]);
}

#[test]
fn of_two_changes_at_the_same_time_that_of_the_largest_number_prevails() {
    let players = [4, 9, 2].map(Player::new);
    let mut boards = boards(&players);
    for (player, value) in players.iter().zip([0.4, 0.9, 0.2]) {
        player.panel.set(value);
    }
    (0..3).for_each(|_| poll(&mut boards));
    let all = shared(&players);
    assert_eq!(all, [all[0]; 3], "the same everywhere");
    // The same version twice, written at the same time.
    for (player, value) in players.iter().zip([0.1, 0.3, 0.5]) {
        player.panel.lock().sheet.version = 50;
        player.panel.lock().sheet.shared[0].value = value;
    }
    let mut boards = self::boards(&players);
    (0..3).for_each(|_| poll(&mut boards));
    assert_eq!(shared(&players), [(50, 0.3); 3]);
}

#[test]
fn members_with_other_values_that_nobody_has_changed_keep_them() {
    let players = [4, 9].map(Player::new);
    players[0].panel.set(0.5);
    let mut boards = boards(&players);
    (0..3).for_each(|_| poll(&mut boards));
    assert_eq!(shared(&players), [(0, 0.5), (0, 0.0)]);
    let late = Player::new(11);
    late.panel.set(0.7);
    players[1].panel.set(0.6);
    poll(&mut boards);
    let mut board = Board::default();
    board.join(late.seat());
    assert!(board.meet(players[1].id, &players[1].reader));
    board.poll(Instant::now(), |_| true);
    assert_eq!(late.panel.shared(), (1, 0.6), "a newcomer adopts");
}

#[test]
fn rounding_at_adoption_is_no_change_and_is_asked_for_once() {
    let players = [4, 9, 2].map(Player::new);
    for (player, step) in players.iter().zip([0.25, 0.0, 0.1]) {
        player.panel.lock().step = step;
    }
    let mut boards = boards(&players);
    players[1].panel.set(0.33);
    (0..20).for_each(|_| poll(&mut boards));
    let states = players.each_ref().map(|player| player.panel.lock().num_adoptions);
    assert_eq!(states, [1, 0, 1]);
    assert_eq!(shared(&players), [(1, 0.25), (1, 0.33), (1, 0.3)]);
}

#[test]
fn the_later_of_two_members_with_one_identity_gives_it_up_to_a_living_one() {
    let players: Vec<Player> = [(4, 5), (9, 5), (2, 6), (1, 6)]
        .map(|(id, claimed)| Player::with(id, 1, Panel::new(77, claimed)))
        .into();
    let mut boards = boards(&players);
    boards[2].poll(Instant::now(), |_| false);
    assert_eq!(players[2].panel.lock().sheet.identity, 77, "the others are dead");
    (0..4).for_each(|_| poll(&mut boards));
    let mut identities: Vec<u128> =
        players.iter().map(|player| player.panel.lock().sheet.identity).collect();
    assert_eq!(identities[0], 77, "the earliest, and of these the one with the smaller number");
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), 4);
    let nobodies = [1, 2].map(|id| Player::with(id, 1, Panel::new(0, 7)));
    let mut boards = self::boards(&nobodies);
    poll(&mut boards);
    assert!(nobodies.iter().all(|player| player.panel.lock().sheet.identity == 0), "none");
}

#[test]
fn requests_reach_their_target_once_and_others_go_nowhere() {
    let players = [4, 9].map(Player::new);
    let mut writers = players.each_ref().map(|player| RequestWriter::new(player.memory.clone()));
    let request = |target, value| {
        let entry = Entry { code: 3, about: 5, value };
        Request { target, entry, text: "Snare".into() }
    };
    let mut boards = boards(&players);
    writers[0].write(&request(9, 1.0));
    writers[0].write(&request(4, 2.0));
    writers[1].write(&request(9, 3.0));
    writers[1].write(&request(1234, 4.0));
    writers[1].write(&request(9, f32::NAN));
    (0..3).for_each(|_| poll(&mut boards));
    assert_eq!(players[0].panel.lock().requests, [request(4, 2.0)]);
    let mut received = players[1].panel.lock().requests.clone();
    received.sort_by(|a, b| a.entry.value.total_cmp(&b.entry.value));
    assert_eq!(received, [request(9, 1.0), request(9, 3.0)]);
    // A worker that finds a member does not hear its old requests.
    let late = Player::new(9);
    let mut board = Board::default();
    board.join(late.seat());
    assert!(board.meet(4, &players[0].reader));
    board.poll(Instant::now(), |_| true);
    assert!(late.panel.lock().requests.is_empty());
}

#[test]
fn amounts_of_pairs_go_to_the_mics_of_both_members() {
    let players = [Player::with(4, 2, Panel::new(104, 0)), Player::new(9)];
    let pair = |about, value| Entry { code: PAIR_CODE, about, value };
    players[0].panel.lock().sheet.own =
        vec![Entry { code: 1, ..pair(109, 0.9) }, pair(104, 0.1), pair(109, 0.25), pair(0, 0.6)];
    players[1].panel.lock().sheet.own = vec![pair(104, 7.0), pair(5, 0.5)];
    players[0].panel.lock().estimates = Estimates::Learned;
    let mut boards = boards(&players);
    let tracks: Vec<Track> = [(0, 1..3), (1, 4..5)]
        .map(|(index, mics): (usize, Range<usize>)| {
            let Player { id, reader, .. } = &players[index];
            Track::new(*id, reader.clone(), mics, None).of(100 + *id)
        })
        .into();
    let owners: Vec<Owner> = tracks.iter().map(Owner::of).collect();
    let mut controls = Controls::default();
    controls.pair_amount[1][2] = 0.5;
    let mut expected = Controls { estimates: Estimates::Learned, ..Controls::default() };
    expected.pair_amount[1][4] = 0.25;
    expected.pair_amount[2][4] = 0.25;
    boards[0].poll(Instant::now(), |_| true);
    apply(&mut boards[0], &tracks, &owners, &mut controls);
    assert_eq!(controls, expected);
    players[1].panel.lock().sheet.own[0].value = -3.0;
    poll(&mut boards);
    poll(&mut boards);
    apply(&mut boards[0], &tracks, &owners, &mut controls);
    expected.pair_amount[4][1..3].fill(0.0);
    assert_eq!(controls, expected);
    boards[0].leave(9);
    apply(&mut boards[0], &tracks[..1], &owners[..1], &mut controls);
    expected.pair_amount = Controls::default().pair_amount;
    assert_eq!(controls, expected);
}

#[test]
fn a_board_of_foreign_numbers_does_no_harm() {
    let players = [4, 9].map(Player::new);
    let mut boards = boards(&players);
    let mut bits = 1_u64;
    for round in 0..2000 {
        for (index, long) in players[1].memory.longs()[BOARD..].iter().enumerate() {
            // Knuth, "The Art of Computer Programming", volume 2, MMIX's generator.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let even = if index.is_multiple_of(8) { bits & !1 } else { bits };
            long.store(even >> (8 * (round % 7)), Relaxed);
        }
        boards[0].poll(Instant::now(), |_| true);
        let sheet = boards[0].seat(9).unwrap().sheet();
        let values = sheet.shared.iter().chain(&sheet.own);
        assert!(values.clone().all(|entry| entry.value.is_finite()));
        let _ = boards[0].seat(9).unwrap().label();
    }
    // The session still follows its sound members.
    let other = Player::new(3);
    let mut board = Board::default();
    board.join(other.seat());
    assert!(board.meet(4, &players[0].reader));
    players[0].panel.lock().sheet.shared = vec![Entry { code: 1, about: 0, value: 0.5 }];
    boards[0].poll(Instant::now(), |_| true);
    board.poll(Instant::now(), |_| true);
    assert_eq!(other.panel.shared().1, players[0].panel.shared().1);
}
