//! Times one scene on one core: 8 sources, 8 mics, 10 s at 44.1 kHz, responses and convolutions.
//!
//! ```text
//! cargo run --release -p lab --example scene_speed
//! ```
//!
//! `xtask/lab/reference/scene_speed.py` times this program and the same scene in pyroomacoustics
//! and SciPy, and prints the ratio.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use anyhow::Result;
use lab::convolution::Convolver;
use lab::random::Random;
use lab::room::{Air, Directivity, Pattern, PlacedMic, PlacedSource, Room, Tail};
use std::time::Instant;

const NUM_SOURCES: usize = 8;
const RATE_HZ: f64 = 44_100.0;
const NUM_SAMPLES: usize = 441_000;
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let room = Room { air: Air::Absorbing, tail: Tail::Diffuse, ..Room::new([8.0, 6.0, 3.5], 0.5) };
    // Two rows of four sources, 1.6 m apart, each with a mic 0.3 m in front.
    let sources: Vec<PlacedSource> = (0..NUM_SOURCES)
        .map(|index| PlacedSource {
            at: [1.5 + 1.6 * (index % 4) as f64, 1.8 + 2.0 * (index / 4) as f64, 1.2],
            aim: [0.0, 1.0, 0.0],
            directivity: Directivity::Voice,
        })
        .collect();
    let mics: Vec<PlacedMic> = sources
        .iter()
        .map(|source| PlacedMic {
            at: [source.at[0], source.at[1] + 0.3, 1.3],
            aim: [0.0, -1.0, 0.0],
            pattern: Pattern::CARDIOID.as_built(),
        })
        .collect();
    let mut random = Random::new(1);
    let signals: Vec<Vec<f32>> = (0..NUM_SOURCES)
        .map(|_| (0..NUM_SAMPLES).map(|_| lab::convert::to_f32(random.normal(0.0, 0.1))).collect())
        .collect();
    let (mut responses_s, mut convolutions_s) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let start = Instant::now();
        let mut responses = Vec::new();
        for (index, mic) in mics.iter().enumerate() {
            for (other, source) in sources.iter().enumerate() {
                let pair = (round * 64 + index * NUM_SOURCES + other) as u64;
                responses.push(room.response(source, mic, RATE_HZ, pair)?);
            }
        }
        responses_s.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let longest = responses.iter().map(Vec::len).max().unwrap_or(0);
        let convolver = Convolver::new(NUM_SAMPLES, longest);
        let sounds =
            signals.iter().map(|signal| convolver.transform(signal)).collect::<Result<Vec<_>>>()?;
        let mut loudest = 0.0_f32;
        for index in 0..mics.len() {
            // As in a simulated scene, own sound and bleed are kept apart.
            let (mut own, mut bleed) = (convolver.silence(), convolver.silence());
            for (other, sound) in sounds.iter().enumerate() {
                let sum = if other == index { &mut own } else { &mut bleed };
                convolver.add(sum, sound, &responses[index * NUM_SOURCES + other], 1.0)?;
            }
            for sum in [own, bleed] {
                let heard = convolver.finish(sum)?;
                loudest = heard.iter().fold(loudest, |top, sample| top.max(sample.abs()));
            }
        }
        convolutions_s.push(start.elapsed().as_secs_f64());
        assert!(loudest.is_finite() && loudest > 0.1, "the mics heard {loudest}");
    }
    let middle = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (responses_s, convolutions_s) = (middle(&mut responses_s), middle(&mut convolutions_s));
    let whole_s = responses_s + convolutions_s;
    println!("responses_s {responses_s:.4}");
    println!("convolutions_s {convolutions_s:.4}");
    println!("scene_s {whole_s:.4}");
    println!("rtf {:.5}", whole_s / (NUM_SAMPLES as f64 / RATE_HZ));
    Ok(())
}
