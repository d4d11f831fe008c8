//! Lines and words of a REAPER project, as places in its bytes.

use std::ops::Range;

/// One line of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Number of the line, from 1.
    pub(super) number: usize,
    /// The line's text, without the spaces around it and without its end.
    pub(super) text: Range<usize>,
    pub(super) kind: Kind,
}

/// The part of a line in the nesting of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `<NAME …`: opens a chunk.
    Open,
    /// `>`: closes the innermost chunk.
    Close,
    /// Any other line: a key with values, or data.
    Entry,
}

/// Returns the lines that are not blank.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    let mut at = 0;
    let mut number = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let rest = &bytes[at..];
            let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            let start = at + (length - rest[..length].trim_ascii_start().len());
            let end = start + bytes[start..at + length].trim_ascii_end().len();
            at += length + 1;
            number += 1;
            let kind = match &bytes[start..end] {
                [] => continue,
                [b'>'] => Kind::Close,
                [b'<', ..] => Kind::Open,
                _ => Kind::Entry,
            };
            return Some(Line { number, text: start..end, kind });
        }
        None
    })
}

/// One word of a line: a name, a number or a quoted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Place of the word with its quotes.
    pub(super) whole: Range<usize>,
    /// Place of the text between the quotes.
    pub(super) text: Range<usize>,
}

/// Returns the words in this part of `bytes`. A quote (`"`, `'` or a backtick) at the start of a
/// word extends it to the next quote of the same kind, or to the end.
pub(super) fn words(bytes: &[u8], part: Range<usize>) -> impl Iterator<Item = Word> {
    let mut at = part.start;
    std::iter::from_fn(move || {
        at += bytes[at..part.end].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = *bytes[at..part.end].first()?;
        let is_quoted = matches!(first, b'"' | b'\'' | b'`');
        let start = at + usize::from(is_quoted);
        let is_end =
            |byte: &u8| if is_quoted { *byte == first } else { byte.is_ascii_whitespace() };
        let found = bytes[start..part.end].iter().position(is_end);
        let end = found.map_or(part.end, |length| start + length);
        let whole = at..end + usize::from(is_quoted && found.is_some());
        at = whole.end;
        Some(Word { whole, text: start..end })
    })
}

/// Returns `text` in quotes that it does not contain; `None` if it contains all three kinds, or a
/// line break.
pub(super) fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    if text.contains(&b'\n') || text.contains(&b'\r') {
        return None;
    }
    let quote = [b'"', b'\'', b'`'].into_iter().find(|quote| !text.contains(quote))?;
    Some([&[quote], text, &[quote]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &[u8]) -> Vec<&[u8]> {
        words(line, 0..line.len()).map(|word| &line[word.text]).collect()
    }

    #[test]
    fn lines_have_kinds_numbers_and_places() {
        let bytes = b"<A 1\r\n\n  KEY \xff x \r\n  <B\n\t>\n>";
        let found: Vec<(usize, &[u8], Kind)> =
            lines(bytes).map(|line| (line.number, &bytes[line.text], line.kind)).collect();
        let expected: [(usize, &[u8], Kind); 5] = [
            (1, b"<A 1", Kind::Open),
            (3, b"KEY \xff x", Kind::Entry),
            (4, b"<B", Kind::Open),
            (5, b">", Kind::Close),
            (6, b">", Kind::Close),
        ];
        assert_eq!(found, expected);
        assert_eq!(lines(b"").count() + lines(b" \r\n\r\n").count(), 0);
    }

    #[test]
    fn words_end_at_spaces_or_at_their_own_quote() {
        assert_eq!(texts(b"FILE \"a b's.wav\" 1"), [&b"FILE"[..], b"a b's.wav", b"1"]);
        assert_eq!(texts(b"NAME 'say \"hi\"' ``"), [&b"NAME"[..], b"say \"hi\"", b""]);
        assert_eq!(texts(b"NAME \"open"), [&b"NAME"[..], b"open"]);
        assert_eq!(texts(b"NAME \""), [&b"NAME"[..], b""]);
        assert_eq!(texts(b" \t"), [&b""[..]; 0]);
        let line = b"FILE \"a\" 1";
        let places: Vec<Word> = words(line, 0..line.len()).collect();
        assert_eq!(places[1], Word { whole: 5..8, text: 6..7 });
    }

    #[test]
    fn quotes_are_those_that_the_text_lacks() {
        assert_eq!(quoted(b"a b").unwrap(), b"\"a b\"");
        assert_eq!(quoted(b"a\"").unwrap(), b"'a\"'");
        assert_eq!(quoted(b"a\"'").unwrap(), b"`a\"'`");
        assert_eq!(quoted(b"\"'`"), None);
        assert_eq!(quoted(b"a\nb"), None);
    }
}
