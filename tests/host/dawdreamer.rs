//! The VST3 plugin in an independent host: `DawDreamer`, which is built on JUCE.

use std::fs;
use std::path::Path;
use std::process::Command;

use engine::Controls;
use host::Format;
use tests::{Reference, bundle, mics, python, same_bits};

const RATE_HZ: u32 = 48_000;
const NUM_SAMPLES: usize = 48_000;

/// Plays `mics` through the first class of the bundle and returns latency and outputs.
fn dawdreamer(buses: &str, block_samples: usize, mics: &[Vec<f32>]) -> (usize, Vec<Vec<f32>>) {
    let bundle = bundle(Format::Vst3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (path_in, path_out) = (folder.path().join("in"), folder.path().join("out"));
    let bytes: Vec<u8> = mics.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(&path_in, bytes).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("host/play_in_dawdreamer.py");
    let output = Command::new(python().unwrap())
        .arg(script)
        .arg(bundle.path())
        .arg(buses)
        .arg(RATE_HZ.to_string())
        .arg(block_samples.to_string())
        .arg(mics.len().to_string())
        .args([&path_in, &path_out])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    let latency = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    let samples: Vec<f32> = fs::read(&path_out)
        .unwrap()
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let num_samples = samples.len() / mics.len();
    (latency, samples.chunks(num_samples).map(<[f32]>::to_vec).collect())
}

/// Compares the first outputs with `expected`.
///
/// `DawDreamer` does not compensate the latency, so the last `latency_samples` of each mic
/// are missing.
fn check(mics: &[Vec<f32>], expected: &[Vec<f32>], buses: &str) {
    for block_samples in [64, 512] {
        let (latency_samples, outputs) = dawdreamer(buses, block_samples, mics);
        assert!(latency_samples > 0);
        assert!(outputs.len() >= expected.len());
        for (mic, (output, expected)) in outputs.iter().zip(expected).enumerate() {
            let num_out = NUM_SAMPLES - latency_samples;
            let delayed = &output[latency_samples..NUM_SAMPLES];
            if let Err(error) = same_bits(delayed, &expected[..num_out]) {
                panic!("{buses} buses, blocks of {block_samples}, mic {mic}: {error}");
            }
        }
    }
}

#[test]
fn dawdreamer_with_all_buses_renders_what_the_engine_gives() {
    let mics = mics(8, RATE_HZ, NUM_SAMPLES);
    let reference = Reference::new(mics, RATE_HZ, &Controls::default()).unwrap();
    assert!(reference.removed_share() > tests::LEAST_REMOVED);
    check(&reference.mics, &reference.cleaned, "all");
}

#[test]
fn dawdreamer_with_only_the_main_bus_renders_its_mic_untouched() {
    // The other buses have null pointers, so no bleed can be estimated and the mic stays unchanged.
    let mics = mics(8, RATE_HZ, NUM_SAMPLES);
    check(&mics, &mics[..1], "main");
}
