//! Reads the files and packages of the repository.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// One of the project's packages.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Names of the dependencies of the package itself and of its build script.
    pub(crate) dependencies: Vec<String>,
    /// Names of the dependencies of its tests, benches and examples.
    pub(crate) dev_dependencies: Vec<String>,
    /// Path of the manifest, relative to the workspace's folder.
    pub(crate) manifest: String,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Returns a file's text; the path is relative to the workspace's folder.
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns a TOML file as a table.
pub(crate) fn table(file: &str) -> toml::Table {
    read(file).parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns a file's SHA-256 as hexadecimal digits.
pub(crate) fn hash_of(file: &str) -> String {
    let bytes = fs::read(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the paths of the repository's files with this ending, without build outputs.
pub(crate) fn tracked_files(ending: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                // Hidden folders hold data of tools, or the script in `.ci`.
                if name != "target" && !name.starts_with('.') && name != "__pycache__" {
                    folders.push(path);
                }
            } else if name.ends_with(ending) && !name.starts_with('.') {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Returns the members of the workspace as reported by cargo.
pub(crate) fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let folder = format!("{}/", text(&metadata["workspace_root"]));
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let is_dev = |dependency: &&Value| dependency["kind"] == "dev";
            let all = package["dependencies"].as_array().unwrap().iter();
            let (dev, normal): (Vec<&Value>, Vec<&Value>) = all.partition(is_dev);
            let names = |of: Vec<&Value>| of.iter().map(|one| text(&one["name"])).collect();
            Package {
                name: text(&package["name"]),
                dependencies: names(normal),
                dev_dependencies: names(dev),
                manifest: text(&package["manifest_path"]).strip_prefix(&folder).unwrap().to_owned(),
            }
        })
        .collect()
}
