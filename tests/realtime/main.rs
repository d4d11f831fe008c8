//! Played at real time, the plugin gives what it gives offline.

#![cfg(test)]

use engine::Controls;
use host::{BlockPattern, Bundle, Class, Format, RenderJob, RenderMode, render};
use tests::{Reference, bundle, mics, same_bits};

const RATE_HZ: u32 = 48_000;
const NUM_SAMPLES: usize = 24_000;
const NUM_MICS: usize = 6;

/// Times real time. Playback leaves the worker a slack of about 20 ms; a shared machine may take
/// the processor away for longer, and then the mics are dry by design, which says nothing about
/// playback in time. So the next pace leaves more: 20 ms, then 100 ms.
const PACES: [f64; 2] = [1.0, 0.2];

/// One test, so that the cases do not compete for the processors.
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

/// Where the plugin's output is not the engine's.
fn difference(bundle: &Bundle, job: &RenderJob, reference: &Reference) -> Option<String> {
    let slices: Vec<&[f32]> = reference.mics.iter().map(Vec::as_slice).collect();
    let outputs = render(bundle, job, &slices).unwrap().outputs;
    outputs.iter().zip(&reference.cleaned).enumerate().find_map(|(mic, (output, cleaned))| {
        same_bits(output, cleaned).err().map(|error| format!("mic {mic}: {error}"))
    })
}
