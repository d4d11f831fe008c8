//! Made-up sessions with known truth, for the tests of the batch methods.
