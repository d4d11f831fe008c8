//! Played at real time, the plugin gives what it gives offline.

#![cfg(test)]

use engine::Controls;
use host::{BlockPattern, Class, Format, RenderJob, RenderMode, render};
use tests::{Reference, bundle, mics, same_bits};

const RATE_HZ: u32 = 48_000;
const NUM_SAMPLES: usize = 48_000;
const NUM_MICS: usize = 6;

/// Half real time: a worker that is late is dry by design, and a shared machine may take the
/// processor away for longer than the slack of about 20 ms that playback leaves.
const PACE: f64 = 0.5;

/// One test, so that the cases do not compete for the processors.
#[test]
fn paced_playback_equals_the_engine() {
    let mics = mics(NUM_MICS, RATE_HZ, NUM_SAMPLES);
    let reference = Reference::new(mics, RATE_HZ, &Controls::default()).unwrap();
    assert!(reference.removed_share() > 1e-3);
    let slices: Vec<&[f32]> = reference.mics.iter().map(Vec::as_slice).collect();
    for (format, class, pattern) in [
        (Format::Clap, Class::Eight, BlockPattern::Fixed(64)),
        (Format::Vst3, Class::Eight, BlockPattern::Fixed(480)),
        (Format::Clap, Class::Track, BlockPattern::Random { max_block_samples: 512, seed: 5 }),
        (Format::Vst3, Class::Multichannel, BlockPattern::Fixed(1024)),
    ] {
        let bundle = bundle(format).unwrap();
        let mut job = RenderJob::new(class, RATE_HZ, NUM_MICS);
        job.pattern = pattern;
        job.mode = RenderMode::Realtime;
        job.pace = Some(PACE);
        let result = render(&bundle, &job, &slices).unwrap();
        for (mic, output) in result.outputs.iter().enumerate() {
            if let Err(error) = same_bits(output, &reference.cleaned[mic]) {
                panic!("{format} {class:?} {pattern:?}, mic {mic}: {error}");
            }
        }
    }
}
