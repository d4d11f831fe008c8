//! Plays mic files through linked instances, one per file.

use anyhow::{Context, Result};

use super::{Session, SessionConfig, TrackConfig};
use crate::bundle::Bundle;
use crate::plugin::Activation;
use crate::render::{RenderJob, RenderReport};
use crate::timings::Timings;

/// Samples that are read and written at a time.
const CHUNK_SAMPLES: usize = 16_384;

/// Plays the samples of `source` through one instance per file: see
/// [`render_stream`](crate::render_stream).
pub(crate) fn render_linked(
    bundle: &Bundle,
    job: &RenderJob,
    mut source: impl FnMut(&mut [&mut [f32]]) -> Result<usize>,
    mut sink: impl FnMut(&[&[f32]]) -> Result<()>,
) -> Result<RenderReport> {
    let num_mics: usize = job.mics.iter().sum();
    let ahead_samples = job.linked.ahead_samples;
    let mut session = begin(bundle, job)?;
    let latency_samples = session.latency_samples(0)?;
    let mut timings = Timings::new(f64::from(job.rate_hz));
    // Output that is not written yet, `[mic][sample]`, and the samples left out before it.
    let mut pending = vec![Vec::new(); num_mics];
    let mut block = vec![vec![0.0; CHUNK_SAMPLES]; num_mics];
    let (mut num_in, mut num_out, mut num_fed, mut num_played) = (0, 0, 0, 0);
    let mut ended = false;
    let mut is_cut = false;
    while !ended || num_out < num_in {
        // The tracks that are ahead need their samples earlier.
        while !ended && num_fed < num_played + CHUNK_SAMPLES + ahead_samples {
            let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
            let count = source(&mut slices)?;
            ended = count < CHUNK_SAMPLES;
            feed(&mut session, job, &block, count, num_played)?;
            (num_in, num_fed) = (num_in + count, num_fed + count);
        }
        session.play(CHUNK_SAMPLES)?;
        num_played += CHUNK_SAMPLES;
        let mut mics = pending.iter_mut();
        for track in 0..job.mics.len() {
            let played = session.take(track)?;
            timings.append(&played.timings);
            for (heard, mic) in played.heard.iter().zip(mics.by_ref()) {
                mic.extend_from_slice(heard);
            }
        }
        let available = pending.iter().map(Vec::len).min().unwrap_or(0);
        if !is_cut && available < latency_samples {
            continue;
        }
        if !is_cut {
            pending.iter_mut().for_each(|mic| drop(mic.drain(..latency_samples)));
            is_cut = true;
        }
        let available = pending.iter().map(Vec::len).min().unwrap_or(0);
        let count = available.min(num_in - num_out);
        let slices: Vec<&[f32]> = pending.iter().map(|mic| &mic[..count]).collect();
        sink(&slices)?;
        pending.iter_mut().for_each(|mic| drop(mic.drain(..count)));
        num_out += count;
    }
    session.check_latencies()?;
    let activation =
        Activation { before_samples: latency_samples, set_up_samples: None, latency_samples };
    Ok(RenderReport { activation, timings })
}

/// Adds a track for every file.
fn begin(bundle: &Bundle, job: &RenderJob) -> Result<Session> {
    let max_block_samples = job.pattern.max_block_samples();
    let mut session = Session::new(SessionConfig {
        mode: job.mode,
        pace: job.pace,
        order: job.linked.order.clone(),
        in_place: job.in_place,
        ..SessionConfig::new(job.rate_hz, max_block_samples)
    });
    for (number, &num_channels) in job.mics.iter().enumerate() {
        let track = TrackConfig {
            pattern: job.pattern,
            ahead_samples: if number % 2 == 1 { job.linked.ahead_samples } else { 0 },
            params: job.params.clone(),
            state: None,
        };
        session.add(bundle, &track, vec![Vec::new(); num_channels])?;
    }
    Ok(session)
}

/// Continues the signals of all tracks; nothing before `num_played` is needed any more.
fn feed(
    session: &mut Session,
    job: &RenderJob,
    block: &[Vec<f32>],
    count: usize,
    num_played: usize,
) -> Result<()> {
    let mut rest = block;
    for (track, &num_channels) in session.tracks.iter_mut().zip(&job.mics) {
        let (own, others) = rest.split_at_checked(num_channels).context("a mic is missing")?;
        let slices: Vec<&[f32]> = own.iter().map(|mic| &mic[..count]).collect();
        track.lane.feed(&slices, i64::try_from(num_played)?);
        rest = others;
    }
    Ok(())
}
