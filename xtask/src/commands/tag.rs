//! `cargo xtask check-tag`: a tag names the version that the repository and its changelog have.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::shell;

/// Checks that `tag` is `v` and the version, and that the changelog has a dated section for it.
///
/// # Errors
///
/// If it is not so; the error names the remedy.
pub(crate) fn check_tag(tag: &str) -> Result<()> {
    let changelog = fs::read_to_string(shell::root().join("CHANGELOG.md"))
        .context("cannot read the changelog")?;
    check(tag, env!("CARGO_PKG_VERSION"), &changelog)
}

fn check(tag: &str, version: &str, changelog: &str) -> Result<()> {
    ensure!(
        tag == format!("v{version}"),
        "tag {tag}: Cargo.toml has version {version}; the tag must be v{version}"
    );
    let heading = format!("## [{version}] - ");
    let date = changelog.lines().find_map(|line| line.strip_prefix(&heading));
    ensure!(
        date.is_some_and(is_date),
        "tag {tag}: CHANGELOG.md has no heading `{heading}YYYY-MM-DD`"
    );
    Ok(())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let is_number = |part: &&str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())
    };
    matches!(parts.as_slice(), [year, month, day]
        if is_number(year, 4) && is_number(month, 2) && is_number(day, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_fits_the_version_and_a_dated_heading() {
        let changelog = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2027-01-31\n";
        check("v1.2.0", "1.2.0", changelog).unwrap();
        for (tag, version, changelog, part) in [
            ("v1.2.1", "1.2.0", changelog, "the tag must be v1.2.0"),
            ("1.2.0", "1.2.0", changelog, "the tag must be v1.2.0"),
            ("v1.3.0", "1.3.0", changelog, "no heading `## [1.3.0] - YYYY-MM-DD`"),
            ("v1.2.0", "1.2.0", "## [1.2.0] - soon\n", "no heading"),
        ] {
            let line = check(tag, version, changelog).unwrap_err().to_string();
            assert!(line.contains(part), "{line}");
        }
    }
}
