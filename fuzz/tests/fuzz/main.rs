//! Fuzzes every reader of external data: `cargo xtask fuzz`.

#![cfg(test)]

mod audio;
mod configs;
mod learned;
mod model;
mod state;

/// Returns the contents of all files with this ending in a folder of the repository and
/// its subfolders.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut folders, mut paths) = (vec![root.join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                paths.push(path);
            }
        }
    }
    // The order of directory entries is unspecified.
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has no {ending}");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Returns the contents of a file of the repository.
fn file(path: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
