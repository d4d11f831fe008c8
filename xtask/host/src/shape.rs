//! The plugin's classes, and the assignment of mics to their buses.

use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};

/// One of Unspill's classes, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Eight mono buses in and out.
    Eight,
    /// Sixteen mono buses in and out.
    Sixteen,
    /// One bus of many channels in and out.
    Multichannel,
    /// One mono or stereo track, from which the bleed of seven mono side-chains is removed.
    Track,
    /// One mono or stereo track of linked ones, each with an instance of its own.
    Link,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 5] =
        [Self::Eight, Self::Sixteen, Self::Multichannel, Self::Track, Self::Link];

    /// Returns the name shown in hosts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eight => "Unspill 8",
            Self::Sixteen => "Unspill 16",
            Self::Multichannel => "Unspill Multichannel",
            Self::Track => "Unspill Track",
            Self::Link => "Unspill Link",
        }
    }

    /// Returns the buses of this class for mics with these numbers of channels (1 mono, 2 stereo).
    ///
    /// A stereo mic uses two mono buses, or two channels of the one bus; in [`Track`](Self::Track)
    /// only the track itself may be stereo. [`Link`](Self::Link) has one mic per instance.
    ///
    /// # Errors
    ///
    /// If the class has not enough channels for them.
    pub fn shape_for(self, mics: &[usize]) -> Result<Shape> {
        let num_channels: usize = mics.iter().sum();
        let ensure_room = |room: usize| {
            ensure!(
                num_channels <= room,
                "{}: at most {room} mono mics, {num_channels} given (stereo mics count twice)",
                self.name()
            );
            Ok(())
        };
        match self {
            Self::Eight | Self::Sixteen => {
                let room = if self == Self::Eight { 8 } else { 16 };
                ensure_room(room)?;
                Ok(Shape { inputs: vec![1; room], outputs: vec![1; room] })
            }
            Self::Multichannel => {
                ensure_room(16)?;
                let room = num_channels.next_power_of_two().max(2);
                Ok(Shape { inputs: vec![room], outputs: vec![room] })
            }
            Self::Track => {
                const NUM_SIDE_CHAINS: usize = 7;
                let Some((&track, side_chains)) = mics.split_first() else {
                    bail!("{}: no track given", self.name());
                };
                ensure!(
                    side_chains.iter().all(|&channels| channels == 1),
                    "{}: side-chains must be mono",
                    self.name()
                );
                ensure!(
                    side_chains.len() <= NUM_SIDE_CHAINS,
                    "{}: at most {NUM_SIDE_CHAINS} side-chains, {} given",
                    self.name(),
                    side_chains.len()
                );
                let mut inputs = vec![track];
                inputs.extend([1; NUM_SIDE_CHAINS]);
                Ok(Shape { inputs, outputs: vec![track] })
            }
            Self::Link => {
                let [track] = *mics else {
                    bail!("{}: one mic per instance, {} given", self.name(), mics.len());
                };
                ensure_room(2)?;
                Ok(Shape { inputs: vec![track], outputs: vec![track] })
            }
        }
    }
}

impl FromStr for Class {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "8" => Self::Eight,
            "16" => Self::Sixteen,
            "multichannel" => Self::Multichannel,
            "track" => Self::Track,
            "link" => Self::Link,
            other => bail!("unknown class {other:?}; use 8, 16, multichannel, track or link"),
        })
    }
}

/// Sample rates in Hz at which Unspill cleans; at others it passes the mics through.
pub const RATES_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// The number of channels of each bus of an instance. Mono mics fill them from the first channel of
/// the first bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels of each input bus.
    pub inputs: Vec<usize>,
    /// Channels of each output bus.
    pub outputs: Vec<usize>,
}

impl Shape {
    /// Returns the bus and channel of the mono mic with this index, among `buses` as
    /// in [`Self::inputs`].
    #[must_use]
    pub fn place(buses: &[usize], mic: usize) -> Option<(usize, usize)> {
        let mut rest = mic;
        for (bus, &num_channels) in buses.iter().enumerate() {
            if rest < num_channels {
                return Some((bus, rest));
            }
            rest -= num_channels;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mics_fill_buses_channel_by_channel() {
        let shape = Class::Eight.shape_for(&[1, 2, 1]).unwrap();
        assert_eq!(shape.inputs, [1; 8]);
        assert_eq!(Shape::place(&shape.inputs, 3), Some((3, 0)));
        let shape = Class::Multichannel.shape_for(&[1, 2, 2]).unwrap();
        assert_eq!((&shape.inputs, &shape.outputs), (&vec![8], &vec![8]));
        assert_eq!(Shape::place(&shape.inputs, 4), Some((0, 4)));
        let shape = Class::Track.shape_for(&[2, 1, 1]).unwrap();
        assert_eq!(shape.inputs, [2, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(shape.outputs, [2]);
        assert_eq!(Shape::place(&shape.inputs, 2), Some((1, 0)));
        assert_eq!(Shape::place(&shape.outputs, 2), None);
        let shape = Class::Link.shape_for(&[2]).unwrap();
        assert_eq!((shape.inputs, shape.outputs), (vec![2], vec![2]));
    }

    #[test]
    fn too_many_mics_are_refused() {
        assert!(Class::Eight.shape_for(&[1; 9]).is_err());
        assert!(Class::Eight.shape_for(&[2; 4]).is_ok());
        assert!(Class::Multichannel.shape_for(&[1; 17]).is_err());
        assert!(Class::Track.shape_for(&[1; 9]).is_err());
        assert!(Class::Track.shape_for(&[1, 2]).is_err());
        assert!(Class::Link.shape_for(&[1, 1]).is_err());
        assert!(Class::Link.shape_for(&[3]).is_err());
        assert!("9".parse::<Class>().is_err());
    }
}
