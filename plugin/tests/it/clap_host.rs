//! A minimal CLAP host with deliberate faults that real hosts have by accident.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::*;
use clap_sys::ext::audio_ports::*;
use clap_sys::ext::audio_ports_config::*;
use clap_sys::ext::latency::*;
use clap_sys::ext::params::*;
use clap_sys::ext::render::*;
use clap_sys::ext::state::*;
use clap_sys::factory::plugin_factory::clap_plugin_factory;
use clap_sys::fixedpoint::CLAP_SECTIME_FACTOR;
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process};
use clap_sys::stream::{clap_istream, clap_ostream};
use clap_sys::version::CLAP_VERSION;
use nice_plug::wrapper::clap::Wrapper;
use plugin::guard::Guardable;
use plugin::guard::clap::{ClapClass, Factory};

use super::clap_told::{Told, host_extension, request_callback, request_process, request_restart};
use super::host::{Host, Odd, SetUp, TestBus};

/// A CLAP instance with its host.
pub struct ClapHost {
    pub plugin: *const clap_plugin,
    pub told: Box<Told>,
    host: Box<clap_host>,
    /// Cached maximum values of parameters. The infos also contain names, which change
    /// and allocate.
    max_values: RefCell<BTreeMap<u32, f64>>,
    /// Time of the next blocks: the host's count of samples, and its transport.
    pub time: RefCell<(i64, Option<clap_event_transport>)>,
    /// True if the plugin is destroyed with its host; false without the guard, whose faults the
    /// tests count.
    destroys: bool,
    /// Sample rate of the last activation.
    rate_hz: Cell<f64>,
}

/// Calls a function of the plugin.
macro_rules! call {
    ($self:ident.$function:ident($($argument:expr),*)) => {
        // SAFETY: a live plugin; the arguments are live variables or plain values.
        unsafe { (*$self.plugin).$function.unwrap()($self.plugin, $($argument),*) }
    };
}

/// Calls a function of one of the plugin's extensions.
macro_rules! ext {
    ($self:ident, $table:ty, $id:ident, $function:ident($($argument:expr),*)) => {{
        let table = call!($self.get_extension($id.as_ptr())).cast::<$table>();
        assert!(!table.is_null());
        // SAFETY: as above.
        unsafe { (*table).$function.unwrap()($self.plugin, $($argument),*) }
    }};
}

impl ClapHost {
    /// Creates an instance of `P`, with or without the guard.
    pub fn of<P: Guardable>(guarded: bool) -> Self {
        if guarded {
            let classes: &'static [ClapClass] = Box::leak(Box::new([ClapClass::of::<P>()]));
            let factory: &'static Factory = Box::leak(Box::new(Factory::new(classes)));
            return Self::from_factory(factory.as_ptr(), P::CLAP_ID);
        }
        Self::make(|host| {
            // SAFETY: the same steps as in the framework's own factory.
            unsafe {
                let wrapper = Arc::into_raw(Wrapper::<P>::new(host));
                (*wrapper).clap_plugin.as_ptr()
            }
        })
    }

    /// Creates an instance of a factory's class.
    pub fn from_factory(factory: *const clap_plugin_factory, id: &str) -> Self {
        let id = std::ffi::CString::new(id).unwrap();
        let mut host = Self::make(|host| {
            // SAFETY: a live factory and host.
            unsafe { (*factory).create_plugin.unwrap()(factory, host, id.as_ptr()) }
        })
        .call_back();
        host.destroys = true;
        host
    }

    fn make(create: impl FnOnce(*const clap_host) -> *const clap_plugin) -> Self {
        let mut told = Box::<Told>::default();
        let host = Box::new(clap_host {
            clap_version: CLAP_VERSION,
            host_data: (&raw mut *told).cast(),
            name: c"tests".as_ptr(),
            vendor: c"".as_ptr(),
            url: c"".as_ptr(),
            version: c"1".as_ptr(),
            get_extension: Some(host_extension),
            request_restart: Some(request_restart),
            request_process: Some(request_process),
            request_callback: Some(request_callback),
        });
        let plugin = create(&raw const *host);
        assert!(!plugin.is_null());
        let this = Self {
            plugin,
            told,
            host,
            max_values: RefCell::default(),
            time: RefCell::new((-1, None)),
            destroys: false,
            rate_hz: Cell::new(0.0),
        };
        assert!(call!(this.init()));
        this
    }

    /// Calls the plugin back during each of its calls of the host from now on. Without the guard
    /// some of these calls crash.
    pub fn call_back(self) -> Self {
        self.told.plugin.store(self.plugin.cast_mut(), Ordering::SeqCst);
        self
    }

    /// Stops calling the plugin back during its calls of the host.
    pub fn leave_alone(self) -> Self {
        self.told.plugin.store(std::ptr::null_mut(), Ordering::SeqCst);
        self
    }

    /// Returns one port.
    pub fn port(&self, index: u32, is_input: bool) -> Option<clap_audio_port_info> {
        // SAFETY: plain data.
        let mut info = unsafe { std::mem::zeroed() };
        ext!(self, clap_plugin_audio_ports, CLAP_EXT_AUDIO_PORTS, get(index, is_input, &mut info))
            .then_some(info)
    }

    /// Returns the number of ports.
    pub fn num_ports(&self, is_input: bool) -> u32 {
        ext!(self, clap_plugin_audio_ports, CLAP_EXT_AUDIO_PORTS, count(is_input))
    }

    /// Selects a port configuration.
    pub fn select(&self, config: u32) -> bool {
        ext!(self, clap_plugin_audio_ports_config, CLAP_EXT_AUDIO_PORTS_CONFIG, select(config))
    }

    fn info(&self, index: u32) -> Option<clap_param_info> {
        // SAFETY: plain data.
        let mut info = unsafe { std::mem::zeroed() };
        ext!(self, clap_plugin_params, CLAP_EXT_PARAMS, get_info(index, &mut info)).then_some(info)
    }

    /// Returns two flags: true if a parameter is shown as a list, and true if it can be automated.
    pub fn list_and_automated(&self, id: u32) -> (bool, bool) {
        let mut infos = (0..self.num_params()).filter_map(|index| self.info(index));
        let flags = infos.find(|info| info.id == id).expect("a known parameter").flags;
        (flags & CLAP_PARAM_IS_ENUM != 0, flags & CLAP_PARAM_IS_AUTOMATABLE != 0)
    }

    /// Returns the host, for further instances.
    pub fn raw_host(&self) -> *const clap_host {
        &raw const *self.host
    }

    /// Returns the maximum of a parameter's range; 1 if there is no such parameter.
    pub fn max_value(&self, id: u32) -> f64 {
        *self.max_values.borrow_mut().entry(id).or_insert_with(|| {
            (0..self.num_params())
                .find_map(|index| self.info(index).filter(|info| info.id == id))
                .map_or(1.0, |info| info.max_value)
        })
    }

    fn events(&self, changes: &[(usize, u32, f64)]) -> Vec<clap_event_param_value> {
        changes
            .iter()
            .map(|&(sample, id, value)| clap_event_param_value {
                header: clap_event_header {
                    size: size_of::<clap_event_param_value>() as u32,
                    time: sample as u32,
                    space_id: CLAP_CORE_EVENT_SPACE_ID,
                    type_: CLAP_EVENT_PARAM_VALUE,
                    flags: 0,
                },
                param_id: id,
                cookie: std::ptr::null_mut(),
                note_id: -1,
                port_index: -1,
                channel: -1,
                key: -1,
                value: value * self.max_value(id),
            })
            .collect()
    }
}

unsafe extern "C" fn events_size(list: *const clap_input_events) -> u32 {
    // SAFETY: the list's context is a `Vec` of events.
    unsafe { (*(*list).ctx.cast::<Vec<clap_event_param_value>>()).len() as u32 }
}

unsafe extern "C" fn events_get(
    list: *const clap_input_events,
    index: u32,
) -> *const clap_event_header {
    // SAFETY: as above.
    unsafe {
        &raw const (&(*(*list).ctx.cast::<Vec<clap_event_param_value>>()))[index as usize].header
    }
}

fn input_events(events: &mut Vec<clap_event_param_value>) -> clap_input_events {
    clap_input_events {
        ctx: (&raw mut *events).cast(),
        size: Some(events_size),
        get: Some(events_get),
    }
}

unsafe extern "C" fn stream_write(
    stream: *const clap_ostream,
    buffer: *const c_void,
    size: u64,
) -> i64 {
    // SAFETY: the stream's context is a `Vec`, and the buffer is the plugin's.
    unsafe {
        let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), size as usize);
        (*(*stream).ctx.cast::<Vec<u8>>()).extend_from_slice(bytes);
    }
    size as i64
}

unsafe extern "C" fn stream_read(
    stream: *const clap_istream,
    buffer: *mut c_void,
    size: u64,
) -> i64 {
    // SAFETY: the stream's context is a slice reader, and the buffer is the plugin's.
    unsafe {
        let left = &mut *(*stream).ctx.cast::<&[u8]>();
        let length = left.len().min(size as usize);
        std::ptr::copy_nonoverlapping(left.as_ptr(), buffer.cast(), length);
        *left = &left[length..];
        length as i64
    }
}

/// Returns the text of a CLAP string.
pub fn text(string: &[c_char]) -> String {
    let bytes: Vec<u8> =
        string.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Linked instances call their host from a thread of their own, so none outlives its host.
impl Drop for ClapHost {
    fn drop(&mut self) {
        self.told.plugin.store(std::ptr::null_mut(), Ordering::SeqCst);
        if self.destroys {
            call!(self.destroy());
        }
    }
}

impl Host for ClapHost {
    fn activate(&mut self, set_up: SetUp) -> bool {
        self.rate_hz.set(set_up.rate);
        let mode = if set_up.offline { CLAP_RENDER_OFFLINE } else { CLAP_RENDER_REALTIME };
        ext!(self, clap_plugin_render, CLAP_EXT_RENDER, set(mode));
        call!(self.activate(set_up.rate, 1, set_up.max_block as u32))
            && call!(self.start_processing())
    }

    fn deactivate(&mut self) {
        call!(self.stop_processing());
        call!(self.deactivate());
    }

    fn process_timed(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(usize, u32, f64)],
        odd: Odd,
    ) -> bool {
        let mut in_pointers: Vec<_> = inputs.iter_mut().map(TestBus::pointers).collect();
        let mut out_pointers: Vec<_> = outputs.iter_mut().map(TestBus::pointers).collect();
        if odd == Odd::SecondInputIsMainOutput {
            in_pointers[1][0] = out_pointers[0][0];
        }
        let num_inputs = inputs.len() - usize::from(odd == Odd::OneInputLessThanThere);
        let make = |buses: &[TestBus], pointers: &mut [Vec<*mut f32>]| -> Vec<clap_audio_buffer> {
            (buses.iter().zip(pointers))
                .map(|(bus, pointers)| clap_audio_buffer {
                    data32: if bus.no_array { std::ptr::null_mut() } else { pointers.as_mut_ptr() },
                    data64: std::ptr::null_mut(),
                    channel_count: bus.channels.len() as u32,
                    latency: 0,
                    constant_mask: 0,
                })
                .collect()
        };
        let in_buses = make(inputs, &mut in_pointers);
        let mut out_buses = make(outputs, &mut out_pointers);
        let mut events = self.events(changes);
        let in_events = input_events(&mut events);
        let (steady_time, transport) = *self.time.borrow();
        let block = clap_process {
            steady_time,
            frames_count: num_samples as u32,
            transport: transport.as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
            audio_inputs: if in_buses.is_empty() { std::ptr::null() } else { in_buses.as_ptr() },
            audio_outputs: if out_buses.is_empty() {
                std::ptr::null_mut()
            } else {
                out_buses.as_mut_ptr()
            },
            audio_inputs_count: num_inputs as u32,
            audio_outputs_count: out_buses.len() as u32,
            in_events: &raw const in_events,
            out_events: std::ptr::null(),
        };
        call!(self.process(&raw const block)) != CLAP_PROCESS_ERROR
    }

    fn go_to(&self, sample: Option<i64>) {
        let transport = |sample| playing_at(sample, self.rate_hz.get());
        *self.time.borrow_mut() = (-1, sample.map(transport));
    }

    fn reset(&self) {
        call!(self.reset());
    }

    fn set_processing(&self, on: bool) {
        if on {
            call!(self.start_processing());
        } else {
            call!(self.stop_processing());
        }
    }

    fn num_params(&self) -> u32 {
        ext!(self, clap_plugin_params, CLAP_EXT_PARAMS, count())
    }

    fn param_name(&self, index: u32) -> Option<String> {
        self.info(index).map(|info| text(&info.name))
    }

    fn param_id(&self, index: u32) -> Option<u32> {
        self.info(index).map(|info| info.id)
    }

    fn param(&self, id: u32) -> f64 {
        let mut value = f64::NAN;
        ext!(self, clap_plugin_params, CLAP_EXT_PARAMS, get_value(id, &mut value));
        value / self.max_value(id)
    }

    fn param_text(&self, id: u32, normalized: f64) -> String {
        let mut string = [0; 128];
        let value = normalized * self.max_value(id);
        ext!(
            self,
            clap_plugin_params,
            CLAP_EXT_PARAMS,
            value_to_text(id, value, string.as_mut_ptr(), 128)
        );
        text(&string)
    }

    fn set_param(&self, id: u32, normalized: f64) {
        self.flush(&[(id, normalized)]);
    }

    fn flush(&self, changes: &[(u32, f64)]) {
        let changes: Vec<_> = changes.iter().map(|&(id, value)| (0, id, value)).collect();
        let mut events = self.events(&changes);
        let list = input_events(&mut events);
        ext!(self, clap_plugin_params, CLAP_EXT_PARAMS, flush(&raw const list, std::ptr::null()));
    }

    fn latency(&self) -> u32 {
        ext!(self, clap_plugin_latency, CLAP_EXT_LATENCY, get())
    }

    fn idle(&self) {
        if self.told.callback.swap(false, Ordering::SeqCst) {
            call!(self.on_main_thread());
        }
    }

    fn notices(&self) -> (usize, usize) {
        (self.told.names.load(Ordering::SeqCst), self.told.restarts.load(Ordering::SeqCst))
    }

    fn value_notices(&self) -> usize {
        self.told.values.load(Ordering::SeqCst)
    }

    fn dirty_notices(&self) -> usize {
        self.told.dirty.load(Ordering::SeqCst)
    }

    fn save(&self) -> Vec<u8> {
        let mut bytes = Vec::<u8>::new();
        let stream = clap_ostream { ctx: (&raw mut bytes).cast(), write: Some(stream_write) };
        assert!(ext!(self, clap_plugin_state, CLAP_EXT_STATE, save(&raw const stream)));
        bytes
    }

    fn load(&self, state: &[u8]) -> bool {
        let mut left = state;
        let stream = clap_istream { ctx: (&raw mut left).cast(), read: Some(stream_read) };
        ext!(self, clap_plugin_state, CLAP_EXT_STATE, load(&raw const stream))
    }

    fn unload(mut self: Box<Self>) {
        self.destroys = true;
    }
}

/// Returns a transport that plays at `sample` of the timeline.
pub fn playing_at(sample: i64, rate_hz: f64) -> clap_event_transport {
    // SAFETY: plain data, for which zeros are valid.
    let mut transport: clap_event_transport = unsafe { std::mem::zeroed() };
    transport.header = clap_event_header {
        size: size_of::<clap_event_transport>() as u32,
        time: 0,
        space_id: CLAP_CORE_EVENT_SPACE_ID,
        type_: CLAP_EVENT_TRANSPORT,
        flags: 0,
    };
    transport.flags = CLAP_TRANSPORT_IS_PLAYING | CLAP_TRANSPORT_HAS_SECONDS_TIMELINE;
    let seconds = sample as f64 / rate_hz * CLAP_SECTIME_FACTOR as f64;
    transport.song_pos_seconds = seconds.round() as i64;
    transport
}

/// Returns the table of a CLAP plugin's extension.
pub(super) fn table<T>(host: &ClapHost, id: &CStr) -> &'static T {
    // SAFETY: a live plugin, and the id determines the type; no test uses a table after its plugin.
    unsafe {
        let get = (*host.plugin).get_extension.unwrap();
        get(host.plugin, id.as_ptr()).cast::<T>().as_ref().expect("an extension")
    }
}
