//! `cargo xtask guard`: counts instructions and compares them with the table
//! in `docs/performance.md`.
//!
//! Times vary between runs and machines; instruction counts hardly do. Valgrind's callgrind counts
//! on an emulated processor with AVX2 and FMA but without AVX-512. So the counts are those of the
//! AVX2 code path on every machine whose processor supports it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, iter};

use anyhow::{Context, Result, bail, ensure};

use crate::{build, shell, system};

/// File with the table, relative to the workspace's folder.
const TABLE: &str = "docs/performance.md";
/// Largest growth over the table's count that passes, as a share.
const TOLERANCE: f64 = 0.1;
/// The counted code path, as named by the counted programs.
const PATH: &str = "avx2";
/// Name printed by programs that run the same code on every processor.
const ALL_PATHS: &str = "all processors";
/// The case counted by the plugin's tests.
const WINDOW_CASE: &str = "picture";
/// Number of cases counted at the same time; it does not affect the counts.
const AT_ONCE: usize = 2;

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    case: String,
    /// Instructions per repetition, in thousands.
    thousands: f64,
}

/// Counts every case of the table. Fails if a case has grown, or writes the counts into the table.
pub(crate) fn guard(writes: bool) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("skipped: the counts need Linux on x86-64");
        return Ok(());
    }
    system::ensure_for_guard()?;
    let file = shell::root().join(TABLE);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {TABLE}"))?;
    let rows = rows(&text);
    ensure!(!rows.is_empty(), "{TABLE} has no row with a count");
    let programs = Programs::build()?;

    let mut counted = Vec::new();
    for some in rows.chunks(AT_ONCE) {
        let counts: Vec<Result<f64>> = std::thread::scope(|scope| {
            let start = |row: &Row| {
                let command = programs.command(&row.case);
                scope.spawn(move || count(command))
            };
            let running: Vec<_> = some.iter().map(start).collect();
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| bail!("a thread panicked")))
                .collect()
        });
        for (row, count) in some.iter().zip(counts) {
            let thousands = count.with_context(|| format!("counting {}", row.case))?;
            println!("{}", line(row, thousands));
            counted.push(Row { case: row.case.clone(), thousands });
        }
    }
    if writes {
        let text = with_counts(&text, &counted);
        return fs::write(&file, text).with_context(|| format!("cannot write {TABLE}"));
    }
    let grown = grown(&rows, &counted);
    if !grown.is_empty() {
        bail!(
            "more instructions than in {TABLE}: {} (if intended: cargo xtask guard --write)",
            grown.join(", ")
        );
    }
    Ok(())
}

fn line(row: &Row, thousands: f64) -> String {
    let change = 100.0 * (thousands / row.thousands - 1.0);
    format!("{:16}{thousands:>12.0} thousand instructions, {change:+.1} %", row.case)
}

/// Returns the cases that exceed the tolerance, with their growth in percent.
fn grown(rows: &[Row], counted: &[Row]) -> Vec<String> {
    let pairs = rows.iter().zip(counted);
    pairs
        .filter(|(row, counted)| counted.thousands > row.thousands * (1.0 + TOLERANCE))
        .map(|(row, counted)| {
            let change = 100.0 * (counted.thousands / row.thousands - 1.0);
            format!("{} {change:+.0} %", row.case)
        })
        .collect()
}

/// Returns the rows whose first cell is a case in backticks and whose last cell is a count.
fn rows(text: &str) -> Vec<Row> {
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
    let case = cells.first()?.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned();
    let thousands = cells.last()?.trim().replace(' ', "").parse().ok()?;
    Some(Row { case, thousands })
}

/// Returns the text with new counts in its rows.
fn with_counts(text: &str, counted: &[Row]) -> String {
    let mut new = String::new();
    for line in text.lines() {
        let count = row(line).and_then(|row| counted.iter().find(|one| one.case == row.case));
        let start = line.strip_suffix('|').and_then(|line| line.rfind('|'));
        if let (Some(count), Some(start)) = (count, start) {
            let _ = write!(new, "{}| {:.0} |", &line[..start], count.thousands);
        } else {
            new.push_str(line);
        }
        new.push('\n');
    }
    new
}

/// The counted programs.
struct Programs {
    /// An example of the models package, optimised like the plugin.
    engine: PathBuf,
    /// The unit tests of the plugin, as built by `cargo test`.
    window: PathBuf,
}

impl Programs {
    fn build() -> Result<Self> {
        let built = |arguments: &[&str], package: &str| {
            let mut build = shell::cargo(arguments[0]);
            build.args(&arguments[1..]).arg("--message-format=json-render-diagnostics");
            let messages = build::shown(
                build,
                "building the counted programs; the first build takes minutes",
            )?;
            build::program_of(package, &messages).context("cargo did not build the program")
        };
        let example = ["build", "--release", "--package", "models", "--example", "instructions"];
        // The whole workspace, so that features and thus builds are the same as for the tests.
        let tests = ["test", "--workspace", "--no-run"];
        Ok(Self { engine: built(&example, "instructions")?, window: built(&tests, "plugin")? })
    }

    /// Returns the command line of a case, for valgrind.
    fn command(&self, case: &str) -> Vec<OsString> {
        if case == WINDOW_CASE {
            let test = ["--exact", "--nocapture", "editor::cost_tests::pictures_are_counted"];
            iter::once(self.window.clone().into()).chain(test.map(Into::into)).collect()
        } else {
            vec![self.engine.clone().into(), case.into()]
        }
    }
}

/// Returns the instructions per repetition, in thousands.
fn count(program: Vec<OsString>) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*counted_work*")
        .args(program)
        .output()
        .context("cannot start valgrind")?;
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}: {errors}", output.status);
    let (times, path) =
        times(&printed).with_context(|| format!("unexpected output {printed:?}"))?;
    ensure!(
        path == PATH || path == ALL_PATHS,
        "{TABLE} has counts for {PATH}, but this machine supports {path}"
    );
    let total =
        collected(&errors).with_context(|| format!("unexpected output of valgrind {errors:?}"))?;
    ensure!(times > 0.0 && total > 0.0, "valgrind counted nothing: {total} in {times} runs");
    Ok(total / times / 1000.0)
}

/// Returns the number of repetitions and the code path from a line like `16 times, avx2`.
fn times(printed: &str) -> Option<(f64, &str)> {
    let (times, path) = printed.lines().find_map(|line| line.split_once(" times, "))?;
    Some((times.parse().ok()?, path.trim()))
}

/// Returns valgrind's last count from a line like `==1== Collected : 123`.
fn collected(errors: &str) -> Option<f64> {
    let line = errors.lines().rev().find(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Costs\n\n| case | work | thousand instructions |\n|---|---|---|\n\
                        | `audio-8` | a block | 100 |\n| `hop` | a hop | 2 000 |\n\nEnd.\n";

    fn of(case: &str, thousands: f64) -> Row {
        Row { case: case.to_owned(), thousands }
    }

    #[test]
    fn rows_are_read_and_written() {
        assert_eq!(rows(TEXT), [of("audio-8", 100.0), of("hop", 2000.0)]);
        let new = with_counts(TEXT, &[of("audio-8", 101.4), of("hop", 1500.0)]);
        assert_eq!(new, TEXT.replace("| 100 |", "| 101 |").replace("| 2 000 |", "| 1500 |"));
    }

    #[test]
    fn cases_that_grow_by_more_than_a_tenth_are_named() {
        let rows = rows(TEXT);
        assert!(grown(&rows, &[of("audio-8", 109.9), of("hop", 500.0)]).is_empty());
        assert_eq!(
            grown(&rows, &[of("audio-8", 110.1), of("hop", 4000.0)]),
            ["audio-8 +10 %", "hop +100 %"]
        );
    }

    #[test]
    fn outputs_of_programs_are_understood() {
        assert_eq!(times("16 times, avx2\n"), Some((16.0, "avx2")));
        assert_eq!(times("running 1 test\n10 times, avx2\ntest x ... ok\n"), Some((10.0, "avx2")));
        assert_eq!(times("killed"), None);
        let errors = "==7== \n==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(errors), Some(123_456.0));
        assert_eq!(collected("==7== nothing"), None);
    }

    #[test]
    fn the_committed_table_has_every_case_of_the_program() {
        let text = fs::read_to_string(shell::root().join(TABLE)).unwrap();
        let program = shell::root().join("models/examples/instructions.rs");
        let source = fs::read_to_string(program).unwrap();
        let cases: Vec<String> = rows(&text).into_iter().map(|row| row.case).collect();
        let counted: Vec<&String> = cases.iter().filter(|case| *case != WINDOW_CASE).collect();
        for case in &counted {
            assert!(source.contains(&format!("\"{case}\" =>")), "{case}");
        }
        assert_eq!(counted.len(), source.matches("\" => ").count(), "{cases:?}");
        assert_eq!(counted.len() + 1, cases.len(), "{cases:?}");
    }
}
