//! The proxy between a CLAP host and the framework: its data, activation, and reports.
#![allow(unsafe_code, reason = "a CLAP interface")]

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_host_gui, clap_plugin_gui};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_host_latency};
use clap_sys::plugin::clap_plugin;
use nice_plug::prelude::AudioIOLayout;

use super::teller::Teller;
use crate::guard::flat::Buses;
use crate::guard::lock::AudioLock;
use crate::guard::panics::shield;
use crate::guard::scratch::Scratch;
use crate::guard::{Activation, MAX_BLOCK_SAMPLES, View};
use crate::sync::lock;

/// The proxy between a CLAP host and the framework's `clap_plugin`.
///
/// The host's table has the framework's own `plugin_data`. The framework's functions use nothing
/// else, so its extensions work with the host's pointer to the proxy.
#[repr(C)]
pub(super) struct Proxy {
    /// First field, so that a pointer to it is a pointer to the whole.
    table: clap_plugin,
    /// The framework's table.
    pub(super) inner: *const clap_plugin,
    /// Owns the framework's wrapper, an `Arc` of a type that only the creator names.
    owner: Option<Box<dyn Any>>,
    pub(super) teller: Arc<Teller>,
    pub(super) view: Arc<dyn View>,
    pub(super) layouts: &'static [AudioIOLayout],
    /// The framework's table for windows, with the guard's own function in it.
    pub(super) gui: OnceLock<clap_plugin_gui>,
    pub(super) audio: AudioLock<Audio>,
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
    /// Set if a reset was requested while a block was running.
    pub(super) reset: AtomicBool,
    /// One bit per input port, set if the host has switched the port off.
    pub(super) inactive_inputs: AtomicU64,
}

/// The data of a block; used only while the lock is held.
#[derive(Debug, Default)]
pub(super) struct Audio {
    pub(super) scratch: Scratch,
    pub(super) buses: Option<Buses>,
    /// `Some` while active.
    pub(super) activation: Option<Activation>,
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
/// `plugin` is null or comes from `plugin::create` and is not destroyed.
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
            match unsafe { $crate::guard::clap::proxy::this($plugin) } {
                Some($proxy) => $body,
                None => $fallback,
            }
        })
    };
}
pub(super) use {inner, with_proxy};

impl Proxy {
    /// Creates the proxy of a wrapper, `owner`, with its table `inner`.
    pub(super) fn new(
        table: clap_plugin,
        inner: *const clap_plugin,
        owner: Box<dyn Any>,
        teller: Arc<Teller>,
        view: Arc<dyn View>,
        layouts: &'static [AudioIOLayout],
    ) -> Self {
        Self {
            table,
            inner,
            owner: Some(owner),
            teller,
            view,
            layouts,
            gui: OnceLock::new(),
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
        }
    }

    /// Returns the buses of the selected layout.
    pub(super) fn buses(&self) -> Buses {
        Buses::of(&self.layouts[self.layout.load(Ordering::Relaxed)])
    }

    /// Locks the configuration of the next activation; main thread.
    pub(super) fn next(&self) -> MutexGuard<'_, Activation> {
        lock(&self.next)
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

    pub(super) fn host_has_windows(&self) -> bool {
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

    pub(super) fn activate(&self, sample_rate_hz: f64, min_samples: u32, max_samples: u32) -> bool {
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

    pub(super) fn deactivate(&self) {
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

    pub(super) fn reset(&self) {
        // Defect 9: the framework would wait for a running block. The next block resets instead.
        if self.if_idle(|| inner!(self, reset() else ())).is_none() {
            self.reset.store(true, Ordering::Relaxed);
        }
    }
}
