//! The sizes that define the structure of a network.

/// Sizes of a [`Network`](super::Network). They are part of the model's format and checked when
/// weights are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Number of bands per mic.
    pub num_bands: usize,
    /// Number of features per mic and band.
    pub num_features: usize,
    /// Size of the state of one mic in the blocks.
    pub width: usize,
    /// Size of the message from one mic to the others in each block.
    pub exchange_width: usize,
    /// Size of the state of one band of one mic in the layers that process bands separately; 0
    /// without such layers.
    pub local_width: usize,
    /// Conversion of logits into masks.
    pub masks: MaskForm,
    /// Distance between the three taps of each block, in hops, `[block]`.
    pub dilations: [usize; Self::NUM_BLOCKS],
}

impl NetworkConfig {
    /// Number of blocks.
    pub const NUM_BLOCKS: usize = 6;
    /// Number of taps in time of every block.
    pub const NUM_TAPS: usize = 3;
    /// Number of masks per mic and band: the guide's and the output's.
    pub const NUM_MASKS: usize = 2;

    /// Name of the architecture with masks of the form [`MaskForm::Probability`].
    pub const OF_PROBABILITIES: &'static str = "set-conv-3";

    /// Returns the name of the architecture in the cards of models. Every arrangement of layers and
    /// meaning of features has its own name.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        match (self.masks, self.local_width) {
            (MaskForm::Stretched, 0) => "set-conv-1",
            (MaskForm::Stretched, _) => "set-conv-2",
            (MaskForm::Probability, _) => Self::OF_PROBABILITIES,
        }
    }

    /// Longest reach of any network into the past, in hops: over 40 s at 48 kHz.
    pub const MOST_REACH_HOPS: usize = 4096;

    /// Returns the number of past hops that the newest output depends on.
    #[must_use]
    pub fn reach_hops(&self) -> usize {
        let each =
            self.dilations.iter().map(|dilation| dilation.saturating_mul(Self::NUM_TAPS - 1));
        each.fold(0, usize::saturating_add)
    }

    /// Returns the number of weights in the matrices between the layers, or `usize::MAX` if it is
    /// too large to count. A network has a few more weights than that.
    #[must_use]
    pub fn num_matrix_weights(&self) -> usize {
        let Self { num_bands, num_features, width, exchange_width, local_width, .. } = *self;
        let product =
            |sizes: &[usize]| sizes.iter().fold(1, |all: usize, &n| all.saturating_mul(n));
        let block = [
            product(&[Self::NUM_TAPS, width, width]),
            product(&[4, width, exchange_width]),
            product(&[width, width]),
        ];
        let ends = [
            product(&[num_bands, num_features, width]),
            product(&[width, Self::NUM_MASKS, num_bands]),
        ];
        let local = [
            product(&[3, num_features, local_width]),
            product(&[width, num_bands, local_width.div_ceil(2)]),
            product(&[local_width, local_width]),
        ];
        let blocks = block.iter().cycle().take(block.len() * Self::NUM_BLOCKS);
        blocks.chain(&ends).chain(&local).fold(0, |all: usize, &n| all.saturating_add(n))
    }
}

/// Conversion of a network's logits into masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskForm {
    /// Sigmoid, stretched by a twentieth on either side and clamped to 0 to 1. The gradient is zero
    /// where it is clamped, so logits grow without limit and masks become binary.
    Stretched,
    /// Sigmoid: never exactly 0 or 1, and with a gradient everywhere.
    Probability,
}
