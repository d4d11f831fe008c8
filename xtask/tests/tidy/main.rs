//! Checks of the repository that the compiler does not make.

#![cfg(test)]

mod licences;
mod lines;
mod repository;
mod words;

use std::collections::BTreeSet;

use repository::{Package, hash_of, packages, read, table, tracked_files};

#[test]
fn every_source_file_says_in_its_first_line_what_it_is_for() {
    let files = tracked_files(".rs");
    assert!(files.len() > 20, "only {} files found", files.len());
    let silent: Vec<_> = files
        .iter()
        .filter(|file| {
            let text = read(file);
            let first = text.lines().next().unwrap_or_default();
            !first.starts_with("//! ") || first.len() < 10
        })
        .collect();
    assert!(silent.is_empty(), "without `//!` in their first line: {silent:?}");
}

/// Allowed dependencies of each package of the project; a package depends only on earlier ones.
const ALLOWED: [(&str, &[&str]); 16] = [
    (TEST_SIGNALS, &[]),
    (TEST_MEMORY, &[]),
    (TEST_SYSCALLS, &[]),
    ("engine", &[]),
    ("models", &["engine"]),
    ("link", &["engine", "models"]),
    ("micnames", &[]),
    ("audiofile", &[]),
    ("sessioncheck", &["audiofile"]),
    ("unspill", &["engine", "micnames", "models", "audiofile", "sessioncheck"]),
    ("host", &["audiofile", "sessioncheck"]),
    ("xtask", &[]),
    ("plugin", &["engine", "link", "micnames", "models"]),
    ("lab", &["engine", "models", "audiofile", "sessioncheck", "unspill"]),
    ("fuzz", &[TEST_MEMORY, "engine", "models", "plugin", "lab", "audiofile"]),
    ("tests", &[TEST_SIGNALS, "engine", "models", "audiofile", "host", "lab", "link", "plugin"]),
];

// Every package may use these in its tests, benches and examples.
const TEST_SIGNALS: &str = "test-signals";
const TEST_MEMORY: &str = "test-memory";
const TEST_SYSCALLS: &str = "test-syscalls";

fn allowed_for(package: &str) -> &'static [&'static str] {
    let entry = ALLOWED.iter().find(|(name, _)| *name == package);
    entry.unwrap_or_else(|| panic!("say in this test what {package} may depend on")).1
}

fn forbidden(packages: &[Package]) -> Vec<String> {
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut found = Vec::new();
    for package in packages {
        let for_tests = [TEST_SIGNALS, TEST_MEMORY, TEST_SYSCALLS];
        let is_for_tests = |name: &&String| for_tests.contains(&name.as_str());
        let dev = package.dev_dependencies.iter().filter(|name| !is_for_tests(name));
        for dependency in package.dependencies.iter().chain(dev) {
            let is_ours = names.contains(dependency.as_str());
            if is_ours && !allowed_for(&package.name).contains(&dependency.as_str()) {
                found.push(format!("{} -> {dependency}", package.name));
            }
        }
    }
    found
}

#[test]
fn dependencies_point_in_one_direction() {
    let mut packages = packages();
    assert_eq!(packages.len(), ALLOWED.len(), "{packages:?}");
    assert_eq!(forbidden(&packages), Vec::<String>::new());
    // Tests the check itself.
    let plugin = packages.iter_mut().find(|package| package.name == "plugin").unwrap();
    plugin.dependencies.push(TEST_SIGNALS.to_owned());
    plugin.dev_dependencies.push("lab".to_owned());
    assert_eq!(forbidden(&packages), ["plugin -> test-signals", "plugin -> lab"]);
}

#[test]
fn every_dependency_comes_from_the_registry() {
    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    for package in packages {
        let source = package.get("source").and_then(toml::Value::as_str);
        assert!(source.is_none_or(|source| source == REGISTRY), "{package:?}");
    }
}

#[test]
fn every_package_keeps_the_house_lints() {
    for package in packages() {
        let manifest = table(&package.manifest);
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(toml::Value::as_bool), Some(true), "{}", package.name);
    }
}

#[test]
fn the_engine_never_says_frame() {
    let mut found = Vec::new();
    for file in tracked_files(".rs").iter().filter(|file| file.starts_with("engine/")) {
        for (number, line) in (1..).zip(read(file).lines()) {
            if words::identifiers(line).any(words::says_frame) {
                found.push(format!("{file}:{number}: {line}"));
            }
        }
    }
    assert!(found.is_empty(), "say sample, hop, window or block:\n{}", found.join("\n"));
}

#[test]
fn every_asset_has_its_provenance() {
    let listed = table("assets/PROVENANCE.toml");
    let assets = listed.get("asset").and_then(toml::Value::as_array).unwrap();
    let text = |asset: &toml::Value, key: &str| {
        let value = asset.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        assert!(!value.is_empty(), "no {key}: {asset:?}");
        value
    };
    let mut known = BTreeSet::new();
    for asset in assets {
        for key in ["author", "source", "licence"] {
            text(asset, key);
        }
        let file = format!("assets/{}", text(asset, "file"));
        assert_eq!(hash_of(&file), text(asset, "sha256"), "{file}");
        known.insert(file);
    }
    let is_text = |file: &&String| file.ends_with(".md") || file.ends_with(".toml");
    for file in tracked_files("").iter().filter(|file| file.starts_with("assets/")) {
        assert!(known.contains(file) || is_text(&file), "{file} is not in PROVENANCE.toml");
    }
}

#[test]
fn every_model_has_its_card() {
    let files = tracked_files("");
    let in_models = files.iter().filter_map(|file| file.strip_prefix("models/"));
    let folders: BTreeSet<&str> =
        in_models.filter_map(|file| file.split_once('/')).map(|(folder, _)| folder).collect();
    let released: Vec<&str> = folders
        .into_iter()
        .filter(|folder| !["src", "examples", "tests"].contains(folder))
        .collect();
    assert!(!released.is_empty(), "no model is released");
    for folder in released {
        let card = table(&format!("models/{folder}/card.toml"));
        let text = |key: &str| {
            card.get(key).and_then(toml::Value::as_str).unwrap_or_else(|| panic!("{folder}: {key}"))
        };
        assert_eq!(folder, format!("{}-{}", text("id"), text("version")));
        let weights = text("weights");
        let hash = hash_of(&format!("models/{folder}/{weights}"));
        assert_eq!(hash, text("sha256"), "{folder}");
        assert_eq!(weights, format!("{folder}-{}.safetensors", &hash[..8]));
        for key in ["architecture", "data", "licence"] {
            assert!(!text(key).is_empty(), "{folder}: {key}");
        }
    }
}

/// Checks that the packages that multiply matrices for the network have no dependency on rayon,
/// which would spread the work over all processors.
#[test]
fn the_network_keeps_to_its_own_thread() {
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    let name = |package: &toml::Value| package["name"].as_str().unwrap().to_owned();
    let mut seen = 0;
    for package in packages {
        if name(package) == "burn-flex" || name(package).starts_with("gemm") {
            seen += 1;
            let dependencies = package["dependencies"].as_array().unwrap();
            let threads = dependencies.iter().any(|d| d.as_str().unwrap().starts_with("rayon"));
            assert!(!threads, "{} was given threads by somebody's features", name(package));
        }
    }
    assert!(seen > 2, "the network's packages have other names now");
}
