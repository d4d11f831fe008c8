//! The end of a run by Ctrl-C: noticed once, tidied up by whoever is running.

use anyhow::{Context, Result};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// From now on Ctrl-C and a request to terminate are noted instead of ending the program, so that
/// what is half done can be removed on the way out. A second one ends the program at once.
pub(crate) fn listen() -> Result<()> {
    let mut installed = Ok(());
    HANDLER.call_once(|| {
        // Relaxed: the flag carries no other data.
        installed = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                // Asked twice: the run is stuck, and leaving matters more than tidying.
                std::process::exit(130);
            }
        });
    });
    installed.context("could not listen for Ctrl-C")
}

/// Whether somebody asked for the end since [`listen`].
pub(crate) fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
