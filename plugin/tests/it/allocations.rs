//! No allocation on the audio thread, from the host's call to the engine and back.

use plugin::Unspill;
use plugin::classes::{Unspill16, UnspillLink};
use plugin::guard::param_id_hash;
use test_memory::measure;

use crate::clap_host::ClapHost;
use crate::host::{Host, SetUp, TestBus};
use crate::instances::isolate;
use crate::vst3_host::Vst3Host;

/// Checks that blocks do not allocate in the plugin. The test hosts also allocate, always the same
/// amount for equal blocks. The amount of a block that the plugin refuses is the host's alone.
fn blocks_allocate_nothing(mut host: Box<dyn Host>, channels: &[usize], mic: &str) {
    const BLOCK: usize = 64;
    let bus = |&count: &usize| TestBus::filled(count, 0.1, BLOCK);
    let buses = || -> Vec<_> { channels.iter().map(bus).collect() };
    let (mut inputs, mut outputs) = (buses(), buses());
    let amount = param_id_hash(&format!("{mic}_amount"));
    let label = param_id_hash(&format!("{mic}_instrument"));
    let mut block = |host: &dyn Host, changes: &[(u32, f64)]| {
        let work = || {
            host.process(&mut inputs, &mut outputs, BLOCK, changes);
        };
        measure(work).calls
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
        host.go_to((index % 100 > 20).then_some(i64::from(index) * 64));
        assert_eq!(block(&*host, &[]), own[0], "block {index}");
        assert_eq!(block(&*host, &changes), own[1], "block {index} with changes");
        if index % 50 == 0 {
            assert_eq!(measure(|| host.reset()).calls, 0, "reset");
        }
    }
}

#[test]
fn clap_blocks_allocate_nothing() {
    // The host must not call the plugin back: that could allocate on the audio thread.
    let host = ClapHost::of::<Unspill<Unspill16>>(true).leave_alone();
    blocks_allocate_nothing(Box::new(host), &[1; 16], "mic3");
}

#[test]
fn vst3_blocks_allocate_nothing() {
    let host = Vst3Host::of::<Unspill<Unspill16>>(true);
    blocks_allocate_nothing(Box::new(host), &[1; 16], "mic3");
}

#[test]
fn blocks_of_linked_tracks_allocate_nothing() {
    isolate();
    let clap = ClapHost::of::<Unspill<UnspillLink>>(true).leave_alone();
    blocks_allocate_nothing(Box::new(clap), &[2], "mic1");
    let vst3 = Vst3Host::of::<Unspill<UnspillLink>>(true);
    blocks_allocate_nothing(Box::new(vst3), &[2], "mic1");
}
