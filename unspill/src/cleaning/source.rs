//! Sources of the mics' samples.

use anyhow::Result;
use audiofile::SessionFiles;

/// All mono mics of a session, read forward in blocks, as often as needed.
pub trait MicSource {
    /// Returns the sample rate in Hz.
    fn rate_hz(&self) -> u32;

    /// Returns the number of mono mics.
    fn num_mics(&self) -> usize;

    /// Returns the number of samples per mic.
    fn num_samples(&self) -> u64;

    /// Fills `mics` (`[mic][sample]`, all of one length) with the next samples and returns their
    /// number, which is less than requested only at the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the samples cannot be read.
    fn read(&mut self, mics: &mut [&mut [f32]]) -> Result<usize>;

    /// Starts again from the first sample.
    ///
    /// # Errors
    ///
    /// Returns an error if that is not possible.
    fn rewind(&mut self) -> Result<()>;
}

impl MicSource for SessionFiles {
    fn rate_hz(&self) -> u32 {
        self.rate_hz()
    }

    fn num_mics(&self) -> usize {
        self.mics().len()
    }

    fn num_samples(&self) -> u64 {
        self.num_samples()
    }

    fn read(&mut self, mics: &mut [&mut [f32]]) -> Result<usize> {
        Ok(self.read(mics)?)
    }

    fn rewind(&mut self) -> Result<()> {
        Ok(self.rewind()?)
    }
}

/// Mics in memory.
#[derive(Debug)]
pub struct Signals<'a> {
    mics: &'a [Vec<f32>],
    rate_hz: u32,
    position: usize,
}

impl<'a> Signals<'a> {
    /// Creates a source that reads `mics`, `[mic][sample]` of one length, from their start.
    #[must_use]
    pub fn new(mics: &'a [Vec<f32>], rate_hz: u32) -> Self {
        debug_assert!(mics.iter().all(|mic| mic.len() == mics[0].len()));
        Self { mics, rate_hz, position: 0 }
    }

    fn length(&self) -> usize {
        self.mics.first().map_or(0, Vec::len)
    }
}

impl MicSource for Signals<'_> {
    fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    fn num_mics(&self) -> usize {
        self.mics.len()
    }

    fn num_samples(&self) -> u64 {
        self.length() as u64
    }

    fn read(&mut self, mics: &mut [&mut [f32]]) -> Result<usize> {
        let asked = mics.first().map_or(0, |mic| mic.len());
        let length = asked.min(self.length() - self.position);
        for (to, from) in mics.iter_mut().zip(self.mics) {
            to[..length].copy_from_slice(&from[self.position..self.position + length]);
        }
        self.position += length;
        Ok(length)
    }

    fn rewind(&mut self) -> Result<()> {
        self.position = 0;
        Ok(())
    }
}
