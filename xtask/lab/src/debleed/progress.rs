//! The progress bar on a terminal, and the end of a run by Ctrl-C.

use crate::cleaning::Watch;
use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HANDLER: Once = Once::new();

/// Shows how far a run is and ends it when the user interrupts.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// From now on Ctrl-C and a request to terminate end the run by an error, so that what is half
    /// written is removed on the way out. A second one ends the program at once.
    pub(super) fn start() -> Result<Self> {
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
        installed.context("could not listen for Ctrl-C")?;
        // Draws on a terminal only.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left")
            .context("the progress bar's template")?;
        bar.set_style(style);
        Ok(Self { bar })
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn advance(&mut self, done_samples: u64, all_samples: u64) -> Result<()> {
        ensure!(!INTERRUPTED.load(Ordering::Relaxed), "interrupted; nothing was written");
        self.bar.set_length(all_samples);
        self.bar.set_position(done_samples);
        Ok(())
    }
}
