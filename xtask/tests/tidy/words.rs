//! Finds identifiers in Rust code and splits them into words.

/// Returns the identifiers in a line of code, without comments and strings.
pub(crate) fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    // Every second piece is inside quotes; a string over several lines is a rare false alarm.
    code.split('"').step_by(2).flat_map(|piece| {
        piece.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
    })
}

/// Returns true if one of the identifier's words is "frame" or "frames".
pub(crate) fn says_frame(identifier: &str) -> bool {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && previous_is_lower) {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        previous_is_lower = c.is_lowercase();
    }
    words.iter().any(|word| word == "frame" || word == "frames")
}

#[test]
fn frames_are_found_in_identifiers_only() {
    let found = |line| identifiers(line).any(says_frame);
    for line in ["let num_frames = 3;", "struct AudioFrame;", "FRAME_SIZE", "x.frame()"] {
        assert!(found(line), "{line}");
    }
    for line in ["// one frame", "framework::new()", "\"frame\"", "let x = 3; // frames", "reframe"]
    {
        assert!(!found(line), "{line}");
    }
}
