//! A member whose memory another program fills with anything.

use std::sync::atomic::Ordering::Relaxed;

use super::{Rig, about, mics};
use crate::ring::{Reader, SHAPE, Writer};
use crate::segment::Memory;
use crate::stream::Step;
use crate::track::Track;
use engine::Mode;

const FOREIGN: u128 = 99;

/// Numbers of which some are plausible, and others are not.
struct Values(u64);

impl Values {
    /// Steps of SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    fn draw(&mut self) -> u64 {
        match self.next() % 8 {
            0..3 => self.next(),
            3 => self.next() % 5000,
            4 => 0_u64.wrapping_sub(self.next() % 5000),
            5 => i64::MAX.cast_unsigned().wrapping_sub(self.next() % 3),
            6 => i64::MIN.cast_unsigned().wrapping_add(self.next() % 3),
            _ => self.next() % 10_000_000,
        }
    }
}

/// Adds a member that was sound when it was found.
fn add_foreign(rig: &mut Rig, memory: &Memory) {
    let _writer = Writer::new(memory.clone(), &about());
    let reader = Reader::new(memory.view()).unwrap();
    let mics = rig.stream.mics_for(0, 1).unwrap();
    rig.stream.add(Track::new(FOREIGN, reader, mics, None));
}

#[test]
fn foreign_values_of_any_kind_do_no_harm() {
    let mics = mics(2, 4096);
    let mut values = Values(1);
    let mut rig = Rig::new(Mode::Live, 2, 512);
    let memory = Memory::plain(SHAPE);
    let mut place = 0;
    for seed in 0..10_000_usize {
        // The header and the first runs, or the whole table.
        let most = if seed.is_multiple_of(50) { SHAPE.longs } else { 64 };
        memory.longs()[..most].iter().for_each(|long| long.store(values.draw(), Relaxed));
        // Refused, or taken for a member.
        let _ = Reader::new(memory.view());
        add_foreign(&mut rig, &memory);
        for _ in 0..2 {
            memory.longs()[..most].iter().for_each(|long| long.store(values.draw(), Relaxed));
            for (member, mic) in mics.iter().enumerate() {
                let hops = rig.stream.runner().stats().hops();
                let from = seed * 512 % 4096;
                rig.call(member, &mic[from..from + 512], place);
                let steps = rig.stream.runner().stats().hops() - hops;
                assert!(steps < 8, "seed {seed}: {steps} steps");
                assert_eq!(rig.stream.step(), Step::Idle);
            }
            place += 512;
        }
        rig.stream.remove(FOREIGN);
    }
    let late: Vec<u64> = rig.members.iter().map(super::Member::late).collect();
    assert_eq!(late, [0, 0]);
}
