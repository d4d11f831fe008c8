//! Learned estimates in their saved form.

use std::sync::Arc;

use engine::debleed::Online;
use engine::pipeline::Pipeline;
use engine::{Controls, Estimates, Learned, Mode, SampleRate};
use fuzz::{Outcome, Target};
use sha2::{Digest, Sha256};
use test_signals::Noise;

const NUM_MICS: usize = 3;
/// Offset of the hash: magic and version come before it, and the hashed contents after it.
const HASH_AT: usize = 9;
const CONTENTS_AT: usize = HASH_AT + 32;

fn rate() -> SampleRate {
    SampleRate::new(44_100.0).unwrap()
}

fn pipeline(learned: Option<Arc<Learned>>) -> Pipeline {
    let mut method = Online::new(rate(), Mode::Live, NUM_MICS);
    method.set_learned(learned);
    Pipeline::new(Box::new(method), NUM_MICS)
}

/// Returns the saved estimates of 90 hops of noise.
fn seed() -> Vec<u8> {
    let method = Online::new(rate(), Mode::Live, NUM_MICS);
    let learner = method.learner();
    let mut pipeline = Pipeline::new(Box::new(method), NUM_MICS);
    let hop_samples = pipeline.geometry().hop_samples();
    let mut controls = Controls { estimates: Estimates::Learning, ..Controls::default() };
    let mut noise = Noise::new(1);
    for _ in 0..90 {
        pipeline.process_hop(&mut noise.hop(NUM_MICS, hop_samples, 0.1, 0.05), &controls);
    }
    controls.estimates = Estimates::Learned;
    pipeline.process_hop(&mut noise.hop(NUM_MICS, hop_samples, 0.1, 0.05), &controls);
    while pipeline.idle() {}
    learner.collect().unwrap().to_bytes()
}

fn hash(bytes: &mut [u8]) {
    if let Some((head, contents)) = bytes.split_at_mut_checked(CONTENTS_AT) {
        head[HASH_AT..].copy_from_slice(&Sha256::digest(contents));
    }
}

#[test]
fn learned() {
    let target = Target {
        name: "learned",
        seeds: vec![seed()],
        words: &[
            b"UnspillL",
            b"\x01",
            b"\x02",
            b"\x03",
            b"\x20\x00",
            b"\x80\x7F",
            b"\xFF\x7B",
            b"\xFF\xFF\x7F\x7F",
            b"\x00\x00\x80\xFF",
        ],
        mend: hash,
        base_bytes: 1 << 20,
        bytes_per_byte: 32,
        cases: 600,
    };
    let controls = Controls { estimates: Estimates::Learned, ..Controls::default() };
    let accepted = fuzz::run(&target, |input| match Learned::from_bytes(input) {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(learned) => {
            let bytes = learned.to_bytes();
            assert!(Learned::from_bytes(&bytes).as_ref() == Ok(&learned), "saved as it was read");
            match learned.fits(rate(), Mode::Live, NUM_MICS, &controls) {
                Err(why) => Outcome::Accepted(why.to_string()),
                Ok(()) => Outcome::Accepted("it fits".to_owned()),
            }
        }
    });
    assert!(accepted > 100, "{accepted}");
}

/// Checks that playback with any accepted estimates is finite.
#[test]
fn playing_learned() {
    let target = Target {
        name: "playing-learned",
        seeds: vec![seed()],
        words: &[b"\xFF\x7B", b"\xFF\xFF\x7F\x7F", b"\x7F\x7F"],
        mend: hash,
        // Memory of the engine itself.
        base_bytes: 64 << 20,
        bytes_per_byte: 400,
        cases: 60,
    };
    let hop_samples = pipeline(None).geometry().hop_samples();
    let mut noise = Noise::new(3);
    let hops: Vec<_> = (0..6).map(|_| noise.hop(NUM_MICS, hop_samples, 0.1, 0.05)).collect();
    let controls = Controls { estimates: Estimates::Learned, ..Controls::default() };
    let accepted = fuzz::run(&target, |input| match Learned::from_bytes(input) {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(learned) => {
            if let Err(why) = learned.fits(rate(), Mode::Live, NUM_MICS, &controls) {
                return Outcome::Accepted(why.to_string());
            }
            let mut pipeline = pipeline(Some(Arc::new(learned)));
            for hop in &hops {
                let mut samples = hop.clone();
                pipeline.process_hop(&mut samples, &controls);
                assert!(samples.iter().all(|x| x.is_finite()), "what is removed is finite");
                // The gain of a bin is at most 6 dB, so the output is bounded.
                let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
                assert!(peak < 30.0, "what is removed is not louder than all that came in: {peak}");
            }
            Outcome::Accepted("played".to_owned())
        }
    });
    assert!(accepted > 5, "{accepted}");
}
