//! Test programs that start themselves again in another role.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use link::segment::Folder;

/// Name of the variable that gives a started process its role, and of the folder's variable.
pub(crate) const ROLE: &str = "UNSPILL_TEST_ROLE";
pub(crate) const FOLDER: &str = "UNSPILL_TEST_FOLDER";

/// Start of the lines that a started process writes for this one; the test harness writes others.
const MARK: &str = "@";

pub(crate) fn say(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A line of its own: the harness may have written the start of one.
    writeln!(out, "\n{MARK}{text}").unwrap();
    out.flush().unwrap();
}

/// Waits until the starting process writes a line, or closes the pipe.
pub(crate) fn wait() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

/// A started process, which is killed on drop.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(role: &str, folder: &Folder) -> Self {
        Self::start_with(Command::new(env::current_exe().unwrap()), role, folder)
    }

    pub(crate) fn start_with(mut command: Command, role: &str, folder: &Folder) -> Self {
        let mut child = command
            .args(["--exact", "role_of_a_started_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Returns the next line that the process says.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the process has ended");
            if let Some(text) = line.trim_end().strip_prefix(MARK) {
                return text.to_owned();
            }
        }
    }

    pub(crate) fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// Waits until the process says this.
    pub(crate) fn expect(&mut self, text: &str) {
        assert_eq!(self.hear(), text);
    }

    /// Ends the process without any of its clean-up, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
