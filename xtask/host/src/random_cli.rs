//! `cargo xtask host --random`: random calls, and the shortest list of calls that make the
//! plugin fail.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use host::Bundle;
use host::random::{self, Numbers, Outside, Verdict};

/// Largest number of lists tried to find a short one.
const MAX_RUNS: usize = 400;

/// Options of `--random`
#[derive(Debug, clap::Args)]
pub(crate) struct RandomArguments {
    /// Instead of files: number of random calls, as any host can make them, in any order
    #[arg(
        long,
        value_name = "CALLS",
        value_parser = clap::value_parser!(u64).range(1..),
        conflicts_with_all = ["class", "out", "mics", "only"]
    )]
    random: Option<u64>,

    /// Seed of the random calls
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Make only the calls with these numbers, such as 3,17-400
    #[arg(long, value_name = "NUMBERS", conflicts_with_all = ["class", "out", "mics"])]
    only: Option<Numbers>,

    /// Make the calls in this process and print the number of each call before it
    #[arg(long, hide = true, requires = "only")]
    in_this_process: bool,
}

impl RandomArguments {
    /// Makes the calls.
    pub(crate) fn run(&self, plugin: &Path) -> Result<()> {
        let (given, calls) = (self.only.clone(), self.random.unwrap_or(0));
        let numbers = given.unwrap_or_else(|| Numbers::from(0..calls));
        if self.in_this_process {
            return self.run_here(plugin, &numbers);
        }
        // Faults of the bundle itself are reported once, before the calls.
        drop(Bundle::load(plugin)?);
        let screen = Screen::start();
        let outside = self.outside(plugin, &screen)?;
        let start = Instant::now();
        match outside.run(&numbers)? {
            Verdict::Well => {
                let (count, seconds) = (numbers.count(), start.elapsed().as_secs_f64());
                println!("{count} calls with seed {} in {seconds:.1} s, no errors", self.seed);
                Ok(())
            }
            Verdict::Failed { at: None, how } => bail!("before the first call: {how}"),
            Verdict::Failed { at: Some(at), how } => {
                eprintln!("seed {}, call {at}: {how}", self.seed);
                self.explain(&outside, &numbers, at)
            }
        }
    }

    fn run_here(&self, plugin: &Path, numbers: &Numbers) -> Result<()> {
        let bundle = Bundle::load(plugin)?;
        let window = Window::open();
        let mut output = std::io::stdout().lock();
        random::run(&bundle, self.seed, numbers, window.number(), |number| {
            // Fails when the reader has ended, which ends this process too.
            writeln!(output, "{number}")?;
            Ok(output.flush()?)
        })
    }

    /// Returns a description of this program as the process that makes the calls.
    fn outside(&self, plugin: &Path, screen: &Screen) -> Result<Outside> {
        let texts = ["--seed", &self.seed.to_string(), "--in-this-process", "--only"];
        let mut arguments = vec![OsString::from("--plugin"), plugin.into()];
        arguments.extend(texts.map(OsString::from));
        let program = std::env::current_exe().context("cannot find the path of this program")?;
        Ok(Outside { program, arguments, environment: screen.environment() })
    }

    /// Prints the shortest list of calls that still fails, and returns an error.
    fn explain(&self, outside: &Outside, numbers: &Numbers, at: u64) -> Result<()> {
        let fails = |list: &[u64]| -> Result<bool> {
            Ok(outside.run(&Numbers::from(list))? != Verdict::Well)
        };
        let until: Vec<u64> = numbers.iter().take_while(|&number| number <= at).collect();
        let own = random::same_instance_until(at);
        let own: Vec<u64> =
            own.iter().filter(|number| until.binary_search(number).is_ok()).collect();
        // Most failures do not depend on earlier instances.
        let failing = if fails(&own)? {
            own
        } else if fails(&until)? {
            until
        } else {
            bail!("the failure cannot be reproduced");
        };
        let mut num_runs = 0;
        let shortest = random::shrink(&failing, MAX_RUNS, |list| {
            num_runs += 1;
            fails(list)
        })?;
        let again = Numbers::from(&shortest[..]);
        let Verdict::Failed { how, .. } = outside.run(&again)? else {
            bail!("the failure does not occur every time");
        };
        eprintln!(
            "{} of {} calls reproduce the failure ({num_runs} lists tried):",
            shortest.len(),
            failing.len()
        );
        for &number in &shortest {
            eprintln!("  {}", random::describe(self.seed, number));
        }
        eprintln!("to repeat: --seed {} --only {again}", self.seed);
        bail!("{how}")
    }
}

#[cfg(target_os = "linux")]
mod windows {
    //! Windows on a separate screen, if an X server can be started.

    use std::ffi::OsString;

    use host::screen::{self, Server};

    /// The screen for the editors' windows.
    pub(super) struct Screen(Option<Server>);

    impl Screen {
        pub(super) fn start() -> Self {
            Self(
                Server::start()
                    .inspect_err(|error| eprintln!("warning: no editor is opened: {error}"))
                    .ok(),
            )
        }

        pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
            let display = self.0.as_ref().map(|server| server.display().to_owned());
            // An empty `DISPLAY` means that there is none.
            vec![
                ("DISPLAY", display.unwrap_or_default().into()),
                ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
            ]
        }
    }

    /// The window in which editors open.
    pub(super) struct Window(Option<screen::Screen>);

    impl Window {
        pub(super) fn open() -> Self {
            Self(screen::Screen::open(1600, 1200).ok())
        }

        pub(super) fn number(&self) -> Option<u32> {
            self.0.as_ref().map(screen::Screen::window)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod windows {
    //! No windows: this host opens editors only in X11 windows.

    use std::ffi::OsString;

    pub(super) struct Screen;

    impl Screen {
        pub(super) fn start() -> Self {
            Self
        }

        pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
            Vec::new()
        }
    }

    pub(super) struct Window;

    impl Window {
        pub(super) fn open() -> Self {
            Self
        }

        pub(super) fn number(&self) -> Option<u32> {
            None
        }
    }
}

use windows::{Screen, Window};
