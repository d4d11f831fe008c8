//! A linked session in another process, which plays on command.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{Session, SessionConfig, TrackConfig};
use crate::bundle::Bundle;

/// Start of the lines that a remote session writes for the other process.
const MARK: &str = "@";

/// Plays a session as commanded through standard input, until that ends: the part of the started
/// process.
///
/// # Errors
///
/// If a command is unknown or fails.
pub fn serve(bundle: &Bundle) -> Result<()> {
    let mut session: Option<Session> = None;
    let mut num_tracks = 0;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("begin"), Some(rate_hz), Some(block)) => {
                session = Some(Session::new(SessionConfig::new(rate_hz.parse()?, block.parse()?)));
                num_tracks = 0;
            }
            (Some(command), Some(argument), None) => {
                let session = session.as_mut().context("no session")?;
                match command {
                    "track" => {
                        let signal = samples_of(&std::fs::read(argument)?);
                        session.add(bundle, &TrackConfig::default(), vec![signal])?;
                        num_tracks += 1;
                    }
                    "play" => session.play(argument.parse()?)?,
                    "save" => {
                        for track in 0..num_tracks {
                            let heard = session.take(track)?.heard;
                            let path = Path::new(argument).join(track.to_string());
                            std::fs::write(path, bytes_of(&heard[0]))?;
                        }
                    }
                    _ => bail!("unknown command {line:?}"),
                }
            }
            _ => bail!("unknown command {line:?}"),
        }
        let mut out = std::io::stdout().lock();
        // A line of its own: a test harness may have written the start of one.
        writeln!(out, "\n{MARK}{line}")?;
        out.flush()?;
    }
    Ok(())
}

/// A session in another process, which is killed on drop.
#[derive(Debug)]
pub struct Remote {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Remote {
    /// Starts a process that [`serve`]s, with a session of mono tracks. `folder` is for the files
    /// through which their signals are handed over.
    ///
    /// # Errors
    ///
    /// If the process does not start, or cannot begin.
    pub fn start(
        mut command: Command,
        folder: &Path,
        rate_hz: u32,
        max_block_samples: usize,
        signals: &[&[f32]],
    ) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the other process")?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let mut remote = Self { child, input, output };
        remote.demand(&format!("begin {rate_hz} {max_block_samples}"))?;
        for (track, signal) in signals.iter().enumerate() {
            let path = folder.join(format!("signal{track}"));
            std::fs::write(&path, bytes_of(signal))?;
            remote.demand(&format!("track {}", path.display()))?;
        }
        Ok(remote)
    }

    /// Plays all tracks for `num_samples`.
    ///
    /// # Errors
    ///
    /// If the process fails.
    pub fn play(&mut self, num_samples: usize) -> Result<()> {
        self.demand(&format!("play {num_samples}"))
    }

    /// Begins to play without a wait for the end.
    ///
    /// # Errors
    ///
    /// If the process has ended.
    pub fn begin_to_play(&mut self, num_samples: usize) -> Result<()> {
        self.say(format!("play {num_samples}"))
    }

    /// Returns the output of all tracks so far, `[track][sample]`.
    ///
    /// # Errors
    ///
    /// If the process fails.
    pub fn heard(&mut self, folder: &Path, num_tracks: usize) -> Result<Vec<Vec<f32>>> {
        self.demand(&format!("save {}", folder.display()))?;
        let read = |track: usize| Ok(samples_of(&std::fs::read(folder.join(track.to_string()))?));
        (0..num_tracks).map(read).collect()
    }

    /// Ends the process without any of its clean-up, as `kill -9` does.
    ///
    /// # Errors
    ///
    /// If it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn say(&mut self, text: impl Display) -> Result<()> {
        writeln!(self.input, "{text}")?;
        Ok(self.input.flush()?)
    }

    /// Gives a command and waits until it is done.
    fn demand(&mut self, text: &str) -> Result<()> {
        self.say(text)?;
        loop {
            let mut line = String::new();
            ensure!(self.output.read_line(&mut line)? > 0, "the other process ended at {text:?}");
            if line.trim_end().strip_prefix(MARK) == Some(text) {
                return Ok(());
            }
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

fn bytes_of(signal: &[f32]) -> Vec<u8> {
    signal.iter().flat_map(|sample| sample.to_ne_bytes()).collect()
}

fn samples_of(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_ne_bytes(bytes)).collect()
}
