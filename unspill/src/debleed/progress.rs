//! Progress of a run: bars on a terminal, one line about the time elsewhere, and the end of the
//! run on interruption.

use crate::cleaning::Watch;
use anyhow::{Context, Result, ensure};
use audiofile::signals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Work that is measured before the time of the whole is estimated.
const MEASURED: Duration = Duration::from_secs(2);

/// Shows the progress of a run and ends the run if the user interrupts.
pub(super) struct Progress<'a> {
    bar: ProgressBar,
    /// Samples per mic of one pass.
    pass_samples: u64,
    started: Instant,
    /// Receives the line about the time; `None` once it has been passed on.
    tell: Option<&'a dyn Fn(&str)>,
}

/// Returns a bar that is drawn on a terminal only.
fn bar() -> Result<ProgressBar> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg:22} {bar:40} {percent:>3} %  {eta} left")
        .context("the progress bar's template")?;
    bar.set_style(style);
    Ok(bar)
}

fn ensure_goes_on() -> Result<()> {
    ensure!(!signals::requested(), "interrupted; nothing was written");
    Ok(())
}

/// The bar of a step that precedes the work.
#[derive(Debug)]
pub(super) struct Checking(ProgressBar);

impl Checking {
    /// Starts a bar over `num_samples` samples with a message.
    pub(super) fn start(num_samples: u64, message: &'static str) -> Result<Self> {
        let bar = bar()?;
        bar.set_length(num_samples);
        bar.set_message(message);
        Ok(Self(bar))
    }

    pub(super) fn advance(&self, done_samples: u64) -> Result<()> {
        ensure_goes_on()?;
        self.0.set_position(done_samples);
        Ok(())
    }

    pub(super) fn finish(self) {
        self.0.finish_and_clear();
    }
}

impl<'a> Progress<'a> {
    /// Starts to measure the time of passes over `pass_samples` samples per mic.
    pub(super) fn start(pass_samples: u64, tell: &'a dyn Fn(&str)) -> Result<Self> {
        Ok(Self { bar: bar()?, pass_samples, started: Instant::now(), tell: Some(tell) })
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress<'_> {
    fn advance(&mut self, done_samples: u64, all_samples: u64) -> Result<()> {
        ensure_goes_on()?;
        self.bar.set_length(all_samples);
        self.bar.set_position(done_samples);
        let pass_samples = self.pass_samples.max(1);
        let num_passes = all_samples / pass_samples;
        let message = step(done_samples.saturating_sub(1) / pass_samples + 1, num_passes);
        if self.bar.message() != message {
            self.bar.set_message(message);
        }
        let elapsed = self.started.elapsed();
        if elapsed >= MEASURED
            && let Some(tell) = self.tell.take()
        {
            let all_s = elapsed.as_secs_f64() * all_samples as f64 / done_samples.max(1) as f64;
            self.bar.suspend(|| tell(&estimate(num_passes, all_s)));
        }
        Ok(())
    }
}

/// Returns the current step of the run; the last pass cleans, all others learn.
fn step(pass: u64, num_passes: u64) -> String {
    if pass < num_passes {
        return format!("learning, pass {pass} of {}", num_passes - 1);
    }
    "cleaning".to_owned()
}

/// Returns one line about the steps of a run and its estimated time.
fn estimate(num_passes: u64, all_s: f64) -> String {
    let steps = match num_passes.saturating_sub(1) {
        0 => "cleaning".to_owned(),
        1 => "one pass to learn, then cleaning".to_owned(),
        passes => format!("{passes} passes to learn, then cleaning"),
    };
    format!("{steps}: about {} in all", rounded(all_s))
}

/// Returns a time in the unit in which people estimate it.
fn rounded(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    if seconds < 90.0 {
        format!("{:.0} s", (seconds / 5.0).ceil() * 5.0)
    } else if minutes < 90.0 {
        format!("{minutes:.0} minutes")
    } else {
        format!("{:.1} hours", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pass_cleans_and_all_before_it_learn() {
        assert_eq!(step(1, 9), "learning, pass 1 of 8");
        assert_eq!(step(8, 9), "learning, pass 8 of 8");
        assert_eq!([step(9, 9), step(1, 1)], ["cleaning", "cleaning"]);
    }

    #[test]
    fn the_time_of_the_whole_follows_from_the_part_that_is_done() {
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let mut progress = Progress::start(1_000, &tell).unwrap();
        progress.advance(100, 9_000).unwrap();
        assert!(told.borrow().is_empty(), "too early for an estimate");
        progress.started = Instant::now().checked_sub(MEASURED).unwrap();
        progress.advance(100, 9_000).unwrap();
        progress.advance(200, 9_000).unwrap();
        assert_eq!(*told.borrow(), ["8 passes to learn, then cleaning: about 3 minutes in all"]);
    }

    #[test]
    fn times_have_the_unit_of_an_estimate() {
        let times = [0.2, 41.0, 100.0, 1_200.0, 9_000.0].map(rounded);
        assert_eq!(times, ["5 s", "45 s", "2 minutes", "20 minutes", "2.5 hours"]);
    }
}
