//! One instance of a CLAP plugin.

use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap_sys::ext::audio_ports::{
    CLAP_AUDIO_PORT_IS_MAIN, CLAP_EXT_AUDIO_PORTS, clap_plugin_audio_ports,
};
use clap_sys::ext::audio_ports_config::{
    CLAP_EXT_AUDIO_PORTS_CONFIG, clap_plugin_audio_ports_config,
};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_AUTOMATABLE, CLAP_PARAM_IS_BYPASS, CLAP_PARAM_IS_HIDDEN,
    clap_plugin_params,
};
use clap_sys::ext::render::{
    CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, CLAP_RENDER_REALTIME, clap_plugin_render,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::plugin::clap_plugin;

use super::audio::{ClapAudio, ClapMain, Kept, Thread, call_back};
use super::call::call;
use super::callbacks::HostSide;
use super::editor::Gui;
use super::events::{ParamEvents, noting_output};
use super::loaded::Loaded;
use super::required;
use super::streams::Piecewise;
use crate::field_text::field_text;
use crate::instance::{AudioSide as _, Instance, RawCall, Sides};
use crate::model::{
    AudioConfig, BusInfo, BusKind, ClassInfo, Direction, Format, Gesture, ParamInfo, RenderMode,
    Requests,
};

/// Largest piece of a state in bytes; streams may transfer states in pieces.
const STREAM_PIECE_BYTES: usize = 1000;

/// An initialised instance, destroyed on drop.
pub(crate) struct ClapInstance {
    class: ClassInfo,
    plugin: NonNull<clap_plugin>,
    host: Box<HostSide>,
    pending: ParamEvents,
    active: bool,
    rate_hz: f64,
    steady_samples: i64,
    gestures: Vec<Gesture>,
    editor_is_open: bool,
    /// Last, so that the code stays loaded until all other fields are dropped.
    _loaded: Rc<Loaded>,
}

impl ClapInstance {
    pub(super) fn create(loaded: Rc<Loaded>, class: &ClassInfo) -> Result<Self> {
        let host = HostSide::new();
        let id = CString::new(class.id.as_str())?;
        let factory = loaded.factory();
        // SAFETY: the factory lives as long as `loaded`.
        let create = required(unsafe { factory.as_ref() }.create_plugin, "create_plugin")?;
        // SAFETY: host and id are valid; the host outlives the plugin.
        let plugin = unsafe { create(factory.as_ptr(), host.raw(), id.as_ptr()) };
        let plugin = NonNull::new(plugin.cast_mut()).context("the factory returned null")?;
        let instance = Self {
            class: class.clone(),
            plugin,
            host,
            pending: ParamEvents::default(),
            active: false,
            rate_hz: 0.0,
            steady_samples: 0,
            gestures: Vec::new(),
            editor_is_open: false,
            _loaded: loaded,
        };
        ensure!(call!(instance, instance.table(), init), "initialisation failed");
        Ok(instance)
    }

    fn table(&self) -> &clap_plugin {
        // SAFETY: valid until `destroy`, which only `drop` calls.
        unsafe { self.plugin.as_ref() }
    }

    /// Returns the table of an extension.
    ///
    /// # Safety
    ///
    /// `T` must be the type that belongs to `id`.
    unsafe fn extension<T>(&self, id: &CStr) -> Result<&T> {
        let table = call!(self, self.table(), get_extension, id.as_ptr());
        // SAFETY: an extension's table lives as long as the plugin; the caller guarantees its type.
        unsafe { table.cast::<T>().as_ref() }
            .with_context(|| format!("no extension {}", id.to_string_lossy()))
    }

    fn params_extension(&self) -> Result<&clap_plugin_params> {
        // SAFETY: id and type belong together.
        unsafe { self.extension(CLAP_EXT_PARAMS) }
    }

    fn gui(&self) -> Result<Gui> {
        // SAFETY: used only within calls of `self`.
        unsafe { Gui::of(self.plugin) }
    }

    fn flush(&mut self) -> Result<()> {
        let table = *self.params_extension()?;
        let (input, output) = (self.pending.as_input(), noting_output(&mut self.gestures));
        call!(self, table, flush, &raw const input, &raw const output);
        self.pending.clear();
        Ok(())
    }
}

impl Instance for ClapInstance {
    fn format(&self) -> Format {
        Format::Clap
    }

    fn class(&self) -> &ClassInfo {
        &self.class
    }

    fn buses(&self, direction: Direction) -> Result<Vec<BusInfo>> {
        // SAFETY: id and type belong together.
        let ports: &clap_plugin_audio_ports = unsafe { self.extension(CLAP_EXT_AUDIO_PORTS) }?;
        let is_input = direction == Direction::Input;
        let count = call!(self, ports, count, is_input);
        (0..count)
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid.
                let mut info = unsafe { std::mem::zeroed() };
                let found = call!(self, ports, get, index, is_input, &raw mut info);
                ensure!(found, "no description of {direction:?} port {index} of {count}");
                let is_main = info.flags & CLAP_AUDIO_PORT_IS_MAIN != 0;
                Ok(BusInfo {
                    name: field_text(&info.name),
                    num_channels: info.channel_count as usize,
                    kind: if is_main { BusKind::Main } else { BusKind::Aux },
                    default_active: true,
                })
            })
            .collect()
    }

    fn select_channels(&mut self, inputs: &[usize], outputs: &[usize]) -> Result<()> {
        let matches_now = |instance: &Self| -> Result<bool> {
            let counts = |direction| -> Result<Vec<usize>> {
                Ok(instance.buses(direction)?.iter().map(|bus| bus.num_channels).collect())
            };
            Ok(counts(Direction::Input)? == inputs && counts(Direction::Output)? == outputs)
        };
        if matches_now(self)? {
            return Ok(());
        }
        // SAFETY: id and type belong together.
        let configs: clap_plugin_audio_ports_config =
            *unsafe { self.extension(CLAP_EXT_AUDIO_PORTS_CONFIG) }?;
        for index in 0..call!(self, configs, count) {
            // SAFETY: plain data, for which zeros are valid.
            let mut config = unsafe { std::mem::zeroed() };
            ensure!(
                call!(self, configs, get, index, &raw mut config),
                "no description of port configuration {index}"
            );
            if call!(self, configs, select, config.id) && matches_now(self)? {
                return Ok(());
            }
        }
        bail!("no such port configuration")
    }

    fn set_bus_active(&mut self, _: Direction, _: usize, _: bool) -> Result<()> {
        Ok(())
    }

    fn params(&self) -> Result<Vec<ParamInfo>> {
        let table = self.params_extension()?;
        let count = call!(self, table, count);
        (0..count)
            .map(|index| {
                // SAFETY: plain data, for which zeros are valid.
                let mut info = unsafe { std::mem::zeroed() };
                let found = call!(self, table, get_info, index, &raw mut info);
                ensure!(found, "no description of parameter {index} of {count}");
                Ok(ParamInfo {
                    id: info.id,
                    name: field_text(&info.name),
                    unit: String::new(),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    automatable: info.flags & CLAP_PARAM_IS_AUTOMATABLE != 0,
                    hidden: info.flags & CLAP_PARAM_IS_HIDDEN != 0,
                    bypass: info.flags & CLAP_PARAM_IS_BYPASS != 0,
                })
            })
            .collect()
    }

    fn param_value(&self, id: u32) -> Result<f64> {
        let mut value = 0.0;
        let known = call!(self, self.params_extension()?, get_value, id, &raw mut value);
        ensure!(known, "no parameter {id}");
        Ok(value)
    }

    fn param_text(&self, id: u32, value: f64) -> Result<String> {
        const CAPACITY: u32 = 256;
        let mut buffer = [0 as c_char; CAPACITY as usize];
        let table = self.params_extension()?;
        let known = call!(self, table, value_to_text, id, value, buffer.as_mut_ptr(), CAPACITY);
        ensure!(known, "no text for value {value} of parameter {id}");
        Ok(field_text(&buffer))
    }

    fn param_value_of_text(&self, id: u32, text: &str) -> Result<f64> {
        let text = CString::new(text)?;
        let mut value = 0.0;
        let table = self.params_extension()?;
        let known = call!(self, table, text_to_value, id, text.as_ptr(), &raw mut value);
        ensure!(known, "the text for parameter {id} was rejected");
        Ok(value)
    }

    fn set_param(&mut self, id: u32, value: f64, active: bool) -> Result<()> {
        // Plugins silently ignore events for unknown ids.
        self.param_value(id)?;
        self.pending.push(id, value);
        if active { Ok(()) } else { self.flush() }
    }

    fn save_state(&self) -> Result<Vec<u8>> {
        // SAFETY: id and type belong together.
        let table: &clap_plugin_state = unsafe { self.extension(CLAP_EXT_STATE) }?;
        let mut state = Piecewise::new(Vec::new(), STREAM_PIECE_BYTES);
        let stream = state.as_output();
        ensure!(call!(self, table, save, &raw const stream), "the state was not saved");
        Ok(state.into_bytes())
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        // SAFETY: id and type belong together.
        let table: clap_plugin_state = *unsafe { self.extension(CLAP_EXT_STATE) }?;
        let mut state = Piecewise::new(state.to_vec(), STREAM_PIECE_BYTES);
        let stream = state.as_input();
        ensure!(call!(self, table, load, &raw const stream), "the state was rejected");
        Ok(())
    }

    fn latency_samples(&self) -> Result<usize> {
        // SAFETY: id and type belong together.
        let table = unsafe { self.extension::<clap_plugin_latency>(CLAP_EXT_LATENCY) };
        // A plugin without the extension has no latency.
        table.map_or(Ok(0), |table| Ok(call!(self, table, get) as usize))
    }

    fn activate(&mut self, config: &AudioConfig) -> Result<Option<usize>> {
        let mode = match config.mode {
            RenderMode::Realtime => CLAP_RENDER_REALTIME,
            RenderMode::Offline => CLAP_RENDER_OFFLINE,
        };
        // SAFETY: id and type belong together.
        let render = unsafe { self.extension::<clap_plugin_render>(CLAP_EXT_RENDER) };
        // A plugin without the extension has only one mode.
        if let Ok(render) = render {
            ensure!(call!(self, render, set, mode), "render mode {:?} was rejected", config.mode);
        }
        let max = u32::try_from(config.max_block_samples)?;
        let activated = call!(self, self.table(), activate, config.rate_hz, 1, max);
        ensure!(activated, "activation was rejected");
        (self.steady_samples, self.rate_hz) = (0, config.rate_hz);
        let start = required(self.table().start_processing, "start_processing")?;
        let plugin = self.plugin.as_ptr();
        // SAFETY: activated, and called as the audio thread.
        let started = self.host.as_audio_thread(|| unsafe { start(plugin) });
        if !started {
            call!(self, self.table(), deactivate);
            bail!("the start of processing was rejected");
        }
        self.active = true;
        Ok(None)
    }

    fn deactivate(&mut self) -> Result<()> {
        self.active = false;
        let stop = required(self.table().stop_processing, "stop_processing")?;
        let plugin = self.plugin.as_ptr();
        // SAFETY: processing was started, and this is called as the audio thread.
        self.host.as_audio_thread(|| unsafe { stop(plugin) });
        call!(self, self.table(), deactivate);
        Ok(())
    }

    fn reset(&mut self) -> Result<()> {
        let reset = required(self.table().reset, "reset")?;
        let plugin = self.plugin.as_ptr();
        // SAFETY: active, and called as the audio thread.
        self.host.as_audio_thread(|| unsafe { reset(plugin) });
        Ok(())
    }

    fn process(&mut self, call: &mut RawCall) -> Result<Duration> {
        let Self { plugin, host, pending, gestures, steady_samples, rate_hz, .. } = self;
        let kept = Kept { pending, gestures, steady_samples };
        ClapAudio::new(*plugin, host, Thread::Main, *rate_hz, kept).process(call)
    }

    fn split(&mut self) -> Result<Sides<'_>> {
        let Self { plugin, host, pending, gestures, steady_samples, rate_hz, .. } = self;
        let kept = Kept { pending, gestures, steady_samples };
        let main = ClapMain { plugin: *plugin, host };
        let audio = ClapAudio::new(*plugin, host, Thread::Other, *rate_hz, kept);
        Ok((Box::new(main), Box::new(audio)))
    }

    fn idle(&mut self) {
        // SAFETY: this is the main thread, outside of any other call.
        unsafe { call_back(self.plugin, &self.host) };
        // While active, the next block carries the parameters.
        if self.host.take_flush() && !self.active {
            // The result is ignored: the host does not depend on a flush that the plugin requested.
            let _ = self.flush();
        }
    }

    fn take_requests(&mut self) -> Requests {
        self.host.take_requests()
    }

    fn open_editor(&mut self, window: u32, scale: Option<f64>) -> Result<[u32; 2]> {
        let size = self.gui()?.open(window, scale)?;
        self.editor_is_open = true;
        Ok(size)
    }

    fn resize_editor(&mut self, size: [u32; 2]) -> Result<[u32; 2]> {
        self.gui()?.resize(size)
    }

    fn force_editor_size(&mut self, size: [u32; 2]) -> Result<bool> {
        self.gui()?.force_size(size)
    }

    fn close_editor(&mut self) -> Result<()> {
        self.gui()?.close()?;
        self.editor_is_open = false;
        Ok(())
    }

    fn take_wanted_size(&mut self) -> Option<[u32; 2]> {
        self.host.take_wanted_size()
    }

    fn take_gestures(&mut self) -> Vec<Gesture> {
        std::mem::take(&mut self.gestures)
    }
}

impl Drop for ClapInstance {
    fn drop(&mut self) {
        if self.editor_is_open {
            // The window's thread must not outlive the library. Errors cannot be returned here.
            let _ = self.close_editor();
        }
        if let Some(destroy) = self.table().destroy {
            // SAFETY: deactivated, and never used again.
            unsafe { destroy(self.plugin.as_ptr()) };
        }
    }
}
