//! The words of a name.

/// Returns the words of a name in lower case. A word ends at a character that is no letter, between
/// letters and digits, and before a capital after a small letter. The ending of a sound file and a
/// number at the front, also after a word like "mic", count as no words.
pub(crate) fn of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    for c in without_ending(name).chars() {
        let starts = !last.is_alphanumeric()
            || last.is_numeric() != c.is_numeric()
            || (last.is_lowercase() && c.is_uppercase());
        if c.is_alphanumeric() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        last = c;
    }
    // "03_SnareDown", "1-04 Kick", "mic2_tom": the place in a list.
    let is_number = |word: &String| word.chars().all(char::is_numeric);
    let first = words.iter().position(|word| !is_number(word)).unwrap_or(0);
    words.drain(..first);
    if let [word, number, _, ..] = words.as_slice()
        && PLACES.contains(&word.as_str())
        && is_number(number)
    {
        words.drain(..2);
    }
    words
}

/// Words that are followed by a place in a list.
const PLACES: [&str; 7] = ["mic", "track", "trk", "ch", "chan", "channel", "input"];

fn without_ending(name: &str) -> &str {
    const ENDINGS: [&str; 6] = [".wav", ".flac", ".aif", ".aiff", ".caf", ".bwf"];
    let is_ending = |ending: &&&str| {
        let from = name.len().checked_sub(ending.len());
        from.and_then(|from| name.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    ENDINGS.iter().find(is_ending).map_or(name, |ending| &name[..name.len() - ending.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_marks_digits_and_capitals() {
        assert_eq!(of("03_SnareDown.wav"), ["snare", "down"]);
        assert_eq!(of("1-04 Kick-In"), ["kick", "in"]);
        assert_eq!(of("OH L"), ["oh", "l"]);
        assert_eq!(of("mic2_tom.flac"), ["tom"]);
        assert_eq!(of("Ch 12 - Kick In"), ["kick", "in"]);
        assert_eq!(of("Mic 3"), ["mic", "3"]);
        assert_eq!(of("SM57 Gtr2"), ["sm", "57", "gtr", "2"]);
        assert_eq!(of("Größe.FLAC"), ["größe"]);
        assert_eq!(of("12"), ["12"]);
        assert_eq!(of(" - "), [""; 0]);
        assert_eq!(of(".wav"), [""; 0]);
    }
}
