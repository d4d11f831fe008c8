//! The guard's own audio memory. Host buffers are copied in and out and may be malformed.
#![allow(unsafe_code, reason = "host buffers are raw pointers")]

use super::flat::{Bus, Buses};

/// One host bus of a `ProcessData` or a `clap_process`; pointers and counts are unchecked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostBus {
    /// One pointer per channel; null if the bus is inactive.
    pub channels: *mut *mut f32,
    /// Number of pointers.
    pub num_channels: usize,
}

impl HostBus {
    /// A bus that the host did not provide.
    pub(crate) const MISSING: Self = Self { channels: std::ptr::null_mut(), num_channels: 0 };

    /// Returns the samples of one channel, or null.
    ///
    /// # Safety
    ///
    /// `channels` is null or holds `num_channels` pointers.
    unsafe fn channel(&self, index: usize) -> *mut f32 {
        if self.channels.is_null() || index >= self.num_channels {
            return std::ptr::null_mut();
        }
        // SAFETY: not null and within the count, as the caller guarantees.
        unsafe { *self.channels.add(index) }
    }
}

/// A flat buffer with every channel of every bus, for one block.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    samples: Vec<f32>,
    pointers: Vec<*mut f32>,
    max_block_samples: usize,
}

// SAFETY: the pointers only point into `samples` and are rewritten before each use.
unsafe impl Send for Scratch {}

impl Scratch {
    /// Allocates for blocks of up to `max_block_samples`.
    pub(crate) fn prepare(&mut self, num_channels: usize, max_block_samples: usize) {
        self.samples.clear();
        self.samples.resize(num_channels * max_block_samples, 0.0);
        self.pointers.clear();
        self.pointers.resize(num_channels, std::ptr::null_mut());
        self.max_block_samples = max_block_samples;
    }

    /// Returns the longest block that fits, in samples; 0 before [`Self::prepare`].
    pub(crate) fn max_block_samples(&self) -> usize {
        self.max_block_samples
    }

    /// Returns the number of channels.
    pub(crate) fn num_channels(&self) -> usize {
        self.pointers.len()
    }

    /// Fills the first `num_samples` of every channel with silence.
    pub(crate) fn clear(&mut self, num_samples: usize) {
        for channel in self.samples.chunks_exact_mut(self.max_block_samples.max(1)) {
            channel[..num_samples].fill(0.0);
        }
    }

    /// Copies one host bus in. Null or missing channels keep the silence of [`Self::clear`];
    /// surplus channels are ignored.
    ///
    /// # Safety
    ///
    /// `host` is well-formed except for nulls, and its channels hold `offset +
    /// num_samples` samples.
    pub(crate) unsafe fn gather(
        &mut self,
        bus: &Bus,
        host: HostBus,
        offset: usize,
        num_samples: usize,
    ) {
        for index in 0..bus.num_channels {
            // SAFETY: the caller guarantees that `host` is well-formed.
            let from = unsafe { host.channel(index) };
            if from.is_null() {
                continue;
            }
            let start = (bus.first_channel + index) * self.max_block_samples;
            let to = &mut self.samples[start..start + num_samples];
            // SAFETY: `from` holds enough samples, and this buffer never overlaps the host's.
            unsafe {
                std::ptr::copy_nonoverlapping(from.add(offset), to.as_mut_ptr(), num_samples);
            }
        }
    }

    /// Copies one bus out.
    ///
    /// Surplus channels of the host become silent, and so does every sample that is subnormal or
    /// not finite, which hosts treat as a fault. Such samples come from the input: a plugin that
    /// has panicked or does not support the sample rate passes its input on.
    ///
    /// # Safety
    ///
    /// As for [`Self::gather`].
    pub(crate) unsafe fn scatter(
        &self,
        bus: &Bus,
        host: HostBus,
        offset: usize,
        num_samples: usize,
    ) {
        for index in 0..host.num_channels {
            // SAFETY: the caller guarantees that `host` is well-formed.
            let to = unsafe { host.channel(index) };
            if to.is_null() {
                continue;
            }
            if index < bus.num_channels {
                let start = (bus.first_channel + index) * self.max_block_samples;
                let from = &self.samples[start..start + num_samples];
                for (index, &sample) in from.iter().enumerate() {
                    let sample = if sample.is_normal() { sample } else { 0.0_f32.copysign(sample) };
                    // SAFETY: `to` holds enough samples.
                    unsafe { to.add(offset + index).write(sample) };
                }
            } else {
                // SAFETY: `to` holds enough samples.
                unsafe { std::ptr::write_bytes(to.add(offset), 0, num_samples) };
            }
        }
    }

    /// Returns one pointer per channel to the sample at `offset`, for a framework call that works
    /// in place.
    ///
    /// # Panics
    ///
    /// If `offset` is beyond the longest block.
    pub(crate) fn pointers(&mut self, offset: usize) -> *mut *mut f32 {
        let channels = self.samples.chunks_exact_mut(self.max_block_samples.max(1));
        for (pointer, channel) in self.pointers.iter_mut().zip(channels) {
            *pointer = channel[offset..].as_mut_ptr();
        }
        self.pointers.as_mut_ptr()
    }
}

/// Writes silence to all existing output channels of a host bus.
///
/// # Safety
///
/// As for [`Scratch::gather`]; the channels hold `num_samples` samples of `sample_bytes` each.
pub(crate) unsafe fn silence(host: HostBus, num_samples: usize, sample_bytes: usize) {
    for index in 0..host.num_channels {
        // SAFETY: the caller guarantees that `host` is well-formed.
        let to = unsafe { host.channel(index) };
        if !to.is_null() {
            // SAFETY: `to` holds that many bytes; all bits zero is 0.0 in both precisions.
            unsafe { std::ptr::write_bytes(to.cast::<u8>(), 0, num_samples * sample_bytes) };
        }
    }
}

/// Runs `block` over the scratch in pieces that fit, and copies the host's audio in and out.
///
/// All inputs of a piece are read before any output is written, so the host's buses may share
/// memory in any way. `block` gets the offset and the length of the piece. Returns true if every
/// `block` did.
///
/// # Safety
///
/// As for [`Scratch::gather`], for every bus that `input` and `output` return.
pub(crate) unsafe fn run_in_pieces(
    scratch: &mut Scratch,
    buses: &Buses,
    host: &impl HostBuses,
    num_samples: usize,
    mut block: impl FnMut(&mut Scratch, usize, usize) -> bool,
) -> bool {
    let mut all_well = true;
    let mut offset = 0;
    while offset < num_samples && scratch.max_block_samples() > 0 {
        let length = (num_samples - offset).min(scratch.max_block_samples());
        scratch.clear(length);
        for (index, bus) in buses.inputs.iter().enumerate() {
            // SAFETY: as the caller guarantees.
            unsafe { scratch.gather(bus, host.input(index), offset, length) };
        }
        all_well &= block(scratch, offset, length);
        for (index, bus) in buses.outputs.iter().enumerate() {
            // SAFETY: as the caller guarantees.
            unsafe { scratch.scatter(bus, host.output(index), offset, length) };
        }
        offset += length;
    }
    for index in buses.outputs.len()..host.num_outputs() {
        // SAFETY: as the caller guarantees.
        unsafe { silence(host.output(index), num_samples, size_of::<f32>()) };
    }
    all_well
}

/// The buses of one host call; missing ones are [`HostBus::MISSING`].
pub(crate) trait HostBuses {
    /// Returns the input bus at `index`.
    fn input(&self, index: usize) -> HostBus;
    /// Returns the output bus at `index`.
    fn output(&self, index: usize) -> HostBus;
    /// Returns the number of output buses of the host, surplus ones included.
    fn num_outputs(&self) -> usize;
}
