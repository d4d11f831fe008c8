//! `cargo xtask host --faults`: faults around linked instances, each in processes of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use host::Bundle;
use host::linked::faults::{Extent, Fault};
use host::linked::remote;

/// Variable of the environment that names the folder of linked instances.
const FOLDER_VARIABLE: &str = "UNSPILL_LINK_FOLDER";

/// Options of `--faults`
#[derive(Debug, clap::Args)]
pub(crate) struct FaultArguments {
    /// Instead of files: kill processes with linked instances, fill their folder and more, and
    /// print what happens
    #[arg(long, conflicts_with_all = ["class", "out", "mics", "random", "only"])]
    faults: bool,

    /// Make only this fault: kill, full, stale, hostile or long
    #[arg(long, value_name = "NAME", requires = "faults")]
    fault: Option<Fault>,

    /// Make short versions of the faults
    #[arg(long, requires = "faults")]
    brief: bool,

    /// Make the fault in this process
    #[arg(long, hide = true, requires = "fault")]
    make: bool,

    /// Play linked instances as commanded through standard input
    #[arg(long, hide = true)]
    pub(crate) serve: bool,
}

impl FaultArguments {
    /// Returns true if one of these options is given.
    pub(crate) fn is_given(&self) -> bool {
        self.faults || self.serve
    }

    /// Makes the faults.
    pub(crate) fn run(&self, plugin: &Path) -> Result<()> {
        if self.serve {
            return remote::serve(&Bundle::load(plugin)?);
        }
        let extent = if self.brief { Extent::Small } else { Extent::Full };
        if let (Some(fault), true) = (self.fault, self.make) {
            let folder = std::env::var_os(FOLDER_VARIABLE).context("no folder is named")?;
            let bundle = Bundle::load(plugin)?;
            let program = program()?;
            let other = || {
                let mut command = Command::new(&program);
                command.arg("--plugin").arg(plugin).arg("--serve");
                command
            };
            println!("{}", fault.make(&bundle, Path::new(&folder), extent, other)?);
            return Ok(());
        }
        let mut num_failed = 0;
        for fault in Fault::ALL.into_iter().filter(|fault| self.fault.is_none_or(|f| f == *fault)) {
            let began = Instant::now();
            let result = self.make_outside(fault, extent, plugin);
            let seconds = began.elapsed().as_secs();
            match result {
                Ok(row) => println!("{:8} {seconds:4} s  ok      {row}", fault.name()),
                Err(error) => {
                    num_failed += 1;
                    println!("{:8} {seconds:4} s  FAILED  {error:#}", fault.name());
                }
            }
        }
        ensure!(num_failed == 0, "{num_failed} faults did harm");
        Ok(())
    }

    /// Makes a fault in another process and returns what that prints.
    fn make_outside(&self, fault: Fault, extent: Extent, plugin: &Path) -> Result<String> {
        let folder = Scratch::new(fault)?;
        let mut command = Command::new(program()?);
        command.arg("--plugin").arg(plugin).args(["--faults", "--make", "--fault", fault.name()]);
        if self.brief {
            command.arg("--brief");
        }
        command.env(FOLDER_VARIABLE, folder.0.join("links"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let limit = fault.limit(extent);
        let began = Instant::now();
        while child.try_wait()?.is_none() {
            if began.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                bail!("no end after {limit:?}");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let output = child.wait_with_output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {}", output.status, errors.trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find the path of this program")
}

/// A folder that is removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new(fault: Fault) -> Result<Self> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let name = format!("unspill-faults-{}-{}", std::process::id(), fault.name());
        let path = parent.join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays does no harm among other passing files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
