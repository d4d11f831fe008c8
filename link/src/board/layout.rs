//! Places of the board's parts in a member's segment.

use crate::ring::{BOARD, BOARD_LONGS, RECORD_LONGS};

/// Largest number of settings that all members of a session share. Further ones are left out.
pub const MAX_SHARED_ENTRIES: usize = 16;
/// Largest number of settings of a member's own. Further ones are left out.
pub const MAX_OWN_ENTRIES: usize = 64;

/// Longs of a text.
pub(super) const TEXT_LONGS: usize = 8;

/// Longs of a label: colour and name.
pub(super) const LABEL_LONGS: usize = 1 + TEXT_LONGS;

/// Longs of an entry: code and value, and the two halves of the identity.
pub(super) const ENTRY_LONGS: usize = 3;
/// Longs of a sheet before the entries: identity, claim, version, late samples, and the numbers of
/// entries.
pub(super) const HEAD_LONGS: usize = 6;
/// Longs of a sheet.
pub(super) const SHEET_LONGS: usize =
    HEAD_LONGS + (MAX_SHARED_ENTRIES + MAX_OWN_ENTRIES) * ENTRY_LONGS;

/// Number of requests that the ring of requests holds.
pub(super) const NUM_REQUESTS: usize = 1024;
/// Longs of a request: target, entry and text.
pub(super) const REQUEST_LONGS: usize = 8 + TEXT_LONGS;
/// Records of the ring that a request takes.
pub(super) const REQUEST_RECORDS: usize = REQUEST_LONGS / RECORD_LONGS;

/// First long of the label's page.
pub(super) const LABEL: usize = BOARD;
/// First long of the sheet's page, at a cache line.
pub(super) const SHEET: usize = LABEL + 16;
/// Number of records of requests that have been written, at a cache line.
pub(super) const REQUESTS: usize = SHEET + 248;
/// First long of the requests, at a cache line.
pub(super) const REQUEST_TABLE: usize = REQUESTS + 8;

const REQUEST_TABLE_LONGS: usize = NUM_REQUESTS * REQUEST_LONGS;

// Each part begins after the one before it, with one long for a page's number of changes.
const _: () = assert!(LABEL + 1 + LABEL_LONGS <= SHEET);
const _: () = assert!(SHEET + 1 + SHEET_LONGS <= REQUESTS);
const _: () = assert!(REQUEST_TABLE + REQUEST_TABLE_LONGS == BOARD + BOARD_LONGS);
