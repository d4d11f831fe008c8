//! Tests of the package's texts and of its installer.

use super::*;

fn package(system: System) -> Package {
    Package { system, is_universal: false }
}

#[test]
fn archives_are_named_after_version_system_and_processor() {
    let version = env!("CARGO_PKG_VERSION");
    let name = package(System::Linux).archive();
    let expected = format!("unspill-{version}-linux-{}.tar.gz", std::env::consts::ARCH);
    assert_eq!(name.file_name().unwrap(), &*expected);
    let mac = Package { system: System::MacOs, is_universal: true };
    assert_eq!(mac.name(), format!("unspill-{version}-macos-universal"));
    assert!(package(System::Windows).archive().extension().is_some_and(|e| e == "zip"));
}

#[test]
fn the_readme_is_complete_for_every_system() {
    for (system, part) in [
        (System::Linux, "glibc 2.36 (Debian 12)"),
        (System::MacOs, "sh install.sh --uninstall"),
        (System::Windows, "-File install.ps1 -Uninstall"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        package(system).add_texts(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join("README.txt")).unwrap();
        assert!(text.contains(part) && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
        assert!(!text.contains('@') && text.lines().all(|line| line.len() <= 100), "{text}");
        assert_eq!(text.contains("\r\n"), system == System::Windows);
        for file in [package(system).installer(), "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(folder.path().join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn options_of_the_installer_have_the_spelling_of_powershell() {
    assert_eq!([SYSTEM, UNINSTALL].map(windows_option), ["-System", "-Uninstall"]);
}

#[test]
fn installed_files_are_found_in_their_bundles() {
    let path = Path::new("/h/.vst3/Unspill.vst3/Contents/x/Unspill.vst3");
    assert!(is_or_is_inside(path, "Unspill.vst3") && !is_or_is_inside(path, "Unspill.clap"));
    assert_eq!(outermost(path, "Unspill.vst3"), Path::new("/h/.vst3/Unspill.vst3"));
}

#[cfg(unix)]
mod installer {
    use super::*;
    use std::process::Output;

    /// A folder with the installer and small stand-ins for the binaries.
    fn unpacked() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a b/Unspill.vst3/Contents");
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::write(inside.join("Unspill.so"), "vst3").unwrap();
        let folder_path = folder.path().join("a b");
        fs::write(folder_path.join("Unspill.clap"), "clap").unwrap();
        fs::write(folder_path.join("unspill"), "program").unwrap();
        Package::for_this_system(false).unwrap().add_texts(&folder_path).unwrap();
        folder
    }

    /// Runs the installer from another folder than its own.
    fn run(folder: &Path, arguments: &[&str], destination: Option<&Path>) -> Output {
        let mut command = Command::new(folder.join("a b/install.sh"));
        command.args(arguments).current_dir("/");
        command.env("HOME", folder.join("home"));
        if let Some(destination) = destination {
            command.env("DESTDIR", destination);
        }
        command.output().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let path = |path: PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        let mut names: Vec<String> = files_in(folder).unwrap().into_iter().map(path).collect();
        names.sort();
        names
    }

    #[test]
    fn the_users_installation_is_removed_without_a_trace() {
        let folder = unpacked();
        let home = folder.path().join("home");
        for _ in 0..2 {
            let output = run(folder.path(), &[], None);
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let program = home.join(".local/bin/unspill");
            assert!(text.contains(&format!("installed {}\n", program.display())), "{text}");
            assert_eq!(fs::read_to_string(program).unwrap(), "program");
            assert_eq!(names(&home).len(), 3, "{:?}", names(&home));
        }
        let output = run(folder.path(), &[UNINSTALL], None);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(home.read_dir().unwrap().count(), 0);
        assert_eq!(run(folder.path(), &[UNINSTALL], None).stdout, b"", "nothing is left to remove");
    }

    #[test]
    fn other_plugins_stay() {
        let folder = unpacked();
        let home = folder.path().join("home");
        let other = if cfg!(target_os = "macos") {
            home.join("Library/Audio/Plug-Ins/CLAP/Other.clap")
        } else {
            home.join(".clap/Other.clap")
        };
        fs::create_dir_all(other.parent().unwrap()).unwrap();
        fs::write(&other, "other").unwrap();
        run(folder.path(), &[], None);
        run(folder.path(), &[UNINSTALL], None);
        assert_eq!(files_in(&home).unwrap(), [other]);
    }

    #[test]
    fn the_installation_for_all_users_keeps_to_its_root() {
        let folder = unpacked();
        let root = folder.path().join("root");
        let output = run(folder.path(), &[SYSTEM], Some(&root));
        assert!(output.status.success(), "{output:?}");
        let found = names(&root);
        assert!(found.contains(&"usr/local/bin/unspill".to_owned()), "{found:?}");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(names(&folder.path().join("home")).is_empty());
        run(folder.path(), &[SYSTEM, UNINSTALL], Some(&root));
        assert!(names(&root).is_empty());
    }

    #[test]
    fn an_unknown_option_installs_nothing() {
        let folder = unpacked();
        let output = run(folder.path(), &["--sytem"], None);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("error: unknown option --sytem\n"), "{text}");
        assert!(names(&folder.path().join("home")).is_empty());
    }
}
