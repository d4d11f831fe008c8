//! A plugin made of closures, for tests of the host's checks.

#![allow(unsafe_code, reason = "stands on the plugin's side of the C interface")]

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;

use crate::instance::{Instance, RawCall, Sides};
use crate::model::{
    AudioConfig, BusInfo, BusKind, ClassInfo, Direction, Format, Gesture, ParamInfo, Requests,
};
use crate::plugin::Plugin;

/// The process function of a fake plugin.
pub(crate) type Process = dyn FnMut(&mut RawCall) -> Result<()>;

/// A plugin with mono input and output buses whose process call is a closure.
pub(crate) struct Fake {
    pub(crate) num_buses: usize,
    pub(crate) latency_samples: usize,
    /// Latency in samples that can change while playing; replaces `latency_samples`.
    pub(crate) shared_latency: Option<Rc<Cell<usize>>>,
    /// Number of restarts still to be requested.
    pub(crate) restarts: usize,
    pub(crate) process: Box<Process>,
    class: ClassInfo,
}

impl Fake {
    pub(crate) fn new(
        num_buses: usize,
        process: impl FnMut(&mut RawCall) -> Result<()> + 'static,
    ) -> Self {
        Self {
            num_buses,
            latency_samples: 0,
            shared_latency: None,
            restarts: 0,
            process: Box::new(process),
            class: ClassInfo { id: "fake".into(), name: "Fake".into(), features: Vec::new() },
        }
    }

    /// Creates a plugin that copies inputs to outputs with a delay of `latency_samples`.
    pub(crate) fn delay(num_buses: usize, latency_samples: usize) -> Self {
        let mut lines = vec![VecDeque::from(vec![0.0; latency_samples]); num_buses];
        let mut fake = Self::new(num_buses, move |call| {
            let num_samples = call.num_samples;
            for (bus, line) in lines.iter_mut().enumerate() {
                for sample in 0..num_samples {
                    line.push_back(input(call, bus, sample));
                    let delayed = line.pop_front().unwrap();
                    set_output(call, bus, sample, delayed);
                }
            }
            Ok(())
        });
        fake.latency_samples = latency_samples;
        fake
    }

    pub(crate) fn into_plugin(self) -> Plugin {
        Plugin::new(Box::new(self))
    }
}

/// Returns a sample of a mono input bus, or 0 if the bus has no memory.
pub(crate) fn input(call: &RawCall, bus: usize, sample: usize) -> f32 {
    let pointer = call.inputs.get(bus).and_then(|bus| bus.channels.as_ref()).map(|all| all[0]);
    // SAFETY: null, or a channel longer than the block.
    pointer
        .filter(|pointer| !pointer.is_null())
        .map_or(0.0, |pointer| unsafe { *pointer.add(sample) })
}

/// Sets a sample of a mono output bus if the bus has memory.
pub(crate) fn set_output(call: &RawCall, bus: usize, sample: usize, value: f32) {
    let pointer = call.outputs.get(bus).and_then(|bus| bus.channels.as_ref()).map(|all| all[0]);
    if let Some(pointer) = pointer.filter(|pointer| !pointer.is_null()) {
        // SAFETY: a channel with space after the block.
        unsafe { *pointer.add(sample) = value };
    }
}

impl Instance for Fake {
    fn format(&self) -> Format {
        Format::Clap
    }
    fn class(&self) -> &ClassInfo {
        &self.class
    }
    fn buses(&self, _: Direction) -> Result<Vec<BusInfo>> {
        let bus = |index| BusInfo {
            name: format!("Mic {index}"),
            num_channels: 1,
            kind: if index == 0 { BusKind::Main } else { BusKind::Aux },
            default_active: true,
        };
        Ok((0..self.num_buses).map(bus).collect())
    }
    fn select_channels(&mut self, _: &[usize], _: &[usize]) -> Result<()> {
        Ok(())
    }
    fn set_bus_active(&mut self, _: Direction, _: usize, _: bool) -> Result<()> {
        Ok(())
    }
    fn params(&self) -> Result<Vec<ParamInfo>> {
        Ok(Vec::new())
    }
    fn param_value(&self, id: u32) -> Result<f64> {
        anyhow::bail!("no parameter {id}")
    }
    fn param_text(&self, id: u32, _: f64) -> Result<String> {
        anyhow::bail!("no parameter {id}")
    }
    fn param_value_of_text(&self, id: u32, _: &str) -> Result<f64> {
        anyhow::bail!("no parameter {id}")
    }
    fn set_param(&mut self, id: u32, _: f64, _: bool) -> Result<()> {
        anyhow::bail!("no parameter {id}")
    }
    fn save_state(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
    fn load_state(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn latency_samples(&self) -> Result<usize> {
        Ok(self.shared_latency.as_ref().map_or(self.latency_samples, |shared| shared.get()))
    }
    fn activate(&mut self, _: &AudioConfig) -> Result<Option<usize>> {
        Ok(None)
    }
    fn deactivate(&mut self) -> Result<()> {
        Ok(())
    }
    fn reset(&mut self) -> Result<()> {
        Ok(())
    }
    fn process(&mut self, call: &mut RawCall) -> Result<Duration> {
        (self.process)(call).map(|()| Duration::ZERO)
    }
    fn split(&mut self) -> Result<Sides<'_>> {
        anyhow::bail!("closures stay on their thread")
    }
    fn idle(&mut self) {}
    fn take_requests(&mut self) -> Requests {
        let restart = self.restarts > 0;
        self.restarts = self.restarts.saturating_sub(1);
        Requests { restart, ..Requests::default() }
    }
    fn open_editor(&mut self, _: u32, _: Option<f64>) -> Result<[u32; 2]> {
        anyhow::bail!("no editor")
    }
    fn resize_editor(&mut self, _: [u32; 2]) -> Result<[u32; 2]> {
        anyhow::bail!("no editor")
    }
    fn force_editor_size(&mut self, _: [u32; 2]) -> Result<bool> {
        anyhow::bail!("no editor")
    }
    fn close_editor(&mut self) -> Result<()> {
        anyhow::bail!("no editor")
    }
    fn take_wanted_size(&mut self) -> Option<[u32; 2]> {
        None
    }
    fn take_gestures(&mut self) -> Vec<Gesture> {
        Vec::new()
    }
}
