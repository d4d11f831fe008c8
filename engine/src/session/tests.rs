//! Behaviour of the session as a whole.
