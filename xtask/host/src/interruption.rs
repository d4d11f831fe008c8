//! Ends a run after a termination signal.

use anyhow::{Result, ensure};
use audiofile::signals;

/// Returns an error if a termination signal has arrived.
pub(crate) fn check_goes_on() -> Result<()> {
    ensure!(!signals::requested(), "interrupted; nothing was written");
    Ok(())
}
