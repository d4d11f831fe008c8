//! Linked members of which one is late: named, left out, and used again when it is put right.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod common;

use std::time::{Duration, Instant};

use common::{Watchdog, folder, join, stamp};
use engine::Mode;
use link::{Member, MemberState};
use test_signals::Noise;

const BLOCK: usize = 512;
const NUM_MEMBERS: usize = 3;
const OFF: usize = 1;
/// 0.2 s.
const LATE_SAMPLES: usize = 9600;

/// Players that never repeat, and the mics that hear them.
struct Room {
    noise: Noise,
    levels: [f32; NUM_MEMBERS],
    /// Last samples of the players, `[player][sample]`.
    players: [Vec<f32>; NUM_MEMBERS],
}

impl Room {
    fn new() -> Self {
        let players = [(); NUM_MEMBERS].map(|()| vec![0.0; LATE_SAMPLES + 2048]);
        Self { noise: Noise::new(3), levels: [0.0; NUM_MEMBERS], players }
    }

    /// Plays a block, and returns the mics' samples `delay` samples ago.
    fn mic(&self, mic: usize, delay: usize) -> Vec<f32> {
        let start = self.players[0].len() - BLOCK - delay;
        (start..start + BLOCK)
            .map(|n| {
                let bleed = |other: usize| {
                    let path = 60 + 97 * mic + 41 * other;
                    0.2 * self.players[other][n - path]
                };
                let others = (0..NUM_MEMBERS).filter(|&other| other != mic);
                self.players[mic][n] + others.map(bleed).sum::<f32>()
            })
            .collect()
    }

    fn play(&mut self) {
        for (player, level) in self.players.iter_mut().zip(&mut self.levels) {
            player.drain(..BLOCK);
            // A hit, now and then.
            if self.noise.unit() < 0.04 {
                *level = 0.1 + 0.3 * self.noise.unit();
            }
            player.extend((0..BLOCK).map(|_| {
                *level *= 0.9997;
                *level * self.noise.draw()
            }));
        }
    }
}

/// Members in a room, and the input and output of the one that is late at first.
struct Session {
    members: Vec<Member>,
    room: Room,
    place: usize,
    input: Vec<f32>,
    heard: Vec<f32>,
}

impl Session {
    fn play(&mut self, delay: usize) {
        self.room.play();
        for (index, member) in self.members.iter_mut().enumerate() {
            let mut block = self.room.mic(index, if index == OFF { delay } else { 0 });
            if index == OFF {
                self.input.extend_from_slice(&block);
            }
            member.process(&mut [&mut block], &stamp(self.place, true)).unwrap();
            if index == OFF {
                self.heard.extend_from_slice(&block);
            }
        }
        self.place += BLOCK;
    }

    fn states(&self) -> Vec<MemberState> {
        let roster = self.members[0].roster();
        let state_of = |member: &Member| {
            roster.iter().find(|info| info.id == member.id()).map(|info| info.state)
        };
        self.members.iter().filter_map(state_of).collect()
    }

    /// Plays until the states are as wanted. Returns the audio's seconds.
    #[track_caller]
    fn play_until(&mut self, delay: usize, is_wanted: impl Fn(&[MemberState]) -> bool) -> f32 {
        let (began, from) = (Instant::now(), self.place);
        while !is_wanted(&self.states()) {
            self.play(delay);
            let states = self.states();
            assert!(began.elapsed() < Duration::from_secs(120), "{states:?}");
        }
        (self.place - from) as f32 / 48_000.0
    }
}

#[cfg(target_os = "linux")]
fn num_threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
fn num_threads() -> usize {
    0
}

#[test]
fn a_late_member_is_named_and_left_out_until_it_is_put_right_and_no_thread_is_left() {
    let _watchdog = Watchdog::start(Duration::from_secs(400));
    let (_temp, folder) = folder();
    let threads = num_threads();
    let members = [(); NUM_MEMBERS].map(|()| join(&folder, Mode::Live, BLOCK)).into();
    let (input, heard) = (Vec::new(), Vec::new());
    let mut session = Session { members, room: Room::new(), place: 0, input, heard };
    let is_named = |states: &[MemberState]| match states {
        [MemberState::Playing, MemberState::Misaligned(late_s), MemberState::Playing] => {
            (late_s - 0.2).abs() < 0.001
        }
        _ => false,
    };
    let named_s = session.play_until(LATE_SAMPLES, is_named);
    // The outlet fades, after the latency.
    let from = session.heard.len() + session.members[OFF].latency_samples();
    while session.heard.len() < from + 48_000 {
        session.play(LATE_SAMPLES);
    }
    let latency = session.members[OFF].latency_samples();
    let dry = &session.input[from - latency..];
    let differing =
        session.heard[from..].iter().zip(dry).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert_eq!(differing, 0, "dry");
    let is_right = |states: &[MemberState]| states == [MemberState::Playing; NUM_MEMBERS];
    let used_s = session.play_until(0, is_right);
    let from = session.heard.len() + latency;
    while session.heard.len() < from + 96_000 {
        session.play(0);
    }
    let dry = &session.input[from - latency..];
    let cleaned =
        session.heard[from..].iter().zip(dry).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    println!("named after {named_s} s, used after {used_s} s, then {cleaned} samples cleaned");
    // The method begins anew with this mic, and removes nothing while it finds nothing.
    assert!(cleaned > 9_600, "{cleaned} samples");
    drop(session);
    assert_eq!((num_threads(), engine::abandoned_workers()), (threads, 0));
}
