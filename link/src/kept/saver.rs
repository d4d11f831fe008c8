//! The thread that keeps tapes in files, beside the copy in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use engine::join_worker;

use super::Shelf;
use super::file::{Name, TapeFile, is_tape};
use crate::lock::lock;
use crate::segment::private_folders;

/// Time between two looks for new pages. A page that is still being recorded is saved later.
const PERIOD: Duration = Duration::from_secs(2);
/// Number of pages that are copied at a time: the worker waits for the copy if it needs the store.
const PAGES_AT_A_TIME: usize = 1;
/// Largest size of all files in the folder, in bytes.
const LIMIT_BYTES: u64 = 4 << 30;

/// State that the worker and the thread share.
#[derive(Debug, Default)]
struct Shared {
    wishes: Mutex<Wishes>,
    has_wish: Condvar,
    trouble: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Wishes {
    /// Identities and numbers of mics of the instances whose tapes are read.
    read: BTreeSet<(u128, usize)>,
    stop: bool,
    /// True if the files of all instances are to be deleted.
    delete: bool,
}

/// Keeps the tapes of one session in files until it is dropped.
#[derive(Debug)]
pub(crate) struct Saver {
    folder: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    /// Starts the thread. `folder` is created if necessary.
    pub(crate) fn start(folder: PathBuf, shelf: Shelf) -> Self {
        let shared = Arc::<Shared>::default();
        shelf.lock().begin_saving(shelf.key());
        let end = shelf.clone();
        let mut work = Work {
            folder: folder.clone(),
            shelf: shelf.clone(),
            shared: Arc::clone(&shared),
            files: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new().name("unspill-kept".into()).spawn(move || {
            work.run();
            drop(end.lock().end_saving(end.key()));
        });
        let thread = thread.map_err(|error| {
            set_trouble(&shared, &folder, &error);
            drop(shelf.lock().end_saving(shelf.key()));
        });
        let thread = thread.ok();
        Self { folder, shared, thread }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the tapes of these instances, if that has not happened yet. Never waits for the disk.
    pub(crate) fn read(&self, instances: impl IntoIterator<Item = (u128, usize)>) {
        let mut wishes = lock(&self.shared.wishes);
        let before = wishes.read.len();
        wishes.read.extend(instances);
        if wishes.read.len() > before {
            self.shared.has_wish.notify_all();
        }
    }

    /// Deletes the files of all instances of the session, and ends.
    pub(crate) fn delete(self) {
        lock(&self.shared.wishes).delete = true;
    }

    /// Returns the first error, in words.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.shared.trouble).clone()
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        lock(&self.shared.wishes).stop = true;
        self.shared.has_wish.notify_all();
        self.thread.take().and_then(join_worker);
    }
}

fn set_trouble(shared: &Shared, path: &Path, error: &io::Error) {
    let text = format!("{}: {error}", path.display());
    lock(&shared.trouble).get_or_insert(text);
}

/// State that the thread owns.
#[derive(Debug)]
struct Work {
    folder: PathBuf,
    shelf: Shelf,
    shared: Arc<Shared>,
    /// Files whose tapes have been read.
    files: BTreeMap<(u128, usize), TapeFile>,
}

impl Work {
    fn run(&mut self) {
        // The priority stays: the worker would wait for a thread that gets no processor time.
        let mut saved = Instant::now();
        loop {
            let wishes = lock(&self.shared.wishes);
            let is_new =
                |wishes: &Wishes| wishes.read.iter().any(|of| !self.files.contains_key(of));
            let idle = |wishes: &mut Wishes| !wishes.stop && !is_new(wishes);
            let waited = self.shared.has_wish.wait_timeout_while(wishes, PERIOD, idle);
            let (wishes, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (stop, delete) = (wishes.stop, wishes.delete);
            let wanted: Vec<_> = wishes.read.iter().copied().collect();
            drop(wishes);
            if delete {
                self.delete(&wanted);
                return;
            }
            let is_over = stop || saved.elapsed() >= PERIOD;
            let done =
                self.read(&wanted).and_then(|()| if is_over { self.save(stop) } else { Ok(()) });
            if is_over {
                saved = Instant::now();
            }
            // An error ends it: a full disk would fail again and again.
            if done.is_err() || stop {
                return;
            }
        }
    }

    fn name(&self, (identity, num_mics): (u128, usize)) -> Name {
        Name { identity, rate_bits: self.shelf.key().rate_bits, num_mics }
    }

    /// Opens the files of new instances, and puts their pages on the shelf.
    fn read(&mut self, wanted: &[(u128, usize)]) -> Result<(), ()> {
        for &instance in wanted {
            if self.files.contains_key(&instance) {
                continue;
            }
            let file = self.read_one(instance);
            let path = self.name(instance).path(&self.folder);
            let file = file.map_err(|error| set_trouble(&self.shared, &path, &error))?;
            self.files.insert(instance, file);
        }
        Ok(())
    }

    fn read_one(&self, instance: (u128, usize)) -> io::Result<TapeFile> {
        private_folders().recursive(true).create(&self.folder)?;
        let mut file = TapeFile::open(&self.folder, self.name(instance))?;
        for number in file.pages() {
            if let Some(page) = file.read(number)? {
                let (identity, num_mics) = instance;
                self.shelf.lock().restore(self.shelf.key(), identity, num_mics, &page);
            }
        }
        Ok(file)
    }

    /// Saves the pages of instances of this process that are new; those in progress only at the
    /// end.
    fn save(&mut self, is_end: bool) -> Result<(), ()> {
        let mut has_grown = false;
        loop {
            let pages = self.shelf.lock().unsaved(self.shelf.key(), PAGES_AT_A_TIME, is_end);
            if pages.is_empty() {
                break;
            }
            for (instance, recorded, page) in pages {
                let path = self.name(instance).path(&self.folder);
                let saved = match self.files.get_mut(&instance) {
                    Some(file) => file.write(&page),
                    None => self.read_one(instance).and_then(|mut file| {
                        let saved = file.write(&page);
                        self.files.insert(instance, file);
                        saved
                    }),
                };
                has_grown |= saved.map_err(|error| set_trouble(&self.shared, &path, &error))?;
                let (key, number) = (self.shelf.key(), page.number);
                self.shelf.lock().is_saved(key, instance.0, number, recorded);
            }
        }
        let unneeded = self.shelf.lock().drop_saved(self.shelf.key());
        drop(unneeded);
        if has_grown {
            self.make_room();
        }
        Ok(())
    }

    /// Deletes the files that were written longest ago until all fit in the limit, but none of this
    /// session's.
    fn make_room(&self) {
        let own: BTreeSet<PathBuf> =
            self.files.keys().map(|of| self.name(*of).path(&self.folder)).collect();
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter(|entry| is_tape(&entry.path()))
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if total > LIMIT_BYTES && !own.contains(&path) && fs::remove_file(&path).is_ok() {
                total -= length;
            }
        }
    }

    fn delete(&mut self, wanted: &[(u128, usize)]) {
        let all: BTreeSet<_> = self.files.keys().copied().chain(wanted.iter().copied()).collect();
        self.files.clear();
        for instance in all {
            let path = self.name(instance).path(&self.folder);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    set_trouble(&self.shared, &path, &error);
                }
                _ => {}
            }
        }
    }
}
