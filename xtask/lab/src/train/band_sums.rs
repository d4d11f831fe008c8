//! Order of the band sums in a recording, for single mics and for pairs of mics.

/// Number of band sums per hop and mic: power of the cancelled mic, its product with the truth,
/// power of the truth, power of the mic before cancellation, power of the bleed in the mic that the
/// guide mask is applied to.
///
/// The cancelled mic is the one that the keep mask is applied to. If a second stage of filters has
/// been learned, it is cleaner than the one that the guide mask is applied to.
pub const NUM_SUMS: usize = 5;

/// Number of band sums per hop and pair of mics `i < j`, real parts of products: of both cancelled
/// mics, of the cancelled `i` with the truth of `j`, of the truth of `i` with the cancelled `j`, of
/// both truths.
pub const NUM_PAIR_SUMS: usize = 4;

/// Returns the number of pairs of mics.
#[must_use]
pub fn num_pairs(num_mics: usize) -> usize {
    num_mics * num_mics.saturating_sub(1) / 2
}

/// Returns the position of a pair's sums among those of all pairs, for any number of mics and in
/// either order of the two.
#[must_use]
pub fn pair_index(one: usize, other: usize) -> usize {
    num_pairs(one.max(other)) + one.min(other)
}
