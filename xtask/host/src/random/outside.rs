//! Calls in a separate process, so that crashes and hangs are detected.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

#[cfg(unix)]
use anyhow::bail;
use anyhow::{Context, Result};

use super::Numbers;

/// Longest duration of one call. The slowest known call, an activation of sixteen mics without
/// optimisation, takes a tenth of it.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// Signals with causes other than the plugin: SIGHUP, SIGINT, SIGKILL and SIGTERM.
#[cfg(unix)]
const FROM_OUTSIDE: [i32; 4] = [1, 2, 9, 15];

/// Number of last bytes kept of a process's error output.
const MAX_COMPLAINT_BYTES: usize = 4096;

/// A program that makes the calls whose numbers follow its other arguments, and prints each number
/// before the call.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments before the numbers.
    pub arguments: Vec<OsString>,
    /// Additional environment variables.
    pub environment: Vec<(&'static str, OsString)>,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every call was made.
    Well,
    /// The program ended early or hung.
    Failed {
        /// Number of the last call that began, if any.
        at: Option<u64>,
        /// Description of the failure for users.
        how: String,
    },
}

impl Outside {
    /// Makes the calls.
    ///
    /// # Errors
    ///
    /// If the program cannot be started, or if it was ended from outside.
    pub fn run(&self, numbers: &Numbers) -> Result<Verdict> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(numbers.to_string())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let complaint = std::thread::spawn(move || last_bytes(errors));
        let (begun, begins) = channel();
        std::thread::spawn(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
            for number in lines.map_while(Result::ok).filter_map(|line| line.parse().ok()) {
                if begun.send(number).is_err() {
                    break;
                }
            }
        });
        let (at, hangs) = follow(&begins);
        if hangs {
            end(&mut child);
        }
        let status = child.wait()?;
        let complaint = complaint.join().unwrap_or_default();
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status)
            && !hangs
            && FROM_OUTSIDE.contains(&signal)
        {
            bail!("ended from outside (signal {signal}) at call {}", at.unwrap_or(0));
        }
        let seconds = LONGEST_CALL.as_secs();
        Ok(match (hangs, status.success()) {
            (true, _) => Verdict::Failed { at, how: format!("no return within {seconds} s") },
            (false, true) => Verdict::Well,
            (false, false) => Verdict::Failed { at, how: how(status, &complaint) },
        })
    }
}

/// Waits for the end; returns the last call that began, and true if it took too long.
fn follow(begins: &Receiver<u64>) -> (Option<u64>, bool) {
    let mut at = None;
    loop {
        match begins.recv_timeout(LONGEST_CALL) {
            Ok(number) => at = Some(number),
            Err(RecvTimeoutError::Timeout) => return (at, true),
            Err(RecvTimeoutError::Disconnected) => return (at, false),
        }
    }
}

fn end(child: &mut Child) {
    // The process may have ended since.
    let _ = child.kill();
}

/// Returns the last bytes of the input as text.
fn last_bytes(from: Option<impl Read>) -> String {
    let (mut kept, mut piece) = (Vec::new(), [0; MAX_COMPLAINT_BYTES]);
    if let Some(mut from) = from {
        while let Ok(count @ 1..) = from.read(&mut piece) {
            kept.extend_from_slice(&piece[..count]);
            let too_many = kept.len().saturating_sub(MAX_COMPLAINT_BYTES);
            kept.drain(..too_many);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn how(status: ExitStatus, complaint: &str) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("crash (signal {signal})");
    }
    match complaint.lines().last() {
        Some(line) => line.strip_prefix("error: ").unwrap_or(line).to_owned(),
        None => format!("ended with {status}"),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<Verdict> {
        let outside = Outside {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("WORD", "an end".into())],
        };
        outside.run(&Numbers::from(0..3))
    }

    #[test]
    fn every_way_to_end_is_told_apart() {
        let verdict = |script: &str| run(script).unwrap();
        assert_eq!(verdict("echo 0; echo 1; echo 2; echo words"), Verdict::Well);
        let how = |how: &str| how.to_owned();
        let failed = |at, how| Verdict::Failed { at, how };
        assert_eq!(
            verdict("echo 0; echo 1; kill -SEGV $$"),
            failed(Some(1), how("crash (signal 11)"))
        );
        assert_eq!(
            verdict("echo 7; echo more >&2; echo error: $WORD of $0 >&2; exit 1"),
            failed(Some(7), how("an end of 0-2"))
        );
        assert_eq!(verdict("exit 3"), failed(None, how("ended with exit status: 3")));
        // A termination signal ends the run and is no fault of the plugin.
        let ended = run("echo 7; kill -TERM $$").unwrap_err().to_string();
        assert_eq!(ended, "ended from outside (signal 15) at call 7");
    }
}
