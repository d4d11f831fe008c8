//! The end of Learn with the released network: no hop and no step does the work of many, and hops
//! wait little for a step.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

use std::time::Instant;

use engine::debleed::Online;
use engine::pipeline::Pipeline;
use engine::{Controls, Estimates, Mode, SampleRate};
use test_memory::measure;
use test_signals::Noise;

const MICS: usize = 8;
/// Hops of a passage that is long enough to be refined.
const PASSAGE_HOPS: usize = 100;
/// Largest memory that a hop or a step may allocate, in bytes. Measured: 32.9 MB in the hop in
/// which Learn ends, which creates two engines, and 7.7 MB in a step. With the equations of all
/// mics, these engines take 86.8 MB.
const MOST_BYTES: usize = 40_000_000;

/// Returns the method with the released network, which stays built while the second value is kept.
fn guided(rate_hz: f32) -> (Pipeline, impl Sized) {
    let rate = SampleRate::new(rate_hz).unwrap();
    let model = &models::released().unwrap().model;
    let method = Online::guided(rate, Mode::Live, MICS, &|| model.guide(MICS));
    (Pipeline::new(Box::new(method), MICS), model.network().unwrap())
}

#[test]
fn no_hop_and_no_step_allocates_a_whole_engine() {
    let (mut pipeline, network) = guided(48_000.0);
    let hop_samples = pipeline.geometry().hop_samples();
    let mut controls = Controls::default();
    let mut noise = Noise::new(1);
    // The first time and the second one use other engines; the third uses them again.
    for time in 0..3 {
        for hop in 0..PASSAGE_HOPS + 2 {
            controls.estimates =
                if hop < PASSAGE_HOPS { Estimates::Learning } else { Estimates::Learned };
            let mut samples = noise.hop(MICS, hop_samples, 0.1, 0.1);
            let bytes = measure(|| pipeline.process_hop(&mut samples, &controls)).allocated_bytes;
            assert!(bytes <= MOST_BYTES, "time {time}, hop {hop}: {bytes} bytes");
        }
        let (mut steps, mut has_more) = (0, true);
        while has_more {
            let bytes = measure(|| has_more = pipeline.idle()).allocated_bytes;
            assert!(bytes <= MOST_BYTES, "time {time}, step {steps}: {bytes} bytes");
            steps += 1;
        }
        assert!(steps > PASSAGE_HOPS, "nothing was refined");
    }
    drop(network);
}

/// Longest step relative to the median hop; measured: 0.33, and 1.5 before hops and ends of passes
/// were divided.
const LONGEST_STEP: f64 = 0.6;
/// Number of measurements. The shortest of each step counts, as other programs interrupt some.
const TIMES: usize = 4;

#[test]
fn a_step_takes_less_than_a_hop() {
    let (mut pipeline, network) = guided(44_100.0);
    let hop_samples = pipeline.geometry().hop_samples();
    let mut controls = Controls::default();
    let (mut hops, mut steps) = (Vec::new(), Vec::<f64>::new());
    for _ in 0..TIMES {
        let mut noise = Noise::new(1);
        for hop in 0..=PASSAGE_HOPS {
            controls.estimates =
                if hop < PASSAGE_HOPS { Estimates::Learning } else { Estimates::Learned };
            let mut samples = noise.hop(MICS, hop_samples, 0.1, 0.1);
            let began = Instant::now();
            pipeline.process_hop(&mut samples, &controls);
            hops.push(began.elapsed().as_secs_f64());
        }
        let mut has_more = true;
        for step in 0.. {
            let began = Instant::now();
            has_more = pipeline.idle();
            let took = began.elapsed().as_secs_f64();
            // The last step exports the result, once.
            if !has_more {
                break;
            }
            match steps.get_mut(step) {
                Some(shortest) => *shortest = took.min(*shortest),
                None => steps.push(took),
            }
        }
        assert!(!has_more && steps.len() > PASSAGE_HOPS);
    }
    hops.sort_by(f64::total_cmp);
    let (hop, longest) = (hops[hops.len() / 2], steps.iter().copied().fold(0.0, f64::max));
    let longest = longest / hop;
    assert!(longest < LONGEST_STEP, "{longest} of {hop} s");
    drop(network);
}
