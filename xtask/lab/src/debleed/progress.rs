//! Progress bar on a terminal, and the end of a run on interruption.

use crate::cleaning::Watch;
use anyhow::{Context, Result, ensure};
use audiofile::signals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows the progress of a run and ends the run if the user interrupts.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Creates the progress bar, which is drawn on a terminal only.
    pub(super) fn start() -> Result<Self> {
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
        ensure!(!signals::requested(), "interrupted; nothing was written");
        self.bar.set_length(all_samples);
        self.bar.set_position(done_samples);
        Ok(())
    }
}
