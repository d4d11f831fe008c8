//! Name and colour of a member's track.

use super::layout::{LABEL, LABEL_LONGS};
use super::{longs, page};
use crate::segment::{Memory, MemoryView};

/// Name and colour of a member's track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Name, empty if the host states none. At most 64 bytes are shared.
    pub name: String,
    /// Colour, `0xRRGGBB`.
    pub colour: Option<u32>,
}

impl Label {
    /// Reads the label of a member; `None` while it changes.
    pub(super) fn read(memory: &MemoryView) -> Option<Self> {
        let (_, [colour, name @ ..]) = page::read::<LABEL_LONGS>(&memory.longs()[LABEL..])?;
        let colour = u32::try_from(colour).ok().and_then(|colour| colour.checked_sub(1));
        let colour = colour.filter(|&colour| colour <= 0x00ff_ffff);
        Some(Self { name: longs::to_text(&name), colour })
    }
}

/// Writing end of a member's label. There is one writer.
#[derive(Debug)]
pub(crate) struct LabelWriter {
    memory: Memory,
}

impl LabelWriter {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory }
    }

    /// Publishes a label. A longer name is cut at the end of a character.
    pub(crate) fn write(&mut self, label: &Label) {
        let mut values = [0; LABEL_LONGS];
        // Colour plus one; 0 for none.
        values[0] = label.colour.map_or(0, |colour| u64::from(colour & 0x00ff_ffff) + 1);
        values[1..].copy_from_slice(&longs::from_text(&label.name));
        page::write(&self.memory.longs()[LABEL..], &values);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::ring::SHAPE;

    #[test]
    fn labels_are_read_whole_and_cut_at_a_character() {
        let memory = Memory::plain(SHAPE);
        let view = memory.view();
        let mut labels = LabelWriter::new(memory.clone());
        assert_eq!(Label::read(&view), Some(Label::default()));
        let sent = Label { name: "Überkopf links".into(), colour: Some(0x00_8040) };
        labels.write(&sent);
        assert_eq!(Label::read(&view), Some(sent));
        labels.write(&Label::default());
        assert_eq!(Label::read(&view), Some(Label::default()));
        labels.write(&Label { name: format!("a{}", "é".repeat(40)), colour: Some(0) });
        let cut = Label { name: format!("a{}", "é".repeat(31)), colour: Some(0) };
        assert_eq!(Label::read(&view), Some(cut));
        memory.longs()[LABEL + 1..][..LABEL_LONGS]
            .iter()
            .for_each(|it| it.store(u64::MAX, Relaxed));
        assert_eq!(Label::read(&view).unwrap().colour, None);
        memory.longs()[LABEL + 1].store(0x0100_0001, Relaxed);
        assert_eq!(Label::read(&view).unwrap().colour, None);
        memory.longs()[LABEL].store(3, Relaxed);
        assert_eq!(Label::read(&view), None);
    }
}
