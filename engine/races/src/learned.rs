//! Stand-in for learned estimates: a number identifies the passage.

/// Estimates learned from the passage with this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned(pub u32);

/// As in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the engine has them")]
pub enum Unusable {
    Nothing,
    NumMics,
    Rate,
    Mode,
    Routing,
    Layout,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
