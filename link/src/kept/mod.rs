//! *Keep neighbours*: the sound of the last playback, for tracks that are rendered alone.
//!
//! A host that freezes or exports one track calls only its instance, so the worker lacks the other
//! mics. It therefore records the samples of all members by their place on the host's timeline.
//! While a host renders, the recorded samples stand in for those of members that deliver none. If
//! the engineer wishes, a thread also keeps them in files, so that they outlast the program.

mod file;
mod saver;
mod store;
mod tape;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

pub(crate) use saver::Saver;
pub(crate) use store::{Key, Store};
pub(crate) use tape::Found;

use crate::board::Console;
use crate::lock::lock;

/// Largest memory for the sound of all sessions of this process: 5.8 minutes of 16 mics at 48 kHz.
const LIMIT_BYTES: usize = 1 << 30;

static STORE: LazyLock<Arc<Mutex<Store>>> =
    LazyLock::new(|| Arc::new(Mutex::new(Store::new(LIMIT_BYTES))));

/// Keeps the sound of an instance until it is dropped, whether the instance is linked or not.
///
/// The sound is in the memory of this process, if [`Console::keeps`] allows it: at most 1 GiB for
/// all instances, divided by the number of processes that a session has. The sound that was played
/// longest ago goes first.
#[derive(Debug)]
pub struct Kept(Arc<dyn Console>);

impl Kept {
    /// Keeps the sound of the instance with this console from now on.
    ///
    /// # Real-time
    ///
    /// Main thread only: allocates and locks.
    #[must_use]
    pub fn new(console: Arc<dyn Console>) -> Self {
        lock(&STORE).add_instance(&console);
        Self(console)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let unneeded = lock(&STORE).remove_instance(&self.0);
        // Many pages take long to free.
        drop(unneeded);
    }
}

/// The tapes of one session.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    store: Arc<Mutex<Store>>,
    key: Key,
}

impl Shelf {
    /// Returns those of a session in this process.
    pub(crate) fn of(key: Key) -> Self {
        Self::in_store(Arc::clone(&STORE), key)
    }

    pub(crate) fn in_store(store: Arc<Mutex<Store>>, key: Key) -> Self {
        Self { store, key }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    /// Divides the memory among the processes of a session.
    pub(crate) fn share_among(&self, num_processes: usize) {
        self.lock().set_limit(LIMIT_BYTES / num_processes.max(1));
    }

    /// Forgets the sound of all instances of the session.
    pub(crate) fn clear(&self) {
        let unneeded = self.lock().clear(&self.key);
        drop(unneeded);
    }
}
