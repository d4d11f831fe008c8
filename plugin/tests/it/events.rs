//! Invalid events, transports and contexts of blocks.

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::ext::params::*;
use clap_sys::process::*;
use plugin::classes::{Class as _, Unspill8};
use plugin::guard::param_id_hash;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

use super::clap_host::{ClapHost, table};
use super::host::{Host, SetUp, TestBus};
use super::instances::{instances, strip};
use super::random::random;

/// A list of events, some of which may be null.
struct Events(Vec<*const clap_event_header>);

unsafe extern "C" fn num_events(list: *const clap_input_events) -> u32 {
    // SAFETY: the context is an `Events`.
    let events = unsafe { &(*(*list).ctx.cast::<Events>()).0 };
    events.len() as u32
}

unsafe extern "C" fn event_at(
    list: *const clap_input_events,
    index: u32,
) -> *const clap_event_header {
    // SAFETY: as above.
    unsafe { (&(*(*list).ctx.cast::<Events>()).0)[index as usize] }
}

impl Events {
    fn list(&self) -> clap_input_events {
        let ctx = std::ptr::from_ref(self).cast_mut().cast();
        clap_input_events { ctx, size: Some(num_events), get: Some(event_at) }
    }
}

fn header<T>(time: u32, space_id: u16, type_: u16) -> clap_event_header {
    clap_event_header { size: size_of::<T>() as u32, time, space_id, type_, flags: 0 }
}

fn value_event(space_id: u16, param_id: u32, value: f64) -> clap_event_param_value {
    clap_event_param_value {
        header: header::<clap_event_param_value>(0, space_id, CLAP_EVENT_PARAM_VALUE),
        param_id,
        // A cookie that the plugin never provided.
        cookie: std::ptr::without_provenance_mut(0xDEAD),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        value,
    }
}

fn modulation_event(param_id: u32, amount: f64) -> clap_event_param_mod {
    clap_event_param_mod {
        header: header::<clap_event_param_mod>(0, CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_PARAM_MOD),
        param_id,
        cookie: std::ptr::null_mut(),
        note_id: -1,
        port_index: -1,
        channel: -1,
        key: -1,
        amount,
    }
}

/// Sends events to the plugin, by a flush or with a block of 64 samples.
fn give(host: &ClapHost, events: *const clap_input_events, with_block: bool) {
    let nowhere = clap_output_events { ctx: std::ptr::null_mut(), try_push: None };
    if with_block {
        let status = block(host, events, &raw const nowhere, std::ptr::null(), 0);
        assert_ne!(status, CLAP_PROCESS_ERROR);
    } else {
        let flush = table::<clap_plugin_params>(host, CLAP_EXT_PARAMS).flush.unwrap();
        // SAFETY: a live plugin; live lists or null.
        unsafe { flush(host.plugin, events, &raw const nowhere) };
    }
}

/// Processes one block of 64 samples with Unspill 8; the whole output must be finite.
fn block(
    host: &ClapHost,
    in_events: *const clap_input_events,
    out_events: *const clap_output_events,
    transport: *const clap_event_transport,
    steady_time: i64,
) -> i32 {
    let mut channels = [[[0.1_f32; 64]; 2]; 8];
    let mut pointers: Vec<[*mut f32; 2]> =
        channels.iter_mut().map(|[a, b]| [a.as_mut_ptr(), b.as_mut_ptr()]).collect();
    let mut buses = |side: usize| -> Vec<clap_audio_buffer> {
        let bus = |pointers: &mut [*mut f32; 2]| clap_audio_buffer {
            data32: &raw mut pointers[side],
            data64: std::ptr::null_mut(),
            channel_count: 1,
            latency: 0,
            constant_mask: 0,
        };
        pointers.iter_mut().map(bus).collect()
    };
    let (inputs, mut outputs) = (buses(0), buses(1));
    let block = clap_process {
        steady_time,
        frames_count: 64,
        transport,
        audio_inputs: inputs.as_ptr(),
        audio_outputs: outputs.as_mut_ptr(),
        audio_inputs_count: 8,
        audio_outputs_count: 8,
        in_events,
        out_events,
    };
    // SAFETY: a live plugin, and everything lives until after the call.
    let status = unsafe { (*host.plugin).process.unwrap()(host.plugin, &raw const block) };
    assert!(channels.iter().flatten().flatten().all(|sample| sample.is_finite()));
    status
}

fn clap_8() -> ClapHost {
    let mut host = instances(&Unspill8::DESC).0;
    assert!(host.activate(SetUp::default()));
    host
}

#[test]
fn events_that_make_no_sense_are_ignored_and_others_are_not() {
    let amount = param_id_hash("amount");
    let core = CLAP_CORE_EVENT_SPACE_ID;
    for with_block in [false, true] {
        let host = clap_8();
        let mut short = value_event(core, amount, 0.1);
        short.header.size -= 1;
        let other_spaces = [1, 7, u16::MAX].map(|space| value_event(space, amount, 0.1));
        let unknown = [0, 12_345, u32::MAX].map(|id| value_event(core, id, 0.1));
        let no_numbers = [f64::NAN, f64::INFINITY].map(|value| value_event(core, amount, value));
        let no_modulation = modulation_event(amount, f64::NAN);
        let note = clap_event_note {
            header: header::<clap_event_note>(0, core, CLAP_EVENT_NOTE_ON),
            note_id: -1,
            port_index: 3,
            channel: 77,
            key: -5,
            velocity: f64::NAN,
        };
        let midi = clap_event_midi {
            header: header::<clap_event_midi>(9_999, core, CLAP_EVENT_MIDI),
            port_index: 9,
            data: [0xFF, 0xFF, 0xFF],
        };
        let midi_sysex = clap_event_midi_sysex {
            header: header::<clap_event_midi_sysex>(0, core, CLAP_EVENT_MIDI_SYSEX),
            port_index: 0,
            buffer: std::ptr::null(),
            size: 100,
        };
        let unheard_of = header::<clap_event_header>(5, core, 999);
        // SAFETY: plain data, for which zeros are valid.
        let mut transport: clap_event_transport = unsafe { std::mem::zeroed() };
        transport.header = header::<clap_event_transport>(1_000_000, core, CLAP_EVENT_TRANSPORT);
        let mut events = Events(vec![std::ptr::null(), &raw const short.header]);
        let values = other_spaces.iter().chain(&unknown).chain(&no_numbers);
        events.0.extend(values.map(|event| &raw const event.header));
        events.0.extend([
            &raw const no_modulation.header,
            &raw const note.header,
            &raw const midi.header,
            &raw const midi_sysex.header,
            &raw const unheard_of,
            &raw const transport.header,
            std::ptr::null(),
        ]);
        let list = events.list();
        give(&host, &raw const list, with_block);
        assert_eq!(host.param(amount), 1.0, "with a block: {with_block}");
        // The same event with full length and in the right space is applied.
        let good = value_event(core, amount, 0.1);
        events.0.push(&raw const good.header);
        give(&host, &raw const list, with_block);
        assert!((host.param(amount) - 0.1).abs() < 1e-6, "with a block: {with_block}");
        // Lists without functions are empty.
        let ctx = std::ptr::null_mut();
        let no_size = clap_input_events { ctx, size: None, get: Some(event_at) };
        let no_get = clap_input_events { ctx: list.ctx, size: Some(num_events), get: None };
        for list in [std::ptr::null(), &raw const no_size, &raw const no_get] {
            give(&host, list, with_block);
        }
        assert!((host.param(amount) - 0.1).abs() < 1e-6, "with a block: {with_block}");
        Box::new(host).unload();
    }
}

#[test]
fn modulation_is_neither_told_nor_saved_and_hides_no_value() {
    let amount = param_id_hash("amount");
    for with_block in [false, true] {
        let host = clap_8();
        let set = |value| {
            let event = value_event(CLAP_CORE_EVENT_SPACE_ID, amount, value);
            let events = Events(vec![&raw const event.header]);
            let list = events.list();
            give(&host, &raw const list, with_block);
        };
        let modulate = |offset| {
            let event = modulation_event(amount, offset);
            let events = Events(vec![&raw const event.header]);
            let list = events.list();
            give(&host, &raw const list, with_block);
        };
        let check = |value: f64, when: &str| {
            assert!((host.param(amount) - value).abs() < 1e-6, "told {when}");
            assert!((saved_amount(&host) - 100.0 * value).abs() < 1e-4, "saved {when}");
        };
        set(0.4);
        modulate(0.3);
        check(0.4, "while it is modulated");
        // From here on modulation clips the value at the end of its range.
        modulate(1.0);
        for value in [0.9, 0.3, 0.0, 0.7] {
            set(value);
            check(value, "while modulation holds it at its end");
        }
        modulate(0.0);
        check(0.7, "after modulation");
        Box::new(host).unload();
    }
}

fn saved_amount(host: &dyn Host) -> f64 {
    let saved: serde_json::Value = serde_json::from_slice(strip(&host.save())).unwrap();
    saved["params"]["amount"]["f32"].as_f64().unwrap()
}

#[test]
fn any_transport_will_do() {
    let host = clap_8();
    let mut state = 0x9E37_79B9_7F4A_7C15;
    let move_late = |time| {
        let mut event = value_event(CLAP_CORE_EVENT_SPACE_ID, param_id_hash("amount"), 0.5);
        event.header.time = time;
        event
    };
    // Blocks are cut at parameter changes, and the pieces advance the host's time.
    let changes = [move_late(10), move_late(40)];
    let events = Events(changes.iter().map(|event| &raw const event.header).collect());
    for _ in 0..200 {
        // SAFETY: plain data, for which zeros are valid.
        let mut transport: clap_event_transport = unsafe { std::mem::zeroed() };
        let size = size_of::<clap_event_transport>();
        // SAFETY: plain data, for which any bytes are valid.
        let bytes = unsafe { std::slice::from_raw_parts_mut((&raw mut transport).cast(), size) };
        bytes.fill_with(|| random(&mut state).to_le_bytes()[3]);
        for steady_time in [i64::MAX, -1, 0, random(&mut state) as i64] {
            let list = events.list();
            for transport in [std::ptr::null(), &raw const transport] {
                let status =
                    block(&host, &raw const list, std::ptr::null(), transport, steady_time);
                assert_ne!(status, CLAP_PROCESS_ERROR, "{steady_time}");
            }
        }
    }
    Box::new(host).unload();
}

#[test]
fn any_process_context_will_do_and_points_that_are_no_values_are_ignored() {
    let amount = param_id_hash("amount");
    let mut host = instances(&Unspill8::DESC).1;
    assert!(host.activate(SetUp::default()));
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for round in 0..200_u32 {
        // SAFETY: plain data, for which zeros are valid.
        let mut context: ProcessContext = unsafe { std::mem::zeroed() };
        let size = size_of::<ProcessContext>();
        // SAFETY: plain data, for which any bytes are valid.
        let bytes = unsafe { std::slice::from_raw_parts_mut((&raw mut context).cast(), size) };
        bytes.fill_with(|| random(&mut state).to_le_bytes()[3]);
        if round % 2 == 0 {
            context.projectTimeSamples = i64::MAX;
        }
        let changes = [(10, amount, 0.5), (40, amount, 0.6), (50, amount, f64::NAN)];
        let mut buses: Vec<_> = (0..16).map(|_| TestBus::filled(1, 0.1, 64)).collect();
        let (inputs, outputs) = buses.split_at_mut(8);
        assert!(host.process_at(inputs, outputs, 64, &changes, &raw mut context));
        let channels = outputs.iter().flat_map(|bus| bus.channels.iter().flatten());
        assert!(channels.flatten().all(|sample| sample.is_finite()));
    }
    assert!((host.param(amount) - 0.6).abs() < 1e-6, "{}", host.param(amount));
    // The same outside of blocks; unknown ids change nothing.
    for value in [f64::NAN, f64::INFINITY] {
        // SAFETY: plain arguments.
        assert_ne!(unsafe { host.controller.setParamNormalized(amount, value) }, kResultOk);
    }
    // Values beyond the range are clamped, before and after a block brings them.
    for (value, told) in [(17.0, 1.0), (-1e300, 0.0), (0.6, 0.6)] {
        host.set_param(amount, value);
        assert!((host.param(amount) - told).abs() < 1e-6, "{value}, set");
        host.flush(&[(amount, value)]);
        assert!((host.param(amount) - told).abs() < 1e-6, "{value}, brought");
    }
    host.flush(&[(12_345, 0.1), (u32::MAX, f64::NAN), (amount, f64::NEG_INFINITY)]);
    assert!((host.param(amount) - 0.6).abs() < 1e-6, "{}", host.param(amount));
    assert!((saved_amount(&host) - 60.0).abs() < 1e-4);
}
