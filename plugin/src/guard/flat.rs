//! Maps all buses of a layout to the channels of one flat buffer, the only bus that the
//! framework gets.

use nice_plug::prelude::{AudioIOLayout, NonZeroU32, PortNames};

/// Largest number of layouts of a class.
pub const MAX_LAYOUTS: usize = 8;

/// One bus of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Name that hosts show.
    pub name: String,
    /// Number of channels.
    pub num_channels: usize,
    /// Index of its first channel in the flat buffer.
    pub first_channel: usize,
    /// True for the main bus.
    pub is_main: bool,
}

/// The buses of one layout and their channels in the flat buffer.
///
/// The main input and the main output share the first channels, because the framework processes the
/// main bus in place. The auxiliary inputs follow, then the auxiliary outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buses {
    /// Input buses, in the order of the layout.
    pub inputs: Vec<Bus>,
    /// Output buses, in the order of the layout.
    pub outputs: Vec<Bus>,
    /// Number of channels of the flat buffer.
    pub num_channels: usize,
}

impl Buses {
    /// Returns the buses of `layout`.
    #[must_use]
    pub fn of(layout: &AudioIOLayout) -> Self {
        let mut buses = Self {
            inputs: Vec::new(),
            outputs: Vec::new(),
            num_channels: main_channels(layout) as usize,
        };
        let main = |name, channels: NonZeroU32| Bus {
            name,
            num_channels: channels.get() as usize,
            first_channel: 0,
            is_main: true,
        };
        buses.inputs.extend(layout.main_input_channels.map(|n| main(layout.main_input_name(), n)));
        // The framework's `main_output_name` returns the input's name.
        let output_name = layout.names.main_output.unwrap_or("Output").to_owned();
        buses.outputs.extend(layout.main_output_channels.map(|n| main(output_name, n)));
        for (index, channels) in layout.aux_input_ports.iter().enumerate() {
            let name = layout.aux_input_name(index).unwrap_or_default();
            let bus = buses.next_aux(name, channels.get());
            buses.inputs.push(bus);
        }
        for (index, channels) in layout.aux_output_ports.iter().enumerate() {
            let name = layout.aux_output_name(index).unwrap_or_default();
            let bus = buses.next_aux(name, channels.get());
            buses.outputs.push(bus);
        }
        buses
    }

    fn next_aux(&mut self, name: String, channels: u32) -> Bus {
        let bus = Bus {
            name,
            num_channels: channels as usize,
            first_channel: self.num_channels,
            is_main: false,
        };
        self.num_channels += bus.num_channels;
        bus
    }
}

/// Returns the number of channels of the in-place main bus.
const fn main_channels(layout: &AudioIOLayout) -> u32 {
    let input = match layout.main_input_channels {
        Some(channels) => channels.get(),
        None => 0,
    };
    let output = match layout.main_output_channels {
        Some(channels) => channels.get(),
        None => 0,
    };
    if input > output { input } else { output }
}

/// Returns the number of channels of the flat buffer.
#[must_use]
pub const fn flat_channels(layout: &AudioIOLayout) -> u32 {
    let mut total = main_channels(layout);
    let mut index = 0;
    while index < layout.aux_input_ports.len() {
        total += layout.aux_input_ports[index].get();
        index += 1;
    }
    index = 0;
    while index < layout.aux_output_ports.len() {
        total += layout.aux_output_ports[index].get();
        index += 1;
    }
    total
}

/// Returns the framework's version of `layouts`: one main bus each, in the same order. Entries
/// beyond `layouts` are empty.
///
/// # Panics
///
/// At compile time, if two layouts have the same total number of channels: the framework selects a
/// VST3 layout by its number of channels. Also if there are more than [`MAX_LAYOUTS`] layouts, or
/// 64 or more channels in one.
#[must_use]
#[allow(clippy::panic, reason = "runs at compile time only")]
pub const fn flatten(layouts: &[AudioIOLayout]) -> [AudioIOLayout; MAX_LAYOUTS] {
    let mut flat = [AudioIOLayout::const_default(); MAX_LAYOUTS];
    assert!(layouts.len() <= MAX_LAYOUTS, "too many layouts");
    let mut index = 0;
    while index < layouts.len() {
        let channels = flat_channels(&layouts[index]);
        assert!(channels < 64, "a VST3 speaker arrangement has 64 bits");
        let mut other = 0;
        while other < index {
            assert!(flat_channels(&layouts[other]) != channels, "two layouts look the same");
            other += 1;
        }
        flat[index] = AudioIOLayout {
            main_input_channels: NonZeroU32::new(channels),
            main_output_channels: NonZeroU32::new(channels),
            aux_input_ports: &[],
            aux_output_ports: &[],
            names: PortNames::const_default(),
        };
        index += 1;
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::prelude::new_nonzero_u32;

    const MONO: NonZeroU32 = new_nonzero_u32(1);
    const LAYOUT: AudioIOLayout = AudioIOLayout {
        main_input_channels: NonZeroU32::new(2),
        main_output_channels: NonZeroU32::new(3),
        aux_input_ports: &[MONO, new_nonzero_u32(2)],
        aux_output_ports: &[MONO],
        names: PortNames::const_default(),
    };

    #[test]
    fn buses_lie_side_by_side_and_only_main_is_shared() {
        let buses = Buses::of(&LAYOUT);
        let places = |list: &[Bus]| -> Vec<_> {
            list.iter().map(|bus| (bus.first_channel, bus.num_channels, bus.is_main)).collect()
        };
        assert_eq!(places(&buses.inputs), [(0, 2, true), (3, 1, false), (4, 2, false)]);
        assert_eq!(places(&buses.outputs), [(0, 3, true), (6, 1, false)]);
        assert_eq!(buses.num_channels, 7);
        assert_eq!(flat_channels(&LAYOUT), 7);
        assert_eq!(flatten(&[LAYOUT])[0].main_input_channels, NonZeroU32::new(7));
    }
}
