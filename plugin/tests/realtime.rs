//! No allocation on the audio thread, from the host's call to the engine and back.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small test values, in the formats' own types"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]
#![allow(unsafe_code, reason = "a global allocator")]

#[path = "it/clap_host.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod clap_host;
#[path = "it/clap_told.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod clap_told;
#[path = "it/host.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod host;
#[path = "it/vst3_handler.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod vst3_handler;
#[path = "it/vst3_host.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod vst3_host;
#[path = "it/vst3_objects.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod vst3_objects;
#[path = "it/watch.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the other tests")]
mod watch;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use plugin::Unspill;
use plugin::classes::Unspill16;
use plugin::guard::param_id_hash;

use clap_host::ClapHost;
use host::{Host, SetUp, TestBus};
use vst3_host::Vst3Host;

struct Counting;

thread_local! {
    static COUNT: Cell<Option<usize>> = const { Cell::new(None) };
}

fn note() {
    COUNT.with(|count| count.set(count.get().map(|count| count + 1)));
}

// SAFETY: forwards to the system allocator; the counter is a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as the caller guarantees.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: as the caller guarantees.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the number of allocations and deallocations of this thread in `body`.
fn count(body: impl FnOnce()) -> usize {
    COUNT.set(Some(0));
    body();
    COUNT.replace(None).unwrap_or(0)
}

#[test]
fn an_allocation_is_caught() {
    assert!(count(|| drop(std::hint::black_box(vec![1_u8]))) >= 2);
    assert_eq!(count(|| ()), 0);
}

/// Checks that blocks do not allocate in the plugin. The test hosts also allocate, always the same
/// amount for equal blocks. The amount of a block that the plugin refuses is the host's alone.
fn blocks_allocate_nothing(mut host: Box<dyn Host>) {
    const BLOCK: usize = 64;
    let buses = || -> Vec<_> { (0..16).map(|_| TestBus::filled(1, 0.1, BLOCK)).collect() };
    let (mut inputs, mut outputs) = (buses(), buses());
    let amount = param_id_hash("mic3_amount");
    let label = param_id_hash("mic3_instrument");
    let mut block = |host: &dyn Host, changes: &[(u32, f64)]| {
        count(|| {
            host.process(&mut inputs, &mut outputs, BLOCK, changes);
        })
    };
    let learn = param_id_hash("learn");
    let mut changes = [(amount, 0.3), (label, 0.5), (learn, 0.0)];
    // The first calls fill the hosts' caches.
    block(&*host, &changes);
    let own = [block(&*host, &[]), block(&*host, &changes)];
    assert!(host.activate(SetUp { max_block: BLOCK, ..SetUp::default() }));
    for index in 0..200 {
        // Passages begin and end, and Estimates changes with them.
        changes[2].1 = f64::from(index / 25 % 2);
        assert_eq!(block(&*host, &[]), own[0], "block {index}");
        assert_eq!(block(&*host, &changes), own[1], "block {index} with changes");
        if index % 50 == 0 {
            assert_eq!(count(|| host.reset()), 0, "reset");
        }
    }
}

#[test]
fn clap_blocks_allocate_nothing() {
    // The host must not call the plugin back: that could allocate on the audio thread.
    let host = ClapHost::of::<Unspill<Unspill16>>(true).leave_alone();
    blocks_allocate_nothing(Box::new(host));
}

#[test]
fn vst3_blocks_allocate_nothing() {
    blocks_allocate_nothing(Box::new(Vst3Host::of::<Unspill<Unspill16>>(true)));
}
