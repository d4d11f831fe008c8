//! The end of a run from outside: noticed once, tidied up by whoever is running.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// From now on Ctrl-C, a request to terminate and the end of the terminal are noted instead of
/// ending the program, so that files that are half written can be removed on the way out. A second
/// one ends the program at once.
///
/// # Errors
///
/// When the system does not let the program listen.
pub fn listen() -> io::Result<()> {
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
    installed.map_err(|error| io::Error::other(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether somebody wanted the end since [`listen`].
#[must_use]
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on a write beyond the limit on file sizes (`ulimit -f`) fails with an error, as it does
/// on a full disk, instead of ending the program.
///
/// # Errors
///
/// When the system does not let the program listen.
pub fn survive_file_limit() -> io::Result<()> {
    #[cfg(unix)]
    {
        // The write itself fails as well; nobody looks at the flag.
        let seen = std::sync::Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen)?;
    }
    Ok(())
}
