//! Runs each case in a process of its own, because many cases end the process without the guard.

use std::process::{Command, Output};

use super::case::{Case, Unguarded};

const CASE: &str = "UNSPILL_GUARD_CASE";
const GUARDED: &str = "UNSPILL_GUARDED";

/// Exit code of a child if the case ran and the plugin's behaviour was wrong.
const WRONG: i32 = 3;

/// Number of attempts in which the framework must fail as claimed.
const ATTEMPTS: usize = 5;

fn run_in_child(case: &Case, guarded: bool) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cases::the_table_of_cases_is_sound", "--nocapture"])
        .env(CASE, case.name)
        .env(GUARDED, if guarded { "1" } else { "0" })
        .output()
        .unwrap()
}

/// Proves that a case succeeds with the guard and fails as claimed without it.
pub fn judge(case: &Case) {
    let name = case.name;
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

/// In a child process, runs its case of `all` and exits.
pub fn run_asked(all: &[Case]) {
    let Ok(name) = std::env::var(CASE) else { return };
    let guarded = std::env::var(GUARDED).as_deref() == Ok("1");
    match (find(&name, all).run)(guarded) {
        Ok(()) => std::process::exit(0),
        Err(wrong) => {
            eprintln!("{wrong}");
            std::process::exit(WRONG);
        }
    }
}

/// Returns the case with this name.
pub fn find<'a>(name: &str, all: &'a [Case]) -> &'a Case {
    all.iter().find(|case| case.name == name).expect("a known case")
}
