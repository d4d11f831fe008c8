//! Checks that playback in real time gives the same result as offline.

#![cfg(test)]

mod linked;

use engine::Controls;
use host::{BlockPattern, Bundle, Class, Format, RenderJob, RenderMode, render};
use tests::{Reference, bundle, mics, same_bits};

const RATE_HZ: u32 = 48_000;
const NUM_SAMPLES: usize = 24_000;
const NUM_MICS: usize = 6;

/// Speeds of playback as multiples of real time. At real time the worker has a slack of about 20
/// ms. A shared machine may pause it for longer; the mics are then dry by design, which is no
/// failure. The second speed raises the slack to 100 ms.
const PACES: [f64; 2] = [1.0, 0.2];

/// A single test, so that its cases do not compete for processors.
#[test]
fn paced_playback_equals_the_engine() {
    let mics = mics(NUM_MICS, RATE_HZ, NUM_SAMPLES);
    let reference = Reference::new(mics, RATE_HZ, &Controls::default()).unwrap();
    assert!(reference.removed_share() > tests::LEAST_REMOVED);
    for (format, class, pattern) in [
        (Format::Clap, Class::Eight, BlockPattern::Fixed(64)),
        (Format::Vst3, Class::Eight, BlockPattern::Fixed(480)),
        (Format::Clap, Class::Track, BlockPattern::Random { max_block_samples: 512, seed: 3 }),
        (Format::Vst3, Class::Multichannel, BlockPattern::Fixed(1024)),
    ] {
        let bundle = bundle(format).unwrap();
        let mut job = RenderJob::new(class, RATE_HZ, NUM_MICS);
        job.pattern = pattern;
        job.mode = RenderMode::Realtime;
        let differences: Vec<String> = PACES
            .iter()
            .map_while(|&pace| {
                job.pace = Some(pace);
                difference(&bundle, &job, &reference)
            })
            .collect();
        let case = format!("{format} {class:?} {pattern:?}");
        assert!(differences.len() < PACES.len(), "{case}: {differences:?}");
    }
}

/// Returns the first difference between the plugin's and the engine's output.
fn difference(bundle: &Bundle, job: &RenderJob, reference: &Reference) -> Option<String> {
    let slices: Vec<&[f32]> = reference.mics.iter().map(Vec::as_slice).collect();
    let outputs = render(bundle, job, &slices).unwrap().outputs;
    outputs.iter().zip(&reference.cleaned).enumerate().find_map(|(mic, (output, cleaned))| {
        same_bits(output, cleaned).err().map(|error| format!("mic {mic}: {error}"))
    })
}
