//! Random mutations of bytes.

use crate::random::Random;

/// Longest mutated input in bytes.
pub(crate) const MOST_BYTES: usize = 1 << 17;

/// Numbers that readers often mishandle.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    7,
    8,
    16,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FF0_0000_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Numbers in text that readers often mishandle.
const TEXT_NUMBERS: [&str; 16] = [
    "0",
    "-0.0",
    "-1",
    "1",
    "0.5",
    "nan",
    "inf",
    "-inf",
    "1e-320",
    "1e308",
    "1e999",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1000000000000",
];

/// Changes `bytes` in one to four places; `other` is another input to copy parts from.
pub(crate) fn mutate(bytes: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut Random) {
    // One change in most cases: two at once are rarely accepted.
    let changes = 1 + random.below(8).saturating_sub(4);
    for _ in 0..changes {
        change(bytes, other, words, random);
    }
    bytes.truncate(MOST_BYTES);
}

fn change(bytes: &mut Vec<u8>, other: &[u8], words: &[&[u8]], random: &mut Random) {
    let length = bytes.len();
    let at = random.below(length + 1);
    let rest = length - at;
    match random.below(13) {
        0 if rest > 0 => bytes[at] ^= 1 << random.below(8),
        1 if rest > 0 => bytes[at] = random.byte(),
        2 | 3 => put_number(bytes, at, random),
        4 => bytes.truncate(at),
        5 => {
            let end = at + short(rest, random);
            bytes.drain(at..end);
        }
        6 => {
            let part = bytes[at..at + short(rest, random)].to_vec();
            let times = 1 + random.below(4);
            let to = random.below(length + 1);
            bytes.splice(to..to, part.repeat(times));
        }
        7 => {
            let from = random.below(other.len() + 1);
            let part = &other[from..from + short(other.len() - from, random)];
            bytes.splice(at..at, part.iter().copied());
        }
        8 => {
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        9 => {
            let part: Vec<u8> = (0..=random.below(8)).map(|_| random.byte()).collect();
            bytes.splice(at..at, part);
        }
        10 => {
            let word = random.pick(words).unwrap_or_default();
            let replaced = if random.below(2) == 0 { word.len().min(rest) } else { 0 };
            bytes.splice(at..at + replaced, word.iter().copied());
        }
        11 | 12 => change_text_number(bytes, at, random),
        _ => {}
    }
}

/// Returns a random length up to `most`; short lengths are more likely.
fn short(most: usize, random: &mut Random) -> usize {
    let bits = random.below(17);
    random.below(1 << bits).min(most)
}

/// Overwrites 1 to 8 bytes with a number: one of [`EDGES`], or one near the present value.
fn put_number(bytes: &mut [u8], at: usize, random: &mut Random) {
    let width = (1 << random.below(4)).min(bytes.len() - at);
    let place = &mut bytes[at..at + width];
    let is_big = random.below(2) == 0;
    let mut number = [0; 8];
    if random.below(3) == 0 {
        number[..width].copy_from_slice(place);
        if is_big {
            number[..width].reverse();
        }
        let near = u64::from_le_bytes(number).wrapping_add(random.next() % 17).wrapping_sub(8);
        number = near.to_le_bytes();
    } else {
        number = EDGES[random.below(EDGES.len())].to_le_bytes();
    }
    place.copy_from_slice(&number[..width]);
    if is_big {
        place.reverse();
    }
}

/// Replaces the first number in the text after `at`.
fn change_text_number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(skipped) = bytes[at..].iter().position(u8::is_ascii_digit) else { return };
    let start = at + skipped;
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let length = bytes[start..].iter().take_while(is_part).count();
    let text = TEXT_NUMBERS[random.below(TEXT_NUMBERS.len())];
    bytes.splice(start..start + length, text.bytes());
}
