//! Checks the licences of all dependencies against `deny.toml`: a part of `cargo deny` that needs
//! no installation.

use std::collections::BTreeSet;
use std::process::Command;

use spdx::{Expression, ParseMode};

use crate::repository::{root, table};

/// Returns the licences that `deny.toml` allows, as SPDX names.
fn allowed() -> Vec<String> {
    let deny = table("deny.toml");
    let names = deny["licenses"]["allow"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Returns true if the SPDX expression is satisfied by allowed licences alone.
fn may_be_used(licence: &str, allowed: &[String]) -> bool {
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else { return false };
    expression.evaluate(|wanted| allowed.contains(&wanted.to_string()))
}

/// Returns the licences that `deny.toml` also allows for single packages: package and SPDX name.
fn exceptions() -> Vec<(String, String)> {
    let deny = table("deny.toml");
    let exceptions = deny["licenses"].get("exceptions").and_then(toml::Value::as_array);
    let mut found = Vec::new();
    for exception in exceptions.into_iter().flatten() {
        let name = exception["crate"].as_str().unwrap();
        for licence in exception["allow"].as_array().unwrap() {
            found.push((name.to_owned(), licence.as_str().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // For all systems and all kinds of dependency; without the lab's optional devices,
    // like `deny.toml`.
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--target", "all", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Cargo marks repeated packages with `(*)`.
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages: BTreeSet<&str> = lines.filter(|line| line.contains('|')).collect();
    assert!(packages.len() > 300, "only {} packages", packages.len());
    let (allowed, exceptions) = (allowed(), exceptions());
    let refused: Vec<&&str> = packages
        .iter()
        .filter(|line| {
            let (package, licence) = line.rsplit_once('|').unwrap();
            let name = package.split(' ').next();
            let mut allowed = allowed.clone();
            let own = exceptions.iter().filter(|(of, _)| Some(of.as_str()) == name);
            allowed.extend(own.map(|(_, licence)| licence.clone()));
            !may_be_used(licence, &allowed)
        })
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml: {refused:#?}");
}

#[test]
fn licences_are_weighed_as_they_are_written() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    for fine in ["MIT", "MIT OR GPL-3.0", "MIT/Apache-2.0", "(MIT OR MPL-2.0) AND Apache-2.0"] {
        assert!(may_be_used(fine, &allowed), "{fine}");
    }
    assert!(may_be_used("Apache-2.0 WITH LLVM-exception", &allowed));
    for not in ["GPL-3.0", "MIT AND MPL-2.0", "", "no licence at all"] {
        assert!(!may_be_used(not, &allowed), "{not}");
    }
}
