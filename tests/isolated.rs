//! Tests in processes of their own, each with a folder of its own for linked instances.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bundle::BUNDLES_VARIABLE;
use crate::{bundle, root};

/// Variable of the environment that names the folder of linked instances.
const FOLDER_VARIABLE: &str = "UNSPILL_LINK_FOLDER";
/// Variable that tells a started process the test that it runs.
const INSIDE_VARIABLE: &str = "UNSPILL_TEST_INSIDE";

/// Runs `work`, the body of the test with the full name `name`, in a process that this program
/// starts: linked instances find no others there, and a test that hangs is ended.
///
/// # Panics
///
/// If the process fails, has no test with this name, or does not end within `limit`.
#[allow(clippy::panic, clippy::print_stdout, reason = "the outcome of a test")]
#[allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]
pub fn isolated(name: &str, limit: Duration, work: impl FnOnce()) {
    if std::env::var_os(INSIDE_VARIABLE).is_some_and(|inside| inside == *name) {
        return work();
    }
    // The bundles are up to date from here on.
    drop(bundle(host::Format::Clap).unwrap());
    let folder = shared_folder();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE_VARIABLE, name)
        .env(FOLDER_VARIABLE, folder.path().join("links"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if std::env::var_os(BUNDLES_VARIABLE).is_none() {
        command.env(BUNDLES_VARIABLE, root().join("target/bundled"));
    }
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut out));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{name}: no end after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let printed = reader.join().unwrap().unwrap_or_default();
    println!("{printed}");
    assert!(status.success(), "{name}: {status}");
    assert!(printed.contains("1 passed"), "{name}: no test with this name");
}

/// Creates a folder in shared memory, if the system has such a folder.
#[allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]
fn shared_folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        tempfile::tempdir_in(shared).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
