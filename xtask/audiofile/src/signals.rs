//! Termination signals: stored in a flag, so that the running work can clean up.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// Installs a handler that stores Ctrl-C, a termination request and the end of the terminal in a
/// flag instead of ending the program, so that incomplete files can be removed. A second signal
/// ends the program at once.
///
/// # Errors
///
/// If the system refuses the handler.
pub fn listen() -> io::Result<()> {
    let mut installed = Ok(());
    HANDLER.call_once(|| {
        // Relaxed: the flag guards no other data.
        installed = ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                // A second signal: the run may be stuck, so the program ends without cleaning up.
                std::process::exit(130);
            }
        });
    });
    installed.map_err(|error| io::Error::other(format!("cannot catch Ctrl-C: {error}")))
}

/// Returns true if a termination signal has arrived since [`listen`].
#[must_use]
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Makes a write beyond the limit on file sizes (`ulimit -f`) fail with an error, as on a full
/// disk, instead of ending the program.
///
/// # Errors
///
/// If the system refuses the handler.
pub fn survive_file_limit() -> io::Result<()> {
    #[cfg(unix)]
    {
        // The write itself also fails; the flag is never read.
        let seen = std::sync::Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen)?;
    }
    Ok(())
}
