//! Runs each case in a process of its own, because many cases end the process without the guard.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "small test values, in the formats' own types"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]

use std::process::{Command, Output};

use super::cases::{self, Case, Unguarded};

const CASE: &str = "UNSPILL_GUARD_CASE";
const GUARDED: &str = "UNSPILL_GUARDED";

/// Exit code of a child if the case ran and the plugin's behaviour was wrong.
const WRONG: i32 = 3;

/// Number of attempts in which the framework must fail as claimed.
const ATTEMPTS: usize = 5;

fn run_in_child(case: &Case, guarded: bool) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "children::the_table_of_cases_is_sound", "--nocapture"])
        .env(CASE, case.name)
        .env(GUARDED, if guarded { "1" } else { "0" })
        .output()
        .unwrap()
}

/// Proves that a case succeeds with the guard and fails as claimed without it.
pub fn judge(name: &str) {
    let case = cases::find(name);
    let show = |output: &Output| {
        format!("{:?}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
    };
    let guarded = run_in_child(case, true);
    assert!(guarded.status.success(), "{name}, guarded: {}", show(&guarded));
    // Two of the cases are races in the framework, which may not occur on a busy machine.
    for attempt in 1..=ATTEMPTS {
        let unguarded = run_in_child(case, false);
        let seen = match unguarded.status.code() {
            Some(0) => None,
            Some(WRONG) => Some(Unguarded::IsWrong),
            // Ended by a signal: an abort or a segmentation fault.
            None => Some(Unguarded::Crashes),
            Some(_) => panic!("{name}: the case itself failed: {}", show(&unguarded)),
        };
        if seen == Some(case.unguarded) {
            return;
        }
        let told = show(&unguarded);
        assert!(attempt < ATTEMPTS && seen.is_none(), "{name}, unguarded: {seen:?}, {told}");
    }
}

/// In a child process, runs its case.
#[test]
fn the_table_of_cases_is_sound() {
    if let Ok(name) = std::env::var(CASE) {
        let guarded = std::env::var(GUARDED).as_deref() == Ok("1");
        match (cases::find(&name).run)(guarded) {
            Ok(()) => std::process::exit(0),
            Err(wrong) => {
                eprintln!("{wrong}");
                std::process::exit(WRONG);
            }
        }
    }
    let mut names: Vec<_> = cases::ALL.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases::ALL.len());
}
