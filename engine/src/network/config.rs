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

    /// What the arrangement of layers and the meaning of features are called in the cards of models; another one gets another name.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        if self.local_width == 0 { "set-conv-1" } else { "set-conv-2" }
    }

    /// Hops of the past that the newest output depends on.
    #[must_use]
    pub fn reach_hops(&self) -> usize {
        self.dilations.iter().map(|dilation| (Self::NUM_TAPS - 1) * dilation).sum()
    }
}
