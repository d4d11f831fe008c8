//! How far a run is: a bar on a terminal, plain lines in a pipe.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Counts up to a total.
pub(super) struct Bar<'a> {
    bar: ProgressBar,
    is_terminal: bool,
    what: String,
    total: usize,
    /// Lines in a pipe come at multiples of this.
    every: usize,
    tell: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Bar<'a> {
    pub(super) fn new(
        total: usize,
        what: &str,
        every: usize,
        tell: &'a (dyn Fn(&str) + Sync),
    ) -> Result<Self> {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{bar:30} {pos} of {len} {prefix}  {eta} left  {msg}")
                .context("the progress bar's template")?;
        bar.set_style(style);
        bar.set_prefix(what.to_owned());
        Ok(Self {
            bar,
            is_terminal: std::io::stderr().is_terminal(),
            what: what.to_owned(),
            total,
            every: every.max(1),
            tell,
        })
    }

    /// Moves to a position.
    pub(super) fn at(&self, position: usize, message: &str) {
        if self.is_terminal {
            self.bar.set_position(position as u64);
            self.bar.set_message(message.to_owned());
        } else if position.is_multiple_of(self.every) || position == self.total {
            (self.tell)(
                format!("{position} of {} {}  {message}", self.total, self.what).trim_end(),
            );
        }
    }

    /// Says something that stays.
    pub(super) fn say(&self, line: &str) {
        if self.is_terminal {
            self.bar.println(line);
        } else {
            (self.tell)(line);
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_pipe_gets_plain_lines_now_and_then() {
        let lines = Mutex::new(Vec::new());
        let tell = |line: &str| lines.lock().unwrap().push(line.to_owned());
        let mut bar = Bar::new(5, "steps", 2, &tell).unwrap();
        // Whatever the tests are run in.
        bar.is_terminal = false;
        for position in 1..=5 {
            bar.at(position, "SNR 3 dB");
        }
        bar.say("done");
        let lines = lines.into_inner().unwrap();
        assert_eq!(
            lines,
            ["2 of 5 steps  SNR 3 dB", "4 of 5 steps  SNR 3 dB", "5 of 5 steps  SNR 3 dB", "done"]
        );
    }
}
