//! The `clap_plugin` that a host gets: life cycle and blocks.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_host_gui};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_host_latency};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{
    CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR, clap_process, clap_process_status,
};
use nice_plug::prelude::AudioIOLayout;
use nice_plug::wrapper::clap::Wrapper;

use super::block::BlockBuses;
use super::due::{Due, writable};
use super::extensions;
use super::teller::Teller;
use super::track;
use crate::guard::flat::Buses;
use crate::guard::lock::AudioLock;
use crate::guard::panics::shield;
use crate::guard::scratch::{Scratch, run_in_pieces};
use crate::guard::{Activation, Guardable, Inside, MAX_BLOCK_SAMPLES, View, view};

/// The proxy between a CLAP host and the framework's `clap_plugin`.
///
/// The host's table has the framework's own `plugin_data`. The framework's functions use nothing
/// else, so its extensions work with the host's pointer to the proxy.
#[repr(C)]
pub(super) struct Proxy {
    /// First field, so that a pointer to it is a pointer to the whole.
    table: clap_plugin,
    pub(super) inner: *const clap_plugin,
    /// Owns the framework's wrapper, an `Arc` of a type that only [`create`] names.
    owner: Option<Box<dyn Any>>,
    pub(super) teller: Arc<Teller>,
    pub(super) view: Arc<dyn View>,
    pub(super) layouts: &'static [AudioIOLayout],
    audio: AudioLock<Audio>,
    /// Configuration of the next activation, as far as it is known. Never locked on the
    /// audio thread.
    next: Mutex<Activation>,
    pub(super) layout: AtomicUsize,
    pub(super) active: AtomicBool,
    latency: AtomicU32,
    /// The latency that the host was last given, in samples.
    told_latency: AtomicU32,
    /// The latency of the last request for a restart, in samples.
    wanted_latency: AtomicU32,
    latency_was_asked: AtomicBool,
    reset: AtomicBool,
    /// One bit per input port, set if the host has switched the port off.
    pub(super) inactive_inputs: AtomicU64,
}

#[derive(Debug, Default)]
struct Audio {
    scratch: Scratch,
    buses: Option<Buses>,
    activation: Option<Activation>,
}

/// Creates a guarded instance of `P`; null if that panics.
///
/// # Safety
///
/// `host` is a live host that outlives the instance.
pub(super) unsafe fn create<P: Guardable>(host: *const clap_host) -> *const clap_plugin {
    let proxy = shield(None, || {
        // SAFETY: as the caller guarantees.
        let wrapper = unsafe { Wrapper::<Inside<P>>::new(host) };
        let view = view::adopt()?;
        // SAFETY: as the caller guarantees. The name is a string, or null in a host that violates
        // the specification.
        let name = unsafe { host.as_ref() }.map(|host| host.name).filter(|name| !name.is_null());
        if let Some(name) = name {
            // SAFETY: as above.
            view.host_is(&unsafe { CStr::from_ptr(name) }.to_string_lossy());
        }
        // SAFETY: as the caller guarantees; the teller lives as long as the proxy.
        let teller = Arc::new(unsafe { Teller::new(host, &view) });
        let bell: Weak<Teller> = Arc::downgrade(&teller);
        view.hang_bell(bell);
        let inner = wrapper.clap_plugin.as_ptr().cast_const();
        // SAFETY: the wrapper lives in `owner`, and its table is not borrowed mutably any more.
        let table = clap_plugin {
            init: Some(init),
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            start_processing: Some(start_processing),
            stop_processing: Some(stop_processing),
            reset: Some(reset),
            process: Some(process),
            get_extension: Some(get_extension),
            on_main_thread: Some(on_main_thread),
            ..unsafe { *inner }
        };
        Some(Box::new(Proxy {
            table,
            inner,
            owner: Some(Box::new(wrapper)),
            teller,
            view,
            layouts: P::AUDIO_IO_LAYOUTS,
            audio: AudioLock::new(Audio::default()),
            next: Mutex::default(),
            layout: AtomicUsize::new(0),
            active: AtomicBool::new(false),
            latency: AtomicU32::new(0),
            told_latency: AtomicU32::new(0),
            wanted_latency: AtomicU32::new(0),
            latency_was_asked: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            inactive_inputs: AtomicU64::new(0),
        }))
    });
    proxy.map_or(std::ptr::null(), |proxy| Box::into_raw(proxy).cast_const().cast())
}

impl Drop for Proxy {
    /// Defect 6: the framework's wrapper panics when it is dropped with queued tasks. Its own
    /// `destroy` would abort, so the wrapper is dropped here.
    fn drop(&mut self) {
        let owner = self.owner.take();
        shield((), || drop(owner));
    }
}

/// Returns the proxy of a host's pointer.
///
/// # Safety
///
/// `plugin` is null or comes from [`create`] and is not destroyed.
pub(super) unsafe fn this<'a>(plugin: *const clap_plugin) -> Option<&'a Proxy> {
    // SAFETY: `plugin` is the first field of a `#[repr(C)]` struct.
    unsafe { plugin.cast::<Proxy>().as_ref() }
}

/// Calls one function of the framework's table, if it exists.
macro_rules! inner {
    ($proxy:expr, $function:ident($($argument:expr),*) else $fallback:expr) => {{
        // SAFETY: the framework's table lives as long as the proxy, and its functions take the
        // table they are in.
        match unsafe { (*$proxy.inner).$function } {
            // SAFETY: as above; the arguments are the host's or well-formed ones of the guard.
            Some(function) => unsafe { function($proxy.inner, $($argument),*) },
            None => $fallback,
        }
    }};
}

/// Runs `$body` with the proxy. Catches panics; a panic or a null pointer returns `$fallback`.
macro_rules! with_proxy {
    ($plugin:ident, $fallback:expr, |$proxy:ident| $body:expr) => {
        $crate::guard::panics::shield($fallback, || {
            // SAFETY: the host returns a pointer that it got and has not destroyed.
            match unsafe { $crate::guard::clap::plugin::this($plugin) } {
                Some($proxy) => $body,
                None => $fallback,
            }
        })
    };
}
pub(super) use {inner, with_proxy};

impl Proxy {
    /// Returns the buses of the selected layout.
    pub(super) fn buses(&self) -> Buses {
        Buses::of(&self.layouts[self.layout.load(Ordering::Relaxed)])
    }

    /// Locks the configuration of the next activation; main thread.
    pub(super) fn next(&self) -> std::sync::MutexGuard<'_, Activation> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the latency in samples: that of the running activation, or of the next one.
    pub(super) fn current_latency(&self) -> u32 {
        let latency = if self.active.load(Ordering::Relaxed) {
            self.latency.load(Ordering::Relaxed)
        } else {
            self.view.latency_samples(&self.next())
        };
        self.told_latency.store(latency, Ordering::Relaxed);
        self.latency_was_asked.store(true, Ordering::Relaxed);
        latency
    }

    fn host_has_windows(&self) -> bool {
        self.teller.host_extension::<clap_host_gui>(CLAP_EXT_GUI).is_some()
    }

    /// Detects all changes that may follow from a parameter change, and requests a callback of the
    /// host; real-time safe.
    pub(super) fn notice_changes(&self, running: Option<&Activation>) {
        self.teller.notice();
        if let Some(activation) = running {
            let latency = self.view.latency_samples(activation);
            let before = self.wanted_latency.swap(latency, Ordering::Relaxed);
            if latency != before && latency != self.latency.load(Ordering::Relaxed) {
                self.teller.request(|host| host.request_restart);
            }
        }
    }

    /// Detects changes and reports them to the host; main thread.
    pub(super) fn notice_changes_on_main_thread(&self) {
        let running = self.active.load(Ordering::Relaxed).then(|| *self.next());
        self.notice_changes(running.as_ref());
        self.teller.tell_host();
    }

    /// Detects changes after a flush. A flush runs on the audio thread while active, otherwise on
    /// the main thread.
    pub(super) fn notice_changes_in_flush(&self) {
        let activation = self.audio.try_take().and_then(|audio| audio.activation);
        self.notice_changes(activation.as_ref());
    }

    fn activate(&self, sample_rate_hz: f64, min_samples: u32, max_samples: u32) -> bool {
        if !sample_rate_hz.is_finite() || sample_rate_hz <= 0.0 || max_samples == 0 {
            return false;
        }
        if self.teller.is_on_audio_thread() {
            return false;
        }
        if self.active.load(Ordering::Relaxed) {
            self.deactivate();
        }
        let Some(mut audio) = self.audio.take() else {
            return false;
        };
        let mut next = self.next();
        next.sample_rate_hz = sample_rate_hz;
        next.max_block_samples = (max_samples as usize).min(MAX_BLOCK_SAMPLES);
        let activation = *next;
        drop(next);
        let buses = self.buses();
        audio.scratch.prepare(buses.num_channels, activation.max_block_samples);
        audio.buses = Some(buses);
        let max_samples = u32::try_from(activation.max_block_samples).unwrap_or(u32::MAX);
        let min_samples = min_samples.min(max_samples);
        if !inner!(self, activate(sample_rate_hz, min_samples, max_samples) else false) {
            return false;
        }
        audio.activation = Some(activation);
        drop(audio);
        let latency = self.view.latency_samples(&activation);
        self.latency.store(latency, Ordering::Relaxed);
        self.wanted_latency.store(latency, Ordering::Relaxed);
        self.active.store(true, Ordering::Relaxed);
        let told = self.told_latency.swap(latency, Ordering::Relaxed);
        if told != latency
            && self.latency_was_asked.load(Ordering::Relaxed)
            && let Some(host) = self.teller.host_extension::<clap_host_latency>(CLAP_EXT_LATENCY)
            && let Some(changed) = host.changed
        {
            // SAFETY: a live host, inside `activate`, where this is allowed.
            unsafe { changed(self.teller.host()) };
        }
        true
    }

    fn deactivate(&self) {
        let audio = self.audio.take();
        if self.active.swap(false, Ordering::Relaxed) {
            inner!(self, deactivate() else ());
        }
        if let Some(mut audio) = audio {
            audio.activation = None;
        }
    }

    /// Runs an audio-thread call in which the framework would wait for a running block (defect 9).
    /// Returns `None` if a block is running.
    pub(super) fn if_idle<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        self.audio.try_take().map(|_held| call())
    }

    fn reset(&self) {
        // Defect 9: the framework would wait for a running block. The next block resets instead.
        if self.if_idle(|| inner!(self, reset() else ())).is_none() {
            self.reset.store(true, Ordering::Relaxed);
        }
    }

    fn process(&self, block: &clap_process) -> clap_process_status {
        let inactive_inputs = self.inactive_inputs.load(Ordering::Relaxed);
        let host = BlockBuses { block, inactive_inputs };
        let num_samples = block.frames_count as usize;
        let audio = self.audio.try_take();
        let Some((mut audio, activation)) =
            audio.and_then(|audio| audio.activation.map(|activation| (audio, activation)))
        else {
            // Inactive, or a concurrent second call (defect 9).
            // SAFETY: the host's buffers.
            unsafe { host.silence(num_samples) };
            return CLAP_PROCESS_ERROR;
        };
        if self.reset.swap(false, Ordering::Relaxed) {
            inner!(self, reset() else ());
        }
        let status = if num_samples == 0 {
            // SAFETY: the host's list, which outlives the block.
            let mut due = unsafe { Due::new(block.in_events, 0) };
            due.advance(0, &*self.view);
            let events = due.list();
            let flush = clap_process {
                in_events: &raw const events,
                // SAFETY: null or the host's list.
                out_events: unsafe { writable(block.out_events) },
                audio_inputs: std::ptr::null(),
                audio_outputs: std::ptr::null_mut(),
                audio_inputs_count: 0,
                audio_outputs_count: 0,
                ..*block
            };
            inner!(self, process(&raw const flush) else CLAP_PROCESS_ERROR)
        } else {
            self.process_audio(&mut audio, &host, num_samples)
        };
        // From here on the host may call back.
        drop(audio);
        // SAFETY: null or the host's.
        if let Some(events) = unsafe { block.in_events.as_ref() }
            && let Some(size) = events.size
            // SAFETY: the host's list.
            && unsafe { size(block.in_events) } > 0
        {
            self.notice_changes(Some(&activation));
        } else {
            self.teller.notice_own_changes();
        }
        // SAFETY: the host's array.
        unsafe { host.clear_constant_masks() };
        status
    }

    fn process_audio(
        &self,
        audio: &mut Audio,
        host: &BlockBuses<'_>,
        num_samples: usize,
    ) -> clap_process_status {
        let Audio { scratch, buses: Some(buses), .. } = audio else {
            return CLAP_PROCESS_ERROR;
        };
        // SAFETY: the host's list, which outlives the block.
        let mut due = unsafe { Due::new(host.block.in_events, num_samples) };
        let mut status = CLAP_PROCESS_CONTINUE;
        let run = |scratch: &mut Scratch, offset: usize, length: usize| {
            let (mut start, mut is_well) = (0, true);
            while start < length {
                let next = due.advance(offset + start, &*self.view);
                let end = next.map_or(length, |next| length.min(next - offset));
                let one = self.process_piece(scratch, host.block, &due, [offset, start, end]);
                if status != CLAP_PROCESS_ERROR {
                    status = one;
                }
                is_well &= one != CLAP_PROCESS_ERROR;
                start = end;
            }
            is_well
        };
        // SAFETY: the host's buffers hold `num_samples` samples.
        unsafe { run_in_pieces(scratch, buses, host, num_samples, run) };
        status
    }

    /// Calls the framework for the samples `start..end` of the scratch, which begins at sample
    /// `offset` of the block.
    fn process_piece(
        &self,
        scratch: &mut Scratch,
        block: &clap_process,
        due: &Due,
        [offset, start, end]: [usize; 3],
    ) -> clap_process_status {
        let mut port = clap_audio_buffer {
            data32: scratch.pointers(start),
            data64: std::ptr::null_mut(),
            channel_count: u32::try_from(scratch.num_channels()).unwrap_or(0),
            latency: 0,
            constant_mask: 0,
        };
        let events = due.list();
        let mut piece = clap_process {
            frames_count: u32::try_from(end - start).unwrap_or(0),
            audio_inputs: &raw const port,
            audio_outputs: &raw mut port,
            audio_inputs_count: 1,
            audio_outputs_count: 1,
            in_events: &raw const events,
            // SAFETY: null or the host's list.
            out_events: unsafe { writable(block.out_events) },
            ..*block
        };
        if piece.steady_time >= 0 {
            let passed = i64::try_from(offset + start).unwrap_or(0);
            piece.steady_time = piece.steady_time.saturating_add(passed);
        }
        inner!(self, process(&raw const piece) else CLAP_PROCESS_ERROR)
    }
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    with_proxy!(plugin, false, |proxy| {
        // Hosts report the track again only when it changes.
        track::read(proxy);
        inner!(proxy, init() else false)
    })
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.deactivate());
    if !plugin.is_null() {
        shield((), || {
            // SAFETY: made by `Box::into_raw` in `create`, and the host does not use it after
            // this call.
            drop(unsafe { Box::from_raw(plugin.cast_mut().cast::<Proxy>()) });
        });
    }
}

unsafe extern "C" fn activate(
    plugin: *const clap_plugin,
    sample_rate: f64,
    min_frames_count: u32,
    max_frames_count: u32,
) -> bool {
    with_proxy!(plugin, false, |proxy| proxy.activate(
        sample_rate,
        min_frames_count,
        max_frames_count
    ))
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.deactivate());
}

unsafe extern "C" fn start_processing(plugin: *const clap_plugin) -> bool {
    with_proxy!(plugin, false, |proxy| {
        let idle = proxy.if_idle(|| inner!(proxy, start_processing() else false));
        proxy.active.load(Ordering::Relaxed) && idle.unwrap_or(true)
    })
}

unsafe extern "C" fn stop_processing(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| {
        proxy.if_idle(|| inner!(proxy, stop_processing() else ()));
    });
}

unsafe extern "C" fn reset(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| proxy.reset());
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    block: *const clap_process,
) -> clap_process_status {
    with_proxy!(plugin, CLAP_PROCESS_ERROR, |proxy| {
        // SAFETY: null or the host's.
        unsafe { block.as_ref() }.map_or(CLAP_PROCESS_ERROR, |block| proxy.process(block))
    })
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    with_proxy!(plugin, std::ptr::null(), |proxy| {
        if id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: not null, and a string of the host.
        let name = unsafe { CStr::from_ptr(id) };
        match extensions::find(name) {
            extensions::Found::Ours(table) => table,
            // The framework requires that a host with windows implements its side of the extension.
            extensions::Found::Theirs if name == CLAP_EXT_GUI && !proxy.host_has_windows() => {
                std::ptr::null()
            }
            extensions::Found::Theirs => {
                inner!(proxy, get_extension(id) else std::ptr::null())
            }
            extensions::Found::None => std::ptr::null(),
        }
    })
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    with_proxy!(plugin, (), |proxy| {
        inner!(proxy, on_main_thread() else ());
        proxy.teller.tell_host();
    });
}
