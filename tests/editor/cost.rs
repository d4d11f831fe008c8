//! Processor time of each thread of the process while the editor of sixteen mics is open.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use host::{Class, Format};

use crate::cases::{drawn, open};
use crate::player::{Player, SIXTEEN};

const MEASURED_S: f32 = 10.0;

/// Prints the shares of one core with the editor closed and open.
pub(crate) fn measure() -> Result<()> {
    let mut player = Player::with_mics(Format::Clap, Class::Sixteen, &SIXTEEN.map(Some))?;
    player.play(3.0, true)?;
    let closed = shares(&mut player)?;
    let (screen, size) = open(&mut player, None)?;
    drawn(&mut player, &screen, size)?;
    let opened = shares(&mut player)?;
    player.plugin.close_editor()?;
    println!("editor: share of one core, 16 mics, {} x {} pixels", size[0], size[1]);
    for (thread, share) in &opened {
        let before = closed.get(thread).copied().unwrap_or(0.0);
        println!("editor: {thread}: {:.1} % closed, {:.1} % open", 100.0 * before, 100.0 * share);
    }
    Ok(())
}

/// Returns the share of one core that each kind of thread uses during playback in real time.
fn shares(player: &mut Player) -> Result<BTreeMap<&'static str, f64>> {
    let (before, since) = (busy_s()?, Instant::now());
    player.play(MEASURED_S, true)?;
    let elapsed_s = since.elapsed().as_secs_f64();
    let share = |(thread, busy_s): (&'static str, f64)| {
        (thread, (busy_s - before.get(thread).copied().unwrap_or(0.0)) / elapsed_s)
    };
    Ok(busy_s()?.into_iter().map(share).collect())
}

/// Returns the processor time of each kind of thread so far, in seconds.
fn busy_s() -> Result<BTreeMap<&'static str, f64>> {
    let mut all = BTreeMap::new();
    let process = std::process::id().to_string();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        // The thread may have ended since.
        let Ok(name) = fs::read_to_string(task.path().join("comm")) else { continue };
        let Ok(times) = fs::read_to_string(task.path().join("schedstat")) else { continue };
        let kind = if name.starts_with("llvmpipe") {
            "software OpenGL (llvmpipe)"
        } else if name.starts_with("unspill-worker") {
            "worker"
        } else if task.file_name().to_string_lossy() == process {
            "host's audio and main thread"
        } else {
            "the window's thread"
        };
        let busy_ns: f64 =
            times.split_whitespace().next().context("an empty schedstat")?.parse()?;
        *all.entry(kind).or_insert(0.0) += busy_ns / 1e9;
    }
    Ok(all)
}
