//! The dashboard of the tensor library, driven by events instead of the library's training loop.

use crate::event::Event;
use anyhow::{Context, Result, ensure};
use burn_train::Interrupter;
use burn_train::logger::TrainingProgressLogger;
use burn_train::metric::{
    MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry, SerializedEntry,
};
use burn_train::renderer::tui::TuiMetricsRendererWrapper;
use burn_train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};
use ratatui::crossterm::terminal::is_raw_mode_enabled;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LOSS: &str = "Loss";
const SNR: &str = "SNR (dB)";

/// Longest wait for the dashboard to take over the terminal.
const PATIENCE: Duration = Duration::from_secs(5);

/// The open dashboard; dropping it restores the terminal.
pub(crate) struct View {
    renderer: TuiMetricsRendererWrapper,
    /// Name of the things being counted.
    what: Option<String>,
}

impl View {
    /// Takes over the terminal; `interrupter` is set when the user presses `q` and confirms.
    ///
    /// # Errors
    ///
    /// If there is no terminal.
    pub(crate) fn open(interrupter: Interrupter) -> Result<Self> {
        let renderer = TuiMetricsRendererWrapper::new(interrupter, None);
        let mut view = Self { renderer, what: None };
        // The dashboard takes over the terminal on its own thread.
        let began = Instant::now();
        while !is_raw_mode_enabled().context("no terminal found")? {
            ensure!(began.elapsed() < PATIENCE, "the dashboard did not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        keep_interrupts()?;
        for (name, higher_is_better) in [(LOSS, false), (SNR, true)] {
            view.renderer.register_metric(MetricDefinition {
                metric_id: id(name),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: NumericAttributes { unit: None, higher_is_better }.into(),
            });
        }
        Ok(view)
    }

    /// Shows a message.
    pub(crate) fn say(&mut self, line: &str) {
        self.renderer.log_event_training(line.to_owned());
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Say(line) => self.say(line),
            Event::At { what, position, total } => {
                if self.what.as_ref() != Some(what) {
                    self.renderer.start(0, 0, Some(*total), Some(what));
                    self.renderer.start_split("train", *total);
                    self.what = Some(what.clone());
                }
                self.renderer.update_split(*position);
            }
            Event::Training { loss, snr_db } => {
                self.renderer.update_train(state(LOSS, *loss));
                self.renderer.update_train(state(SNR, *snr_db));
            }
            Event::Validation { snr_db } => self.renderer.update_valid(state(SNR, *snr_db)),
        }
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

fn state(name: &str, value: f64) -> MetricState {
    let entry = SerializedEntry::new(format!("{value:.2}"), value.to_string());
    MetricState::Numeric(MetricEntry::new(id(name), entry), Some(NumericEntry::Value(value)))
}

/// Keeps Ctrl-C a signal: raw mode makes it a key, which the dashboard ignores. Suspending and
/// quitting by key stay off.
#[cfg(unix)]
fn keep_interrupts() -> Result<()> {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    let terminal = std::io::stdin();
    let mut modes = tcgetattr(&terminal).context("no terminal found")?;
    modes.local_modes |= LocalModes::ISIG;
    for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
        modes.special_codes[code] = 0;
    }
    tcsetattr(&terminal, OptionalActions::Now, &modes).context("could not set up the terminal")
}

#[cfg(not(unix))]
fn keep_interrupts() -> Result<()> {
    Ok(())
}
