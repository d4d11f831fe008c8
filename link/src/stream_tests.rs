//! The stream against a session that has all mics: the same samples in every order of calls.

mod absence;
mod foreign;
mod jumps;
mod kept;
mod lines;
mod misaligned;
mod sides;
mod skew;
#[path = "../tests/common/whole.rs"]
mod whole;

use std::sync::atomic::Ordering;

use engine::{
    Controls, GroupId, HopRunner, Mode, Outlet, OutletConfig, Pace, SampleRate, SessionConfig,
    SessionMethod,
};
use whole::{NUM_MICS, RATE_HZ, mics};

use crate::ring::{About, Reader, SHAPE, Writer};
use crate::segment::Memory;
use crate::stamp::{Line, MicSettings, Place, Stamp};
use crate::stream::{Step, Stream};
use crate::timing::Timing;
use crate::track::{Local, Track, to_i64};

/// A member on its own track, without threads.
struct Member {
    writer: Writer,
    outlet: Outlet,
    heard: Vec<f32>,
    /// Output of the second side.
    second: Vec<f32>,
}

impl Member {
    fn late(&self) -> u64 {
        // Relaxed: the test has one thread.
        self.outlet.late_samples().load(Ordering::Relaxed)
    }
}

struct Rig {
    stream: Stream,
    members: Vec<Member>,
    timing: Timing,
    /// True if hops are processed only when a member waits for one.
    is_lazy: bool,
}

impl Rig {
    fn new(mode: Mode, num_members: usize, max_block: usize) -> Self {
        let rate = SampleRate::new(RATE_HZ).unwrap();
        let config = SessionConfig {
            rate,
            num_mics: NUM_MICS,
            mode,
            pace: Pace::Offline,
            max_block_samples: max_block,
        };
        let runner = HopRunner::new(&config, SessionMethod::default()).unwrap();
        let stream = Stream::new(runner, NUM_MICS);
        let timing = Timing::new(rate, mode, max_block);
        let mut rig = Self { stream, members: Vec::new(), timing, is_lazy: false };
        (0..num_members).for_each(|_| rig.add());
        rig
    }

    /// Adds a member of a mono track, which is known by its index.
    fn add(&mut self) {
        self.add_with(1);
    }

    fn add_with(&mut self, num_sides: usize) {
        let (writer, reader) = ring(num_sides);
        let Timing { hop_samples, latency_samples, tolerance_samples } = self.timing;
        let sizes = OutletConfig {
            rate: SampleRate::new(RATE_HZ).unwrap(),
            num_mics: num_sides,
            hop_samples,
            latency_samples,
            num_removals: 256,
        };
        let (outlet, inlet) = Outlet::new(&sizes, &Controls::default());
        let local = Local { inlet, tolerance: to_i64(tolerance_samples) };
        let mics = self.stream.mics_for(0, num_sides).unwrap();
        self.stream.add(Track::new(self.members.len() as u128, reader, mics, Some(local)));
        self.members.push(Member { writer, outlet, heard: Vec::new(), second: Vec::new() });
    }

    fn remove(&mut self, member: usize) {
        self.stream.remove(member as u128);
    }

    /// Calls one member with a block whose first sample is at `place` on the timeline.
    fn call(&mut self, member: usize, block: &[f32], place: i64) {
        self.call_at(member, block, timeline(place));
    }

    fn call_at(&mut self, member: usize, block: &[f32], place: Option<Place>) {
        self.call_with(member, block, &stamp(place));
    }

    fn call_with(&mut self, member: usize, block: &[f32], stamp: &Stamp) {
        self.call_sides(member, &[block], stamp);
    }

    fn call_sides(&mut self, member: usize, block: &[&[f32]], stamp: &Stamp) {
        let Self { stream, members, is_lazy, .. } = self;
        let member = &mut members[member];
        let mut block: Vec<Vec<f32>> = block.iter().map(|side| side.to_vec()).collect();
        let mut sides: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
        let epoch = u32::try_from(member.outlet.epoch()).unwrap();
        member.writer.write(&sides, stamp, epoch);
        while !*is_lazy && stream.step() != Step::Idle {}
        member.outlet.process(&mut sides, || stream.step() != Step::Idle).unwrap();
        for (heard, side) in [&mut member.heard, &mut member.second].into_iter().zip(block) {
            heard.extend(side);
        }
    }
}

fn timeline(sample: i64) -> Option<Place> {
    Some(Place { line: Line::Timeline, sample })
}

fn about() -> About {
    About { num_mics: 1, rate_hz: RATE_HZ, session: 0, process: 1 }
}

fn ring(num_mics: usize) -> (Writer, Reader) {
    let memory = Memory::plain(SHAPE);
    let view = memory.view();
    (Writer::new(memory, &About { num_mics, ..about() }), Reader::new(view).unwrap())
}

fn stamp(place: Option<Place>) -> Stamp {
    Stamp { place, is_offline: true, settings: MicSettings::default() }
}

/// Returns the output of a session without network that has all mics, without its latency.
fn oracle(mode: Mode, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    whole::oracle(mode, SessionMethod::default(), mics)
}

/// Compares all members with the oracle, as far as they have been called.
fn check(rig: &Rig, expected: &[Vec<f32>], label: &str) {
    for (index, (member, expected)) in rig.members.iter().zip(expected).enumerate() {
        let heard = &member.heard[rig.timing.latency_samples..];
        let length = heard.len().min(expected.len());
        assert!(length > 20_000, "{label}: {length}");
        let first = heard[..length].iter().zip(expected).position(|(a, b)| a != b);
        assert_eq!(first, None, "{label}, track {index}");
        assert_eq!(member.late(), 0, "{label}, track {index}");
    }
}

fn orders(num_members: usize) -> Vec<Vec<usize>> {
    let forward: Vec<usize> = (0..num_members).collect();
    let backward = forward.iter().rev().copied().collect();
    let mut rotated = forward.clone();
    rotated.rotate_left(2);
    vec![forward, backward, rotated]
}

#[test]
fn every_order_of_tracks_gives_the_samples_of_one_session() {
    for (mode, num_samples) in [(Mode::Live, 60_000), (Mode::Mix, 120_000)] {
        let mics = mics(4, num_samples);
        let expected = oracle(mode, &mics);
        for (block, max_block) in [(64, 64), (512, 512), (441, 512), (1024, 1024), (4096, 4096)] {
            let mut rig = Rig::new(mode, 4, max_block);
            let orders = orders(4);
            let mut start = 0;
            for order in orders.iter().cycle() {
                if start >= num_samples {
                    break;
                }
                let end = (start + block).min(num_samples);
                for &member in order {
                    rig.call(member, &mics[member][start..end], to_i64(start));
                }
                start = end;
            }
            check(&rig, &expected, &format!("{mode:?} {block}"));
        }
    }
}

/// A worker may look for the first time when all tracks have played.
#[test]
fn hops_that_all_tracks_have_delivered_are_processed_at_once() {
    let mut rig = Rig::new(Mode::Live, 3, 512);
    for member in &mut rig.members {
        member.writer.write(&[&mut [0.1; 1024]], &stamp(timeline(0)), 0);
    }
    let hop = [Step::Gathered, Step::Done];
    let steps = [(); 5].map(|()| rig.stream.step());
    assert_eq!(steps.as_slice(), [hop.as_slice(), &hop, &[Step::Idle]].concat());
}
