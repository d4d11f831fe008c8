//! The dashboard on a pseudo-terminal made by `script` of Debian: it starts, ends and restores
//! the terminal.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// Result of a run.
struct Seen {
    /// All output to the terminal.
    screen: String,
    code: Option<i32>,
}

/// Runs the dashboard with a shell script of events on a terminal, types `keys` once `until` is on
/// the screen, and checks that the terminal's settings are restored. The outer shell is replaced by
/// `exec`, whatever `SHELL` is, so that Ctrl-C cannot end it first.
fn show(events: &str, until: &str, keys: &[u8]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("events.sh"), events).unwrap();
    let dashboard = env!("CARGO_BIN_EXE_dashboard");
    let inside = format!(
        "trap : INT\nstty cols 120 rows 40\nstty -g > before\n{dashboard} sh events.sh\ncode=$?\n\
         stty -g > after\nexit $code\n"
    );
    std::fs::write(at("inside.sh"), inside).unwrap();
    let mut script = Command::new("script")
        .args(["--quiet", "--flush", "--return", "--command", "exec sh inside.sh", "screen"])
        .current_dir(folder.path())
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let read = |path: &Path| {
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    };
    let began = Instant::now();
    while !read(&at("screen")).contains(until) {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", read(&at("screen")));
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut stdin = script.stdin.take().unwrap();
    stdin.write_all(keys).unwrap();
    stdin.flush().unwrap();
    let code = loop {
        if let Some(status) = script.try_wait().unwrap() {
            break status.code();
        }
        if began.elapsed() > Duration::from_secs(60) {
            script.kill().unwrap();
            panic!("it does not end: {:?}", read(&at("screen")));
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(stdin);
    assert_eq!(read(&at("before")), read(&at("after")), "the terminal is set otherwise");
    Seen { screen: read(&at("screen")), code }
}

#[test]
fn the_dashboard_shows_progress_and_leaves_the_terminal_as_it_was() {
    let events = r#"
        for n in 1 2 3; do
            echo '{"at":{"what":"steps of round 0","position":'$n',"total":3}}'
            echo '{"training":{"loss":0.'$n',"snr_db":'$n'.25}}'
        done
        echo '{"validation":{"snr_db":7.5}}'
        echo '{"say":"round 0, step 3: validation"}' >&2
        sleep 1
        echo 'the end'
        exit 3
    "#;
    let seen = show(events, ENTER, b"");
    let (_, screen) = seen.screen.split_once(ENTER).expect("the dashboard did not start");
    let (dashboard, after) = screen.split_once(LEAVE).expect("the dashboard did not end");
    for part in ["Loss", "3.25", "steps"] {
        assert!(dashboard.contains(part), "no {part} in {dashboard:?}");
    }
    let lines = ["round 0, step 3: validation", "the end"];
    assert!(lines.iter().all(|line| after.contains(line)), "{after:?}");
    assert_eq!(seen.code, Some(3));
}

/// Checks that a command interrupted by `keys` prints its last message and ends by itself.
fn ends_by_itself(says: &str, keys: &[u8], said: &str) {
    let events = format!(
        r#"
        trap 'echo {says}; exit 1' INT
        echo '{{"at":{{"what":"steps","position":1,"total":9}}}}'
        while true; do sleep 0.1; done
        "#
    );
    let seen = show(&events, "steps", keys);
    let (_, after) = seen.screen.split_once(LEAVE).expect("the dashboard did not end");
    assert!(after.contains(said), "{after:?}");
    assert_eq!(seen.code, Some(1));
}

#[test]
fn ctrl_c_lets_the_command_end_by_itself_first() {
    let says = r#""{\"say\":\"interrupted, and kept\"}""#;
    ends_by_itself(says, b"\x03", "interrupted, and kept");
}

#[test]
fn q_and_s_stop_the_command_in_the_same_way() {
    ends_by_itself("kept", b"qs", "kept");
}

#[test]
fn without_a_terminal_there_is_one_line_and_no_task_left() {
    let output = Command::new(env!("CARGO_BIN_EXE_dashboard")).output().unwrap();
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(line.starts_with("error: usage") && line.lines().count() == 1, "{line}");
}
