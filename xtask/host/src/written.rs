//! Checks of the memory that a plugin has written, and must not write, in one block.

use anyhow::{Result, bail};

use crate::buffers::BusBuffer;

/// Checks that no input has changed.
pub(crate) fn check_inputs(before: &[BusBuffer], after: &[BusBuffer]) -> Result<()> {
    for (index, (before, after)) in before.iter().zip(after).enumerate() {
        for channel in 0..before.num_channels() {
            let pairs = before.channel(channel).iter().zip(after.channel(channel));
            let changed = pairs.into_iter().position(|(x, y)| x.to_bits() != y.to_bits());
            if let Some(sample) = changed {
                bail!(
                    "the plugin wrote to sample {sample} of input bus {index}, channel {channel}"
                );
            }
        }
    }
    Ok(())
}

/// Checks that exactly the samples of the block are written, finite, and silent as reported.
pub(crate) fn check_outputs(
    outputs: &[BusBuffer],
    silence: &[u64],
    num_samples: usize,
) -> Result<()> {
    for (index, (bus, silence)) in outputs.iter().zip(silence).enumerate() {
        if let Some((channel, sample)) = bus.first_overrun() {
            bail!(
                "the plugin wrote past the end of output bus {index}, channel {channel} \
                 (sample {sample})"
            );
        }
        if !bus.state.has_memory() {
            continue;
        }
        if let Some((channel, sample)) = bus.first_unwritten(num_samples) {
            bail!(
                "the plugin left sample {sample} of output bus {index}, channel {channel} \
                 unwritten"
            );
        }
        if let Some((channel, sample)) = bus.first_non_finite(num_samples) {
            bail!("sample {sample} of output bus {index}, channel {channel} is not finite");
        }
        for channel in 0..bus.num_channels().min(64) {
            let samples = &bus.channel(channel)[..num_samples];
            if silence >> channel & 1 == 1 && samples.iter().any(|x| *x != 0.0) {
                bail!(
                    "the plugin reports silence on output bus {index}, channel {channel}, but \
                     sends sound"
                );
            }
        }
    }
    Ok(())
}
