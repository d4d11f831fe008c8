//! Corner cases of both protocols: streams in pieces, invalid events, texts, transports, and
//! unusual orders of calls.
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
    reason = "a test that cannot go on fails"
)]

use std::ffi::{CStr, c_char, c_void};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::ext::params::*;
use clap_sys::ext::render::*;
use clap_sys::ext::state::*;
use clap_sys::process::*;
use clap_sys::stream::{clap_istream, clap_ostream};
use plugin::classes::{Class as _, Unspill8, UnspillTrack};
use plugin::guard::param_id_hash;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

use super::clap_host::{self, ClapHost};
use super::host::{Host, SetUp, TestBus};
use super::product::{both, clap_factory, instances, strip};
use super::vst3_host::{self, Vst3Host};

/// Returns the table of a CLAP plugin's extension.
pub(super) fn table<T>(host: &ClapHost, id: &CStr) -> &'static T {
    // SAFETY: a live plugin, and the id determines the type; no test uses a table after its plugin.
    unsafe {
        let get = (*host.plugin).get_extension.unwrap();
        get(host.plugin, id.as_ptr()).cast::<T>().as_ref().expect("an extension")
    }
}

/// Behaviour of a host's stream.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pieces {
    /// Takes and returns at most this many bytes per call.
    OfBytes(usize),
    /// Fails after this many bytes.
    FailAfter(usize),
    /// Reports more bytes than there was room for.
    Boast,
}

struct Piecewise {
    bytes: Vec<u8>,
    position: usize,
    pieces: Pieces,
}

impl Piecewise {
    fn new(bytes: &[u8], pieces: Pieces) -> Self {
        Self { bytes: bytes.to_vec(), position: 0, pieces }
    }

    /// Returns the number of bytes of `size` that are transferred now; `None` if it fails.
    fn count(&self, size: usize) -> Option<usize> {
        match self.pieces {
            Pieces::OfBytes(most) => Some(size.min(most)),
            Pieces::FailAfter(end) => {
                Some(size.min(end.checked_sub(self.position)?)).filter(|&n| n > 0)
            }
            Pieces::Boast => Some(size),
        }
    }

    /// Returns the reported number for `count` bytes with room for `size`.
    fn say(&self, count: usize, size: usize) -> usize {
        if self.pieces == Pieces::Boast { size + 1 } else { count }
    }

    /// Appends bytes.
    ///
    /// # Safety
    ///
    /// `from` holds `size` bytes.
    unsafe fn write(&mut self, from: *const u8, size: usize) -> Option<usize> {
        let count = self.count(size)?;
        // SAFETY: as the caller guarantees.
        self.bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(from, count) });
        self.position += count;
        Some(self.say(count, size))
    }

    /// Reads bytes.
    ///
    /// # Safety
    ///
    /// `to` has room for `size` bytes.
    unsafe fn read(&mut self, to: *mut u8, size: usize) -> Option<usize> {
        let count = self.count(size)?.min(self.bytes.len() - self.position);
        // SAFETY: as the caller guarantees.
        unsafe { std::ptr::copy_nonoverlapping(self.bytes[self.position..].as_ptr(), to, count) };
        self.position += count;
        Some(self.say(count, size))
    }
}

unsafe extern "C" fn clap_write(
    stream: *const clap_ostream,
    from: *const c_void,
    size: u64,
) -> i64 {
    // SAFETY: the context is a `Piecewise`, and the bytes are the plugin's.
    let count = unsafe { (*(*stream).ctx.cast::<Piecewise>()).write(from.cast(), size as usize) };
    count.map_or(-1, |count| count as i64)
}

unsafe extern "C" fn clap_read(stream: *const clap_istream, to: *mut c_void, size: u64) -> i64 {
    // SAFETY: as above.
    let count = unsafe { (*(*stream).ctx.cast::<Piecewise>()).read(to.cast(), size as usize) };
    count.map_or(-1, |count| count as i64)
}

fn clap_save(host: &ClapHost, pieces: Pieces) -> Option<Vec<u8>> {
    let mut bytes = Piecewise::new(&[], pieces);
    let stream = clap_ostream { ctx: (&raw mut bytes).cast(), write: Some(clap_write) };
    let save = table::<clap_plugin_state>(host, CLAP_EXT_STATE).save.unwrap();
    // SAFETY: a live plugin and stream.
    unsafe { save(host.plugin, &raw const stream) }.then_some(bytes.bytes)
}

fn clap_load(host: &ClapHost, state: &[u8], pieces: Pieces) -> bool {
    let mut bytes = Piecewise::new(state, pieces);
    let stream = clap_istream { ctx: (&raw mut bytes).cast(), read: Some(clap_read) };
    let load = table::<clap_plugin_state>(host, CLAP_EXT_STATE).load.unwrap();
    // SAFETY: a live plugin and stream.
    unsafe { load(host.plugin, &raw const stream) }
}

/// The same stream for VST3.
struct Vst3Stream(Mutex<Piecewise>);

impl Class for Vst3Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Vst3Stream {
    unsafe fn read(&self, to: *mut c_void, size: int32, num_read: *mut int32) -> tresult {
        // SAFETY: the plugin's buffer.
        let count = unsafe { self.0.lock().unwrap().read(to.cast(), size as usize) };
        // SAFETY: null or the plugin's variable.
        if let Some(num_read) = unsafe { num_read.as_mut() } {
            *num_read = count.map_or(-1, |count| count as int32);
        }
        // At the end many hosts report an error.
        if count.is_some_and(|count| count > 0) { kResultOk } else { kResultFalse }
    }

    unsafe fn write(&self, from: *mut c_void, size: int32, num_written: *mut int32) -> tresult {
        // SAFETY: the plugin's bytes.
        let count = unsafe { self.0.lock().unwrap().write(from.cast(), size as usize) };
        // SAFETY: null or the plugin's variable.
        if let Some(num_written) = unsafe { num_written.as_mut() } {
            *num_written = count.map_or(-1, |count| count as int32);
        }
        if count.is_some() { kResultOk } else { kResultFalse }
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        let mut inner = self.0.lock().unwrap();
        let base = [0, inner.position, inner.bytes.len()][mode as usize];
        inner.position = (base as i64 + offset) as usize;
        // SAFETY: null or the plugin's variable.
        if let Some(result) = unsafe { result.as_mut() } {
            *result = inner.position as i64;
        }
        kResultOk
    }

    unsafe fn tell(&self, position: *mut int64) -> tresult {
        // SAFETY: the plugin's variable.
        unsafe { *position = self.0.lock().unwrap().position as i64 };
        kResultOk
    }
}

fn vst3_save(host: &Vst3Host, pieces: Pieces) -> Option<Vec<u8>> {
    let stream = ComWrapper::new(Vst3Stream(Mutex::new(Piecewise::new(&[], pieces))));
    let given = stream.as_com_ref::<IBStream>().unwrap();
    // SAFETY: a live stream.
    let result = unsafe { host.component.getState(given.as_ptr()) };
    (result == kResultOk).then(|| stream.0.lock().unwrap().bytes.clone())
}

fn vst3_load(host: &Vst3Host, state: &[u8], pieces: Pieces) -> bool {
    let stream = ComWrapper::new(Vst3Stream(Mutex::new(Piecewise::new(state, pieces))));
    let given = stream.as_com_ref::<IBStream>().unwrap();
    // SAFETY: a live stream.
    unsafe { host.component.setState(given.as_ptr()) == kResultOk }
}

#[test]
fn states_are_saved_and_loaded_in_pieces_of_any_size() {
    let amount = param_id_hash("amount");
    let (clap, vst3) = instances(&Unspill8::DESC);
    for host in [&clap as &dyn Host, &vst3] {
        host.set_param(amount, 0.25);
    }
    let whole = strip(&clap.save()).to_vec();
    for bytes in [1, 7, 17, 4096, usize::MAX] {
        let pieces = Pieces::OfBytes(bytes);
        let saved = [clap_save(&clap, pieces).unwrap(), vst3_save(&vst3, pieces).unwrap()];
        for host in [&clap as &dyn Host, &vst3] {
            host.set_param(amount, 0.75);
        }
        assert_eq!(strip(&saved[0]), whole, "CLAP, {bytes}");
        assert_eq!(saved[1], whole, "VST3, {bytes}");
        assert!(clap_load(&clap, &saved[0], pieces), "CLAP, {bytes}");
        assert!(vst3_load(&vst3, &saved[1], pieces), "VST3, {bytes}");
        for host in [&clap as &dyn Host, &vst3] {
            assert!((host.param(amount) - 0.25).abs() < 1e-6, "{bytes}");
        }
    }
}

#[test]
fn a_state_that_a_stream_does_not_take_or_give_is_not_saved_and_not_loaded() {
    let amount = param_id_hash("amount");
    let (clap, vst3) = instances(&Unspill8::DESC);
    let saved = clap.save();
    for host in [&clap as &dyn Host, &vst3] {
        host.set_param(amount, 0.75);
    }
    for pieces in [Pieces::FailAfter(0), Pieces::FailAfter(100), Pieces::Boast] {
        assert_eq!(clap_save(&clap, pieces), None, "CLAP {pieces:?}");
        assert_eq!(vst3_save(&vst3, pieces), None, "VST3 {pieces:?}");
        assert!(!clap_load(&clap, &saved, pieces), "CLAP {pieces:?}");
        assert!(!vst3_load(&vst3, strip(&saved), pieces), "VST3 {pieces:?}");
    }
    // SAFETY: a live plugin; streams without functions, and null.
    unsafe {
        let state = table::<clap_plugin_state>(&clap, CLAP_EXT_STATE);
        let (save, load) = (state.save.unwrap(), state.load.unwrap());
        let (to, from) = (
            clap_ostream { ctx: std::ptr::null_mut(), write: None },
            clap_istream { ctx: std::ptr::null_mut(), read: None },
        );
        assert!(!save(clap.plugin, &raw const to) && !load(clap.plugin, &raw const from));
        assert!(!save(clap.plugin, std::ptr::null()) && !load(clap.plugin, std::ptr::null()));
        assert_ne!(vst3.component.getState(std::ptr::null_mut()), kResultOk);
        assert_ne!(vst3.component.setState(std::ptr::null_mut()), kResultOk);
    }
    for host in [&clap as &dyn Host, &vst3] {
        assert!((host.param(amount) - 0.75).abs() < 1e-6, "the state is as it was");
    }
}

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

fn saved_amount(host: &dyn Host) -> f64 {
    let saved: serde_json::Value = serde_json::from_slice(strip(&host.save())).unwrap();
    saved["params"]["amount"]["f32"].as_f64().unwrap()
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

/// Conversions of a parameter between value and text.
trait Texts: Host {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String>;
    fn value_of(&self, id: u32, text: &str) -> Option<f64>;
}

impl Texts for ClapHost {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String> {
        let params = table::<clap_plugin_params>(self, CLAP_EXT_PARAMS);
        let (value, mut string) = (normalized * self.max_value(id), [0 as c_char; 128]);
        // SAFETY: a live plugin and room for the text.
        let is_text = unsafe {
            params.value_to_text.unwrap()(self.plugin, id, value, string.as_mut_ptr(), 128)
        };
        is_text.then(|| clap_host::text(&string))
    }

    fn value_of(&self, id: u32, text: &str) -> Option<f64> {
        let params = table::<clap_plugin_params>(self, CLAP_EXT_PARAMS);
        let (text, mut value) = (std::ffi::CString::new(text).unwrap(), f64::NAN);
        // SAFETY: a live plugin and variables.
        let is_value = unsafe {
            params.text_to_value.unwrap()(self.plugin, id, text.as_ptr(), &raw mut value)
        };
        is_value.then_some(value / self.max_value(id))
    }
}

impl Texts for Vst3Host {
    fn text_of(&self, id: u32, normalized: f64) -> Option<String> {
        let mut string = [0; 128];
        // SAFETY: live variables.
        let result =
            unsafe { self.controller.getParamStringByValue(id, normalized, &raw mut string) };
        (result == kResultOk).then(|| vst3_host::text(&string))
    }

    fn value_of(&self, id: u32, text: &str) -> Option<f64> {
        let mut wide: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut value = f64::NAN;
        // SAFETY: live variables.
        let result =
            unsafe { self.controller.getParamValueByString(id, wide.as_mut_ptr(), &raw mut value) };
        (result == kResultOk).then_some(value)
    }
}

#[test]
fn every_text_is_read_as_the_value_that_it_was_written_for() {
    /// Texts have one decimal: a twentieth of a percent, or of a decibel in a range of eighty.
    /// Measured: 6.25e-4.
    const ALLOWED: f64 = 1e-3;
    for class in [&Unspill8::DESC, &UnspillTrack::DESC] {
        let (clap, vst3) = instances(class);
        for host in [&clap as &dyn Texts, &vst3] {
            for index in 0..host.num_params() {
                let id = host.param_id(index).unwrap();
                let (mut texts, mut last) = (std::collections::BTreeSet::new(), None);
                for step in 0..=40 {
                    let text = host.text_of(id, f64::from(step) / 40.0).unwrap();
                    let value = host.value_of(id, &text);
                    let value = value.unwrap_or_else(|| panic!("{text:?} of {index} is not read"));
                    assert_eq!(host.text_of(id, value).as_ref(), Some(&text), "{index}");
                    if texts.insert(text.clone()) {
                        assert_ne!(last.replace(value), Some(value), "{text:?} of {index}");
                    }
                    let is_number = texts.len() > 20;
                    let off = (value - f64::from(step) / 40.0).abs();
                    assert!(!is_number || off < ALLOWED, "{text:?} of {index} is off by {off}");
                }
                for text in ["nan", "NaN", "inf", "-inf", "1e999", "", " ", "no such choice"] {
                    assert_eq!(host.value_of(id, text), None, "{text:?} of {index}");
                }
                for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    assert_eq!(host.text_of(id, value), None, "{value} of {index}");
                }
                for (beyond, end) in [(-3.0, 0.0), (1e300, 1.0)] {
                    assert_eq!(host.text_of(id, beyond), host.text_of(id, end), "{index}");
                }
            }
            assert_eq!((host.text_of(12_345, 0.5), host.value_of(12_345, "1")), (None, None));
        }
    }
}

/// Xorshift, so that failures are reproducible.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
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
