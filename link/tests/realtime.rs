//! The audio side of a member never allocates, frees or grows memory.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use common::{folder, join, stamp};
use engine::{Controls, Listen, Mode};
use link::{Line, MicSettings, Place, Stamp};

/// The system's allocator, with a count of each thread's calls.
struct Counting;

thread_local! {
    static EVENTS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // An error means that the thread is ending, and nothing is measured then.
    let _ = EVENTS.try_with(|events| events.set(events.get() + 1));
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[allow(unsafe_code, reason = "the trait is unsafe; every call goes on to the system's allocator")]
// SAFETY: upholds the contract by passing every call on unchanged. Counting accesses only a
// constant-initialised thread-local without a destructor, which never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Returns the number of allocator calls by `work` on this thread.
fn events_during(work: impl FnOnce()) -> u64 {
    let before = EVENTS.get();
    work();
    EVENTS.get() - before
}

#[test]
fn allocating_freeing_and_growing_are_caught() {
    let mut kept = None;
    assert_eq!(events_during(|| kept = Some(black_box(Box::new(1)))), 1);
    assert_eq!(events_during(|| drop(kept.take())), 1);
    let mut grown = Vec::with_capacity(1);
    assert_eq!(events_during(|| grown.extend(black_box([1_u8; 100]))), 1);
    assert_eq!(events_during(|| drop(black_box(vec![0.0_f32; 10]))), 2);
    assert_eq!(events_during(|| assert_eq!(black_box([7_u8; 10]), [7; 10])), 0);
}

#[test]
fn the_audio_side_of_a_member_never_allocates_or_frees() {
    let (mut hops, mut late) = (0, 0);
    for mode in [Mode::Live, Mode::Mix] {
        for block_samples in [1, 64, 333, 512, 8192] {
            let (_temp, folder) = folder();
            let mut members = [(); 3].map(|()| join(&folder, mode, block_samples.min(1024)));
            let stats = members[0].stats();
            let mut controls = Controls::default();
            let mut block = vec![0.0; block_samples];
            let mut place = 0;
            let events = events_during(|| {
                for call in 0..200_u16 {
                    for (index, member) in members.iter_mut().enumerate() {
                        for (n, sample) in block.iter_mut().enumerate() {
                            let loud = (n + index) % 7 < 3;
                            *sample = if loud { 0.1 } else { -0.05 * f32::from(call % 5) };
                        }
                        if call % 3 == 0 {
                            controls.mics[0].amount = f32::from(call % 10) / 9.0;
                            controls.mics[0].listen =
                                if call % 2 == 0 { Listen::Clean } else { Listen::Removed };
                            member.set_controls(&controls);
                        }
                        // Some blocks have no place, some are on another line.
                        let at = Place { line: Line::Steady, sample: i64::from(call) };
                        let odd = |place| Stamp {
                            place,
                            is_offline: false,
                            settings: MicSettings::default(),
                        };
                        let stamp = match call % 50 {
                            48 => odd(None),
                            49 => odd(Some(at)),
                            _ => stamp(place, false),
                        };
                        member.process(&mut [&mut block], &stamp).unwrap();
                        assert!(member.process(&mut [], &stamp).is_err());
                        if call % 80 == 79 {
                            member.reset();
                        }
                    }
                    place = if call % 70 == 69 { 1234 } else { place + block_samples };
                    // Lets the worker catch up in the first half.
                    for _ in 0..if call < 100 { 50_000 } else { 0 } {
                        if stats.hops() > u64::from(call) {
                            break;
                        }
                        std::hint::spin_loop();
                    }
                }
            });
            assert_eq!(events, 0, "{mode:?}, blocks of {block_samples}");
            hops += stats.hops();
            late += members[0].late_samples();
        }
    }
    println!("{hops} hops, {late} late samples");
    assert!(hops > 100 && late > 100, "both happened: {hops} hops, {late} late samples");
}
