//! What the tests' two tiny hosts have in common.
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
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]

/// One bus as a host hands it over: `None` is a null channel pointer.
#[derive(Clone, Debug)]
pub struct TestBus {
    pub channels: Vec<Option<Vec<f32>>>,
    /// Whether even the array of channel pointers is null.
    pub no_array: bool,
}

/// What an output buffer holds before a block: nobody may leave it there.
pub const GARBAGE: f32 = -99.0;

impl TestBus {
    /// A bus whose channels all hold one value.
    pub fn filled(num_channels: usize, value: f32, num_samples: usize) -> Self {
        Self { channels: vec![Some(vec![value; num_samples]); num_channels], no_array: false }
    }

    /// A mono bus with these samples.
    pub fn mono(samples: &[f32]) -> Self {
        Self { channels: vec![Some(samples.to_vec())], no_array: false }
    }

    /// An output bus to be written.
    pub fn output(num_channels: usize, num_samples: usize) -> Self {
        Self::filled(num_channels, GARBAGE, num_samples)
    }

    /// A bus with null channel pointers, as hosts give for inactive buses.
    pub fn null_channels(num_channels: usize) -> Self {
        Self { channels: vec![None; num_channels], no_array: false }
    }

    /// A bus without an array of channel pointers.
    pub fn no_array(num_channels: usize) -> Self {
        Self { no_array: true, ..Self::null_channels(num_channels) }
    }

    /// The first channel's samples.
    pub fn samples(&self) -> &[f32] {
        self.channels[0].as_deref().unwrap_or(&[])
    }

    /// The channel pointers, valid as long as the bus is not changed.
    pub fn pointers(&mut self) -> Vec<*mut f32> {
        self.channels
            .iter_mut()
            .map(|channel| channel.as_mut().map_or(std::ptr::null_mut(), Vec::as_mut_ptr))
            .collect()
    }
}

/// How a host sets a plugin up.
#[derive(Clone, Copy, Debug)]
pub struct SetUp {
    pub rate: f64,
    pub max_block: usize,
    pub offline: bool,
}

impl Default for SetUp {
    fn default() -> Self {
        Self { rate: 48_000.0, max_block: 64, offline: false }
    }
}

/// What is odd about a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    Nothing,
    /// The host says it gives one input bus less than there is behind its pointer.
    OneInputLessThanThere,
    /// The second input bus is read from where the main output is written.
    SecondInputIsMainOutput,
    /// The host says with the block that it renders, whatever it said when it activated (VST3).
    Rendered,
}

/// A plugin instance in one of the two formats.
pub trait Host {
    /// Sets up, activates and starts; false if refused.
    fn activate(&mut self, set_up: SetUp) -> bool;
    /// Stops and deactivates.
    fn deactivate(&mut self);
    /// One block with something odd about it and with changes at any sample, as `(sample, id, value)` in the order of time; true if
    /// the plugin reports success.
    fn process_timed(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(usize, u32, f64)],
        odd: Odd,
    ) -> bool;

    /// One block with something odd about it and with changes at its first sample.
    fn process_oddly(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(u32, f64)],
        odd: Odd,
    ) -> bool {
        let timed: Vec<_> = changes.iter().map(|&(id, value)| (0, id, value)).collect();
        self.process_timed(inputs, outputs, num_samples, &timed, odd)
    }

    /// One block; true if the plugin reports success.
    fn process(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(u32, f64)],
    ) -> bool {
        self.process_oddly(inputs, outputs, num_samples, changes, Odd::Nothing)
    }
    /// The reset of the audio thread.
    fn reset(&self);
    /// Starts or stops processing, whatever it did before.
    fn set_processing(&self, on: bool);
    /// How many parameters there are.
    fn num_params(&self) -> u32;
    /// The name of a parameter.
    fn param_name(&self, index: u32) -> Option<String>;
    /// The numeric id of a parameter.
    fn param_id(&self, index: u32) -> Option<u32>;
    /// A parameter's position, 0 to 1.
    fn param(&self, id: u32) -> f64;
    /// How a position reads, 0 to 1, with its unit.
    fn param_text(&self, id: u32, normalized: f64) -> String;
    /// Moves a parameter from the main thread, 0 to 1.
    fn set_param(&self, id: u32, normalized: f64);
    /// Brings several values without audio, while active.
    fn flush(&self, changes: &[(u32, f64)]);
    /// The latency.
    fn latency(&self) -> u32;
    /// Gives the plugin its time on the main thread.
    fn idle(&self);
    /// How often the plugin said that names changed, and asked for a restart.
    fn notices(&self) -> (usize, usize);
    /// How often the plugin said that it moved parameters by itself.
    fn value_notices(&self) -> usize;
    /// How often the plugin said that there is something new to save.
    fn dirty_notices(&self) -> usize;
    /// The saved state.
    fn save(&self) -> Vec<u8>;
    /// Loads a saved state; false if refused.
    fn load(&self, state: &[u8]) -> bool;
    /// Ends the instance.
    fn unload(self: Box<Self>);
}
