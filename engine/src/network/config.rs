//! The sizes that decide how a network is built.

/// Sizes of a [`Network`](super::Network): part of the model's format, checked when weights are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Bands that every mic is seen in.
    pub num_bands: usize,
    /// Features per mic and band.
    pub num_features: usize,
    /// Numbers that carry one mic through the blocks.
    pub width: usize,
    /// Numbers that one mic tells the others in each block.
    pub exchange_width: usize,
    /// Numbers that carry one band of one mic through the layers that judge band by band; 0 where there are no such layers.
    pub local_width: usize,
    /// How logits become masks.
    pub masks: MaskForm,
    /// How far each block looks back, in hops between its three taps; one block per entry.
    pub dilations: [usize; Self::NUM_BLOCKS],
}

impl NetworkConfig {
    /// How many blocks there are.
    pub const NUM_BLOCKS: usize = 6;
    /// Taps of every block in time.
    pub const NUM_TAPS: usize = 3;
    /// Masks that come out per mic and band: the guide's and the output's.
    pub const NUM_MASKS: usize = 2;

    /// The architecture whose masks are [`MaskForm::Probability`].
    pub const OF_PROBABILITIES: &'static str = "set-conv-3";

    /// What the arrangement of layers and the meaning of features are called in the cards of models; another one gets another name.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        match (self.masks, self.local_width) {
            (MaskForm::Stretched, 0) => "set-conv-1",
            (MaskForm::Stretched, _) => "set-conv-2",
            (MaskForm::Probability, _) => Self::OF_PROBABILITIES,
        }
    }

    /// Hops of the past that the newest output depends on.
    #[must_use]
    pub fn reach_hops(&self) -> usize {
        self.dilations.iter().map(|dilation| (Self::NUM_TAPS - 1) * dilation).sum()
    }
}

/// How a network's last numbers become masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskForm {
    /// A sigmoid, stretched by a twentieth on either side and cut to 0 to 1: nothing can be learned
    /// where it is cut, so that logits grow without end and masks become binary.
    Stretched,
    /// A sigmoid: never quite 0 or 1, and with a gradient everywhere.
    Probability,
}
