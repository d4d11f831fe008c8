//! Random ids of segments, and the file names that contain them.

use std::fmt;
use std::io;

/// Version of the layout of segments. Instances of different formats do not see each other.
pub const FORMAT: u32 = 2;

/// Random id of a segment, which is part of its file name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u128);

impl SegmentId {
    /// Draws an id from the system's random numbers, which differ also in a forked process.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_ne_bytes(bytes)))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentId({self})")
    }
}

/// State of a segment according to its file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The owner is writing the file.
    Partial,
    /// Readers may open the file.
    Complete,
}

/// File name of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) format: u32,
    pub(super) id: SegmentId,
    pub(super) stage: Stage,
}

impl Name {
    /// Returns the name in this version's format.
    pub(super) fn new(id: SegmentId, stage: Stage) -> Self {
        Self { format: FORMAT, id, stage }
    }

    /// Returns the segment with this file name; `None` if the name is no segment's name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text_format, rest) = text.strip_prefix("unspill-")?.split_once('-')?;
        let (digits, extension) = rest.split_once('.')?;
        let name = Self {
            format: text_format.parse().ok()?,
            id: SegmentId(u128::from_str_radix(digits, 16).ok()?),
            stage: match extension {
                "part" => Stage::Partial,
                "link" => Stage::Complete,
                _ => return None,
            },
        };
        // One segment has one name: no capitals, signs, or missing or additional zeros.
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extension = match self.stage {
            Stage::Partial => "part",
            Stage::Complete => "link",
        };
        write!(f, "unspill-{}-{}.{extension}", self.format, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_contains_format_id_and_stage() {
        let name = Name::new(SegmentId(0xab), Stage::Complete);
        assert_eq!(name.to_string(), "unspill-2-000000000000000000000000000000ab.link");
        let partial = Name { format: 70, id: SegmentId(u128::MAX), stage: Stage::Partial };
        assert_eq!(partial.to_string(), format!("unspill-70-{}.part", "f".repeat(32)));
        for name in [name, partial] {
            assert_eq!(Name::parse(&name.to_string()), Some(name));
        }
    }

    #[test]
    fn other_names_are_no_segments() {
        let zeros = "0".repeat(32);
        assert!(Name::parse(&format!("unspill-2-{zeros}.link")).is_some());
        for text in [
            String::new(),
            "unspill-2-.link".to_owned(),
            format!("unspill-2-{zeros}"),
            format!("unspill-2-{zeros}.lin"),
            format!("unspill-2-{zeros}.link.link"),
            format!("Unspill-2-{zeros}.link"),
            format!("unspill-01-{zeros}.link"),
            format!("unspill-+1-{zeros}.link"),
            format!("unspill--2-{zeros}.link"),
            format!("unspill-2-{zeros}0.link"),
            format!("unspill-2-{}.link", &zeros[1..]),
            format!("unspill-2-+{}.link", &zeros[1..]),
            format!("unspill-2-A{}.link", &zeros[1..]),
            format!("unspill-2-{}\u{e9}.link", &zeros[2..]),
            format!("unspill-2/{zeros}.link"),
        ] {
            assert_eq!(Name::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn random_ids_differ() {
        let ids: std::collections::HashSet<_> =
            (0..1000).map(|_| SegmentId::random().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        // All bits vary: 1000 equal draws of one bit have a chance of 2^-999.
        assert_eq!(ids.iter().fold(0, |bits, id| bits | id.0), u128::MAX);
        assert_eq!(ids.iter().fold(u128::MAX, |bits, id| bits & id.0), 0);
    }
}
