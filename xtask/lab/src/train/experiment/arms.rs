//! The networks that each experiment compares.

use super::super::loss::LossConfig;
use clap::ValueEnum;

/// Property in which the networks differ
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Experiment {
    /// Fixed order of mics, order permuted in every clip, or no order
    MicOrder,
    /// Losses: SNR, multi-domain, combinations of mics, or several of them
    Losses,
}

/// Places of the mics in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// Each mic has a place, always the same one.
    Fixed,
    /// Each mic has a place, another one in every clip.
    Permuted,
    /// There are no places.
    None,
}

/// One of the networks that are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    /// Identifier in the names of its files.
    pub(super) id: &'static str,
    /// Name in texts for people.
    pub(super) name: &'static str,
    pub(super) places: Places,
    /// Change of the configuration's losses.
    pub(super) loss: fn(&mut LossConfig),
}

pub(super) const MIC_ORDER: [Arm; 3] = [
    Arm { id: "fixed-order", name: "fixed order", places: Places::Fixed, loss: |_| () },
    Arm {
        id: "permuted-clips",
        name: "fixed order, mics permuted in every clip",
        places: Places::Permuted,
        loss: |_| (),
    },
    Arm {
        id: "equivariant",
        name: "equivariant by construction",
        places: Places::None,
        loss: |_| (),
    },
];
pub(super) const LOSSES: [Arm; 5] = [
    Arm { id: "snr", name: "SNR", places: Places::None, loss: |loss| loss.multi_domain = 0.0 },
    Arm { id: "equivariant", name: "SNR and multi-domain", places: Places::None, loss: |_| () },
    Arm {
        id: "multi-domain",
        name: "multi-domain",
        places: Places::None,
        loss: |loss| (loss.whole, loss.segments) = (0.0, 0.0),
    },
    Arm {
        id: "snr-combination",
        name: "SNR and combination",
        places: Places::None,
        loss: |loss| (loss.multi_domain, loss.combination) = (0.0, COMBINATION),
    },
    // Single mics are combinations, too.
    Arm {
        id: "combination",
        name: "multi-domain and combination",
        places: Places::None,
        loss: |loss| {
            (loss.whole, loss.segments) = (0.0, 0.0);
            (loss.multi_domain, loss.combination) = (0.0, COMBINATION);
        },
    },
];
/// Weight of the combination loss if it is on: that of the multi-domain loss in the configuration.
pub(super) const COMBINATION: f64 = 1.0;

impl Experiment {
    /// Returns the networks that the experiment compares.
    pub(super) fn arms(self) -> &'static [Arm] {
        match self {
            Self::MicOrder => &MIC_ORDER,
            Self::Losses => &LOSSES,
        }
    }
}
