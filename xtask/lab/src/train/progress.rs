//! Progress of a run: a bar on a terminal, plain lines in a pipe, or events for the dashboard.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;

/// Form of the progress output
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Bar on a terminal, plain lines in a pipe
    #[default]
    Text,
    /// One JSON object per line, for the dashboard
    Json,
}

/// Receiver of progress, in one form.
#[derive(Clone, Copy)]
pub(super) struct Tell<'a> {
    pub(super) form: Form,
    pub(super) line: &'a (dyn Fn(&str) + Sync),
}

/// An event, written as one JSON object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Event<'a> {
    Say(&'a str),
    At { what: &'a str, position: usize, total: usize },
    Training { loss: f64, snr_db: f64 },
    Validation { snr_db: f64 },
}

impl Tell<'_> {
    /// Sends a line for people.
    pub(super) fn say(&self, line: &str) {
        match self.form {
            Form::Text => (self.line)(line),
            Form::Json => self.event(&Event::Say(line)),
        }
    }

    /// Sends the loss, and the SNR in dB, of the last steps.
    pub(super) fn training(&self, [loss, snr_db]: [f64; 2]) {
        self.event(&Event::Training { loss, snr_db });
    }

    /// Sends the SNR of a validation in dB.
    pub(super) fn validation(&self, snr_db: f64) {
        self.event(&Event::Validation { snr_db });
    }

    fn event(&self, event: &Event<'_>) {
        if self.form == Form::Json
            && let Ok(line) = serde_json::to_string(event)
        {
            (self.line)(&line);
        }
    }
}

/// Progress towards a total.
pub(super) struct Bar<'a> {
    bar: ProgressBar,
    is_terminal: bool,
    what: String,
    total: usize,
    /// Positions between two lines in a pipe.
    every: usize,
    tell: Tell<'a>,
}

impl<'a> Bar<'a> {
    pub(super) fn new(total: usize, what: &str, every: usize, tell: Tell<'a>) -> Result<Self> {
        let is_terminal = tell.form == Form::Text && std::io::stderr().is_terminal();
        let target =
            if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let style =
            ProgressStyle::with_template("{bar:30} {pos} of {len} {prefix}  {eta} left  {msg}")
                .context("the progress bar's template")?;
        bar.set_style(style);
        bar.set_prefix(what.to_owned());
        Ok(Self { bar, is_terminal, what: what.to_owned(), total, every: every.max(1), tell })
    }

    /// Moves to a position.
    pub(super) fn at(&self, position: usize, message: &str) {
        if self.is_terminal {
            self.bar.set_position(position as u64);
            self.bar.set_message(message.to_owned());
        } else if self.tell.form == Form::Json {
            self.tell.event(&Event::At { what: &self.what, position, total: self.total });
        } else if position.is_multiple_of(self.every) || position == self.total {
            let line = format!("{position} of {} {}  {message}", self.total, self.what);
            self.tell.say(line.trim_end());
        }
    }

    /// Prints a line that stays.
    pub(super) fn say(&self, line: &str) {
        if self.is_terminal {
            self.bar.println(line);
        } else {
            self.tell.say(line);
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
        let tell = Tell { form: Form::Text, line: &tell };
        let mut bar = Bar::new(5, "steps", 2, tell).unwrap();
        // The result must not depend on the terminal of the tests.
        bar.is_terminal = false;
        for position in 1..=5 {
            bar.at(position, "SNR 3 dB");
        }
        bar.say("done");
        // This event is for the dashboard alone.
        tell.training([0.5, 3.0]);
        let lines = lines.into_inner().unwrap();
        assert_eq!(
            lines,
            ["2 of 5 steps  SNR 3 dB", "4 of 5 steps  SNR 3 dB", "5 of 5 steps  SNR 3 dB", "done"]
        );
    }

    #[test]
    fn the_dashboard_gets_every_event_and_nothing_else() {
        let lines = Mutex::new(Vec::new());
        let tell = |line: &str| lines.lock().unwrap().push(line.to_owned());
        let tell = Tell { form: Form::Json, line: &tell };
        let bar = Bar::new(5, "steps", 2, tell).unwrap();
        bar.at(1, "SNR 3 dB");
        tell.training([0.5, 3.25]);
        tell.validation(4.0);
        bar.say("a \"line\"");
        bar.finish();
        let expected = [
            r#"{"at":{"what":"steps","position":1,"total":5}}"#,
            r#"{"training":{"loss":0.5,"snr_db":3.25}}"#,
            r#"{"validation":{"snr_db":4.0}}"#,
            r#"{"say":"a \"line\""}"#,
        ];
        assert_eq!(lines.into_inner().unwrap(), expected);
    }
}
