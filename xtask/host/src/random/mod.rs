//! A host that makes random but reproducible calls, and finds the few calls that cause a failure.
//!
//! Real hosts call in unexpected orders. [`run`] makes such calls in this process and checks the
//! results: no crash, no call to the host on the wrong thread, no invalid writes, and every
//! output sample written, finite and not subnormal. [`Outside`] makes them in another process, so
//! that crashes and hangs are also detected. [`shrink()`] removes the calls that a failure does
//! not need.

mod audio;
mod call;
mod numbers;
mod outside;
mod shrink;

pub(crate) use audio::Audio;
pub(crate) use call::{Block, Call, Change, ChangeKind, Randomness, State, WindowCall};
pub use numbers::Numbers;
pub use outside::{Outside, Verdict};
pub use shrink::shrink;

use anyhow::{Context, Result};

use crate::bundle::Bundle;

/// One instance, in either format.
pub(crate) trait Target {
    /// Makes the call.
    ///
    /// # Errors
    ///
    /// If the plugin violates the rules of its format. A refused call is no error.
    fn run(&mut self, call: &Call) -> Result<()>;
}

/// Makes the calls with these numbers, and calls `before` with the number ahead of each. Without a
/// `window`, no editor is opened.
///
/// # Errors
///
/// The errors of `before`, and the first violation of the format's rules by the plugin.
pub fn run(
    bundle: &Bundle,
    seed: u64,
    numbers: &Numbers,
    window: Option<u32>,
    mut before: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    let classes = bundle.classes();
    let mut instance: Option<(u64, Box<dyn Target>)> = None;
    for number in numbers.iter() {
        before(number)?;
        let its = number / call::CALLS_PER_INSTANCE;
        let context = || format!("call {number}");
        let target = match &mut instance {
            Some((current, target)) if *current == its => target,
            other => {
                // Drops the old instance before the new one is created.
                *other = None;
                let place = call::class_of(seed, number) % classes.len().max(1) as u64;
                let class = classes.get(usize::try_from(place)?).context("no classes")?;
                let made = bundle.odd(class, window).with_context(context)?;
                &mut other.insert((its, made)).1
            }
        };
        target.run(&Call::at(seed, number)).with_context(context)?;
    }
    Ok(())
}

/// Describes the call with this number and its instance.
#[must_use]
pub fn describe(seed: u64, number: u64) -> String {
    let instance = number / call::CALLS_PER_INSTANCE;
    format!("instance {instance}, call {number}: {:?}", Call::at(seed, number))
}

/// Returns the numbers of all calls to the same instance, up to and including this one.
#[must_use]
pub fn same_instance_until(number: u64) -> Numbers {
    Numbers::from(number - number % call::CALLS_PER_INSTANCE..number + 1)
}

/// Returns the bytes to load; `saved` is the state that was saved last.
pub(crate) fn bytes_of_state(saved: &[u8], state: State) -> Vec<u8> {
    match state {
        State::Saved => saved.to_vec(),
        State::CutAt(thousandths) => saved[..saved.len() * thousandths.min(1000) / 1000].to_vec(),
        State::Changed(seed) => {
            let (mut bytes, mut random) = (saved.to_vec(), Randomness::new(seed));
            let place = random.next() % bytes.len().max(1) as u64;
            if let Some(byte) = usize::try_from(place).ok().and_then(|place| bytes.get_mut(place)) {
                *byte = random.next().to_le_bytes()[0];
            }
            bytes
        }
        State::Garbage { num_bytes, seed } => {
            let mut random = Randomness::new(seed);
            (0..num_bytes).map(|_| random.next().to_le_bytes()[0]).collect()
        }
    }
}

/// Data of a C interface for which every bit pattern is valid.
///
/// # Safety
///
/// The type must contain only numbers.
#[allow(unsafe_code, reason = "nothing else can promise it")]
pub(crate) unsafe trait Numeric: Copy {}

// SAFETY: the type contains only numbers.
#[allow(unsafe_code, reason = "as above")]
unsafe impl Numeric for clap_sys::events::clap_event_transport {}
// SAFETY: the type contains only numbers.
#[allow(unsafe_code, reason = "as above")]
unsafe impl Numeric for vst3::Steinberg::Vst::ProcessContext {}

/// Returns a value with random bytes from a seed.
#[allow(unsafe_code, reason = "as above")]
pub(crate) fn bytes<T: Numeric>(seed: u64) -> T {
    let mut random = Randomness::new(seed);
    let mut made = std::mem::MaybeUninit::<T>::uninit();
    for place in 0..size_of::<T>() {
        // SAFETY: inside the value, of which every byte is written.
        unsafe { made.as_mut_ptr().cast::<u8>().add(place).write(random.next().to_le_bytes()[0]) };
    }
    // SAFETY: every byte is written, and any bytes are valid.
    unsafe { made.assume_init() }
}
