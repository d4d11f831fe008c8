//! A CLAP instance that can receive any call at any time.

mod strange;

use std::ffi::{CStr, CString, c_char};
use std::ptr::{NonNull, null, null_mut};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::events::clap_event_transport;
use clap_sys::ext::audio_ports::{CLAP_EXT_AUDIO_PORTS, clap_plugin_audio_ports};
use clap_sys::ext::audio_ports_activation::{
    CLAP_EXT_AUDIO_PORTS_ACTIVATION, clap_plugin_audio_ports_activation,
};
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, clap_plugin_audio_ports_config,
};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_plugin_params};
use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, clap_plugin_preset_load};
use clap_sys::ext::render::{CLAP_EXT_RENDER, clap_plugin_render};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::ext::track_info::{CLAP_EXT_TRACK_INFO, clap_plugin_track_info};
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
};
use clap_sys::plugin::clap_plugin;
use clap_sys::process::clap_process;

use super::call::call;
use super::callbacks::HostSide;
use super::editor::Gui;
use super::events::noting_output;
use super::loaded::Loaded;
use super::odd_events::OddEvents;
use super::required;
use super::streams::Piecewise;
use crate::calls::{
    Audio, Block, Call, Change, ChangeKind, State, Target, WindowCall, bytes, bytes_of_state,
};
use crate::instance::RawBus;
use crate::model::ClassInfo;

/// Capacity in bytes for the text of a parameter value.
const TEXT_BYTES: usize = 64;

/// An instance in an arbitrary state.
pub(crate) struct OddClap {
    plugin: NonNull<clap_plugin>,
    host: Box<HostSide>,
    class: CString,
    params: Vec<u32>,
    saved: Vec<u8>,
    window: Option<u32>,
    window_is_open: bool,
    num_blocks: i64,
    /// Last, so that the code stays loaded until all other fields are dropped.
    loaded: Rc<Loaded>,
}

impl OddClap {
    /// Creates an initialised instance; its editor opens in `window`.
    pub(super) fn create(
        loaded: Rc<Loaded>,
        class: &ClassInfo,
        window: Option<u32>,
    ) -> Result<Self> {
        let host = HostSide::new();
        let class = CString::new(class.id.as_str())?;
        let plugin = new_instance(&loaded, &host, &class)?;
        let mut this = Self {
            plugin,
            host,
            class,
            params: Vec::new(),
            saved: Vec::new(),
            window,
            window_is_open: false,
            num_blocks: 0,
            loaded,
        };
        ensure!(call!(this, this.table(), init), "initialisation failed");
        if let Some(params) = this.extension::<clap_plugin_params>(CLAP_EXT_PARAMS)? {
            for index in 0..call!(this, params, count) {
                // SAFETY: plain data, for which zeros are valid.
                let mut info = unsafe { std::mem::zeroed() };
                ensure!(
                    call!(this, params, get_info, index, &raw mut info),
                    "no parameter {index}"
                );
                this.params.push(info.id);
            }
        }
        this.save(usize::MAX)?;
        Ok(this)
    }

    fn table(&self) -> &clap_plugin {
        // SAFETY: valid until `destroy`, which only `drop` calls.
        unsafe { self.plugin.as_ref() }
    }

    /// Returns the table of an extension, if the plugin has it; `T` must be the type that belongs
    /// to `id`.
    fn extension<T: Copy>(&self, id: &CStr) -> Result<Option<T>> {
        let table = call!(self, self.table(), get_extension, id.as_ptr());
        // SAFETY: an extension's table lives as long as the plugin; the caller guarantees its type.
        Ok(unsafe { table.cast::<T>().as_ref() }.copied())
    }

    fn gui(&self) -> Result<Gui> {
        // SAFETY: used only within calls of `self`.
        unsafe { Gui::of(self.plugin) }
    }

    /// Returns the id of a parameter, or one that no parameter has.
    fn param(&self, choice: u32) -> u32 {
        self.params.get(choice as usize).copied().unwrap_or(choice)
    }

    fn bus_channels(&self, is_input: bool) -> Result<Vec<usize>> {
        let Some(ports) = self.extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS)? else {
            return Ok(Vec::new());
        };
        (0..call!(self, ports, count, is_input))
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid.
                let mut info = unsafe { std::mem::zeroed() };
                ensure!(call!(self, ports, get, index, is_input, &raw mut info), "no port {index}");
                Ok(info.channel_count as usize)
            })
            .collect()
    }

    fn events(&self, block: &[Change]) -> OddEvents {
        OddEvents::new(block, |choice| self.param(choice))
    }

    /// Processes one block and, meanwhile, makes the call `beside` on this thread.
    fn process(&mut self, block: &Block, beside: Option<&Call>) -> Result<()> {
        let [inputs, outputs] = [self.bus_channels(true)?, self.bus_channels(false)?];
        let mut audio = Audio::new(block, &inputs, &outputs);
        let mut raw = audio.call();
        let buffers = |buses: &mut [RawBus]| -> Vec<clap_audio_buffer> {
            let buffer = |bus: &mut RawBus| clap_audio_buffer {
                data32: bus.pointers(),
                data64: null_mut(),
                channel_count: bus.num_channels,
                latency: 0,
                constant_mask: 0,
            };
            buses.iter_mut().map(buffer).collect()
        };
        let (inputs, mut outputs) = (buffers(&mut raw.inputs), buffers(&mut raw.outputs));
        let events = self.events(&block.changes);
        let list = events.list();
        let transport = block.transport.map(bytes::<clap_event_transport>);
        let mut gestures = Vec::new();
        let out_events = noting_output(&mut gestures);
        self.num_blocks += 1;
        let steady_time = match block.transport {
            Some(seed) if seed % 7 == 0 => i64::MAX,
            Some(_) => self.num_blocks,
            None => -1,
        };
        let given = clap_process {
            steady_time,
            frames_count: u32::try_from(block.num_samples)?,
            transport: transport.as_ref().map_or(null(), std::ptr::from_ref),
            audio_inputs: inputs.as_ptr(),
            audio_outputs: outputs.as_mut_ptr(),
            audio_inputs_count: u32::try_from(inputs.len())?,
            audio_outputs_count: u32::try_from(outputs.len())?,
            in_events: if block.changes.is_empty() && block.in_place {
                null()
            } else {
                &raw const list
            },
            out_events: if block.renders { null() } else { &raw const out_events },
        };
        let run = Run {
            process: required(self.table().process, "process")?,
            plugin: self.plugin.as_ptr(),
            block: &raw const given,
        };
        match beside {
            None => {
                let host = &self.host;
                host.as_audio_thread(|| run.go());
            }
            Some(beside) => {
                self.host.audio_is_elsewhere(true);
                let result = std::thread::scope(|scope| {
                    scope.spawn(move || run.go());
                    self.run(beside)
                });
                self.host.audio_is_elsewhere(false);
                result?;
            }
        }
        audio.check()
    }

    fn save(&mut self, piece_bytes: usize) -> Result<()> {
        let Some(state) = self.extension::<clap_plugin_state>(CLAP_EXT_STATE)? else {
            return Ok(());
        };
        let mut bytes = Piecewise::new(Vec::new(), piece_bytes);
        let stream = bytes.as_output();
        ensure!(call!(self, state, save, &raw const stream), "the state was not saved");
        self.saved = bytes.into_bytes();
        Ok(())
    }

    fn load(&self, state: State, piece_bytes: usize) -> Result<()> {
        let Some(table) = self.extension::<clap_plugin_state>(CLAP_EXT_STATE)? else {
            return Ok(());
        };
        let bytes = bytes_of_state(&self.saved, state);
        let mut bytes = Piecewise::new(bytes, piece_bytes);
        let stream = bytes.as_input();
        let is_loaded = call!(self, table, load, &raw const stream);
        ensure!(is_loaded || state != State::Saved, "a saved state was rejected");
        Ok(())
    }

    fn read_param(&self, index: u32) -> Result<()> {
        let Some(params) = self.extension::<clap_plugin_params>(CLAP_EXT_PARAMS)? else {
            return Ok(());
        };
        let count = call!(self, params, count);
        // SAFETY: plain data, for which zeros are valid.
        let mut info = unsafe { std::mem::zeroed() };
        let is_there = call!(self, params, get_info, index, &raw mut info);
        ensure!(is_there == (index < count), "wrong result for parameter {index} of {count}");
        let (id, mut value) = (self.param(index), f64::NAN);
        let is_known = call!(self, params, get_value, id, &raw mut value);
        ensure!(!is_known || value.is_finite(), "parameter {id} is {value}");
        ensure!(is_known || !is_there, "parameter {id} has no value");
        if is_there {
            self.value_to_text(id, value)?;
        }
        Ok(())
    }

    fn value_to_text(&self, id: u32, value: f64) -> Result<()> {
        let Some(params) = self.extension::<clap_plugin_params>(CLAP_EXT_PARAMS)? else {
            return Ok(());
        };
        const GUARD: c_char = 77;
        for capacity in [TEXT_BYTES, 5, 1, 0] {
            let mut text = [GUARD; TEXT_BYTES + 8];
            let size = u32::try_from(capacity)?;
            let is_text = call!(self, params, value_to_text, id, value, text.as_mut_ptr(), size);
            let (inside, outside) = text.split_at(capacity);
            ensure!(outside.iter().all(|&byte| byte == GUARD), "text was written past the buffer");
            ensure!(!is_text || inside.contains(&0), "a text has no terminator");
        }
        Ok(())
    }

    fn text_to_value(&self, id: u32, text: &str) -> Result<()> {
        let Some(params) = self.extension::<clap_plugin_params>(CLAP_EXT_PARAMS)? else {
            return Ok(());
        };
        let (text, mut value) = (CString::new(text)?, f64::NAN);
        let is_value = call!(self, params, text_to_value, id, text.as_ptr(), &raw mut value);
        ensure!(!is_value || value.is_finite(), "text {text:?} was parsed as {value}");
        Ok(())
    }

    fn window(&mut self, window_call: WindowCall) -> Result<()> {
        let Some(window) = self.window else { return Ok(()) };
        match window_call {
            WindowCall::Open if !self.window_is_open => {
                self.gui()?.open(window, None)?;
                self.window_is_open = true;
            }
            WindowCall::Resize(size) if self.window_is_open => {
                // The plugin may refuse a size, and some hosts set one without a previous request.
                let _ = self.gui()?.resize(size);
                self.gui()?.force_size(size)?;
            }
            WindowCall::Scale(scale) if self.window_is_open => {
                let is_taken = self.gui()?.set_scale(scale)?;
                ensure!(
                    !is_taken || (scale.is_finite() && scale > 0.0),
                    "scale {scale} was accepted"
                );
            }
            WindowCall::Close if self.window_is_open => {
                self.window_is_open = false;
                self.gui()?.close()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Calls one function of the plugin as the audio thread.
    fn on_audio_thread<T>(
        &self,
        function: Option<unsafe extern "C" fn(*const clap_plugin) -> T>,
    ) -> Result<T> {
        let function = required(function, "of the audio thread")?;
        let plugin = self.plugin.as_ptr();
        // SAFETY: the plugin is alive.
        Ok(self.host.as_audio_thread(|| unsafe { function(plugin) }))
    }

    fn idle(&mut self) -> Result<()> {
        if self.host.take_callback() {
            call!(self, self.table(), on_main_thread);
        }
        if self.host.take_flush() {
            self.flush(&[])?;
        }
        self.host.take_requests();
        Ok(())
    }

    fn flush(&mut self, changes: &[Change]) -> Result<()> {
        let Some(params) = self.extension::<clap_plugin_params>(CLAP_EXT_PARAMS)? else {
            return Ok(());
        };
        let events = self.events(changes);
        let (list, mut gestures) = (events.list(), Vec::new());
        let out = noting_output(&mut gestures);
        call!(self, params, flush, &raw const list, &raw const out);
        Ok(())
    }
}

/// A block to process on another thread.
struct Run {
    process: unsafe extern "C" fn(*const clap_plugin, *const clap_process) -> i32,
    plugin: *mut clap_plugin,
    block: *const clap_process,
}

// SAFETY: blocks may be processed on any thread, and all pointers outlive the run.
unsafe impl Send for Run {}

impl Run {
    fn go(self) {
        // The status is ignored; the buffers are checked afterwards.
        // SAFETY: a live plugin; everything the block points to outlives the call.
        unsafe { (self.process)(self.plugin, self.block) };
    }
}

fn new_instance(loaded: &Loaded, host: &HostSide, class: &CStr) -> Result<NonNull<clap_plugin>> {
    let factory = loaded.factory();
    // SAFETY: the factory lives as long as `loaded`.
    let create = required(unsafe { factory.as_ref() }.create_plugin, "create_plugin")?;
    // SAFETY: host and id are valid; the host outlives the plugin.
    let plugin = unsafe { create(factory.as_ptr(), host.raw(), class.as_ptr()) };
    NonNull::new(plugin.cast_mut()).context("the factory returned null")
}

impl Target for OddClap {
    fn run(&mut self, made: &Call) -> Result<()> {
        match made {
            &Call::Activate { rate_hz, min_block_samples, max_block_samples, offline } => {
                if let Some(render) = self.extension::<clap_plugin_render>(CLAP_EXT_RENDER)? {
                    call!(self, render, set, i32::from(offline));
                }
                let (min, max) = (min_block_samples, max_block_samples);
                call!(self, self.table(), activate, rate_hz, min, max);
            }
            Call::Deactivate => call!(self, self.table(), deactivate),
            Call::Start => {
                self.on_audio_thread(self.table().start_processing)?;
            }
            Call::Stop => self.on_audio_thread(self.table().stop_processing)?,
            Call::Reset => self.on_audio_thread(self.table().reset)?,
            Call::Process(block) => self.process(block, None)?,
            Call::Beside(block, beside) => self.process(block, Some(&**beside))?,
            Call::Flush(changes) => self.flush(changes)?,
            &Call::Set { param, value } => {
                let kind = ChangeKind::Value;
                self.flush(&[Change { sample: 0, param, value, kind }])?;
            }
            &Call::ReadParam { index } => self.read_param(index)?,
            &Call::ValueToText { param, value } => self.value_to_text(self.param(param), value)?,
            &Call::TextToValue { param, text } => self.text_to_value(self.param(param), text)?,
            &Call::Save { piece_bytes } => self.save(piece_bytes)?,
            &Call::Load { state, piece_bytes } => self.load(state, piece_bytes)?,
            Call::LatencyAndTail => {
                if let Some(latency) = self.extension::<clap_plugin_latency>(CLAP_EXT_LATENCY)? {
                    call!(self, latency, get);
                }
                if let Some(tail) = self.extension::<clap_plugin_tail>(CLAP_EXT_TAIL)? {
                    call!(self, tail, get);
                }
            }
            &Call::ReadBus { is_input, index } => {
                if let Some(ports) =
                    self.extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS)?
                {
                    // SAFETY: plain data, for which zeros are valid.
                    let mut info = unsafe { std::mem::zeroed() };
                    let count = call!(self, ports, count, is_input);
                    let is_there = call!(self, ports, get, index, is_input, &raw mut info);
                    ensure!(
                        is_there == (index < count),
                        "wrong result for port {index} of {count}"
                    );
                }
            }
            &Call::Layout { choice } => {
                let configs =
                    self.extension::<clap_plugin_audio_ports_config>(CLAP_EXT_AUDIO_PORTS_CONFIG)?;
                if let Some(configs) = configs {
                    // One more than exist, so that an invalid index is also possible.
                    let count = u64::from(call!(self, configs, count)) + 1;
                    let index = u32::try_from(choice % count)?;
                    // SAFETY: plain data, for which zeros are valid.
                    let mut config = unsafe { std::mem::zeroed() };
                    call!(self, configs, get, index, &raw mut config);
                    call!(self, configs, select, index);
                }
            }
            &Call::SwitchBus { is_input, index, on } => {
                let activation = self.extension::<clap_plugin_audio_ports_activation>(
                    CLAP_EXT_AUDIO_PORTS_ACTIVATION,
                )?;
                if let Some(activation) = activation {
                    call!(self, activation, can_activate_while_processing);
                    call!(self, activation, set_active, is_input, index, on, 32);
                }
            }
            &Call::RenderMode(mode) => {
                if let Some(render) = self.extension::<clap_plugin_render>(CLAP_EXT_RENDER)? {
                    call!(self, render, set, mode);
                }
            }
            Call::Idle => self.idle()?,
            Call::Track(name) => {
                self.host.set_track(name);
                if let Some(track) =
                    self.extension::<clap_plugin_track_info>(CLAP_EXT_TRACK_INFO)?
                {
                    call!(self, track, changed);
                }
            }
            &Call::Preset { key, is_file } => {
                let presets = self.extension::<clap_plugin_preset_load>(CLAP_EXT_PRESET_LOAD)?;
                if let Some(presets) = presets {
                    let key = CString::new(key)?;
                    let (kind, location) = if is_file {
                        (CLAP_PRESET_DISCOVERY_LOCATION_FILE, key.as_ptr())
                    } else {
                        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, null())
                    };
                    call!(self, presets, from_location, kind, location, key.as_ptr());
                }
            }
            &Call::Another { num_inits } => self.another(num_inits)?,
            &Call::Unknown(choice) => self.unknown(choice)?,
            &Call::Window(window_call) => self.window(window_call)?,
        }
        ensure!(!self.host.was_called_elsewhere(), "the host was called on the wrong thread");
        Ok(())
    }
}

impl Drop for OddClap {
    fn drop(&mut self) {
        if self.window_is_open {
            // The window's thread must not outlive the library. Errors cannot be returned here.
            let _ = self.gui().and_then(|gui| gui.close());
        }
        if let Some(destroy) = self.table().destroy {
            // SAFETY: never used again; hosts may destroy a plugin without deactivating it.
            unsafe { destroy(self.plugin.as_ptr()) };
        }
    }
}
