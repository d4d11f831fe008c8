//! Random numbers for tests.

/// Returns the next number of a xorshift, so that failures are reproducible.
pub(super) fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
