//! Builds the project's programs; shows cargo's output only if something has to be built.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// Width of cargo's progress bar in columns; cargo cannot detect it through a pipe.
const BAR_COLUMNS: &str = "80";

/// Clears the current line of the terminal.
const CLEAR_LINE: &[u8] = b"\r\x1b[K";

/// A program or library of the project, with the notice shown when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Name and duration of a first build on two cores, for the user.
    notice: &'static str,
    package: &'static str,
    /// Arguments for cargo in addition to the package.
    arguments: &'static [&'static str],
}

impl Product {
    /// The plugin's library.
    pub(crate) const PLUGIN: Self = Self {
        notice: "building the plugin; the first build takes about six minutes",
        package: "plugin",
        arguments: &["--lib"],
    };
    /// The program for files.
    pub(crate) const UNSPILL: Self = Self {
        notice: "building the program; the first build takes about five minutes",
        package: "unspill",
        arguments: &["--bin", "unspill"],
    };
    /// The headless host.
    pub(crate) const HOST: Self = Self {
        notice: "building the host; the first build takes about a minute",
        package: "host",
        arguments: &["--bin", "host"],
    };
    /// The lab.
    pub(crate) const LAB: Self = Self {
        notice: "building the lab; the first build takes about five minutes",
        package: "lab",
        arguments: &["--bin", "lab"],
    };

    /// Builds the product in release, for this system or for `target`, and returns all files that
    /// cargo made for the package itself.
    ///
    /// # Errors
    ///
    /// If the build fails; cargo has printed the reason.
    fn build(self, target: Option<&str>) -> Result<Vec<PathBuf>> {
        let mut build = shell::cargo("build");
        build.args(["--release", "--package", self.package]).args(self.arguments);
        build.arg("--message-format=json-render-diagnostics");
        build.args(target.map(|target| format!("--target={target}")));
        let messages = shown(build, self.notice)?;
        Ok(files_of(self.package, &messages))
    }

    /// Builds a program and returns the command that starts it.
    ///
    /// # Errors
    ///
    /// The same as [`build`](Self::build).
    pub(crate) fn program(self) -> Result<Command> {
        Ok(shell::program(self.binary(None)?))
    }

    /// Builds the program or shared library, for this system or for `target`, and returns its path.
    ///
    /// # Errors
    ///
    /// The same as [`build`](Self::build).
    pub(crate) fn binary(self, target: Option<&str>) -> Result<PathBuf> {
        let program = format!("{}{}", self.package, std::env::consts::EXE_SUFFIX);
        let is_library = self.arguments.contains(&"--lib");
        let is_wanted = |file: &PathBuf| match is_library {
            true => file.extension().is_some_and(|e| e == std::env::consts::DLL_EXTENSION),
            false => file.file_name().is_some_and(|name| name == &*program),
        };
        let file = self.build(target)?.into_iter().find(is_wanted);
        file.with_context(|| format!("cargo built no program or library of {}", self.package))
    }
}

/// Runs a cargo command that builds and returns its standard output. Shows `notice` and cargo's
/// progress if something has to be built, and nothing otherwise.
///
/// # Errors
///
/// If cargo cannot be started or fails; it has printed the reason.
pub(crate) fn shown(mut command: Command, notice: &str) -> Result<String> {
    let errors = std::io::stderr();
    if errors.is_terminal() {
        // Cargo writes to a pipe and would draw no bar or colours by default.
        command.env("CARGO_TERM_PROGRESS_WHEN", "always");
        command.env("CARGO_TERM_PROGRESS_WIDTH", BAR_COLUMNS);
        if std::env::var_os("NO_COLOR").is_none() {
            command.env("CARGO_TERM_COLOR", "always");
        }
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let messages = std::thread::spawn(move || {
        let mut messages = Vec::new();
        stdout.map(|mut stdout| stdout.read_to_end(&mut messages)).transpose().map(|_| messages)
    });
    if let Some(stderr) = stderr {
        pass_on(stderr, &mut errors.lock(), notice).context("cannot print the output of cargo")?;
    }
    let status = child.wait().context("cannot wait for cargo")?;
    let messages = messages.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    if !status.success() {
        let program = command.get_args().next().unwrap_or_default().to_string_lossy();
        bail!("cargo {program} failed ({status})");
    }
    Ok(String::from_utf8_lossy(&messages).into_owned())
}

/// Copies cargo's output except the line that reports the end of the build.
fn pass_on(mut from: impl Read, to: &mut impl Write, notice: &str) -> std::io::Result<()> {
    let (mut noticed, mut bar_is_left) = (false, false);
    let mut held: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer)?;
        held.extend_from_slice(&buffer[..count]);
        // Splits the output into lines, and into drawings of the bar, which end with a
        // carriage return.
        while let Some(end) = held.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
            let segment: Vec<u8> = held.drain(..=end).collect();
            if pass_segment(&segment, to, notice, &mut noticed)? {
                bar_is_left = segment.ends_with(b"\r");
            }
        }
        if count == 0 {
            pass_segment(&held, to, notice, &mut noticed)?;
            if bar_is_left {
                to.write_all(CLEAR_LINE)?;
            }
            return to.flush();
        }
        to.flush()?;
    }
}

/// Writes one line or drawing of the bar unless it is of no use; returns true if it was written.
fn pass_segment(
    segment: &[u8],
    to: &mut impl Write,
    notice: &str,
    noticed: &mut bool,
) -> std::io::Result<bool> {
    let text = plain(segment);
    let is_end =
        ["Finished ", "Generated ", "Executable "].iter().any(|word| text.starts_with(word));
    if is_end || text.is_empty() && !*noticed {
        return Ok(false);
    }
    // Waiting for another cargo does not count as building.
    if !*noticed && !text.starts_with("Blocking ") {
        *noticed = true;
        writeln!(to, "{notice}")?;
    }
    to.write_all(segment)?;
    Ok(true)
}

/// Returns the text without terminal escape sequences and surrounding white space.
fn plain(segment: &[u8]) -> String {
    let text = String::from_utf8_lossy(segment);
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // An escape sequence: `[` and numbers, up to a letter.
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain.trim().to_owned()
}

/// Parses cargo's messages, one JSON value per line; skips other lines.
fn parsed(messages: &str) -> impl Iterator<Item = Value> {
    messages.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// Returns the files that cargo reports for this package, from messages with one JSON value
/// per line.
fn files_of(package: &str, messages: &str) -> Vec<PathBuf> {
    let artifacts = parsed(messages).filter(|message| {
        message["reason"] == "compiler-artifact" && message["target"]["name"] == package
    });
    artifacts
        .flat_map(|artifact| artifact["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .collect()
}

/// Returns the program that cargo reports for this target.
pub(crate) fn program_of(target: &str, messages: &str) -> Option<PathBuf> {
    let mut programs = parsed(messages).filter(|message| message["target"]["name"] == target);
    programs.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(said: &str) -> String {
        let mut to = Vec::new();
        pass_on(said.as_bytes(), &mut to, "building it: a minute").unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn where_nothing_has_to_be_built_nothing_is_shown() {
        assert_eq!(passed(""), "");
        assert_eq!(passed("    Finished `release` profile [optimized] target(s) in 0.05s\n"), "");
        let coloured = "\r\u{1b}[K\u{1b}[1m\u{1b}[92m    Finished\u{1b}[0m `dev` in 0.1s\n";
        assert_eq!(passed(coloured), "");
    }

    #[test]
    fn what_is_built_is_shown_behind_the_notice() {
        let said = "   Compiling a v1.0.0\n   Compiling b v1.0.0\n    Finished `release` in 9s\n";
        let shown = "building it: a minute\n   Compiling a v1.0.0\n   Compiling b v1.0.0\n";
        assert_eq!(passed(said), shown);
        let bar = "    Building [=>   ] 3/9: a\r\u{1b}[K   Compiling b v1.0.0\n";
        assert_eq!(passed(bar), format!("building it: a minute\n{bar}"));
        // A bar left behind by cargo is cleared.
        let bar = "    Building [=>   ] 3/9: a\r";
        let end = "\u{1b}[K    Finished `release` in 9s\n";
        let shown = format!("building it: a minute\n{bar}\r\u{1b}[K");
        assert_eq!(passed(&format!("{bar}{end}")), shown);
    }

    #[test]
    fn waiting_for_another_cargo_is_shown_and_is_no_building() {
        let waiting = "    Blocking waiting for file lock on build directory\n";
        assert_eq!(passed(&format!("{waiting}    Finished `release` in 9s\n")), waiting);
    }

    #[test]
    fn files_are_found_among_cargos_messages() {
        let messages = "not json\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"engine\"},\
            \"filenames\":[\"/t/x.so\"]}\n\
            {\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"plugin\"},\
            \"filenames\":[\"/t/libplugin.rlib\",\"/t/libplugin.so\"]}";
        let expected = ["/t/libplugin.rlib", "/t/libplugin.so"].map(PathBuf::from);
        assert_eq!(files_of("plugin", messages), expected);
        assert!(files_of("plugin", "{}").is_empty());
    }

    #[test]
    fn the_program_of_a_target_is_found_beside_its_library() {
        let messages = "{\"target\":{\"name\":\"plugin\"},\"executable\":null}\n\
            {\"target\":{\"name\":\"it\"},\"executable\":\"/t/it-1\"}\n\
            {\"target\":{\"name\":\"plugin\"},\"executable\":\"/t/plugin-2\"}";
        assert_eq!(program_of("plugin", messages), Some(PathBuf::from("/t/plugin-2")));
        assert_eq!(program_of("lab", messages), None);
    }
}
