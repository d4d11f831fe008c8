//! One of two processes is killed in the middle of a block.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::state::State;
use super::{BLOCK, Extent, NUM_TRACKS, Outcome, RATE_HZ, Steps, begin, signals, usual_step};
use crate::linked::remote::Remote;

/// Blocks that both processes play before the kill, and this one after it.
const BLOCKS: usize = 40;
/// Time in which the workers of both processes find each other's instances.
const MEETING: Duration = Duration::from_millis(150);
/// Longest time of a block at a kill: nothing waits for another process.
const LONGEST: Duration = Duration::from_secs(2);

pub(super) fn make(
    bundle: &crate::Bundle,
    folder: &Path,
    extent: Extent,
    other: impl Fn() -> Command,
) -> Result<Outcome> {
    let num_kills: u64 = if extent == Extent::Full { 200 } else { 5 };
    let all = signals(2 * NUM_TRACKS, 2 * RATE_HZ as usize);
    let usual = usual_step(bundle, &all)?;
    let (own, others) = all.split_at(NUM_TRACKS);
    let mut session = begin(bundle, own)?;
    // Until all threads of the worker are there.
    session.play(RATE_HZ as usize)?;
    let before = State::now(folder)?;
    let files = folder.parent().context("the folder has no parent")?;
    let mut longest = Duration::ZERO;
    for kill in 0..num_kills {
        let others: Vec<&[f32]> = others.iter().map(Vec::as_slice).collect();
        let mut remote = Remote::start(other(), files, RATE_HZ, BLOCK, &others)?;
        std::thread::sleep(MEETING);
        // The other process begins at the start of the timeline.
        session.seek(0);
        for block in 0..2 * BLOCKS {
            if block < BLOCKS {
                remote.play(BLOCK)?;
            } else if block == BLOCKS {
                remote.begin_to_play(100 * BLOCK)?;
                // At another point of a block each time.
                std::thread::sleep(Duration::from_micros(37 * (kill % 60)));
                remote.kill()?;
            }
            let began = Instant::now();
            session.play(BLOCK)?;
            longest = longest.max(began.elapsed());
        }
        drop(remote);
        State::wait_for(&before, folder).with_context(|| format!("kill {kill}"))?;
    }
    ensure!(longest < LONGEST, "a block took {longest:?}");
    let steps = Steps::of(&mut session, NUM_TRACKS)?;
    ensure!(steps.cleaned.iter().all(|share| *share > 0.5), "cleaned: {:?}", steps.cleaned);
    let largest_step = steps.largest / usual;
    ensure!(largest_step < 2.0, "a step of {largest_step} of the usual one");
    let after = State::wait_for(&before, folder)?;
    let note = format!("{num_kills} kills, longest block {} ms", longest.as_millis());
    Ok(Outcome { note, largest_step, before, after })
}
