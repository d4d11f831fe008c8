//! Measures the cost of `Session::process` on the audio thread with blocks at the pace of
//! real time.
//!
//! ```text
//! cargo run --release -p engine --example audio_thread_cost [seconds per row]
//! ```
#![allow(clippy::print_stdout, reason = "a command-line program prints its results")]

use std::error::Error;
use std::time::{Duration, Instant};

use engine::{Controls, MAX_MICS, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use test_signals::Noise;

const RATE_HZ: f32 = 48_000.0;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(10.0), |text| text.parse::<f64>())?;
    println!("time in `process` per block at {RATE_HZ} Hz, {seconds} s a row");
    println!("| mics | block | p50 us | p99 us | max us | p50 % | p99 % | max % | late hops |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for num_mics in [8, 16] {
        for block_samples in [64, 512] {
            let (mut costs, late_hops) = measure(num_mics, block_samples, seconds)?;
            costs.sort_unstable();
            let block_s = block_samples as f64 / f64::from(RATE_HZ);
            let at = |part: usize| costs[(costs.len() * part / 100).min(costs.len() - 1)];
            let row = [at(50), at(99), at(100)].map(|cost| cost.as_secs_f64());
            print!("| {num_mics} | {block_samples} ");
            row.iter().for_each(|cost_s| print!("| {:.1} ", cost_s * 1e6));
            row.iter().for_each(|cost_s| print!("| {:.2} ", 100.0 * cost_s / block_s));
            println!("| {late_hops} |");
        }
    }
    Ok(())
}

/// Returns the time of each block, and the number of late hops.
fn measure(
    num_mics: usize,
    block_samples: usize,
    seconds: f64,
) -> Result<(Vec<Duration>, u64), Box<dyn Error>> {
    let config = SessionConfig {
        rate: SampleRate::new(RATE_HZ)?,
        num_mics,
        mode: Mode::Live,
        pace: Pace::Realtime,
        max_block_samples: block_samples,
    };
    let mut controls = Controls::default();
    let mut session = Session::prepare(&config, &controls, SessionMethod::default())?;
    let stats = session.stats();
    let block_s = block_samples as f64 / f64::from(RATE_HZ);
    let mut costs = Vec::with_capacity(1 << 20);
    let mut block = vec![vec![0.0_f32; block_samples]; num_mics];
    let mut noise = Noise::new(1);
    let start = Instant::now();
    for number in 1_u32.. {
        for sample in block.iter_mut().flatten() {
            *sample = 0.5 * noise.draw();
        }
        // Moves a fader, so that the figures include ramps.
        controls.mics[0].amount = (number % 100) as f32 / 99.0;
        let mut slices: [&mut [f32]; MAX_MICS] = std::array::from_fn(|_| &mut [][..]);
        for (slice, mic) in slices.iter_mut().zip(&mut block) {
            *slice = mic;
        }
        let since = Instant::now();
        session.set_controls(&controls);
        session.process(&mut slices[..num_mics])?;
        costs.push(since.elapsed());
        let due = start + Duration::from_secs_f64(f64::from(number) * block_s);
        wait_until(due);
        if start.elapsed().as_secs_f64() > seconds {
            break;
        }
    }
    Ok((costs, stats.late_hops()))
}

/// Parks until shortly before `due`, then spins, because a host's audio thread wakes on time.
fn wait_until(due: Instant) {
    const SPIN: Duration = Duration::from_micros(100);
    while let Some(left) = due.checked_duration_since(Instant::now()) {
        if left > SPIN {
            std::thread::park_timeout(left - SPIN);
        } else {
            std::hint::spin_loop();
        }
    }
}
