//! Shared helpers of the whole-product tests.

mod bundle;
mod isolated;
mod linked;
mod python;
mod reference;
mod signals;

pub use bundle::bundle;
pub use isolated::isolated;
pub use linked::{DEMO_RATE_HZ, Take, demo, largest_step, without_latency};
pub use python::python;
pub use reference::{LEAST_REMOVED, Reference, grouped};
pub use signals::mics;

use std::fs::{File, create_dir_all};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Returns the workspace's folder.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// Runs `work` while holding a lock with this name against other processes.
fn exclusively<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let folder = root().join("target");
    create_dir_all(&folder)?;
    let path = folder.join(format!(".{name}.lock"));
    let lock = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    // Closing the file at the end of this function releases the lock.
    work()
}

/// Compares two signals bit for bit and reports the first difference.
///
/// # Errors
///
/// If they differ in length or in any sample.
pub fn same_bits(actual: &[f32], expected: &[f32]) -> Result<()> {
    anyhow::ensure!(
        actual.len() == expected.len(),
        "{} samples instead of {}",
        actual.len(),
        expected.len()
    );
    let differs = |sample: &usize| actual[*sample].to_bits() != expected[*sample].to_bits();
    let mut different = (0..actual.len()).filter(differs);
    if let Some(first) = different.next() {
        anyhow::bail!(
            "sample {first} is {:e} instead of {:e} ({} of {} samples differ)",
            actual[first],
            expected[first],
            1 + different.count(),
            actual.len()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_difference_is_found() {
        assert!(same_bits(&[0.5, 0.25], &[0.5, 0.25]).is_ok());
        let message = same_bits(&[0.5, 0.25, 0.0], &[0.5, 0.25, -0.0]).unwrap_err().to_string();
        assert_eq!(message, "sample 2 is 0e0 instead of -0e0 (1 of 3 samples differ)");
        assert!(same_bits(&[0.5], &[0.5, 0.25]).is_err());
    }
}
