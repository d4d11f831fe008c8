//! Faults of the folder of linked instances: no room, old segments, and bytes of others.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::state::State;
use super::{Extent, NUM_TRACKS, Outcome, RATE_HZ, Steps, begin, signals, usual_step};
use crate::Bundle;
use crate::pattern::next_random;

/// A file system of a limited size on a folder, until it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(folder: &'a Path, bytes: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let options = format!("size={bytes},mode=700");
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).status()?;
        ensure!(status.success(), "no small file system: mounting needs the rights of root");
        Ok(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: segments may be mapped for a moment longer. A failure leaves a small folder.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// Returns the bytes of one segment.
fn segment_bytes(bundle: &Bundle, folder: &Path) -> Result<u64> {
    let _session = begin(bundle, &signals(1, 1))?;
    let entry = fs::read_dir(folder)?.next().context("no segment")??;
    Ok(entry.metadata()?.len())
}

pub(super) fn full(bundle: &Bundle, folder: &Path) -> Result<Outcome> {
    let all = signals(2 * NUM_TRACKS, 2 * RATE_HZ as usize);
    let linked = &all[..NUM_TRACKS];
    let usual = usual_step(bundle, linked)?;
    let bytes = segment_bytes(bundle, folder)?;
    // Room for the segments of a half of the tracks, and for a part of one more.
    let _disk = SmallDisk::mount(folder, NUM_TRACKS as u64 * (bytes + 4096) + bytes / 2)?;
    let before = State::now(folder)?;
    let mut session = begin(bundle, &all)?;
    session.play(all[0].len())?;
    let steps = Steps::of(&mut session, all.len())?;
    let is_cleaned = |track: usize| steps.cleaned[track] > 0.5;
    ensure!((0..NUM_TRACKS).all(is_cleaned), "cleaned: {:?}", steps.cleaned);
    let is_dry = |track: usize| steps.cleaned[track] == 0.0;
    ensure!((NUM_TRACKS..all.len()).all(is_dry), "cleaned: {:?}", steps.cleaned);
    drop(session);
    let largest_step = steps.largest / usual;
    ensure!(largest_step <= 1.0, "a step of {largest_step} of the usual one");
    let after = State::wait_for(&before, folder)?;
    let note = format!("room for {NUM_TRACKS} of {} segments, the others are dry", all.len());
    Ok(Outcome { note, largest_step, before, after })
}

pub(super) fn stale(bundle: &Bundle, folder: &Path) -> Result<Outcome> {
    let all = signals(NUM_TRACKS, 2 * RATE_HZ as usize);
    let usual = usual_step(bundle, &all)?;
    let bytes = segment_bytes(bundle, folder)?;
    let (current, template) = segment(bundle, folder)?;
    let format: u32 = current.split('-').nth(1).context("no format in the name")?.parse()?;
    let before = State::now(folder)?;
    ensure!(before.segments == 0, "segments are left: {before}");
    let name = |format: u32, id: u128, stage: &str| {
        folder.join(format!("unspill-{format}-{id:032x}.{stage}"))
    };
    // Of a version before and after this one, and of instances of this one that have died.
    for id in 0..4 {
        fs::write(name(format - 1, id, "link"), &template)?;
        fs::write(name(format + 1, id, "link"), vec![7; usize::try_from(bytes)?])?;
        fs::write(name(format, id, "link"), &template)?;
        fs::write(name(format, 100 + id, "part"), &template[..100])?;
    }
    let mut session = begin(bundle, &all)?;
    session.play(all[0].len())?;
    let steps = Steps::of(&mut session, all.len())?;
    ensure!(steps.cleaned.iter().all(|share| *share > 0.5), "cleaned: {:?}", steps.cleaned);
    let largest_step = steps.largest / usual;
    ensure!(largest_step <= 1.0, "a step of {largest_step} of the usual one");
    drop(session);
    let left = fs::read_dir(folder)?.count();
    let after = State::now(folder)?;
    Ok(Outcome { note: format!("of 16 stale files {left} are left"), largest_step, before, after })
}

/// Returns the name and the bytes of a segment whose owner has left.
fn segment(bundle: &Bundle, folder: &Path) -> Result<(String, Vec<u8>)> {
    let mut session = begin(bundle, &signals(1, 2_000))?;
    session.play(2_000)?;
    let path = fs::read_dir(folder)?.next().context("no segment")??.path();
    let name = path.file_name().context("no name")?.to_string_lossy().into_owned();
    Ok((name, fs::read(path)?))
}

pub(super) fn hostile(bundle: &Bundle, folder: &Path, extent: Extent) -> Result<Outcome> {
    let seconds = if extent == Extent::Full { 60 } else { 3 };
    let all = signals(NUM_TRACKS, (seconds + 1) * RATE_HZ as usize);
    let usual = usual_step(bundle, &all)?;
    let (name, template) = segment(bundle, folder)?;
    let mut session = begin(bundle, &all)?;
    // Until all threads of the worker are there.
    session.play(RATE_HZ as usize)?;
    let before = State::now(folder)?;
    let stop = AtomicBool::new(false);
    let played = std::thread::scope(|scope| {
        let disturbed = scope.spawn(|| disturb(folder, &name, &template, &stop));
        let mut result = Ok(());
        for _ in 0..seconds * 10 {
            result = result.and_then(|()| session.play(RATE_HZ as usize / 10));
        }
        // Relaxed: it ends a loop.
        stop.store(true, Ordering::Relaxed);
        let num_files = disturbed.join().ok().context("the disturber has failed")??;
        result.map(|()| num_files)
    });
    let num_files = played?;
    let steps = Steps::of(&mut session, all.len())?;
    let largest_step = steps.largest / usual;
    // Audio of strangers may be taken for bleed; 1.00 was measured.
    ensure!(largest_step < 2.0, "a step of {largest_step} of the usual one");
    let after = State::wait_for(&before, folder)?;
    let note = format!("{num_files} files of random bytes");
    Ok(Outcome { note, largest_step, before, after })
}

/// Writes files of random bytes, and copies of a segment that change while they are held, until it
/// is stopped. Returns their number.
fn disturb(folder: &Path, name: &str, template: &[u8], stop: &AtomicBool) -> Result<u64> {
    let (start, _) = name.rsplit_once('-').context("no id in the name")?;
    let mut seed = 1;
    let mut num_files = 0;
    // Relaxed: it ends a loop.
    while !stop.load(Ordering::Relaxed) {
        num_files += 1;
        let path: PathBuf = folder.join(format!("{start}-{:032x}.link", next_random(&mut seed)));
        let foreign = folder.join(format!("foreign{num_files}"));
        let random: Vec<u8> = (0..4096).map(|_| next_random(&mut seed).to_le_bytes()[0]).collect();
        fs::write(&foreign, &random)?;
        let partial = path.with_extension("part");
        let mut file = fs::File::create(&partial)?;
        // As the owner of a living instance does.
        file.lock()?;
        file.write_all(template)?;
        if fs::rename(&partial, &path).is_err() {
            // A worker has removed it before the lock, as the remains of a process that has ended.
            continue;
        }
        for _ in 0..60 {
            let at = next_random(&mut seed) % (template.len() as u64 - 8);
            // The first bytes name the format: most changes leave them.
            let at = if num_files % 4 == 0 { at % 256 } else { at.max(64) };
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&next_random(&mut seed).to_le_bytes())?;
            std::thread::sleep(Duration::from_millis(1));
        }
        fs::remove_file(&foreign)?;
        // Readers of an instance that has died remove its file, too.
        let _ = fs::remove_file(&path);
    }
    Ok(num_files)
}
