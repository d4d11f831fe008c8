//! The functions that each plugin format implements, and the arguments of its process call.

use std::time::Duration;

use anyhow::Result;

use crate::model::{
    AudioConfig, BlockTime, BusInfo, ClassInfo, Direction, Format, Gesture, ParamInfo, Requests,
};

/// The arguments of one process call, with pointers, for either format.
pub(crate) struct RawCall {
    pub(crate) num_samples: usize,
    /// Time to state; `None` for the samples since the activation, with a transport that plays.
    pub(crate) time: Option<BlockTime>,
    pub(crate) inputs: Vec<RawBus>,
    pub(crate) outputs: Vec<RawBus>,
}

/// One bus of a [`RawCall`].
pub(crate) struct RawBus {
    /// Number of channels passed to the plugin.
    pub(crate) num_channels: u32,
    /// One pointer per channel, null if the channel is inactive; `None` for a null array.
    pub(crate) channels: Option<Vec<*mut f32>>,
    /// One bit per channel that is silent.
    pub(crate) silence: u64,
}

impl RawBus {
    /// Returns the array of channel pointers, or null.
    pub(crate) fn pointers(&mut self) -> *mut *mut f32 {
        self.channels.as_mut().map_or(std::ptr::null_mut(), |channels| channels.as_mut_ptr())
    }
}

/// The functions of an active instance that another thread may call.
pub(crate) trait AudioSide: Send {
    /// Processes a block and returns the duration of the plugin's call.
    fn process(&mut self, call: &mut RawCall) -> Result<Duration>;
}

/// The functions that the main thread calls while another thread processes.
pub(crate) trait MainSide {
    /// Performs the plugin's requests for the main thread.
    fn idle(&mut self);
    fn take_requests(&mut self) -> Requests;
}

/// An instance in two parts.
pub(crate) type Sides<'a> = (Box<dyn MainSide + 'a>, Box<dyn AudioSide + 'a>);

/// The functions that each format implements; [`Plugin`](crate::Plugin) adds the life cycle and
/// the checks.
pub(crate) trait Instance {
    fn format(&self) -> Format;
    fn class(&self) -> &ClassInfo;
    fn buses(&self, direction: Direction) -> Result<Vec<BusInfo>>;
    fn select_channels(&mut self, inputs: &[usize], outputs: &[usize]) -> Result<()>;
    fn set_bus_active(&mut self, direction: Direction, index: usize, active: bool) -> Result<()>;
    fn params(&self) -> Result<Vec<ParamInfo>>;
    fn param_value(&self, id: u32) -> Result<f64>;
    fn param_text(&self, id: u32, value: f64) -> Result<String>;
    fn param_value_of_text(&self, id: u32, text: &str) -> Result<f64>;
    fn set_param(&mut self, id: u32, value: f64, active: bool) -> Result<()>;
    fn save_state(&self) -> Result<Vec<u8>>;
    fn load_state(&mut self, state: &[u8]) -> Result<()>;
    fn latency_samples(&self) -> Result<usize>;
    /// Activates; returns the latency reported between set-up and start, if the format has
    /// this step.
    fn activate(&mut self, config: &AudioConfig) -> Result<Option<usize>>;
    fn deactivate(&mut self) -> Result<()>;
    fn reset(&mut self) -> Result<()>;
    /// Processes a block and returns the duration of the plugin's call.
    fn process(&mut self, call: &mut RawCall) -> Result<Duration>;
    /// Divides the instance, which is active, into a part for this thread and one for another.
    fn split(&mut self) -> Result<Sides<'_>>;
    /// Performs the plugin's requests for the main thread.
    fn idle(&mut self);
    fn take_requests(&mut self) -> Requests;
    fn open_editor(&mut self, window: u32, scale: Option<f64>) -> Result<[u32; 2]>;
    fn resize_editor(&mut self, size: [u32; 2]) -> Result<[u32; 2]>;
    fn force_editor_size(&mut self, size: [u32; 2]) -> Result<bool>;
    fn close_editor(&mut self) -> Result<()>;
    /// Returns the size that the editor has requested since the last call.
    fn take_wanted_size(&mut self) -> Option<[u32; 2]>;
    fn take_gestures(&mut self) -> Vec<Gesture>;
}
