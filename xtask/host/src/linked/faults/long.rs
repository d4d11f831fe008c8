//! Sixteen instances play for long: nothing grows.

use std::path::Path;

use anyhow::{Result, ensure};

use super::state::State;
use super::{BLOCK, Extent, Outcome, RATE_HZ, signals, usual_step};
use crate::Bundle;
use crate::linked::{Session, SessionConfig, TrackConfig};

const NUM_TRACKS: usize = 16;
/// Speed as a multiple of real time.
const PACE: f64 = 10.0;
/// Length of the loop, and what is played at a time.
const LOOP_SAMPLES: usize = 4 * RATE_HZ as usize;
/// Growth of resident memory that is no growth: what an allocator may do.
const SPREAD_KIB: usize = 8192;

pub(super) fn make(bundle: &Bundle, folder: &Path, extent: Extent) -> Result<Outcome> {
    let minutes = if extent == Extent::Full { 30.0 } else { 0.1 };
    let all = signals(NUM_TRACKS, LOOP_SAMPLES);
    let usual = usual_step(bundle, &all)?;
    let config = SessionConfig { pace: Some(PACE), ..SessionConfig::new(RATE_HZ, 2 * BLOCK) };
    let mut session = Session::new(config);
    for signal in &all {
        session.add(bundle, &TrackConfig::default(), vec![signal.clone()])?;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    let num_loops = (minutes * 60.0 * f64::from(RATE_HZ) / LOOP_SAMPLES as f64).ceil() as usize;
    let mut before = None;
    let mut largest = 0.0_f32;
    let latency = session.latency_samples(0)?;
    let mut last: Vec<Vec<f32>> = vec![vec![0.0; latency]; NUM_TRACKS];
    let began = std::time::Instant::now();
    for round in 0..num_loops {
        session.seek(0);
        session.play(LOOP_SAMPLES)?;
        for (track, last) in last.iter_mut().enumerate() {
            let played = session.take(track)?;
            ensure!(played.heard[0].len() == LOOP_SAMPLES, "samples are missing");
            let dry = last.iter().chain(&played.fed[0]);
            let removed: Vec<f32> = dry.zip(&played.heard[0]).map(|(a, b)| a - b).collect();
            let step = |most: f32, pair: &[f32]| most.max((pair[1] - pair[0]).abs());
            largest = removed.windows(2).fold(largest, step);
            last.clear();
            last.extend_from_slice(&played.fed[0][LOOP_SAMPLES - latency..]);
        }
        if round == num_loops / 2 {
            before = Some(State::now(folder)?);
        }
    }
    let speed =
        num_loops as f64 * LOOP_SAMPLES as f64 / f64::from(RATE_HZ) / began.elapsed().as_secs_f64();
    let after = State::now(folder)?;
    let before = before.unwrap_or(after);
    let counts = |state: &State| (state.segments, state.threads, state.handles);
    ensure!(counts(&after) == counts(&before), "grown from {before} to {after}");
    let (from, to) = (before.resident_kib, after.resident_kib);
    ensure!(to < from + SPREAD_KIB, "memory has grown from {from} to {to} KiB");
    let largest_step = largest / usual;
    ensure!(largest_step < 2.0, "a step of {largest_step} of the usual one");
    let note = format!("{NUM_TRACKS} tracks, {minutes} minutes at {speed:.1} times real time");
    Ok(Outcome { note, largest_step, before, after })
}
