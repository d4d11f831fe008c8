//! The licences in a package: those of all libraries, of the typeface and of the training data.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::shell;

/// Command that installs the tool that collects the licences.
const INSTALL: &str = "cargo install --locked cargo-about --features cli";

/// Packages whose binaries are in the archive.
const PACKAGES: [&str; 2] = ["plugin", "unspill"];

/// Writes all licences to `folder`.
///
/// # Errors
///
/// If cargo-about is missing or finds a library without an allowed licence, or if a file cannot be
/// read or written.
pub(super) fn write(folder: &Path, targets: &[&str]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let root = shell::root();
    for (from, to) in files_of_others(&root)? {
        let to = folder.join(to);
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let mut version = shell::cargo("about");
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = version.status().is_ok_and(|status| status.success());
    ensure!(is_there, "cargo-about is missing, which collects the licences: run `{INSTALL}`");
    let settings = tempfile::tempdir().context("cannot make a folder")?;
    let settings = settings.path().join("about.toml");
    let deny = fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    fs::write(&settings, about_toml(&deny, targets)?).context("cannot write about.toml")?;
    for package in PACKAGES {
        let manifest = manifest(&root, package);
        eprintln!("collecting the licences of the libraries of {package}");
        let mut about = shell::cargo("about");
        // Answers from the internet could change; the archive depends on the files alone.
        about.args(["generate", "--fail", "--offline", "--manifest-path"]).arg(manifest);
        about.arg("--config").arg(&settings);
        about.arg("--output-file").arg(folder.join(format!("libraries-{package}.txt")));
        about.arg(root.join("xtask/packaging/licences.hbs"));
        // Exceptions of deny.toml that a package does not need cause warnings, which mean nothing.
        let output = about.stdin(Stdio::null()).output().context("cannot start cargo-about")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo-about failed for {package}: {}", errors.trim());
    }
    Ok(())
}

fn manifest(root: &Path, package: &str) -> PathBuf {
    root.join(package).join("Cargo.toml")
}

/// Returns the files about fonts and the embedded models, with their names in the package.
fn files_of_others(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = vec![(root.join("assets/fonts/OFL.md"), "typeface.md".to_owned())];
    for model in embedded(&fs::read_to_string(root.join("models/src/lib.rs"))?) {
        for file in ["card.toml", "DATA.md"] {
            files.push((root.join("models").join(&model).join(file), format!("{model}-{file}")));
        }
    }
    ensure!(files.len() > 1, "found no embedded model in models/src/lib.rs");
    Ok(files)
}

/// Returns the folders of the embedded models, as the source of `models` names them.
fn embedded(source: &str) -> Vec<String> {
    let after = source.split("folder!(\"").skip(1);
    after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// Returns the settings of cargo-about: the licences of `deny.toml` for these targets.
fn about_toml(deny: &str, targets: &[&str]) -> Result<String> {
    let deny: toml::Table = deny.parse().context("cannot parse deny.toml")?;
    let licences = deny.get("licenses").context("deny.toml has no licences")?;
    let list = |value: Option<&toml::Value>| {
        let names: Option<Vec<&str>> = value?.as_array()?.iter().map(toml::Value::as_str).collect();
        // TOML and Rust write a list of plain names in the same way.
        names.map(|names| format!("{names:?}"))
    };
    let allow = list(licences.get("allow")).context("deny.toml allows no licences")?;
    let mut text = format!(
        "accepted = {allow}\ntargets = {targets:?}\nignore-build-dependencies = true\n\
         ignore-dev-dependencies = true\nprivate = {{ ignore = true }}\n"
    );
    let exceptions = licences.get("exceptions").and_then(toml::Value::as_array);
    for exception in exceptions.into_iter().flatten() {
        let name = exception.get("crate").and_then(toml::Value::as_str);
        let (name, allow) = name
            .zip(list(exception.get("allow")))
            .context("an exception in deny.toml has no `crate` or `allow`")?;
        write!(text, "[{name}]\naccepted = {allow}\n")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_allow_the_licences_of_deny_toml() {
        let deny = "[licenses]\nallow = [\"MIT\", \"Zlib\"]\n[[licenses.exceptions]]\n\
                    crate = \"colored\"\nallow = [\"MPL-2.0\"]\n";
        let text = about_toml(deny, &["x86_64-unknown-linux-gnu"]).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let names = |value: &toml::Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&table["accepted"]), ["MIT", "Zlib"]);
        assert_eq!(names(&table["targets"]), ["x86_64-unknown-linux-gnu"]);
        assert_eq!(names(&table["colored"]["accepted"]), ["MPL-2.0"]);
        assert!(about_toml("[graph]", &[]).is_err());
    }

    #[test]
    fn fonts_and_models_come_with_their_licences_and_sources() {
        let files = files_of_others(&shell::root()).unwrap();
        assert!(files.iter().all(|(file, _)| file.is_file()), "{files:?}");
        let names: Vec<&str> = files.iter().map(|(_, name)| name.as_str()).collect();
        assert!(names.contains(&"typeface.md"), "{names:?}");
        assert!(names.iter().any(|name| name.ends_with("-DATA.md")), "{names:?}");
        let source = "// folder!(no)\n[folder!(\"a-1\", \"x\"), folder!(\"b-2\", \"y\")]";
        assert_eq!(embedded(source), ["a-1", "b-2"]);
    }
}
