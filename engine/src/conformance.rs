//! The six promises of every processor of blocks of all mics, as one check.

#[cfg(test)]
mod tests;

use crate::session::Session;

/// Processor that changes blocks of all mics in place.
///
/// # Real-time
///
/// As documented by the implementing type.
pub trait Block {
    /// Returns the number of mics in a block.
    fn num_mics(&self) -> usize;

    /// Returns the number of samples that the length of a block must be a multiple of: 1 if any
    /// length is valid.
    fn granule_samples(&self) -> usize;

    /// Returns the latency from input to output, in samples.
    fn latency_samples(&self) -> usize;

    /// Processes `[mic][sample]` in place. Returns false and changes nothing if the shape is wrong.
    fn process(&mut self, mics: &mut [&mut [f32]]) -> bool;

    /// Discards all audio.
    fn reset(&mut self);
}

impl Block for Session {
    fn num_mics(&self) -> usize {
        self.num_mics()
    }

    fn granule_samples(&self) -> usize {
        1
    }

    fn latency_samples(&self) -> usize {
        Session::latency_samples(self)
    }

    fn process(&mut self, mics: &mut [&mut [f32]]) -> bool {
        Session::process(self, mics).is_ok()
    }

    fn reset(&mut self) {
        Session::reset(self);
    }
}

/// Largest error of an impulse, at its place and elsewhere: measured 2.7e-8 through both transforms
/// on x86-64.
const IMPULSE_TOLERANCE: f32 = 2e-7;
/// Samples after a decaying tail and the latency until the output must be silent: more than any
/// window here.
const SETTLE_SAMPLES: usize = 20_000;
/// Level at the end of a tail: near the smallest normal number, 1.2e-38, so that any product is
/// below it.
const TAIL_END_LIN: f32 = 1e-36;

/// Checks the six promises on blocks that `make` returns, all of them alike:
///
/// 1. an impulse leaves after exactly the reported latency;
/// 2. every division of the input into blocks gives the same output, bit for bit;
/// 3. a reset equals a new block;
/// 4. silence stays silence, and a decaying tail leaves neither a signal nor subnormal numbers;
/// 5. samples of one mic that are not finite affect no other mic and nothing after a reset;
/// 6. blocks of the wrong shape are refused without damage.
///
/// # Errors
///
/// Returns the first broken promise, as [`Broken`].
///
/// # Real-time
///
/// For tests: allocates and runs for a while.
pub fn check<B: Block>(mut make: impl FnMut() -> B) -> Result<(), Broken> {
    impulse(&mut make())?;
    let block = make();
    let stretch = Stretch::new(&block);
    let expected = stretch.play(&mut make(), &stretch.noise, &[1000]).ok_or(Broken::Refuses)?;
    splits(&mut make, &stretch, &expected)?;
    resets(&mut make(), &stretch, &expected)?;
    silence(&mut make(), &stretch)?;
    not_a_number(&mut make, &stretch, &expected)?;
    shapes(&mut make(), &stretch, &expected)
}

/// Signal of all mics, `[mic][sample]`.
type Signal = Vec<Vec<f32>>;

/// Test signal, and the granule of the block lengths.
struct Stretch {
    granule: usize,
    noise: Signal,
}

impl Stretch {
    fn new(block: &impl Block) -> Self {
        let granule = block.granule_samples();
        let length = (block.latency_samples() + 6000).next_multiple_of(granule);
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let mics = (0..block.num_mics()).map(|_| (0..length).map(|_| draw()).collect());
        Self { granule, noise: mics.collect() }
    }

    /// Plays `input` in blocks of about these lengths, repeated in turn. Returns `None` if a block
    /// is refused.
    fn play(&self, block: &mut impl Block, input: &Signal, lengths: &[usize]) -> Option<Signal> {
        let mut output = input.clone();
        let mut start = 0;
        for length in lengths.iter().cycle() {
            let left = output.first().map_or(0, Vec::len) - start;
            let length = length.next_multiple_of(self.granule).min(left);
            if length == 0 {
                break;
            }
            let mut mics: Vec<_> =
                output.iter_mut().map(|mic| &mut mic[start..start + length]).collect();
            if !block.process(&mut mics) {
                return None;
            }
            start += length;
        }
        Some(output)
    }
}

/// Returns the mic and sample of the first difference between two signals, bit by bit.
fn difference(a: &Signal, b: &Signal) -> Option<(usize, usize)> {
    a.iter().zip(b).enumerate().find_map(|(mic, (a, b))| {
        let sample = a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())?;
        Some((mic, sample))
    })
}

fn impulse(block: &mut impl Block) -> Result<(), Broken> {
    let stretch = Stretch::new(block);
    let at = 777;
    for mic in 0..block.num_mics() {
        let mut input: Signal = stretch.noise.iter().map(|mic| vec![0.0; mic.len()]).collect();
        input[mic][at] = 1.0;
        block.reset();
        let output = stretch.play(block, &input, &[500]).ok_or(Broken::Refuses)?;
        for (other, samples) in output.iter().enumerate() {
            for (sample, &value) in samples.iter().enumerate() {
                let is_impulse = other == mic && sample == at + block.latency_samples();
                let expected = if is_impulse { 1.0 } else { 0.0 };
                if value.is_nan() || (value - expected).abs() > IMPULSE_TOLERANCE {
                    return Err(Broken::Impulse { mic: other, sample, value });
                }
            }
        }
    }
    Ok(())
}

fn splits<B: Block>(
    make: &mut impl FnMut() -> B,
    stretch: &Stretch,
    expected: &Signal,
) -> Result<(), Broken> {
    let cuts: [&[usize]; 5] = [&[1], &[64], &[8192], &[3, 700, 1, 1, 250], &[511, 513, 2048, 7]];
    for lengths in cuts {
        let output = stretch.play(&mut make(), &stretch.noise, lengths).ok_or(Broken::Refuses)?;
        if let Some((mic, sample)) = difference(&output, expected) {
            return Err(Broken::Split { block_samples: lengths[0], mic, sample });
        }
    }
    Ok(())
}

fn resets(block: &mut impl Block, stretch: &Stretch, expected: &Signal) -> Result<(), Broken> {
    let granule = stretch.granule;
    // Stops at arbitrary points of the internal processing.
    for stop in [1, 999, 5555].map(|stop: usize| stop.next_multiple_of(granule)) {
        let begun: Signal = stretch.noise.iter().rev().map(|mic| mic[..stop].to_vec()).collect();
        stretch.play(block, &begun, &[300]).ok_or(Broken::Refuses)?;
        block.reset();
        let output = stretch.play(block, &stretch.noise, &[1000]).ok_or(Broken::Refuses)?;
        block.reset();
        if let Some((mic, sample)) = difference(&output, expected) {
            return Err(Broken::Reset { mic, sample });
        }
    }
    Ok(())
}

fn silence(block: &mut impl Block, stretch: &Stretch) -> Result<(), Broken> {
    let quiet: Signal = stretch.noise.iter().map(|mic| vec![0.0; mic.len()]).collect();
    let output = stretch.play(block, &quiet, &[400]).ok_or(Broken::Refuses)?;
    check_samples(&output, 0, |value| value == 0.0)
        .map_err(|(mic, sample)| Broken::Silence { mic, sample })?;
    block.reset();
    let length = stretch.noise.first().map_or(0, Vec::len);
    let decay = |sample: usize| TAIL_END_LIN.powf((sample + 1) as f32 / length as f32);
    let settle = (block.latency_samples() + 2 * SETTLE_SAMPLES).next_multiple_of(stretch.granule);
    let tail: Signal = stretch
        .noise
        .iter()
        .map(|mic| {
            let decaying = mic.iter().enumerate().map(|(sample, value)| {
                // Not below the end of the tail, so that the input itself is normal.
                (value * decay(sample)).abs().max(TAIL_END_LIN).copysign(*value)
            });
            decaying.chain(std::iter::repeat_n(0.0, settle)).collect()
        })
        .collect();
    let output = stretch.play(block, &tail, &[400]).ok_or(Broken::Refuses)?;
    check_samples(&output, 0, |value| !value.is_subnormal())
        .map_err(|(mic, sample)| Broken::Subnormal { mic, sample })?;
    let settled = length + block.latency_samples() + SETTLE_SAMPLES;
    check_samples(&output, settled, |value| value == 0.0)
        .map_err(|(mic, sample)| Broken::Silence { mic, sample })
}

/// Checks every sample from `start` on. Returns the mic and index of the first wrong one.
fn check_samples(
    signal: &Signal,
    start: usize,
    is_right: impl Fn(f32) -> bool,
) -> Result<(), (usize, usize)> {
    for (mic, samples) in signal.iter().enumerate() {
        if let Some(sample) = samples[start..].iter().position(|&value| !is_right(value)) {
            return Err((mic, start + sample));
        }
    }
    Ok(())
}

fn not_a_number<B: Block>(
    make: &mut impl FnMut() -> B,
    stretch: &Stretch,
    expected: &Signal,
) -> Result<(), Broken> {
    let (mut bad, mut silenced) = (stretch.noise.clone(), stretch.noise.clone());
    for (at, value) in [(700, f32::NAN), (701, f32::INFINITY), (3000, f32::NEG_INFINITY)] {
        bad[0][at] = value;
        silenced[0][at] = 0.0;
    }
    let mut block = make();
    let output = stretch.play(&mut block, &bad, &[333]).ok_or(Broken::Refuses)?;
    let harmless = stretch.play(&mut make(), &silenced, &[333]).ok_or(Broken::Refuses)?;
    check_samples(&output, 0, f32::is_finite)
        .map_err(|(mic, sample)| Broken::NotFinite { mic, sample })?;
    if let Some((mic, sample)) = difference(&output, &harmless) {
        return Err(Broken::NotFinite { mic, sample });
    }
    block.reset();
    let output = stretch.play(&mut block, &stretch.noise, &[1000]).ok_or(Broken::Refuses)?;
    match difference(&output, expected) {
        Some((mic, sample)) => Err(Broken::Reset { mic, sample }),
        None => Ok(()),
    }
}

fn shapes(block: &mut impl Block, stretch: &Stretch, expected: &Signal) -> Result<(), Broken> {
    const FILL: f32 = 0.25;
    let (num_mics, granule) = (block.num_mics(), stretch.granule);
    let mut output = stretch.noise.clone();
    let length = output.first().map_or(0, Vec::len);
    let mut start = 0;
    while start < length {
        let mut wrong: Vec<Vec<usize>> = vec![
            vec![],
            vec![granule; num_mics - 1],
            vec![granule; num_mics + 1],
            (0..num_mics).map(|mic| if mic == 0 { 2 * granule } else { granule }).collect(),
        ];
        if granule > 1 {
            wrong.push(vec![granule - 1; num_mics]);
        }
        for lengths in wrong {
            let mut mics: Signal = lengths.iter().map(|&length| vec![FILL; length]).collect();
            let mut slices: Vec<_> = mics.iter_mut().map(Vec::as_mut_slice).collect();
            if block.process(&mut slices) {
                return Err(Broken::Accepts { num_mics: lengths.len() });
            }
            #[allow(clippy::float_cmp, reason = "untouched means the very same")]
            check_samples(&mics, 0, |value| value == FILL)
                .map_err(|(mic, sample)| Broken::Damage { mic, sample })?;
        }
        let end = (start + 1000_usize.next_multiple_of(granule)).min(length);
        let mut mics: Vec<_> = output.iter_mut().map(|mic| &mut mic[start..end]).collect();
        if !block.process(&mut mics) {
            return Err(Broken::Refuses);
        }
        start = end;
    }
    match difference(&output, expected) {
        Some((mic, sample)) => Err(Broken::Damage { mic, sample }),
        None => Ok(()),
    }
}

/// Broken promise, with the first place where it shows.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A block of the right shape was refused.
    #[error("a block of the right shape is refused")]
    Refuses,
    /// An impulse left a signal elsewhere, or a wrong value at its own place.
    #[error("an impulse leaves {value} at sample {sample} of mic {mic}")]
    Impulse {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
        /// Value of the sample.
        value: f32,
    },
    /// The output depends on the division of the input into blocks.
    #[error("blocks of {block_samples} samples change sample {sample} of mic {mic}")]
    Split {
        /// Length of the first block in samples.
        block_samples: usize,
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
    /// A reset did not clear everything.
    #[error("a reset leaves a signal at sample {sample} of mic {mic}")]
    Reset {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
    /// The output has a signal where silence is expected.
    #[error("signal instead of silence at sample {sample} of mic {mic}")]
    Silence {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
    /// A tail became subnormal.
    #[error("a tail becomes subnormal at sample {sample} of mic {mic}")]
    Subnormal {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
    /// A sample that is not finite did not count as silence in its own mic alone.
    #[error("a sample that is not finite changes sample {sample} of mic {mic}")]
    NotFinite {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
    /// A block of the wrong shape was accepted.
    #[error("a block of {num_mics} mics of the wrong shape is accepted")]
    Accepts {
        /// Number of mics in the block.
        num_mics: usize,
    },
    /// A refused block changed something.
    #[error("a refused block changes sample {sample} of mic {mic}")]
    Damage {
        /// Mic index.
        mic: usize,
        /// Sample index.
        sample: usize,
    },
}
