//! The samples of one channel of a block: a prediction plus a residual.

use super::bits::Bits;
use crate::input::Fault;

/// Coefficients of the fixed predictors by order, for the newest sample first.
const FIXED: [&[i64]; 5] = [&[], &[1], &[2, -1], &[3, -3, 1], &[4, -6, 4, -1]];
const MOST_COEFFICIENTS: usize = 32;

/// Appends `num_samples` samples of `depth` bits, at most 33, to an empty `channel`.
///
/// The arithmetic wraps: samples of damaged blocks may become arbitrarily large before the checksum
/// is verified.
pub(super) fn read(
    bits: &mut Bits<'_>,
    depth: u32,
    num_samples: usize,
    channel: &mut Vec<i64>,
) -> Result<(), Fault> {
    if bits.read(1)? != 0 {
        return Err(Fault::format("reserved bit is set"));
    }
    let kind = bits.read(6)?;
    let wasted = if bits.read(1)? == 0 { 0 } else { bits.read_unary(33)? + 1 };
    let wasted = u32::try_from(wasted).unwrap_or(u32::MAX);
    let depth = depth.checked_sub(wasted).filter(|&depth| depth > 0);
    let depth = depth.ok_or_else(|| Fault::format("samples without bits"))?;
    match kind {
        0 => {
            let value = bits.read_signed(depth)?;
            channel.resize(num_samples, value);
        }
        1 => read_plain(bits, depth, num_samples, channel)?,
        8..=12 => {
            let coefficients = FIXED[order(kind - 8)];
            read_plain(bits, depth, coefficients.len().min(num_samples), channel)?;
            read_residual(bits, num_samples, coefficients.len(), channel)?;
            predict(coefficients, 0, channel);
        }
        32..=63 => {
            let order = order(kind - 31);
            read_plain(bits, depth, order.min(num_samples), channel)?;
            let precision = u32::try_from(bits.read(4)?).unwrap_or_default() + 1;
            let shift = bits.read_signed(5)?;
            let shift = u32::try_from(shift).map_err(|_| Fault::format("negative shift"))?;
            if precision == 16 {
                return Err(Fault::format("reserved precision"));
            }
            let mut coefficients = [0; MOST_COEFFICIENTS];
            let coefficients = &mut coefficients[..order];
            for coefficient in coefficients.iter_mut() {
                *coefficient = bits.read_signed(precision)?;
            }
            read_residual(bits, num_samples, order, channel)?;
            predict(coefficients, shift, channel);
        }
        _ => return Err(Fault::format("reserved subframe type")),
    }
    if wasted > 0 {
        channel.iter_mut().for_each(|x| *x <<= wasted);
    }
    Ok(())
}

fn order(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default().min(MOST_COEFFICIENTS)
}

fn read_plain(
    bits: &mut Bits<'_>,
    depth: u32,
    num_samples: usize,
    channel: &mut Vec<i64>,
) -> Result<(), Fault> {
    for _ in 0..num_samples {
        channel.push(bits.read_signed(depth)?);
    }
    Ok(())
}

/// Appends the residual. It has partitions of equal length, each with its own length of numbers;
/// the first is shorter by the `order` samples that are already there.
fn read_residual(
    bits: &mut Bits<'_>,
    num_samples: usize,
    order: usize,
    channel: &mut Vec<i64>,
) -> Result<(), Fault> {
    let (parameter_bits, escape) = match bits.read(2)? {
        0 => (4, 15),
        1 => (5, 31),
        _ => return Err(Fault::format("reserved residual coding")),
    };
    let num_partitions = 1_usize << bits.read(4)?;
    let partition = num_samples / num_partitions;
    if !num_samples.is_multiple_of(num_partitions) || partition < order {
        return Err(Fault::format("partitions do not fit the block"));
    }
    for index in 0..num_partitions {
        let count = if index == 0 { partition - order } else { partition };
        let parameter = u32::try_from(bits.read(parameter_bits)?).unwrap_or_default();
        if parameter == escape {
            let depth = u32::try_from(bits.read(5)?).unwrap_or_default();
            read_plain(bits, depth, count, channel)?;
            continue;
        }
        let most = u64::from(u32::MAX) >> parameter;
        for _ in 0..count {
            let folded = bits.read_unary(most)? << parameter | bits.read(parameter)?;
            // Even numbers are non-negative, odd ones negative.
            channel.push((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed());
        }
    }
    Ok(())
}

/// Replaces the residual with the samples.
fn predict(coefficients: &[i64], shift: u32, channel: &mut [i64]) {
    for at in coefficients.len()..channel.len() {
        let (before, rest) = channel.split_at_mut(at);
        let sum =
            before.iter().rev().zip(coefficients).fold(0_i64, |sum, (&sample, &factor)| {
                sum.wrapping_add(sample.wrapping_mul(factor))
            });
        rest[0] = rest[0].wrapping_add(sum >> shift);
    }
}
