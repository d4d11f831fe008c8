//! All tapes of this process, and the instances that they belong to.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use super::file::SavedPage;
use super::tape::{Found, Page, Tape};
use crate::board::Console;
use crate::segment::Folder;
use crate::stamp::MicSettings;

/// Number of recordings after which a page counts as finished: half a second of 16 tracks in Live.
const RECENT: u64 = 16 * 47;

/// Properties that all tapes of a session share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) folder: Folder,
    pub(crate) session: u8,
    /// Bits of the sample rate in Hz.
    pub(crate) rate_bits: u32,
}

/// The tape of one instance.
#[derive(Debug)]
struct Reel {
    key: Key,
    identity: u128,
    tape: Tape,
    /// True if the instance has ended, and a thread has yet to save the last pages.
    has_ended: bool,
}

/// All tapes, up to a limit: then the pages go that were recorded longest ago.
#[derive(Debug)]
pub(crate) struct Store {
    reels: Vec<Reel>,
    instances: Vec<Weak<dyn Console>>,
    /// Sessions whose sound a thread saves.
    saved: Vec<Key>,
    /// Size of all pages in bytes, and the largest one.
    bytes: usize,
    limit_bytes: usize,
    /// Number of recordings so far.
    clock: u64,
}

impl Store {
    pub(crate) const fn new(limit_bytes: usize) -> Self {
        Self {
            reels: Vec::new(),
            instances: Vec::new(),
            saved: Vec::new(),
            bytes: 0,
            limit_bytes,
            clock: 0,
        }
    }

    pub(crate) fn set_limit(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn add_instance(&mut self, console: &Arc<dyn Console>) {
        self.instances.push(Arc::downgrade(console));
    }

    /// Forgets an instance that ends. Returns the tapes that nobody needs any more, so that the
    /// caller can free them without the store's lock.
    pub(crate) fn remove_instance(&mut self, console: &Arc<dyn Console>) -> Vec<Tape> {
        let is_its = |of: &Weak<dyn Console>| std::ptr::addr_eq(of.as_ptr(), Arc::as_ptr(console));
        self.instances.retain(|of| !is_its(of) && of.strong_count() > 0);
        let identity = console.identity();
        let is_alone = self.instances.is_empty();
        let is_shared = self.consoles().iter().any(|other| other.identity() == identity);
        let Self { reels, saved, .. } = self;
        let has_ended = |reel: &Reel| is_alone || (reel.identity == identity && !is_shared);
        for reel in reels.iter_mut().filter(|reel| saved.contains(&reel.key)) {
            reel.has_ended |= has_ended(reel);
        }
        self.take(|reel| has_ended(reel) && !reel.has_ended)
    }

    /// Notes that a thread saves the sound of a session from now on.
    pub(super) fn begin_saving(&mut self, key: &Key) {
        self.saved.push(key.clone());
    }

    /// Notes that a thread no longer saves the sound of a session. Returns the tapes that nobody
    /// needs any more.
    pub(super) fn end_saving(&mut self, key: &Key) -> Vec<Tape> {
        if let Some(at) = self.saved.iter().position(|of| of == key) {
            self.saved.remove(at);
        }
        self.drop_saved(key)
    }

    /// Removes the saved tapes of instances that have ended, and returns them.
    pub(super) fn drop_saved(&mut self, key: &Key) -> Vec<Tape> {
        // Some may exist again.
        let here = self.kept_here(key);
        for reel in self.reels.iter_mut().filter(|reel| reel.key == *key) {
            reel.has_ended &= !here.contains(&(reel.identity, reel.tape.num_mics()));
        }
        let is_saved = !self.saved.contains(key);
        let is_done = |tape: &Tape| is_saved || tape.unsaved(u64::MAX, 1).is_empty();
        self.take(|reel| reel.key == *key && reel.has_ended && is_done(&reel.tape))
    }

    fn consoles(&self) -> Vec<Arc<dyn Console>> {
        self.instances.iter().filter_map(Weak::upgrade).collect()
    }

    /// Removes all tapes of a session, and returns them.
    pub(crate) fn clear(&mut self, key: &Key) -> Vec<Tape> {
        self.take(|reel| reel.key == *key)
    }

    fn take(&mut self, is_meant: impl Fn(&Reel) -> bool) -> Vec<Tape> {
        let taken = self.reels.extract_if(.., |reel| is_meant(reel));
        let taken: Vec<Tape> = taken.map(|reel| reel.tape).collect();
        let bytes = |tape: &Tape| tape.page_bytes() * tape.pages().count();
        self.bytes -= taken.iter().map(bytes).sum::<usize>();
        taken
    }

    /// Returns the identities and numbers of mics of a session's tapes whose instances exist in
    /// this process, in the order in which they were first recorded.
    pub(crate) fn kept_here(&self, key: &Key) -> Vec<(u128, usize)> {
        let consoles = self.consoles();
        let exist: BTreeSet<u128> = consoles
            .iter()
            .filter(|console| console.keeps(key.session))
            .map(|console| console.identity())
            .collect();
        let is_meant = |reel: &&Reel| reel.key == *key && exist.contains(&reel.identity);
        let meant = self.reels.iter().filter(is_meant);
        meant.map(|reel| (reel.identity, reel.tape.num_mics())).collect()
    }

    fn index_of(&self, key: &Key, identity: u128) -> Option<usize> {
        self.reels.iter().position(|reel| reel.identity == identity && reel.key == *key)
    }

    /// Adds a saved page of an instance, unless the limit is reached.
    pub(super) fn restore(&mut self, key: &Key, identity: u128, num_mics: usize, page: &SavedPage) {
        let index = self.index_of(key, identity).unwrap_or_else(|| {
            let tape = Tape::new(num_mics);
            self.reels.push(Reel { key: key.clone(), identity, tape, has_ended: false });
            self.reels.len() - 1
        });
        let tape = &mut self.reels[index].tape;
        if tape.num_mics() == num_mics && self.bytes + tape.page_bytes() <= self.limit_bytes {
            let added = usize::from(tape.restore(page));
            self.bytes += added * tape.page_bytes();
        }
    }

    /// Returns pages of instances of this process that were recorded since they were saved, with
    /// the instance and the time of the last recording. Those in progress come only with `all`.
    pub(super) fn unsaved(
        &self,
        key: &Key,
        most: usize,
        all: bool,
    ) -> Vec<((u128, usize), u64, SavedPage)> {
        // A hop of 16 tracks is 16 recordings.
        let until = if all { self.clock } else { self.clock.saturating_sub(RECENT) };
        let mut pages = Vec::new();
        let here = self.kept_here(key);
        for Reel { key: of, identity, tape, has_ended } in &self.reels {
            let instance = (*identity, tape.num_mics());
            if of != key || !(*has_ended || here.contains(&instance)) {
                continue;
            }
            let until = if *has_ended { self.clock } else { until };
            let unsaved = tape.unsaved(until, most - pages.len());
            pages.extend(unsaved.into_iter().map(|(at, page)| (instance, at, page)));
            if pages.len() == most {
                break;
            }
        }
        pages
    }

    /// Notes that a page has been saved as it was at the time `recorded`.
    pub(super) fn is_saved(&mut self, key: &Key, identity: u128, number: i64, recorded: u64) {
        if let Some(index) = self.index_of(key, identity) {
            self.reels[index].tape.is_saved(number, recorded);
        }
    }

    /// Records samples of an instance, `[mic][sample]`, from a place of the timeline on. Returns
    /// the pages that were given up, so that the caller can free them without the store's lock.
    pub(crate) fn record(
        &mut self,
        key: &Key,
        identity: u128,
        sample: i64,
        mics: &[&[f32]],
        settings: MicSettings,
    ) -> Vec<Page> {
        let index = match self.index_of(key, identity) {
            Some(index) if self.reels[index].tape.num_mics() == mics.len() => index,
            other => {
                // A track that was mono or stereo before begins anew.
                let tape = Tape::new(mics.len());
                let reel = Reel { key: key.clone(), identity, tape, has_ended: false };
                if let Some(index) = other {
                    let old = std::mem::replace(&mut self.reels[index], reel).tape;
                    self.bytes -= old.page_bytes() * old.pages().count();
                    index
                } else {
                    self.reels.push(reel);
                    self.reels.len() - 1
                }
            }
        };
        self.clock += 1;
        let tape = &mut self.reels[index].tape;
        let added = tape.record(sample, mics, settings, self.clock);
        self.bytes += added * tape.page_bytes();
        let mut given_up = Vec::new();
        while added > 0 && self.bytes > self.limit_bytes {
            let Some(page) = self.give_up_oldest() else { break };
            given_up.push(page);
        }
        given_up
    }

    /// Removes the page that was recorded longest ago.
    fn give_up_oldest(&mut self) -> Option<Page> {
        let pages = self.reels.iter().enumerate().flat_map(|(reel, Reel { tape, .. })| {
            tape.pages().map(move |(number, page)| (page.recorded, reel, number))
        });
        let (recorded, reel, number) = pages.min()?;
        let tape = &mut self.reels[reel].tape;
        // The newest page stays.
        let page = (recorded < self.clock).then(|| tape.remove(number)).flatten()?;
        self.bytes -= tape.page_bytes();
        Some(page)
    }

    /// Returns the samples from the place `sample` to that of the same sound on an instance's tape,
    /// the least of several; `None` if it is not near.
    pub(crate) fn shift(
        &self,
        key: &Key,
        identity: u128,
        sample: i64,
        sound: &[f32],
    ) -> Option<i64> {
        self.reels[self.index_of(key, identity)?].tape.shift(sample, sound)
    }

    /// Copies the sound of an instance from a place of the timeline on into `mics`,
    /// `[mic][sample]`, as far as it was recorded, and adds the parts that were found to `found`.
    pub(crate) fn play(
        &self,
        key: &Key,
        identity: u128,
        sample: i64,
        mics: &mut [&mut [f32]],
        found: &mut Vec<Found>,
    ) {
        let tape = self.index_of(key, identity).map(|index| &self.reels[index].tape);
        if let Some(tape) = tape.filter(|tape| tape.num_mics() == mics.len()) {
            tape.play(sample, mics, found);
        }
    }
}
