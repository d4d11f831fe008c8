//! The five plugin classes and their differences.

use link::MAX_LINKED_MICS;
use nice_plug::prelude::{AudioIOLayout, NonZeroU32, PortNames, new_nonzero_u32};

/// Assignment of a class's mics to its buses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One mono bus per mic, in and out.
    Buses,
    /// One bus, one channel per mic.
    Channels,
    /// The main bus is one mic, mono or stereo, and has the only output. The side-chains are
    /// inputs only.
    Track,
    /// The main bus is one mic, mono or stereo. The other mics are those of the linked instances.
    Linked,
}

/// The properties of one class.
#[derive(Clone, Copy, Debug)]
pub struct ClassDesc {
    /// Name that hosts show.
    pub name: &'static str,
    /// Permanent id in CLAP.
    pub clap_id: &'static str,
    /// One-line description for plugin browsers.
    pub description: &'static str,
    /// Permanent id in VST3.
    pub vst3_id: [u8; 16],
    /// The bus layouts; the first is the default.
    pub layouts: &'static [AudioIOLayout],
    /// Assignment of mics to buses in all layouts.
    pub topology: Topology,
    /// Number of mics with parameters. In [`Topology::Track`] and [`Topology::Linked`], a stereo
    /// main bus counts as one.
    pub num_strips: usize,
    /// Number of mics that have an output: the first `num_outputs` ones.
    pub num_outputs: usize,
}

/// A class as a type.
pub trait Class: Send + Sync + 'static {
    /// The properties of the class.
    const DESC: ClassDesc;
}

const MONO: NonZeroU32 = new_nonzero_u32(1);

/// Names of the mics' buses after the first.
const MIC_NAMES: [&str; 15] = [
    "Mic 2", "Mic 3", "Mic 4", "Mic 5", "Mic 6", "Mic 7", "Mic 8", "Mic 9", "Mic 10", "Mic 11",
    "Mic 12", "Mic 13", "Mic 14", "Mic 15", "Mic 16",
];

const fn mono_buses(aux: &'static [NonZeroU32]) -> AudioIOLayout {
    let names = MIC_NAMES.split_at(aux.len()).0;
    AudioIOLayout {
        main_input_channels: Some(MONO),
        main_output_channels: Some(MONO),
        aux_input_ports: aux,
        aux_output_ports: aux,
        names: PortNames {
            layout: Some("One mono bus per mic"),
            main_input: Some("Mic 1"),
            main_output: Some("Mic 1"),
            aux_inputs: names,
            aux_outputs: names,
        },
    }
}

const fn one_bus(num_channels: u32, name: &'static str, bus_name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(num_channels),
        main_output_channels: NonZeroU32::new(num_channels),
        aux_input_ports: &[],
        aux_output_ports: &[],
        names: PortNames {
            layout: Some(name),
            main_input: Some(bus_name),
            main_output: Some(bus_name),
            aux_inputs: &[],
            aux_outputs: &[],
        },
    }
}

const fn track(num_channels: u32, name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(num_channels),
        main_output_channels: NonZeroU32::new(num_channels),
        aux_input_ports: &[MONO; 7],
        aux_output_ports: &[],
        names: PortNames {
            layout: Some(name),
            main_input: Some("Track"),
            main_output: Some("Track"),
            aux_inputs: MIC_NAMES.split_at(7).0,
            aux_outputs: &[],
        },
    }
}

/// Eight mono buses in and out.
#[derive(Clone, Copy, Debug)]
pub struct Unspill8;

impl Class for Unspill8 {
    const DESC: ClassDesc = ClassDesc {
        name: "Unspill 8",
        clap_id: "audio.unspill.unspill8",
        description: "Removes microphone bleed from up to 8 mics, one mono bus each",
        vst3_id: *b"UnspillBuses008A",
        layouts: &[mono_buses(&[MONO; 7])],
        topology: Topology::Buses,
        num_strips: 8,
        num_outputs: 8,
    };
}

/// Sixteen mono buses in and out.
#[derive(Clone, Copy, Debug)]
pub struct Unspill16;

impl Class for Unspill16 {
    const DESC: ClassDesc = ClassDesc {
        name: "Unspill 16",
        clap_id: "audio.unspill.unspill16",
        description: "Removes microphone bleed from up to 16 mics, one mono bus each",
        vst3_id: *b"UnspillBuses016A",
        layouts: &[mono_buses(&[MONO; 15])],
        topology: Topology::Buses,
        num_strips: 16,
        num_outputs: 16,
    };
}

/// One multichannel bus in and out, a mic per channel.
#[derive(Clone, Copy, Debug)]
pub struct UnspillMultichannel;

impl Class for UnspillMultichannel {
    const DESC: ClassDesc = ClassDesc {
        name: "Unspill Multichannel",
        clap_id: "audio.unspill.unspill-multichannel",
        description: "Removes microphone bleed from the channels of one bus, one mic per channel",
        vst3_id: *b"UnspillMultichnA",
        layouts: &[
            one_bus(8, "8 mics", "Mics"),
            one_bus(2, "2 mics", "Mics"),
            one_bus(4, "4 mics", "Mics"),
            one_bus(16, "16 mics", "Mics"),
        ],
        topology: Topology::Channels,
        num_strips: 16,
        num_outputs: 16,
    };
}

/// One track, cleaned of the bleed of the mics on seven side-chains.
#[derive(Clone, Copy, Debug)]
pub struct UnspillTrack;

impl Class for UnspillTrack {
    const DESC: ClassDesc = ClassDesc {
        name: "Unspill Track",
        clap_id: "audio.unspill.unspill-track",
        description: "Removes the bleed of up to 7 side-chain mics from one track",
        vst3_id: *b"UnspillTrackSc7A",
        layouts: &[
            track(2, "Stereo track with side-chains"),
            track(1, "Mono track with side-chains"),
        ],
        topology: Topology::Track,
        num_strips: 8,
        num_outputs: 1,
    };
}

/// One track, cleaned of the bleed of all other tracks with an instance.
#[derive(Clone, Copy, Debug)]
pub struct UnspillLink;

impl Class for UnspillLink {
    const DESC: ClassDesc = ClassDesc {
        name: "Unspill Link",
        clap_id: "audio.unspill.unspill-link",
        description: "Removes the bleed of all other tracks that have this plugin from one track",
        vst3_id: *b"UnspillLinkTrk1A",
        layouts: &[one_bus(2, "Stereo track", "Track"), one_bus(1, "Mono track", "Track")],
        topology: Topology::Linked,
        num_strips: 1,
        num_outputs: 1,
    };
}

/// The tracks of a session of linked instances as one instance with all mics, for windows. Hosts do
/// not know it.
pub(crate) static LINKED_TRACKS: ClassDesc =
    ClassDesc { num_strips: MAX_LINKED_MICS, num_outputs: MAX_LINKED_MICS, ..UnspillLink::DESC };

/// All classes, in the order hosts list them.
pub const ALL: [&ClassDesc; 5] = [
    &Unspill8::DESC,
    &Unspill16::DESC,
    &UnspillMultichannel::DESC,
    &UnspillTrack::DESC,
    &UnspillLink::DESC,
];
