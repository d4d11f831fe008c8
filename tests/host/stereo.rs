//! Stereo mics: two linked mics are never treated as each other's bleed.

use host::{Class, Format, RenderJob, render};
use tests::{Reference, bundle, grouped, mics, same_bits};

const RATE_HZ: u32 = 48_000;
const NUM_SAMPLES: usize = 14_400;
const FORMATS: [Format; 2] = [Format::Clap, Format::Vst3];

/// Returns the engine's result for five mics, some of them linked.
fn linked(groups: &[&[usize]]) -> Reference {
    let mics = mics(5, RATE_HZ, NUM_SAMPLES);
    let apart = Reference::new(mics.clone(), RATE_HZ, &grouped(&[])).unwrap();
    let linked = Reference::new(mics, RATE_HZ, &grouped(groups)).unwrap();
    assert!(linked.cleaned[0] != apart.cleaned[0], "linking has to matter");
    linked
}

fn check(job: &RenderJob, reference: &Reference, num_outputs: usize) {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        let slices: Vec<&[f32]> = reference.mics.iter().map(Vec::as_slice).collect();
        let result = render(&bundle, job, &slices).unwrap();
        assert_eq!(result.outputs.len(), num_outputs);
        for (mic, output) in result.outputs.iter().enumerate() {
            if let Err(error) = same_bits(output, &reference.cleaned[mic]) {
                panic!("{format}, mic {mic}: {error}");
            }
        }
    }
}

#[test]
fn a_stereo_track_is_two_linked_mics() {
    let linked = linked(&[&[0, 1]]);
    let mut job = RenderJob::new(Class::Track, RATE_HZ, 5);
    job.mics = vec![2, 1, 1, 1];
    check(&job, &linked, 2);
}

#[test]
fn mics_linked_by_parameter_are_never_each_others_bleed() {
    let linked = linked(&[&[0, 2], &[1, 3]]);
    for class in [Class::Eight, Class::Multichannel] {
        let mut job = RenderJob::new(class, RATE_HZ, 5);
        job.params = [("1", "A"), ("3", "A"), ("2", "B"), ("4", "B")]
            .map(|(mic, group)| (format!("Mic {mic} Group"), group.to_owned()))
            .into();
        check(&job, &linked, 5);
    }
}
