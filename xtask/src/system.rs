//! System packages that a fresh machine may lack.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell;

/// A system dependency and the Debian or Ubuntu package that provides it.
struct Requirement {
    package: &'static str,
    is_there: fn() -> bool,
}

/// Packages for the tests: the requirements of their independent host (`DawDreamer`, from Python's
/// package index), the SoundFont for the lab's scenes, a screen with software OpenGL for the
/// editor, a Vulkan driver for the comparison of the network's backends (Mesa has one in software),
/// and the terminal of the dashboard's test.
const FOR_TESTS: [Requirement; 11] = [
    Requirement { package: "python3-venv", is_there: python_can_make_environments },
    Requirement { package: "libgl1", is_there: opengl_can_be_loaded },
    Requirement { package: "fluid-soundfont-gm", is_there: soundfont_is_there },
    Requirement { package: "xvfb", is_there: || Path::new("/usr/bin/Xvfb").exists() },
    Requirement { package: "libgl1-mesa-dri", is_there: || library_is_there("dri/swrast_dri.so") },
    Requirement { package: "libegl1", is_there: || library_is_there("libEGL.so.1") },
    Requirement { package: "libx11-xcb1", is_there: || library_is_there("libX11-xcb.so.1") },
    Requirement { package: "libxcursor1", is_there: || library_is_there("libXcursor.so.1") },
    Requirement {
        package: "libxkbcommon-x11-0",
        is_there: || library_is_there("libxkbcommon-x11.so.0"),
    },
    Requirement { package: "mesa-vulkan-drivers", is_there: vulkan_has_a_driver },
    Requirement { package: "bsdutils", is_there: || Path::new("/usr/bin/script").exists() },
];

/// Packages for `cargo xtask guard`: the program that counts instructions.
const FOR_GUARD: [Requirement; 1] = [Requirement {
    package: "valgrind",
    is_there: || succeeds(Command::new("valgrind").arg("--version")),
}];

/// Ensures that the packages for the tests are there: installs missing ones if possible (as root on
/// Debian or Ubuntu), and otherwise fails with one line that names them.
///
/// # Errors
///
/// If a package is missing and could not be installed.
pub(crate) fn ensure_for_tests() -> Result<()> {
    ensure(&FOR_TESTS)
}

/// Ensures that the packages for `cargo xtask guard` are there, like [`ensure_for_tests`].
///
/// # Errors
///
/// If a package is missing and could not be installed.
pub(crate) fn ensure_for_guard() -> Result<()> {
    ensure(&FOR_GUARD)
}

fn ensure(requirements: &[Requirement]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = missing(requirements);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !can_install() {
        bail!("system packages are missing: run `sudo apt-get install -y {packages}`");
    }
    println!("installing system packages: {packages}");
    let mut update = apt_get();
    update.arg("update");
    // Old package lists may be sufficient; the installation will show.
    if let Err(error) = shell::run(update, "apt-get update") {
        eprintln!("warning: {error:#}");
    }
    let mut install = apt_get();
    install.args(["install", "-y", "--no-install-recommends"]).args(&missing);
    shell::run(install, &format!("apt-get install {packages}"))?;
    let still = self::missing(requirements);
    if !still.is_empty() {
        bail!("installed but not usable: {}", still.join(" "));
    }
    Ok(())
}

fn missing(requirements: &[Requirement]) -> Vec<&'static str> {
    let lacking = requirements.iter().filter(|requirement| !(requirement.is_there)());
    lacking.map(|requirement| requirement.package).collect()
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn can_install() -> bool {
    is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// Returns true on Unix if this user is root.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn python_can_make_environments() -> bool {
    // Without the package, `venv` exists but cannot install pip into the environment.
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn soundfont_is_there() -> bool {
    Path::new("/usr/share/sounds/sf2/FluidR3_GM.sf2").exists()
}

fn vulkan_has_a_driver() -> bool {
    let has_any =
        |folder: &str| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let drivers = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    library_is_there("libvulkan.so.1") && drivers.into_iter().any(has_any)
}

fn opengl_can_be_loaded() -> bool {
    let script = "import ctypes; ctypes.CDLL('libGL.so.1')";
    // Without Python the check fails and the package is installed, which costs little.
    succeeds(Command::new("python3").args(["-c", script]))
}

/// Returns true if the file is in one of the system's library folders.
fn library_is_there(file: &str) -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join(file)).any(|library| library.exists())
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
