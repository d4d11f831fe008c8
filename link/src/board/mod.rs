//! The board: settings and wishes that the members of a session show each other.
//!
//! Each member has a board in its segment, with its label, its *sheet* of settings and identity,
//! and the requests of its window to other members. One writer, any number of readers, none of
//! which waits. The worker of every member compares all sheets of the session, so that settings
//! which all members share become the same everywhere.

mod apply;
mod console;
mod label;
mod layout;
mod lesson;
mod longs;
mod page;
mod request;
mod seat;
mod settle;
mod sheet;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use console::{Console, NoConsole};
pub use label::Label;
pub use layout::{MAX_OWN_ENTRIES, MAX_SHARED_ENTRIES};
pub use lesson::Lesson;
pub(crate) use lesson::School;
pub use request::Request;
pub(crate) use request::RequestWriter;
pub(crate) use seat::{Desk, Seat};
pub(crate) use settle::Board;
pub use sheet::{Entry, PAIR_CODE, Sheet};
