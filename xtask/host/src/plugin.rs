//! An instance of a plugin, with the life cycle and the checks common to both formats.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::buffers::BusBuffer;
use crate::instance::{Instance, RawCall};
use crate::model::{
    AudioConfig, BlockTime, BusInfo, ClassInfo, Direction, Format, Gesture, ParamInfo, Requests,
};
use crate::parts::{AudioPart, Checked, MainPart};

/// The latency reported by a plugin around its activation.
///
/// Hosts query it at different times, and some never query it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Latency in samples before rate and block length were set.
    pub before_samples: usize,
    /// Latency in samples after set-up and before the start; CLAP has no such step.
    pub set_up_samples: Option<usize>,
    /// Latency in samples while active.
    pub latency_samples: usize,
}

/// Options of a call to [`Plugin::process`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessOptions {
    /// True if inputs and outputs share memory, bus by bus, where both are connected with the same
    /// number of channels.
    pub in_place: bool,
    /// Time that the host states; `None` for the samples since the activation, with a transport
    /// that plays.
    pub time: Option<BlockTime>,
}

/// An initialised instance of a plugin class.
///
/// Dropping it deactivates and destroys the instance.
pub struct Plugin {
    instance: Box<dyn Instance>,
    active: Option<AudioConfig>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("format", &self.format())
            .field("class", self.class())
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(instance: Box<dyn Instance>) -> Self {
        Self { instance, active: None }
    }

    /// Returns the plugin format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.instance.format()
    }

    /// Returns the class of the instance.
    #[must_use]
    pub fn class(&self) -> &ClassInfo {
        self.instance.class()
    }

    /// Returns the current audio buses.
    ///
    /// # Errors
    ///
    /// If the plugin fails to describe one of the buses it counts.
    pub fn buses(&self, direction: Direction) -> Result<Vec<BusInfo>> {
        self.instance.buses(direction).with_context(|| self.doing("reading its buses"))
    }

    /// Requests these numbers of channels, bus by bus.
    ///
    /// # Errors
    ///
    /// If the plugin is active or does not offer them.
    pub fn select_channels(&mut self, inputs: &[usize], outputs: &[usize]) -> Result<()> {
        self.ensure_inactive("selecting channels")?;
        let context =
            self.doing(&format!("selecting channels: {inputs:?} inputs, {outputs:?} outputs"));
        self.instance.select_channels(inputs, outputs).context(context)
    }

    /// Activates or deactivates a bus. All are active at first.
    ///
    /// CLAP ports cannot be deactivated without an extension, so there it has no effect.
    ///
    /// # Errors
    ///
    /// If the plugin is active or refuses.
    pub fn set_bus_active(
        &mut self,
        direction: Direction,
        index: usize,
        active: bool,
    ) -> Result<()> {
        self.ensure_inactive("switching buses")?;
        let context = self.doing(&format!("switching {direction:?} bus {index}"));
        self.instance.set_bus_active(direction, index, active).context(context)
    }

    /// Opens the editor in an X11 window, and returns its size in pixels.
    ///
    /// # Errors
    ///
    /// If there is no editor, it is open already, or it does not open.
    pub fn open_editor(&mut self, window: u32, scale: Option<f64>) -> Result<[u32; 2]> {
        self.instance.open_editor(window, scale).with_context(|| self.doing("opening its editor"))
    }

    /// Requests another size of the open editor and returns the accepted one, in pixels.
    ///
    /// # Errors
    ///
    /// If the plugin refuses.
    pub fn resize_editor(&mut self, size: [u32; 2]) -> Result<[u32; 2]> {
        self.instance.resize_editor(size).with_context(|| self.doing("resizing its editor"))
    }

    /// Sets the open editor's size in pixels without a previous request; returns true if the plugin
    /// accepts it.
    ///
    /// # Errors
    ///
    /// If the editor is not open.
    pub fn force_editor_size(&mut self, size: [u32; 2]) -> Result<bool> {
        self.instance.force_editor_size(size).with_context(|| self.doing("resizing its editor"))
    }

    /// Closes the editor.
    ///
    /// # Errors
    ///
    /// If no editor is open.
    pub fn close_editor(&mut self) -> Result<()> {
        self.instance.close_editor().with_context(|| self.doing("closing its editor"))
    }

    /// Returns the size in pixels that the editor has requested since the last call.
    pub fn take_wanted_size(&mut self) -> Option<[u32; 2]> {
        self.instance.take_wanted_size()
    }

    /// Returns the editor's parameter changes since the last call, in order. CLAP plugins report
    /// them with the next block.
    pub fn take_gestures(&mut self) -> Vec<Gesture> {
        self.instance.take_gestures()
    }

    /// Returns all parameters in the plugin's order.
    ///
    /// # Errors
    ///
    /// If the plugin fails to describe one of the parameters it counts.
    pub fn params(&self) -> Result<Vec<ParamInfo>> {
        self.instance.params().with_context(|| self.doing("reading its parameters"))
    }

    /// Returns the parameter with this name, or with this number as its id.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn param(&self, name_or_id: &str) -> Result<ParamInfo> {
        let id = name_or_id.parse::<u32>().ok();
        let params = self.params()?;
        params
            .iter()
            .find(|param| param.name == name_or_id)
            .or_else(|| params.iter().find(|param| id == Some(param.id)))
            .cloned()
            .with_context(|| format!("{}: no parameter {name_or_id:?}", self.class().name))
    }

    /// Returns a parameter's value in the format's scale.
    ///
    /// # Errors
    ///
    /// If the plugin has no such parameter.
    pub fn param_value(&self, id: u32) -> Result<f64> {
        self.instance.param_value(id).with_context(|| self.doing("reading a parameter"))
    }

    /// Returns a parameter's value as a text with its unit.
    ///
    /// # Errors
    ///
    /// If the plugin has no such parameter.
    pub fn param_text(&self, id: u32) -> Result<String> {
        let value = self.param_value(id)?;
        let text = self.instance.param_text(id, value);
        text.with_context(|| self.doing("reading a parameter's text"))
    }

    /// Sets a parameter to a value in the format's scale: at once while inactive, with the next
    /// block while active.
    ///
    /// # Errors
    ///
    /// If the plugin has no such parameter.
    pub fn set_param(&mut self, id: u32, value: f64) -> Result<()> {
        let context = self.doing("setting a parameter");
        self.instance.set_param(id, value, self.active.is_some()).context(context)
    }

    /// Sets a parameter from a text as typed by a user.
    ///
    /// # Errors
    ///
    /// If the plugin has no such parameter or cannot parse the text.
    pub fn set_param_text(&mut self, id: u32, text: &str) -> Result<()> {
        let context = || self.doing(&format!("parsing the parameter value {text:?}"));
        let value = self.instance.param_value_of_text(id, text).with_context(context)?;
        self.set_param(id, value)
    }

    /// Returns the state that a host saves with the project.
    ///
    /// # Errors
    ///
    /// If the plugin fails to save.
    pub fn save_state(&self) -> Result<Vec<u8>> {
        self.instance.save_state().with_context(|| self.doing("saving its state"))
    }

    /// Restores a state returned by [`save_state`](Self::save_state).
    ///
    /// # Errors
    ///
    /// If the plugin refuses the state.
    pub fn load_state(&mut self, state: &[u8]) -> Result<()> {
        let context = self.doing("loading a state");
        self.instance.load_state(state).context(context)
    }

    /// Returns the latency that the plugin reports now, active or not.
    ///
    /// # Errors
    ///
    /// If the plugin has no way to report it.
    pub fn latency_samples(&self) -> Result<usize> {
        self.instance.latency_samples().with_context(|| self.doing("reading its latency"))
    }

    /// Prepares for blocks of up to `config.max_block_samples` and starts processing.
    ///
    /// # Errors
    ///
    /// If the plugin is active already or refuses.
    pub fn activate(&mut self, config: AudioConfig) -> Result<Activation> {
        self.ensure_inactive("activating")?;
        let before_samples = self.latency_samples()?;
        let context = self.doing(&format!("activating it with {config:?}"));
        let set_up_samples = self.instance.activate(&config).context(context)?;
        self.active = Some(config);
        let latency_samples = self.latency_samples()?;
        Ok(Activation { before_samples, set_up_samples, latency_samples })
    }

    /// Stops processing.
    ///
    /// # Errors
    ///
    /// If the plugin is not active or refuses.
    pub fn deactivate(&mut self) -> Result<()> {
        ensure!(self.active.is_some(), "{}: not active", self.doing("deactivating it"));
        self.active = None;
        let context = self.doing("deactivating it");
        self.instance.deactivate().context(context)
    }

    /// Resets the plugin's audio state, which discards earlier input.
    ///
    /// # Errors
    ///
    /// If the plugin is not active or refuses.
    pub fn reset(&mut self) -> Result<()> {
        ensure!(self.active.is_some(), "{}: not active", self.doing("resetting it"));
        let context = self.doing("resetting it");
        self.instance.reset().context(context)
    }

    /// Performs the plugin's requests for the main thread, as hosts do between blocks.
    pub fn idle(&mut self) {
        self.instance.idle();
    }

    /// Returns the plugin's requests since the last call.
    pub fn take_requests(&mut self) -> Requests {
        self.instance.take_requests()
    }

    /// Processes one block and returns the duration of the plugin's call.
    ///
    /// `inputs` and `outputs` are the buses of the call, in order; buses after the last one are
    /// missing from the call. A list with more buses than the plugin has is passed unchanged.
    ///
    /// # Errors
    ///
    /// If the plugin is not active, the block is longer than announced, or the plugin
    ///
    /// - returns an error,
    /// - leaves a sample of a connected output unwritten or makes it NaN or infinite,
    /// - writes after the end of an output, or into an input (unless `in_place`),
    /// - reports that an output is silent which is not.
    pub fn process(
        &mut self,
        inputs: &mut [BusBuffer],
        outputs: &mut [BusBuffer],
        num_samples: usize,
        options: ProcessOptions,
    ) -> Result<Duration> {
        let Some(config) = self.active else {
            bail!("{}: not active", self.doing("processing"));
        };
        let who = self.doing("processing a block");
        let checked = Checked { config, who };
        let call = |call: &mut RawCall| self.instance.process(call);
        checked.process(call, inputs, outputs, num_samples, options)
    }

    /// Divides the active instance for the time of the borrow: into a part that may process on
    /// another thread, and a part for this one.
    ///
    /// # Errors
    ///
    /// If the plugin is not active.
    pub fn split(&mut self) -> Result<(MainPart<'_>, AudioPart<'_>)> {
        let Some(config) = self.active else {
            bail!("{}: not active", self.doing("processing"));
        };
        let who = self.doing("processing a block");
        let (main, audio) = self.instance.split()?;
        Ok((MainPart { main }, AudioPart { audio, checked: Checked { config, who } }))
    }

    fn ensure_inactive(&self, doing: &str) -> Result<()> {
        ensure!(self.active.is_none(), "{}: still active", self.doing(doing));
        Ok(())
    }

    fn doing(&self, what: &str) -> String {
        format!("{} ({}), {what}", self.class().name, self.format())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        if self.active.is_some() {
            // A closing host can do no more about a plugin that refuses to stop.
            let _ = self.instance.deactivate();
        }
    }
}

#[cfg(test)]
mod tests;
