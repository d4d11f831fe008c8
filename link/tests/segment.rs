//! Segments between processes: this program starts itself again in another role.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod common;

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::folder;
use common::process::{FOLDER, Process, ROLE, say, wait};
use link::segment::{
    Folder, LinkError, Owner, Segment, SegmentId, SegmentView, Shape, Watch, reclaim,
};

/// Shape of segments whose creation and writing take some time.
const LARGE: Shape = Shape { longs: 16, samples: 48_000 };

const SMALL: Shape = Shape { longs: 3, samples: 1100 };

/// The part of the started processes; without a role there is nothing to do.
#[test]
fn role_of_a_started_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let folder = Folder::at(Path::new(&env::var(FOLDER).unwrap())).unwrap();
    match role.as_str() {
        "own" => own(&folder),
        "churn" => churn(&folder),
        "many" => many(&folder),
        "reclaim" => reclaim_at_once(&folder),
        "full" => full(&folder),
        _ => panic!("unknown role {role}"),
    }
}

/// Owns a segment with values, until told to drop it, and ends later.
fn own(folder: &Folder) {
    let owner = Segment::create(folder, SMALL).unwrap();
    for (value, sample) in (0_u32..).zip(owner.samples()) {
        sample.store(value * 3, Ordering::Relaxed);
    }
    owner.longs()[0].store(41, Ordering::Release);
    say(owner.id());
    wait();
    owner.longs()[0].store(42, Ordering::Release);
    say("written");
    wait();
    drop(owner);
    say("dropped");
    wait();
}

/// Creates, writes and drops segments until it is killed.
fn churn(folder: &Folder) {
    let mut is_first = true;
    loop {
        let owner = Segment::create(folder, LARGE).unwrap();
        for pass in 1..4 {
            owner.samples().iter().for_each(|sample| sample.store(pass, Ordering::Relaxed));
            owner.longs()[0].store(pass.into(), Ordering::Release);
        }
        drop(owner);
        if is_first {
            say("started");
            is_first = false;
        }
    }
}

/// Owns many segments until it is killed.
fn many(folder: &Folder) {
    let owners: Vec<_> = (0..500).map(|_| Segment::create(folder, SMALL).unwrap()).collect();
    say(owners.len());
    wait();
}

fn reclaim_at_once(folder: &Folder) {
    say("ready");
    wait();
    say(reclaim(folder));
}

/// Reports the error of a segment that does not fit, and then creates one that does.
fn full(folder: &Folder) {
    let error = Segment::create(folder, Shape { longs: 0, samples: 1 << 20 }).unwrap_err();
    say(matches!(error, LinkError::Memory { bytes, .. } if bytes == 64 + (4 << 20)));
    say(error);
    let left = fs::read_dir(folder.path()).unwrap().count();
    say(left);
    let owner = Segment::create(folder, Shape { longs: 0, samples: 1000 }).unwrap();
    owner.samples()[999].store(1, Ordering::Relaxed);
    say(SegmentView::open(folder, owner.id(), Shape { longs: 0, samples: 1000 }).is_ok());
}

fn files(folder: &Folder) -> Vec<PathBuf> {
    fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn id_of(text: &str) -> SegmentId {
    SegmentId(u128::from_str_radix(text, 16).unwrap())
}

/// Ends the loops of other threads on drop, so that a failed test ends too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Numbers of a xorshift generator.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % limit as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.number().to_be_bytes()[0]
    }
}

#[test]
fn another_process_sees_the_owners_values_and_its_end() {
    let (_parent, folder) = folder();
    let mut watch = Watch::new();
    assert!(watch.changed(&folder));
    let mut process = Process::start("own", &folder);
    let id = id_of(&process.hear());
    assert_eq!(folder.list().unwrap(), [id]);
    let view = SegmentView::open(&folder, id, SMALL).unwrap();
    assert_eq!(view.longs()[0].load_acquire(), 41);
    assert!((0..).zip(view.samples()).all(|(value, sample)| sample.load() == value * 3));
    assert_eq!(view.owner(), Owner::Present);
    process.go_on();
    assert_eq!(process.hear(), "written");
    assert_eq!(view.longs()[0].load_acquire(), 42);
    process.go_on();
    assert_eq!(process.hear(), "dropped");
    assert_eq!(view.owner(), Owner::Left);
    assert!(files(&folder).is_empty());

    // Killed in place of dropped, and seen by the watch at both times.
    let saw_change = |watch: &mut Watch| {
        let deadline = Instant::now() + Duration::from_secs(1);
        while !watch.changed(&folder) {
            assert!(Instant::now() < deadline, "no change was seen");
            thread::sleep(Duration::from_millis(1));
        }
    };
    let mut process = Process::start("own", &folder);
    let id = id_of(&process.hear());
    saw_change(&mut watch);
    let view = SegmentView::open(&folder, id, SMALL).unwrap();
    process.kill();
    assert_eq!(view.owner(), Owner::Died);
    assert_eq!(view.longs()[0].load_acquire(), 41);
    assert_eq!(reclaim(&folder), 1);
    saw_change(&mut watch);
    assert!(files(&folder).is_empty());
}

#[test]
fn killed_owners_leave_nothing_and_harm_no_reader() {
    const NUM_KILLS: usize = 200;
    let (_parent, folder) = folder();
    let survivor = Segment::create(&folder, LARGE).unwrap();
    survivor.longs()[0].store(5, Ordering::Relaxed);
    let is_over = AtomicBool::new(false);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut partial, mut complete, mut nothing) = (0, 0, 0);
    let num_views = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut num_views, mut num_owners) = (0_usize, HashSet::new());
            while !is_over.load(Ordering::Relaxed) {
                for id in folder.list().unwrap() {
                    let view = match SegmentView::open(&folder, id, LARGE) {
                        Ok(view) => view,
                        Err(LinkError::Missing { .. }) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    let pass = view.longs()[0].load_acquire();
                    let samples = view.samples().iter().map(|sample| u64::from(sample.load()));
                    // The samples were stored before the long.
                    assert!(id == survivor.id() || samples.min().unwrap() >= pass);
                    num_views += 1;
                    num_owners.insert((view.owner() == Owner::Died, id == survivor.id()));
                }
            }
            assert!(num_owners.contains(&(false, true)) && !num_owners.contains(&(true, true)));
            num_views
        });
        let over = Over(&is_over);
        for _ in 0..NUM_KILLS {
            let mut process = Process::start("churn", &folder);
            assert_eq!(process.hear(), "started");
            thread::sleep(Duration::from_micros(random.below(3000) as u64));
            process.kill();
            let own = survivor.id().to_string();
            let mut left = files(&folder);
            left.retain(|path| !path.to_str().unwrap().contains(&own));
            match &left[..] {
                [] => nothing += 1,
                [path] if path.extension().unwrap() == "part" => partial += 1,
                [path] if path.extension().unwrap() == "link" => complete += 1,
                _ => panic!("{left:?}"),
            }
            assert_eq!(reclaim(&folder), left.len());
            assert_eq!(files(&folder).len(), 1);
        }
        drop(over);
        reader.join().unwrap()
    });
    println!("left: {partial} partial, {complete} complete, {nothing} times nothing");
    println!("{num_views} views");
    // Each moment was met.
    assert!(partial > 0 && complete > 0 && num_views > NUM_KILLS);
    assert_eq!(folder.list().unwrap(), [survivor.id()]);
    assert!(survivor.is_listed());
}

#[test]
fn two_processes_that_reclaim_at_once_remove_each_dead_segment_once() {
    let (_parent, folder) = folder();
    let survivor = Segment::create(&folder, LARGE).unwrap();
    let mut owner = Process::start("many", &folder);
    assert_eq!(owner.hear(), "500");
    let mut reclaimers = [(); 2].map(|()| Process::start("reclaim", &folder));
    for process in &mut reclaimers {
        assert_eq!(process.hear(), "ready");
    }
    owner.kill();
    reclaimers.iter_mut().for_each(Process::go_on);
    let numbers = reclaimers.each_mut().map(|process| process.hear().parse::<usize>().unwrap());
    println!("reclaimed by each: {numbers:?}");
    assert_eq!(numbers.iter().sum::<usize>(), 500);
    assert_eq!(folder.list().unwrap(), [survivor.id()]);
    assert_eq!(files(&folder).len(), 1);
}

#[test]
fn segments_are_created_while_others_reclaim_all_the_time() {
    let (_parent, folder) = folder();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    reclaim(&folder);
                }
            });
        }
        let _over = Over(&is_over);
        for _ in 0..2000 {
            let owner = Segment::create(&folder, SMALL).unwrap();
            assert!(owner.is_listed());
            assert!(SegmentView::open(&folder, owner.id(), SMALL).is_ok());
        }
    });
    reclaim(&folder);
    assert!(files(&folder).is_empty());
}

/// The largest file of the process stands for full memory, which only an administrator can make.
#[cfg(unix)]
#[test]
fn a_segment_that_does_not_fit_is_an_error() {
    let (_parent, folder) = folder();
    let mut command = Command::new("sh");
    // 1 MiB in blocks of 512 bytes; in some shells of 1024 bytes.
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 2048; exec "$0" "$@""#]);
    command.arg(env::current_exe().unwrap());
    let mut process = Process::start_with(command, "full", &folder);
    assert_eq!(process.hear(), "true");
    let line = process.hear();
    assert!(line.contains("no room for 4194368 bytes of shared memory"), "{line}");
    assert_eq!(process.hear(), "0");
    assert_eq!(process.hear(), "true");
}

#[test]
fn hostile_files_are_refused_or_read_and_never_end_the_reader() {
    let (_parent, folder) = folder();
    let mut process = Process::start("own", &folder);
    let id = id_of(&process.hear());
    process.kill();
    let path = folder.path().join(format!("unspill-2-{id}.link"));
    let good = fs::read(&path).unwrap();
    SegmentView::open(&folder, id, SMALL).unwrap();

    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut num_valid, mut sum) = (0, 0_u64);
    for round in 0..10_000 {
        let mut bytes = good.clone();
        match round % 5 {
            0 => bytes.truncate(random.below(good.len() + 1)),
            1 => bytes.resize(good.len() + random.below(9000), 7),
            2 => bytes[random.below(40)] ^= 1 << random.below(8),
            3 => bytes.iter_mut().for_each(|byte| *byte = random.byte()),
            // Everything but magic number, format and shape, which stay valid.
            _ => bytes[32..].iter_mut().for_each(|byte| *byte = random.byte()),
        }
        fs::write(&path, &bytes).unwrap();
        let is_valid = bytes.len() == good.len() && bytes[..32] == good[..32];
        match SegmentView::open(&folder, id, SMALL) {
            Ok(view) => {
                assert!(is_valid, "round {round}");
                num_valid += 1;
                assert!(view.owner() != Owner::Present, "round {round}");
                sum = view.longs().iter().fold(sum, |sum, long| sum ^ long.load());
                sum = view.samples().iter().fold(sum, |sum, sample| sum ^ u64::from(sample.load()));
            }
            Err(error) => {
                assert!(!is_valid, "round {round}: {error}");
                assert!(!error.to_string().contains('\n'), "round {round}: {error}");
            }
        }
    }
    // A fifth has a valid header, and few others by chance.
    assert!((2000..2600).contains(&num_valid), "{num_valid}");
    assert_ne!(sum, 0);
    assert_eq!(reclaim(&folder), 1);
    assert!(files(&folder).is_empty());
}
