//! Values as 64-bit numbers, for shared memory.

use super::layout::TEXT_LONGS;

/// Longest text in bytes.
const TEXT_BYTES: usize = TEXT_LONGS * size_of::<u64>();

/// Returns a number as its lower and its upper half.
#[allow(clippy::cast_possible_truncation, reason = "one half each")]
pub(super) fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// Returns the number of [`halves`].
pub(super) fn joined(low: u64, high: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// Returns a text in UTF-8, filled with zeros. A longer text is cut at the end of a character.
pub(super) fn from_text(text: &str) -> [u64; TEXT_LONGS] {
    let cut = text.floor_char_boundary(TEXT_BYTES);
    let mut bytes = [0; TEXT_BYTES];
    bytes[..cut].copy_from_slice(&text.as_bytes()[..cut]);
    let mut longs = [0; TEXT_LONGS];
    for (to, from) in longs.iter_mut().zip(bytes.as_chunks().0) {
        *to = u64::from_le_bytes(*from);
    }
    longs
}

/// Returns the text before the first zero. Bytes that are no text are replaced.
pub(super) fn to_text(longs: &[u64]) -> String {
    let bytes: Vec<u8> = longs.iter().flat_map(|long| long.to_le_bytes()).collect();
    let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back_and_long_texts_are_cut_at_a_character() {
        let number = 7 << 100 | 9;
        let [low, high] = halves(number);
        assert_eq!(joined(low, high), number);
        for (text, expected) in [
            (String::new(), String::new()),
            ("Überkopf links".into(), "Überkopf links".into()),
            (format!("a{}", "é".repeat(40)), format!("a{}", "é".repeat(31))),
            ("é".repeat(32), "é".repeat(32)),
        ] {
            assert_eq!(to_text(&from_text(&text)), expected);
        }
        assert_eq!(to_text(&[u64::MAX; TEXT_LONGS]), "\u{fffd}".repeat(64));
    }
}
