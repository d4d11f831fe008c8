//! The real classes, seen from hosts.
