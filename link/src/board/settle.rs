//! The settings of a session become the same for all members, and identities become different.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::Estimates;

use super::request::Request;
use super::seat::Seat;
use super::sheet::{PAIR_CODE, Sheet, are_alike};
use crate::ring::Reader;
use crate::track::MemberId;

/// Time between two polls.
const PERIOD: Duration = Duration::from_millis(30);
/// Time between two polls of a worker that is late. Without any, an overloaded worker would never
/// hear of the settings that relieve it.
const LATE_PERIOD: Duration = Duration::from_millis(300);

/// All members of a session, with their sheets.
///
/// # Real-time
///
/// Worker only: allocates.
#[derive(Debug, Default)]
pub(crate) struct Board {
    seats: Vec<Seat>,
    /// Time of the last poll; `None` if the next one is due at once.
    polled: Option<Instant>,
    /// True if a sheet or the members have changed since the last call of [`Self::take_change`].
    has_changed: bool,
    spare: Sheet,
    requests: Vec<Request>,
}

impl Board {
    /// Adds a member of this process.
    pub(crate) fn join(&mut self, seat: Seat) {
        self.seats.push(seat);
        self.hurry();
    }

    /// Adds a member of another worker. Returns true if it is there, false while it has published
    /// no sheet.
    pub(crate) fn meet(&mut self, id: MemberId, reader: &Reader) -> bool {
        if self.seat(id).is_none() {
            let Some(seat) = Seat::remote(id, reader) else { return false };
            self.join(seat);
        }
        true
    }

    /// Forgets a member.
    pub(crate) fn leave(&mut self, id: MemberId) {
        self.seats.retain(|seat| seat.id() != id);
        self.hurry();
    }

    /// Makes a poll due at once.
    pub(crate) fn expire(&mut self) {
        self.polled = None;
    }

    /// Makes a poll due at once, whose settings are to be applied.
    pub(crate) fn hurry(&mut self) {
        self.expire();
        self.has_changed = true;
    }

    /// Returns all members in the order in which they were found.
    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(crate) fn seat(&self, id: MemberId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.id() == id)
    }

    /// Returns true if sheets or members have changed since the last call.
    pub(super) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Returns the amount of the sound of the member with the identity `bleeder` that is removed
    /// from a target's mics, any finite number.
    pub(super) fn pair_amount(&self, target: MemberId, bleeder: u128) -> f32 {
        let amount = |seat: &Seat| seat.sheet().own_value(PAIR_CODE, bleeder);
        let target = self.seat(target).filter(|_| bleeder != 0);
        target.and_then(amount).unwrap_or(1.0)
    }

    /// Returns the source of the estimates; `None` without a member of this process.
    pub(super) fn estimates(&self) -> Option<Estimates> {
        self.seats.iter().find_map(Seat::console).map(|console| console.estimates())
    }

    /// Returns true if the sound of the members of `session` is kept.
    pub(crate) fn keeps(&self, session: u8) -> bool {
        let first = self.seats.iter().find_map(Seat::console);
        first.is_some_and(|console| console.keeps(session))
    }

    /// Returns the folder of the files in which sound is kept.
    pub(crate) fn kept_folder(&self) -> Option<PathBuf> {
        self.seats.iter().find_map(Seat::console)?.kept_folder()
    }

    /// Returns the identity of a member, 0 if it has none.
    pub(crate) fn identity(&self, id: MemberId) -> u128 {
        self.seat(id).map_or(0, |seat| seat.sheet().identity)
    }

    /// Returns the number of processes with members.
    pub(crate) fn num_processes(&self) -> usize {
        let processes: BTreeSet<u32> = self.seats.iter().map(|seat| seat.about().process).collect();
        processes.len()
    }

    /// Returns true if a poll is due at `now`, for a worker that has hops to process or not.
    pub(crate) fn is_due(&self, now: Instant, is_late: bool) -> bool {
        let period = if is_late { LATE_PERIOD } else { PERIOD };
        self.polled.is_none_or(|last| now.duration_since(last) >= period)
    }

    /// Reads and writes all sheets and passes on requests. `is_alive` tells whether a member has
    /// neither left nor died.
    pub(crate) fn poll(&mut self, now: Instant, is_alive: impl Fn(MemberId) -> bool) {
        self.polled = Some(now);
        self.pass_requests();
        for seat in &mut self.seats {
            self.has_changed |= seat.read();
        }
        for index in 0..self.seats.len() {
            self.write(index);
        }
        for index in 0..self.seats.len() {
            self.adopt_best(index);
            self.give_way(index, &is_alive);
        }
    }

    /// Delivers the requests to members of this process.
    fn pass_requests(&mut self) {
        let Self { seats, requests, .. } = self;
        seats.iter_mut().for_each(|seat| seat.read_requests(requests));
        for request in requests.drain(..) {
            let target = seats.iter().find(|seat| seat.id() == request.target);
            if let Some(console) = target.and_then(Seat::console) {
                console.request(&request);
            }
        }
    }

    /// Publishes the sheet of a local member.
    fn write(&mut self, index: usize) {
        let newest = self.seats.iter().map(|seat| seat.sheet().version).max().unwrap_or(0);
        self.has_changed |= self.seats[index].write(newest, &mut self.spare);
    }

    /// Lets a local member adopt the shared settings of the member with the latest version. Of
    /// several members that made the same version, the one with the largest number prevails.
    fn adopt_best(&mut self, index: usize) {
        let rank = |seat: &Seat| (seat.sheet().version, seat.id());
        let Some(best) = self.seats.iter().max_by_key(|seat| rank(seat)) else { return };
        let (mine, theirs) = (self.seats[index].sheet(), best.sheet());
        let is_new = theirs.version > mine.version || !are_alike(&theirs.shared, &mine.shared);
        if theirs.version == 0 || best.id() == self.seats[index].id() || !is_new {
            return;
        }
        let (version, shared) = (theirs.version, theirs.shared.clone());
        self.has_changed |= self.seats[index].adopt(version, &shared, &mut self.spare);
    }

    /// Lets a local member give up its identity if another living one has had it for longer.
    fn give_way(&mut self, index: usize, is_alive: impl Fn(MemberId) -> bool) {
        let Some(console) = self.seats[index].console() else { return };
        let rank = |seat: &Seat| (seat.sheet().claimed, seat.id());
        let (identity, mine) = (self.seats[index].sheet().identity, rank(&self.seats[index]));
        let is_earlier = |seat: &&Seat| seat.sheet().identity == identity && rank(seat) < mine;
        let mut earlier = self.seats.iter().filter(is_earlier);
        if identity != 0 && earlier.any(|seat| is_alive(seat.id())) {
            console.yield_identity(identity);
            self.write(index);
        }
    }
}
