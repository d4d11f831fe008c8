//! The bundled plugin's editor in a real window: seen, pressed, resized, opened and closed.
//!
//! Without a harness: the cases need `DISPLAY`, which only a new process can be given safely.

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
    /// Says that this is the process on the screen.
    const INSIDE: &str = "UNSPILL_EDITOR_TEST_INSIDE";
    /// What it says in the process that counts memory.
    const OPENINGS: &str = "openings";
    /// Has the C library give back at once what was freed, so that what is counted is what is held.
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
    // Made before the screen, as it may take long.
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
        // A crash at the end of the process counts, too.
        anyhow::ensure!(status.success(), "the editor's {part} failed ({status})");
    }
    Ok(())
}
