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

    /// The furthest that any network looks back, in hops: over 40 s at 48 kHz.
    pub const MOST_REACH_HOPS: usize = 4096;

    /// Hops of the past that the newest output depends on.
    #[must_use]
    pub fn reach_hops(&self) -> usize {
        let each =
            self.dilations.iter().map(|dilation| dilation.saturating_mul(Self::NUM_TAPS - 1));
        each.fold(0, usize::saturating_add)
    }

    /// How many numbers the matrices between its layers have, `usize::MAX` where they are more than can be counted: a network has a
    /// few more weights than that.
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

/// How a network's last numbers become masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskForm {
    /// A sigmoid, stretched by a twentieth on either side and cut to 0 to 1: nothing can be learned
    /// where it is cut, so that logits grow without end and masks become binary.
    Stretched,
    /// A sigmoid: never quite 0 or 1, and with a gradient everywhere.
    Probability,
}
