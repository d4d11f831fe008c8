//! The common interface of the two test hosts.

/// One bus as a host passes it; `None` is a null channel pointer.
#[derive(Clone, Debug)]
pub struct TestBus {
    pub channels: Vec<Option<Vec<f32>>>,
    /// True if the array of channel pointers is null, too.
    pub no_array: bool,
}

/// Value of an output buffer before a block; it must be overwritten.
pub const GARBAGE: f32 = -99.0;

impl TestBus {
    /// Returns a bus with one value in all channels.
    pub fn filled(num_channels: usize, value: f32, num_samples: usize) -> Self {
        Self { channels: vec![Some(vec![value; num_samples]); num_channels], no_array: false }
    }

    /// Returns a mono bus with these samples.
    pub fn mono(samples: &[f32]) -> Self {
        Self { channels: vec![Some(samples.to_vec())], no_array: false }
    }

    /// Returns an output bus, filled with [`GARBAGE`].
    pub fn output(num_channels: usize, num_samples: usize) -> Self {
        Self::filled(num_channels, GARBAGE, num_samples)
    }

    /// Returns a bus with null channel pointers, as hosts pass for inactive buses.
    pub fn null_channels(num_channels: usize) -> Self {
        Self { channels: vec![None; num_channels], no_array: false }
    }

    /// Returns a bus without an array of channel pointers.
    pub fn no_array(num_channels: usize) -> Self {
        Self { no_array: true, ..Self::null_channels(num_channels) }
    }

    /// Returns the first channel's samples.
    pub fn samples(&self) -> &[f32] {
        self.channels[0].as_deref().unwrap_or(&[])
    }

    /// Returns the channel pointers, valid as long as the bus is not changed.
    pub fn pointers(&mut self) -> Vec<*mut f32> {
        self.channels
            .iter_mut()
            .map(|channel| channel.as_mut().map_or(std::ptr::null_mut(), Vec::as_mut_ptr))
            .collect()
    }
}

/// A host's set-up of a plugin.
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

/// A fault of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    Nothing,
    /// The host's count is one input bus less than its array has.
    OneInputLessThanThere,
    /// The second input bus shares its memory with the main output.
    SecondInputIsMainOutput,
    /// The host reports with the block that it renders, regardless of the activation (VST3).
    Rendered,
}

/// A plugin instance in one of the two formats.
pub trait Host {
    /// Sets up, activates and starts; returns false if refused.
    fn activate(&mut self, set_up: SetUp) -> bool;
    /// Stops and deactivates.
    fn deactivate(&mut self);
    /// Processes one block with a fault and with changes at any sample, as `(sample, id, value)`
    /// sorted by time. Returns true if the plugin reports success.
    fn process_timed(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(usize, u32, f64)],
        odd: Odd,
    ) -> bool;

    /// Processes one block with a fault and with changes at its first sample.
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

    /// Processes one block; returns true if the plugin reports success.
    fn process(
        &self,
        inputs: &mut [TestBus],
        outputs: &mut [TestBus],
        num_samples: usize,
        changes: &[(u32, f64)],
    ) -> bool {
        self.process_oddly(inputs, outputs, num_samples, changes, Odd::Nothing)
    }
    /// States the position of the next block on the timeline, in samples, while it plays; `None`
    /// states no time.
    fn go_to(&self, sample: Option<i64>);
    /// Resets on the audio thread.
    fn reset(&self);
    /// Starts or stops processing, regardless of its state.
    fn set_processing(&self, on: bool);
    /// Returns the number of parameters.
    fn num_params(&self) -> u32;
    /// Returns the name of a parameter.
    fn param_name(&self, index: u32) -> Option<String>;
    /// Returns the numeric id of a parameter.
    fn param_id(&self, index: u32) -> Option<u32>;
    /// Returns a parameter's position, 0 to 1.
    fn param(&self, id: u32) -> f64;
    /// Returns the text of a position, 0 to 1, with its unit.
    fn param_text(&self, id: u32, normalized: f64) -> String;
    /// Sets a parameter from the main thread, 0 to 1.
    fn set_param(&self, id: u32, normalized: f64);
    /// Sends several values without audio, while active.
    fn flush(&self, changes: &[(u32, f64)]);
    /// Returns the latency in samples.
    fn latency(&self) -> u32;
    /// Runs the plugin's main-thread tasks.
    fn idle(&self);
    /// Returns the number of reports of changed names, and of requests for a restart.
    fn notices(&self) -> (usize, usize);
    /// Returns the number of reports of values changed by the plugin.
    fn value_notices(&self) -> usize;
    /// Returns the number of reports of something new to save.
    fn dirty_notices(&self) -> usize;
    /// Returns the saved state.
    fn save(&self) -> Vec<u8>;
    /// Loads a saved state; returns false if refused.
    fn load(&self, state: &[u8]) -> bool;
    /// Drops the instance.
    fn unload(self: Box<Self>);
}
