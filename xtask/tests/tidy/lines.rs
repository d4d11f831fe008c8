//! Finds lines that are too wide, and comments that begin with a noun clause.

use crate::repository::{read, tracked_files};

/// Largest width of a line, in characters. `rustfmt` breaks neither comments nor literals.
const WIDTH: usize = 100;
/// Comments that may still begin with a noun clause. Lower it with every one that is reworded.
const NOUN_CLAUSES: usize = 2;
const OPENINGS: [&str; 8] = ["What", "How", "Whether", "Who", "Where", "That", "Which", "When"];

/// Returns the text of a line that holds nothing but a comment.
fn comment(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("//")?;
    Some(text.trim_start_matches(['/', '!']).trim())
}

fn is_too_wide(line: &str) -> bool {
    line.chars().count() > WIDTH
}

fn begins_with_a_noun_clause(line: &str) -> bool {
    comment(line).is_some_and(|text| {
        let first = text.split(' ').next().unwrap_or_default();
        OPENINGS.contains(&first) && !text.ends_with('?')
    })
}

fn all(is_found: fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in tracked_files(".rs") {
        for (index, _) in read(&file).lines().enumerate().filter(|(_, line)| is_found(line)) {
            found.push(format!("{file}:{}", index + 1));
        }
    }
    found
}

#[test]
fn lines_end_at_100_columns() {
    assert!(is_too_wide(&format!("    /// {}", "x".repeat(93))));
    assert!(!is_too_wide(&format!("    /// {}", "é".repeat(92))));
    assert!(is_too_wide(&format!("    let x = \"{}\";", "x".repeat(86))));
    assert_eq!(all(is_too_wide), Vec::<String>::new());
}

#[test]
fn comments_begin_with_the_thing_that_they_describe() {
    assert!(begins_with_a_noun_clause("/// How long is waited"));
    assert!(!begins_with_a_noun_clause("/// However long"));
    assert!(!begins_with_a_noun_clause("let x = \"What is this\";"));
    let found = all(begins_with_a_noun_clause);
    assert!(found.len() <= NOUN_CLAUSES, "{found:?}");
}
