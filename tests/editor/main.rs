//! The editor of the bundled plugin in a real window: drawn, clicked, resized, opened and closed.
//!
//! This test has no harness: the cases need `DISPLAY`, which can be set safely only for a
//! new process.

#![cfg_attr(not(target_os = "linux"), allow(unused_crate_dependencies, reason = "Linux only"))]
#![allow(clippy::print_stdout, reason = "a test program without a harness")]

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod cost;
#[cfg(target_os = "linux")]
mod openings;
#[cfg(target_os = "linux")]
mod player;
#[cfg(target_os = "linux")]
mod views;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    /// Environment variable that marks the child process that runs the cases.
    const INSIDE: &str = "UNSPILL_EDITOR_TEST_INSIDE";
    /// Value of `INSIDE` in the process that counts memory.
    const OPENINGS: &str = "openings";
    /// Makes the C library return freed memory at once, so that the resident memory is what is
    /// in use.
    const GIVES_BACK: [(&str, &str); 3] = [
        ("MALLOC_ARENA_MAX", "1"),
        ("MALLOC_MMAP_THRESHOLD_", "262144"),
        ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ];
    if std::env::args().any(|argument| argument == "--list") {
        return Ok(());
    }
    if let Some(part) = std::env::var_os(INSIDE) {
        return cases::run(part == OPENINGS);
    }
    // Building the bundle may take long, so the screen starts after it.
    tests::bundle(host::Format::Clap)?;
    let server = host::screen::Server::start()?;
    for (part, variables) in [("cases", &[][..]), (OPENINGS, &GIVES_BACK)] {
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .env("DISPLAY", server.display())
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env(INSIDE, part)
            .envs(variables.iter().copied())
            .status()?;
        // A crash at the end of the process also counts.
        anyhow::ensure!(status.success(), "the editor's {part} failed ({status})");
    }
    Ok(())
}
