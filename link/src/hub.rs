//! The worker of a session in this process: finds the members and runs their stream.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::network::Model;
use engine::{
    HopRunner, Learner, Mode, Pace, SampleRate, SessionConfig, SessionError, SessionMethod,
    Urgency, join_worker,
};

use crate::board::{Board, Desk, RequestWriter, School, Seat, apply};
use crate::kept::{self, Saver, Shelf};
use crate::lock::lock;
use crate::ring::{Reader, SHAPE};
use crate::roster::{Pulse, describe};
use crate::segment::{Folder, Owner, SegmentId, SegmentView, Watch, reclaim};
use crate::stream::{Step, Stream};
use crate::track::{Local, MemberId, Track};
use crate::watcher::{Handles, Roster, Watcher};

/// Largest number of mono mics of a session.
pub const MAX_LINKED_MICS: usize = 16;

/// Longest park of an offline caller between two checks for a result.
const OFFLINE_NAP: Duration = Duration::from_millis(5);
/// Longest wait for a worker that finishes its work: more than it needs for the samples of one
/// latency. A worker that other tracks keep busy never finishes.
const FINISH: Duration = Duration::from_secs(1);
/// Time between two looks of an offline caller at a worker that finishes its work.
const FINISH_NAP: Duration = Duration::from_micros(50);
/// Time without a hop after which offline callers stop waiting. Only a worker that is stuck or has
/// no processor time takes so long.
const STUCK: Duration = Duration::from_secs(10);

/// Time between two descriptions of the members.
const ROSTER_PERIOD: Duration = Duration::from_millis(100);

/// All hubs of this process with members.
static HUBS: Mutex<Vec<(Key, Weak<Hub>)>> = Mutex::new(Vec::new());

/// Properties that the members of one hub share. Members with others have hubs of their own, which
/// read the same audio.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) folder: Folder,
    pub(crate) session: u8,
    pub(crate) rate: SampleRate,
    pub(crate) mode: Mode,
}

/// A member of this process that joins.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) id: MemberId,
    pub(crate) reader: Reader,
    pub(crate) local: Local,
    pub(crate) desk: Desk,
}

/// A change of the local members, for the worker.
#[derive(Debug)]
enum Change {
    Join(Box<Newcomer>),
    Leave(MemberId),
}

/// State that the members' threads and the worker share.
#[derive(Debug)]
struct Shared {
    changes: Mutex<Vec<Change>>,
    /// True if `changes` has entries, so that the worker need not lock to find that out.
    has_changes: AtomicBool,
    stop: AtomicBool,
    failed: AtomicBool,
    roster: Roster,
    /// Error of the files in which sound is kept, in words.
    kept_trouble: Arc<Mutex<Option<String>>>,
    /// Number of hops processed while a host renders.
    hops: Mutex<u64>,
    is_processed: Condvar,
    /// Number of times that the worker found no complete hop.
    idles: AtomicU64,
}

/// The worker of one session, shared by the members of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    shared: Arc<Shared>,
    handles: Handles,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    /// Returns the hub of `key`, which begins with its first member.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if the worker cannot be started.
    pub(crate) fn of(key: Key, model: Option<&Model>) -> Result<Arc<Self>, SessionError> {
        let mut hubs = lock(&HUBS);
        hubs.retain(|(_, hub)| hub.strong_count() > 0);
        if let Some(hub) = hubs.iter().find(|(of, _)| *of == key).and_then(|(_, hub)| hub.upgrade())
            && !hub.has_failed()
        {
            return Ok(hub);
        }
        let hub = Arc::new(Self::start(&key, model)?);
        hubs.push((key, Arc::downgrade(&hub)));
        Ok(hub)
    }

    fn start(key: &Key, model: Option<&Model>) -> Result<Self, SessionError> {
        let config = SessionConfig {
            rate: key.rate,
            num_mics: MAX_LINKED_MICS,
            mode: key.mode,
            pace: Pace::Realtime,
            max_block_samples: 0,
        };
        let method = SessionMethod::Own { model, learned: None };
        let runner = HopRunner::new(&config, method)?;
        let handles =
            Handles { stats: runner.stats(), monitor: runner.monitor(), learner: runner.learner() };
        let shared = Arc::new(Shared {
            changes: Mutex::default(),
            has_changes: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            roster: Roster::default(),
            kept_trouble: Arc::default(),
            hops: Mutex::new(0),
            is_processed: Condvar::new(),
            idles: AtomicU64::new(0),
        });
        let shelf = Shelf::of(kept::Key {
            folder: key.folder.clone(),
            session: key.session,
            rate_bits: key.rate.hz().to_bits(),
        });
        let worker = Worker {
            shared: Arc::clone(&shared),
            stream: Stream::new(runner, MAX_LINKED_MICS).watched(key.rate.hz()),
            key: key.clone(),
            watch: Watch::new(),
            others: Vec::new(),
            unused: Vec::new(),
            board: Board::default(),
            shelf,
            keeps: false,
            saver: None,
            num_processes: 0,
            school: School::default(),
            learner: Arc::clone(&handles.learner),
            pulse: Pulse::default(),
            described: None,
        };
        let thread = std::thread::Builder::new()
            .name("unspill-link".into())
            .spawn(move || worker.run())
            .map_err(|error| SessionError::Thread { kind: error.kind() })?;
        Ok(Self { shared, handles, thread: Some(thread) })
    }

    /// Adds a member of this process.
    pub(crate) fn join(&self, newcomer: Newcomer) {
        self.change(Change::Join(Box::new(newcomer)));
    }

    pub(crate) fn leave(&self, id: MemberId) {
        self.change(Change::Leave(id));
    }

    fn change(&self, change: Change) {
        lock(&self.shared.changes).push(change);
        // Release: a thread that reads the mark reads the change.
        self.shared.has_changes.store(true, Ordering::Release);
        self.wake();
    }

    /// Returns the view of the session from a member.
    pub(crate) fn watcher(&self, id: MemberId, requests: &Arc<Mutex<RequestWriter>>) -> Watcher {
        let roster = Arc::clone(&self.shared.roster);
        let kept_trouble = Arc::clone(&self.shared.kept_trouble);
        Watcher::new(id, roster, kept_trouble, self.handles.clone(), requests)
    }

    pub(crate) fn has_failed(&self) -> bool {
        // Acquire: everything sent before the failure is visible to a thread that reads it.
        self.shared.failed.load(Ordering::Acquire)
    }

    /// Wakes the worker: a system call, for callers that may wait only.
    pub(crate) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits until the worker has processed everything that members have delivered so far, a second
    /// at most. Offline only.
    pub(crate) fn finish(&self) {
        let since = Instant::now();
        // Acquire: pairs with the Release below, so that the second look of the worker from now on
        // is later than this call.
        let idles = || self.shared.idles.load(Ordering::Acquire);
        let before = idles();
        while idles().wrapping_sub(before) < 2 && !self.has_failed() && since.elapsed() < FINISH {
            self.wake();
            std::thread::sleep(FINISH_NAP);
        }
    }

    /// Begins a wait for a hop, which is no longer than `patience`. Offline only.
    pub(crate) fn wait(&self, patience: Option<Duration>) -> Wait<'_> {
        let now = Instant::now();
        Wait { hub: self, hops: None, since: now, end: patience.map(|patience| now + patience) }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Relaxed: a late read costs one nap.
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(join_worker);
    }
}

/// A caller's wait for the worker.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    hub: &'a Hub,
    /// Number of hops at the last look.
    hops: Option<u64>,
    /// Time of the last new hop.
    since: Instant,
    /// Time at which the wait ends in any case.
    end: Option<Instant>,
}

impl Wait<'_> {
    /// Waits for the next hop. Returns false if there is no reason to wait any longer.
    pub(crate) fn once(&mut self) -> bool {
        let is_over = self.end.is_some_and(|end| Instant::now() >= end);
        if is_over || self.hub.has_failed() || self.since.elapsed() > STUCK {
            return false;
        }
        self.hub.wake();
        let shared = &self.hub.shared;
        let hops = lock(&shared.hops);
        // The first look is for results that came before this number was read.
        let Some(seen) = self.hops.replace(*hops) else { return true };
        let waited = shared.is_processed.wait_timeout_while(hops, OFFLINE_NAP, |now| *now == seen);
        let (hops, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *hops != seen {
            self.since = Instant::now();
        }
        self.hops = Some(*hops);
        true
    }
}

/// State that the worker thread owns.
#[derive(Debug)]
struct Worker {
    shared: Arc<Shared>,
    stream: Stream,
    key: Key,
    watch: Watch,
    /// Members that are not local.
    others: Vec<Other>,
    /// Local members without free mics.
    unused: Vec<(MemberId, Reader, Option<Local>)>,
    /// All members of the session, also those that are not in the stream.
    board: Board,
    /// The sound of this session's members.
    shelf: Shelf,
    /// True if sound is kept.
    keeps: bool,
    /// Keeps sound in files, too.
    saver: Option<Saver>,
    num_processes: usize,
    school: School,
    learner: Arc<Learner>,
    pulse: Pulse,
    /// Time of the last description of the members.
    described: Option<Instant>,
}

impl Worker {
    fn run(mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.work())).is_err() {
            // Release: pairs with the Acquire in `has_failed`.
            self.shared.failed.store(true, Ordering::Release);
            self.shared.is_processed.notify_all();
        }
    }

    fn work(&mut self) {
        self.stream.runner().warm_up();
        let mut urgency = Urgency::default();
        let mut is_late = false;
        // Relaxed: a late read costs one nap.
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.take_changes();
            if self.watch.changed(&self.key.folder) {
                self.look_around();
            }
            self.add_members();
            let now = Instant::now();
            self.poll_board(now, is_late);
            self.describe(now);
            let mut step = self.stream.step();
            if step == Step::Moved {
                // Amounts and learned estimates go with the mics.
                self.board.hurry();
            }
            if matches!(step, Step::Moved | Step::Gathered) {
                // A host renders several seconds between two polls. The same settings must give the
                // same sound then.
                self.board.expire();
                self.poll_board(now, false);
                step = self.stream.step();
            }
            // Several hops in a row are complete, as far as is known.
            is_late = step == Step::Done;
            if step == Step::Idle {
                self.shared.idles.fetch_add(1, Ordering::Release);
            }
            match step {
                Step::Done | Step::Gathered | Step::Moved => {
                    let is_offline = self.stream.is_offline();
                    urgency.for_hop(is_offline);
                    if is_offline {
                        *lock(&self.shared.hops) += 1;
                        self.shared.is_processed.notify_all();
                    }
                }
                Step::Idle if self.stream.runner().idle() => urgency.for_deferred_work(),
                Step::Idle => {
                    let nap = self.stream.runner().nap();
                    urgency.rest(nap, self.stream.is_offline());
                }
            }
        }
    }

    /// Applies the changes of local members.
    fn take_changes(&mut self) {
        // Acquire: pairs with the Release in `change`.
        if !self.shared.has_changes.swap(false, Ordering::Acquire) {
            return;
        }
        let changes = std::mem::take(&mut *lock(&self.shared.changes));
        for change in changes {
            match change {
                Change::Join(newcomer) => {
                    let Newcomer { id, reader, local, desk } = *newcomer;
                    // It may have been found in the folder first.
                    self.forget(id);
                    self.board.join(Seat::local(id, &reader, desk));
                    self.unused.push((id, reader, Some(local)));
                }
                Change::Leave(id) => {
                    self.board.leave(id);
                    self.stream.remove(id);
                    self.unused.retain(|(of, ..)| *of != id);
                }
            }
        }
        self.keep_up();
    }

    /// Keeps sound or not, as the members wish, and finds the instances that are not linked.
    fn keep_up(&mut self) {
        let board = &self.board;
        self.stream.identify(|id| board.identity(id));
        let keeps = board.keeps(self.key.session);
        if keeps != self.keeps && !board.seats().is_empty() {
            self.keeps = keeps;
            if !keeps {
                self.shelf.clear();
            }
            self.stream.keep_on(keeps.then(|| self.shelf.clone()));
        }
        if keeps && board.num_processes() != self.num_processes {
            self.num_processes = board.num_processes();
            self.shelf.share_among(self.num_processes);
        }
        if self.stream.call_absent() {
            self.board.hurry();
        }
        if !self.board.seats().is_empty() {
            self.keep_files();
        }
    }

    /// Starts or ends the thread that keeps sound in files, as the members wish.
    fn keep_files(&mut self) {
        let folder = self.board.kept_folder().filter(|_| self.keeps);
        let owners = self.stream.owners().into_iter().filter(|owner| owner.identity != 0);
        let instances = owners.map(|owner| (owner.identity, owner.mics.len()));
        if self.saver.as_ref().map(Saver::folder) != folder.as_deref() {
            if let Some(saver) = self.saver.take() {
                saver.delete();
            }
            self.saver = folder.map(|folder| Saver::start(folder, self.shelf.clone()));
        }
        if let Some(saver) = &self.saver {
            saver.read(instances);
        }
        *lock(&self.shared.kept_trouble) = self.saver.as_ref().and_then(Saver::trouble);
    }

    /// Finds members that are not local, and forgets those that have left or died.
    fn look_around(&mut self) {
        reclaim(&self.key.folder);
        let gone = |other: &&Other| other.view.owner() != Owner::Present;
        let ids: Vec<MemberId> = self.others.iter().filter(gone).map(Other::id).collect();
        ids.into_iter().for_each(|id| self.forget(id));
        // A folder that cannot be listed has no members for now.
        for SegmentId(id) in self.key.folder.list().unwrap_or_default() {
            let is_known = self.stream.tracks().iter().any(|track| track.id == id)
                || self.unused.iter().any(|(of, ..)| *of == id)
                || self.others.iter().any(|other| other.id() == id);
            if is_known {
                continue;
            }
            // Foreign and damaged segments are refused here.
            if let Ok(view) = SegmentView::open(&self.key.folder, SegmentId(id), SHAPE) {
                self.others.push(Other { view, reader: None, written: 0, is_in_stream: false });
            }
        }
    }

    /// Adds members to the stream as soon as they have shown their settings and while there are
    /// free mics: local ones, and others of this session and rate.
    fn add_members(&mut self) {
        for (id, reader, local) in &mut self.unused {
            let identity = self.board.identity(*id);
            if let Some(mics) = self.stream.mics_for(identity, reader.about().num_mics) {
                let track = Track::new(*id, reader.clone(), mics, local.take());
                self.stream.add(track.of(identity));
                self.board.hurry();
            }
        }
        self.unused.retain(|(.., local)| local.is_some());
        for other in self.others.iter_mut().filter(|other| !other.is_in_stream) {
            if other.reader.is_none() {
                other.reader = Reader::new(other.view.memory().clone());
                other.written = other.reader.as_ref().map_or(0, Reader::written);
            }
            let Some(reader) = &other.reader else { continue };
            let (id, about) = (other.view.id().0, *reader.about());
            if about.session != self.key.session
                || !self.board.meet(id, reader)
                || about.rate_hz.to_bits() != self.key.rate.hz().to_bits()
            {
                continue;
            }
            let identity = self.board.identity(id);
            let Some(mics) = self.stream.mics_for(identity, about.num_mics) else { continue };
            self.stream.add(Track::new(id, reader.clone(), mics, None).of(identity));
            self.board.hurry();
            other.is_in_stream = true;
        }
    }

    /// Forgets a member that is not local.
    fn forget(&mut self, id: MemberId) {
        if self.others.iter().any(|other| other.is_in_stream && other.id() == id) {
            self.stream.remove(id);
        }
        self.others.retain(|other| other.id() != id);
        self.board.leave(id);
    }

    /// Exchanges settings with the other members if that is due: about thirty times a second, and
    /// before each hop that a host renders.
    fn poll_board(&mut self, now: Instant, is_late: bool) {
        if !self.board.is_due(now, is_late) {
            return;
        }
        let others = &self.others;
        self.board.poll(now, |id| {
            let other = others.iter().find(|other| other.id() == id);
            other.is_none_or(Other::is_alive)
        });
        self.keep_up();
        let owners = self.stream.owners();
        let (tracks, controls) = self.stream.tracks_and_controls();
        apply(&mut self.board, tracks, &owners, controls);
        self.school.poll(&self.board, &owners, controls, &self.learner, MAX_LINKED_MICS);
    }

    /// Describes the members for windows, ten times a second.
    fn describe(&mut self, now: Instant) {
        if self.described.is_some_and(|last| now.duration_since(last) < ROSTER_PERIOD) {
            return;
        }
        self.described = Some(now);
        let roster = describe(
            &self.board,
            self.stream.tracks(),
            self.stream.end(),
            self.key.rate.hz(),
            &mut self.pulse,
            now,
        );
        *lock(&self.shared.roster) = roster;
    }
}

/// A member that is not local.
#[derive(Debug)]
struct Other {
    view: SegmentView,
    /// `None` until the member has begun.
    reader: Option<Reader>,
    /// Number of its samples when it was found.
    written: i64,
    is_in_stream: bool,
}

impl Other {
    /// Returns true if the member plays, or belongs to this process. One that has stopped may
    /// belong to a program that hangs or is about to end.
    fn is_alive(&self) -> bool {
        let moves = |reader: &Reader| {
            reader.about().process == std::process::id() || reader.written() > self.written
        };
        self.reader.as_ref().is_some_and(moves) && self.view.owner() == Owner::Present
    }

    fn id(&self) -> MemberId {
        self.view.id().0
    }
}
