//! Corner cases of both protocols: unusual samples, orders of calls, threads and modes.

use std::sync::atomic::Ordering;

use clap_sys::ext::render::*;
use plugin::classes::{Class as _, Unspill8, UnspillTrack};
use vst3::Steinberg::*;

use super::clap_host::table;
use super::host::{Host, SetUp, TestBus};
use super::instances::{both, clap_factory, instances};
use super::vst3_host;

#[test]
fn samples_that_are_no_numbers_come_out_as_silence_at_every_rate() {
    // The engine does not support the last rate, and mics pass through.
    for rate in [48_000.0, 768_000.0] {
        for mut host in both(&Unspill8::DESC) {
            assert!(host.activate(SetUp { rate, ..SetUp::default() }));
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.25] {
                let mut outputs: Vec<_> = (0..8).map(|_| TestBus::output(1, 64)).collect();
                let mut inputs: Vec<_> = (0..8).map(|_| TestBus::filled(1, value, 64)).collect();
                assert!(host.process(&mut inputs, &mut outputs, 64, &[]));
                let passes = rate > 192_000.0 && value.is_finite();
                let expected = if passes { value } else { 0.0 };
                let mut samples = outputs.iter().flat_map(TestBus::samples);
                assert!(samples.all(|&sample| sample == expected), "{rate} Hz, {value}");
            }
            host.unload();
        }
    }
}

#[test]
fn an_instance_may_go_before_it_was_initialised_and_be_initialised_twice() {
    let (mut clap, mut vst3) = instances(&Unspill8::DESC);
    // SAFETY: a live plugin and factory; every object is destroyed once.
    unsafe {
        assert!((*clap.plugin).init.unwrap()(clap.plugin));
        let factory = clap_factory();
        let host = clap.raw_host();
        let create = (*factory).create_plugin.unwrap();
        let id = c"audio.unspill.nobody";
        assert!(create(factory, host, id.as_ptr()).is_null());
        assert!(create(factory, host, std::ptr::null()).is_null());
        assert!(create(factory, std::ptr::null(), id.as_ptr()).is_null());
        let entry = plugin::entry::clap_entry.get_factory.unwrap();
        assert!(entry(c"audio.unspill.no-factory".as_ptr()).is_null());
        assert!(entry(std::ptr::null()).is_null());
        for _ in 0..20 {
            let id = (*(*clap.plugin).desc).id;
            let other = create(factory, host, id);
            assert!(!other.is_null());
            (*other).destroy.unwrap()(other);
        }
        assert_eq!(vst3.component.initialize(std::ptr::null_mut()), kResultOk);
        for _ in 0..20 {
            // Released without any call.
            drop(vst3_host::uninitialised(&Unspill8::DESC));
        }
    }
    for host in [&mut clap as &mut dyn Host, &mut vst3] {
        assert!(host.activate(SetUp::default()));
        let mut buses: Vec<_> = (0..16).map(|_| TestBus::filled(1, 0.1, 64)).collect();
        let (inputs, outputs) = buses.split_at_mut(8);
        assert!(host.process(inputs, outputs, 64, &[]));
    }
    Box::new(clap).unload();
    Box::new(vst3).unload();
}

#[test]
fn processing_starts_stops_and_resets_in_any_order() {
    for mut host in both(&UnspillTrack::DESC) {
        let process = |host: &dyn Host| {
            let mut output = [TestBus::output(2, 64)];
            let success = host.process(&mut [], &mut output, 64, &[]);
            assert!(output[0].samples().iter().all(|&sample| sample == 0.0));
            success
        };
        host.reset();
        host.set_processing(true);
        assert!(!process(&*host), "inactive");
        assert!(host.activate(SetUp::default()));
        host.reset();
        assert!(process(&*host), "after a reset");
        for on in [true, false, false, true, true, false] {
            host.set_processing(on);
            host.reset();
        }
        host.set_processing(true);
        assert!(process(&*host), "after stops and starts");
        host.deactivate();
        host.deactivate();
        assert!(!process(&*host), "deactivated twice");
        assert!(host.activate(SetUp::default()) && host.activate(SetUp::default()));
        assert!(process(&*host), "activated twice");
        host.unload();
    }
}

#[test]
fn the_audio_thread_is_refused_what_would_make_audio_wait() {
    let mut host = instances(&Unspill8::DESC).0;
    let saved = host.save();
    host.told.is_audio_thread.store(true, Ordering::SeqCst);
    assert!(!host.activate(SetUp::default()) && !host.load(&saved));
    // Saving is allowed on any thread, so that no data is lost.
    assert_eq!(host.save(), saved);
    host.told.is_audio_thread.store(false, Ordering::SeqCst);
    assert!(host.load(&saved) && host.activate(SetUp::default()));
    Box::new(host).unload();
}

#[test]
fn a_render_mode_that_nobody_knows_is_refused() {
    let host = instances(&Unspill8::DESC).0;
    let set = table::<clap_plugin_render>(&host, CLAP_EXT_RENDER).set.unwrap();
    for (mode, is_known) in
        [(CLAP_RENDER_OFFLINE, true), (CLAP_RENDER_REALTIME, true), (7, false), (-1, false)]
    {
        // SAFETY: a live plugin.
        assert_eq!(unsafe { set(host.plugin, mode) }, is_known, "{mode}");
    }
}
