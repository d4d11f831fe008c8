//! `dashboard COMMAND…`: runs a command that reports its progress as JSON, one event per line, and
//! displays it on the terminal.
//!
//! The command's messages are printed after the dashboard has closed, and its exit code is
//! returned. Ctrl-C and `q` interrupt the command, which then ends by itself.

#![allow(clippy::print_stderr, reason = "a command line program")]

mod event;
mod view;

use anyhow::{Context, Result};
use burn_train::Interrupter;
use event::Event;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use view::View;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().context("usage: dashboard COMMAND…")?;
    // The terminal sends Ctrl-C to the command as well; this program waits until the command ends.
    ctrlc::set_handler(|| {}).context("could not catch Ctrl-C")?;
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child =
        command.spawn().with_context(|| format!("could not start {}", program.display()))?;
    let mut task = Task { child };
    let (sender, lines) = channel();
    if let Some(stdout) = task.child.stdout.take() {
        forward(stdout, sender.clone());
    }
    if let Some(stderr) = task.child.stderr.take() {
        forward(stderr, sender);
    }
    let interrupter = Interrupter::new();
    let mut view = View::open(interrupter.clone())?;
    let mut said = Vec::new();
    let mut is_stopping = false;
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => match Event::of(line) {
                Event::Say(line) => {
                    view.say(&line);
                    said.push(line);
                }
                event => view.show(&event),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupter.should_stop() && !is_stopping {
            is_stopping = true;
            task.interrupt();
        }
    }
    drop(view);
    for line in said {
        eprintln!("{line}");
    }
    let status = task.child.wait().context("could not wait for the command")?;
    // A command killed by a signal counts as failed.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Forwards lines on a new thread until the input or the receiver ends.
fn forward(from: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}

/// The running command, which is interrupted when this is dropped.
struct Task {
    child: Child,
}

impl Task {
    /// Interrupts the command as Ctrl-C does (kills it on systems other than Unix).
    fn interrupt(&mut self) {
        #[cfg(unix)]
        {
            let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
            if let Some(id) = id {
                // An error only means that the command has already ended.
                let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
            }
        }
        #[cfg(not(unix))]
        drop(self.child.kill());
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.interrupt();
            drop(self.child.wait());
        }
    }
}
