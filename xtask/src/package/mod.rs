//! Makes the archive that users download: plugin, program, installer, licences.

mod archive;
mod glibc;
mod licences;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::build::Product;
use crate::bundler::System;
use crate::{commands, shell, system};

/// Targets of the two halves of a program for all Macs.
const MAC_TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// Instructions for each system in the package's README.
const INSTALL_SH: &str = "\
On Linux, run in the folder of this file:

    ./install.sh                 for you; needs no root
    sudo ./install.sh --system   for all users
    ./install.sh --uninstall     remove it again (with --system for all users)";
const INSTALL_MAC: &str = "\
The files are not signed with a developer's certificate, and nobody has tried them on a Mac yet.
Open a terminal and run in the folder of this file:

    sh install.sh                 for you
    sudo sh install.sh --system   for all users
    sh install.sh --uninstall     remove it again (with --system for all users)";
const INSTALL_PS1: &str = "\
The files are not signed with a developer's certificate, and nobody has tried them on Windows yet.
Open PowerShell and run in the folder of this file:

    powershell -ExecutionPolicy Bypass -File install.ps1              for you
    powershell -ExecutionPolicy Bypass -File install.ps1 -System      for all users (administrator)
    powershell -ExecutionPolicy Bypass -File install.ps1 -Uninstall   remove it again";

/// A package for one system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    system: System,
    /// True if it holds the programs of all processors of the system (macOS).
    is_universal: bool,
}

/// The binaries of a staged package.
struct Staged {
    bundles: Vec<PathBuf>,
    program: PathBuf,
}

impl Package {
    /// Describes the package for this system; `is_universal` means for all Macs.
    ///
    /// # Errors
    ///
    /// If there are no packages for this system, or none for all its processors.
    pub(crate) fn for_this_system(is_universal: bool) -> Result<Self> {
        let system = System::this()?;
        ensure!(!is_universal || system == System::MacOs, "--universal is for macOS only");
        Ok(Self { system, is_universal })
    }

    /// Returns the name of the package and of its folder, such as `unspill-0.1.0-linux-x86_64`.
    fn name(self) -> String {
        let system = match self.system {
            System::Linux => "linux",
            System::MacOs => "macos",
            System::Windows => "windows",
        };
        let processor = if self.is_universal { "universal" } else { std::env::consts::ARCH };
        format!("unspill-{}-{system}-{processor}", env!("CARGO_PKG_VERSION"))
    }

    /// Returns the path of the archive.
    fn archive(self) -> PathBuf {
        let ending = if self.system == System::Windows { "zip" } else { "tar.gz" };
        folder().join(format!("{}.{ending}", self.name()))
    }

    fn installer(self) -> &'static str {
        if self.system == System::Windows { "install.ps1" } else { "install.sh" }
    }

    /// Builds everything and writes the archive and its checksum to `target/package`; returns lines
    /// about them.
    ///
    /// # Errors
    ///
    /// If something cannot be built or written, or if a binary needs a newer glibc than
    /// packages promise.
    pub(crate) fn make(self) -> Result<Vec<String>> {
        let staging = folder().join(self.name());
        let staged = self.stage(&staging)?;
        let mut lines = Vec::new();
        if self.system == System::Linux {
            let library = commands::library_in(&staged.bundles[0]);
            let binaries = [library.as_path(), &staged.bundles[1], &staged.program];
            if let Some(version) = glibc::check(&binaries, glibc::FLOOR)? {
                lines.push(format!("needs glibc {version}; promised: {}", glibc::FLOOR));
            }
        }
        self.add_texts(&staging)?;
        let targets = self.targets()?;
        licences::write(
            &staging.join("licences"),
            &targets.iter().map(String::as_str).collect::<Vec<_>>(),
        )?;
        let archive = self.archive();
        archive::write(&staging, &archive, time_s()?)?;
        let sum = archive::write_sum(&archive)?;
        lines.push(format!("{} MB  {}", megabytes(&staged.program)?, staged.program.display()));
        let clap = commands::library_in(&staged.bundles[1]);
        lines.push(format!("{} MB  {}", megabytes(&clap)?, clap.display()));
        lines.push(format!("{} MB  {}", megabytes(&archive)?, archive.display()));
        lines.push(sum.display().to_string());
        Ok(lines)
    }

    /// Builds plugin and program and runs the installer with these arguments.
    ///
    /// # Errors
    ///
    /// If something cannot be built, or if the installer fails.
    pub(crate) fn install(self, arguments: &[&str]) -> Result<()> {
        let staging = tempfile::tempdir().context("cannot make a folder")?;
        // Removing needs the installer alone.
        if arguments.contains(&UNINSTALL) {
            self.add_texts(staging.path())?;
        } else {
            self.stage(staging.path())?;
            self.add_texts(staging.path())?;
        }
        self.run_installer(staging.path(), arguments, None)
    }

    /// Fills `staging` with the stripped binaries.
    fn stage(self, staging: &Path) -> Result<Staged> {
        if staging.exists() {
            fs::remove_dir_all(staging)
                .with_context(|| format!("cannot empty {}", staging.display()))?;
        }
        fs::create_dir_all(staging)
            .with_context(|| format!("cannot make {}", staging.display()))?;
        let parts = tempfile::tempdir().context("cannot make a folder")?;
        let library = self.binary(Product::PLUGIN, &parts.path().join("library"))?;
        let bundles = commands::bundle_library(&library, staging)?;
        let program = staging.join(format!("unspill{}", std::env::consts::EXE_SUFFIX));
        let built = self.binary(Product::UNSPILL, &parts.path().join("program"))?;
        fs::copy(&built, &program)
            .with_context(|| format!("cannot write {}", program.display()))?;
        if self.system == System::MacOs {
            commands::sign(&program)?;
        }
        Ok(Staged { bundles, program })
    }

    /// Builds a product and writes it to `to`, stripped and for all processors of the package.
    fn binary(self, product: Product, to: &Path) -> Result<PathBuf> {
        let to = to.to_owned();
        if self.is_universal {
            let mut lipo = Command::new("lipo");
            lipo.arg("-create").arg("-output").arg(&to);
            for target in MAC_TARGETS {
                lipo.arg(product.binary(Some(target))?);
            }
            shell::run(lipo, "lipo")?;
        } else {
            let built = product.binary(None)?;
            fs::copy(&built, &to).with_context(|| format!("cannot copy {}", built.display()))?;
        }
        let mut strip = Command::new("strip");
        match self.system {
            System::Linux => strip.arg("--strip-unneeded"),
            System::MacOs => strip.arg("-x"),
            // The symbols are in a file of their own there.
            System::Windows => return Ok(to),
        };
        strip.arg(&to);
        shell::run(strip, "strip")?;
        Ok(to)
    }

    /// Returns the targets that the package is built for.
    fn targets(self) -> Result<Vec<String>> {
        if self.is_universal {
            return Ok(MAC_TARGETS.map(str::to_owned).to_vec());
        }
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc).arg("-vV").output().context("cannot start rustc")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let host = text.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(vec![host.context("rustc does not name its host")?.to_owned()])
    }

    /// Adds installer, README and the project's licences.
    fn add_texts(self, staging: &Path) -> Result<()> {
        let root = shell::root();
        let ours = root.join("xtask/packaging");
        let copy = |from: PathBuf| -> Result<()> {
            let name = from.file_name().context("a file has no name")?;
            fs::copy(&from, staging.join(name))
                .with_context(|| format!("cannot copy {}", from.display()))?;
            Ok(())
        };
        copy(ours.join(self.installer()))?;
        copy(root.join("LICENSE-MIT"))?;
        copy(root.join("LICENSE-APACHE"))?;
        let text = fs::read_to_string(ours.join("README.txt")).context("cannot read README.txt")?;
        let mut text = self.filled_in(&text);
        if self.system == System::Windows {
            text = text.replace('\n', "\r\n");
        }
        fs::write(staging.join("README.txt"), text).context("cannot write README.txt")
    }

    fn filled_in(self, readme: &str) -> String {
        let install = match self.system {
            System::Linux => INSTALL_SH,
            System::MacOs => INSTALL_MAC,
            System::Windows => INSTALL_PS1,
        };
        let floor = match self.system {
            System::Linux => format!("\n\nIt needs glibc {} (Debian 12) or newer.", glibc::FLOOR),
            _ => String::new(),
        };
        readme
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
            .replace("@INSTALL@", &format!("{install}{floor}"))
    }

    /// Runs the installer in `folder`, for the owner of `home` if that is given.
    fn run_installer(self, folder: &Path, arguments: &[&str], home: Option<&Path>) -> Result<()> {
        let script = folder.join(self.installer());
        let mut command = if self.system == System::Windows {
            let mut command = Command::new("powershell");
            command.args(["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]);
            command.arg(script).args(arguments.iter().map(|argument| windows_option(argument)));
            command
        } else if arguments.contains(&SYSTEM) && !system::is_root() {
            // Cargo builds as the user; only the installer needs root.
            let mut command = Command::new("sudo");
            command.arg(script).args(arguments);
            command
        } else {
            let mut command = Command::new(script);
            command.args(arguments);
            command
        };
        if let Some(home) = home {
            command.env("HOME", home).env("LOCALAPPDATA", home);
        }
        shell::run(command, "the installer")
    }

    /// Installs the archive into an empty home folder, cleans and plays the demo session with it,
    /// and removes it again.
    ///
    /// # Errors
    ///
    /// If there is no archive, or if any step fails or leaves something behind.
    pub(crate) fn try_out(self) -> Result<()> {
        let archive = self.archive();
        ensure!(
            archive.is_file(),
            "{}: no such archive; `cargo xtask package` makes it",
            archive.display()
        );
        archive::check_sum(&archive)?;
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let (unpacked, home) = (folder.path().join("unpacked"), folder.path().join("home"));
        archive::unpack(&archive, &unpacked)?;
        fs::create_dir(&home).context("cannot make a home folder")?;
        let top = unpacked.join(self.name());
        self.run_installer(&top, &[], Some(&home))?;
        let installed = files_in(&home)?;
        let place = |ending: &str| {
            let path = installed.iter().find(|path| is_or_is_inside(path, ending));
            path.map(|path| outermost(path, ending))
                .with_context(|| format!("the installer did not install {ending}"))
        };
        let program = place(&format!("unspill{}", std::env::consts::EXE_SUFFIX))?;
        let bundles = [("vst3", place("Unspill.vst3")?), ("clap", place("Unspill.clap")?)];

        let session = folder.path().join("session");
        fs::create_dir(&session).context("cannot make a session")?;
        let mics = commands::demo_mics()?;
        for mic in &mics {
            fs::copy(mic, session.join(mic.file_name().context("a mic has no name")?))?;
        }
        let mut clean = Command::new(&program);
        clean.arg("clean").arg(&session).env("HOME", &home);
        shell::run(clean, "unspill clean")?;
        let results = files_in(&session.join("cleaned"))?;
        ensure!(results.len() == mics.len(), "unspill clean wrote {} files", results.len());
        for (format, bundle) in &bundles {
            let mut host = Product::HOST.program()?;
            host.args(["--format", format, "--class", "8", "--offline", "--plugin"]).arg(bundle);
            host.arg("--out").arg(folder.path().join(format)).args(&mics);
            shell::run(host, "playing the demo session")?;
        }

        self.run_installer(&top, &[UNINSTALL], Some(&home))?;
        let left: Vec<PathBuf> = home.read_dir()?.flatten().map(|entry| entry.path()).collect();
        if !left.is_empty() {
            bail!("the installer left {left:?}");
        }
        Ok(())
    }
}

/// Option of the installer for all users.
pub(crate) const SYSTEM: &str = "--system";

/// Option of the installer that removes what it installed.
pub(crate) const UNINSTALL: &str = "--uninstall";

/// Returns an option in the spelling of PowerShell: `--system` becomes `-System`.
fn windows_option(option: &str) -> String {
    let name = option.trim_start_matches('-');
    let (first, rest) = name.split_at(name.len().min(1));
    format!("-{}{rest}", first.to_uppercase())
}

/// Returns the folder of all packages, always in the workspace.
fn folder() -> PathBuf {
    shell::root().join("target/package")
}

/// Returns the time of all files in an archive: `SOURCE_DATE_EPOCH`, or that of the last commit.
fn time_s() -> Result<u64> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return time.parse().with_context(|| format!("SOURCE_DATE_EPOCH={time} is no number"));
    }
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%ct"]).current_dir(shell::root());
    let output = git.output().context("cannot start git; set SOURCE_DATE_EPOCH")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().context("git has no commit here; set SOURCE_DATE_EPOCH")
}

/// Returns the size of a file in millions of bytes, with one decimal.
fn megabytes(path: &Path) -> Result<String> {
    let bytes =
        fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    Ok(format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10))
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

fn is_or_is_inside(path: &Path, name: &str) -> bool {
    path.components().any(|part| part.as_os_str() == name)
}

/// Returns the part of `path` up to the first component called `name`.
fn outermost(path: &Path, name: &str) -> PathBuf {
    let mut outer = PathBuf::new();
    for part in path.components() {
        outer.push(part);
        if part.as_os_str() == name {
            break;
        }
    }
    outer
}

#[cfg(test)]
mod tests;
