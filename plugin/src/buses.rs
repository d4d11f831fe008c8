//! The mapping between the mics of a class and the buses of a layout.

use engine::MAX_MICS;
use nice_plug::prelude::{AudioIOLayout, AuxiliaryBuffers, Buffer, NonZeroU32};

use crate::classes::{ClassDesc, Topology};

/// Maps the strips of a class to the engine's mono mics, in one layout.
///
/// A strip is the unit that has parameters: one mic, or both sides of a stereo track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicMap {
    topology: Topology,
    num_mics: usize,
    /// Number of mono mics in the first strip.
    num_main: usize,
}

impl MicMap {
    /// Returns the map of one of the class's layouts.
    #[must_use]
    pub fn new(class: &ClassDesc, layout: &AudioIOLayout) -> Self {
        let main = layout.main_input_channels.map_or(0, NonZeroU32::get) as usize;
        let num_aux = layout.aux_input_ports.len();
        let is_track = matches!(class.topology, Topology::Track | Topology::Linked);
        let num_main = if is_track { main } else { 1 };
        Self { topology: class.topology, num_mics: main + num_aux, num_main }
    }

    /// Returns the session's number of mono mics.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.num_mics
    }

    /// Returns the mono mics of a strip; empty if the layout has no such strip.
    #[must_use]
    pub fn mics_of(&self, strip: usize) -> std::ops::Range<usize> {
        let start = if strip == 0 { 0 } else { self.num_main + strip - 1 };
        let length = if strip == 0 { self.num_main } else { 1 };
        start.min(self.num_mics)..(start + length).min(self.num_mics)
    }

    /// Calls `process` with the samples of every mic, in place.
    ///
    /// Afterwards the outputs carry the samples that `process` has written. The side-chains of a
    /// track have no output; their samples are discarded.
    pub(crate) fn with_mics<T>(
        &self,
        main: &mut Buffer<'_>,
        aux: &mut AuxiliaryBuffers<'_>,
        process: impl FnOnce(&mut [&mut [f32]]) -> T,
    ) -> T {
        let AuxiliaryBuffers { inputs, outputs } = aux;
        if self.topology == Topology::Buses {
            for (input, output) in inputs.iter_mut().zip(outputs.iter_mut()) {
                for (from, to) in input.as_slice().iter().zip(output.as_slice()) {
                    to.copy_from_slice(from);
                }
            }
        }
        let buses: &mut [Buffer<'_>] =
            if self.topology == Topology::Buses { outputs } else { inputs };
        let mut mics: [&mut [f32]; MAX_MICS] = std::array::from_fn(|_| Default::default());
        let mut slots = mics.iter_mut();
        for (channel, slot) in main.as_slice().iter_mut().zip(slots.by_ref()) {
            *slot = &mut **channel;
        }
        for bus in buses {
            for (channel, slot) in bus.as_slice().iter_mut().zip(slots.by_ref()) {
                *slot = &mut **channel;
            }
        }
        process(&mut mics[..self.num_mics])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{ALL, Class, UnspillTrack};

    #[test]
    fn every_layout_gives_every_mono_mic_to_one_strip() {
        for class in ALL {
            for layout in class.layouts {
                let map = MicMap::new(class, layout);
                let mics: Vec<_> =
                    (0..class.num_strips).flat_map(|strip| map.mics_of(strip)).collect();
                assert_eq!(mics, (0..map.num_mics()).collect::<Vec<_>>(), "{}", class.name);
                assert!(map.num_mics() <= MAX_MICS);
            }
        }
    }

    #[test]
    fn both_sides_of_a_stereo_track_are_its_first_strip() {
        let [stereo, mono] = UnspillTrack::DESC.layouts else { panic!("two layouts") };
        let stereo = MicMap::new(&UnspillTrack::DESC, stereo);
        assert_eq!((stereo.mics_of(0), stereo.mics_of(1)), (0..2, 2..3));
        assert_eq!(stereo.num_mics(), 9);
        let mono = MicMap::new(&UnspillTrack::DESC, mono);
        assert_eq!((mono.mics_of(0), mono.mics_of(7)), (0..1, 7..8));
    }
}
