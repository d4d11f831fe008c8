//! States through streams that take and return them in pieces, or fail.

use std::ffi::c_void;
use std::sync::Mutex;

use clap_sys::ext::state::*;
use clap_sys::stream::{clap_istream, clap_ostream};
use plugin::classes::{Class as _, Unspill8};
use plugin::guard::param_id_hash;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

use super::clap_host::{ClapHost, table};
use super::host::Host;
use super::instances::{instances, strip};
use super::vst3_host::Vst3Host;

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
