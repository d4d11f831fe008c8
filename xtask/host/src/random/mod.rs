//! A host that makes random but reproducible calls, and finds the few calls that cause a failure.
//!
//! Real hosts call in unexpected orders. [`run`] makes such calls in this process and checks the
//! results: no crash, no call to the host on the wrong thread, no invalid writes, and every
//! output sample written, finite and not subnormal. [`Outside`] makes them in another process, so
//! that crashes and hangs are also detected. [`shrink()`] removes the calls that a failure does
//! not need.

mod numbers;
mod outside;
mod shrink;

pub use numbers::Numbers;
pub use outside::{Outside, Verdict};
pub use shrink::shrink;

use anyhow::{Context, Result};

use crate::bundle::Bundle;
use crate::calls::{CALLS_PER_INSTANCE, Call, Target, class_of};

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
        let its = number / CALLS_PER_INSTANCE;
        let context = || format!("call {number}");
        let target = match &mut instance {
            Some((current, target)) if *current == its => target,
            other => {
                // Drops the old instance before the new one is created.
                *other = None;
                let place = class_of(seed, number) % classes.len().max(1) as u64;
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
    let instance = number / CALLS_PER_INSTANCE;
    format!("instance {instance}, call {number}: {:?}", Call::at(seed, number))
}

/// Returns the numbers of all calls to the same instance, up to and including this one.
#[must_use]
pub fn same_instance_until(number: u64) -> Numbers {
    Numbers::from(number - number % CALLS_PER_INSTANCE..number + 1)
}
