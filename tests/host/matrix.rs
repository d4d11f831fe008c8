//! Checks that every class, in both formats, gives exactly the engine's result for any blocks, rate
//! and buses.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use engine::Controls;
use host::{BlockPattern, Bundle, BusState, Class, Format, RenderJob, UnusedBuses, render};
use tests::{Reference, bundle, mics, same_bits};

const RATES_HZ: [u32; 3] = [44_100, 48_000, 96_000];

const BLOCKS: [BlockPattern; 7] = [
    BlockPattern::Fixed(1),
    BlockPattern::Fixed(31),
    BlockPattern::Fixed(64),
    BlockPattern::Fixed(480),
    BlockPattern::Fixed(1024),
    BlockPattern::Fixed(8192),
    BlockPattern::Random { max_block_samples: 8192, seed: 2 },
];

/// The set of buses that carry mics, and the state of the others.
#[derive(Clone, Copy, Debug)]
enum Buses {
    All,
    SomeInactive,
    SomeMissing,
}

/// Long enough to output several chunks and to contain bleed for every method to remove.
const DURATION_MS: usize = 300;
/// Shorter, because one call per sample is slow.
const DURATION_OF_BLOCK_1_MS: usize = 120;

fn num_samples(rate_hz: u32, pattern: BlockPattern) -> usize {
    let one_by_one = pattern == BlockPattern::Fixed(1);
    let duration_ms = if one_by_one { DURATION_OF_BLOCK_1_MS } else { DURATION_MS };
    rate_hz as usize * duration_ms / 1000
}

/// Returns the engine's result for the first mics; each is computed once.
fn reference(num_mics: usize, rate_hz: u32, num_samples: usize) -> Reference {
    type Cache = Mutex<HashMap<(usize, u32, usize), Reference>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let mut cache =
        CACHE.get_or_init(Cache::default).lock().unwrap_or_else(PoisonError::into_inner);
    cache
        .entry((num_mics, rate_hz, num_samples))
        .or_insert_with(|| {
            let mics = mics(num_mics, rate_hz, num_samples);
            let reference = Reference::new(mics, rate_hz, &Controls::default()).unwrap();
            // Equality proves nothing if both the plugin and the engine do nothing.
            let removed = reference.removed_share();
            assert!(
                removed > tests::LEAST_REMOVED,
                "{num_mics} mics at {rate_hz} Hz: {removed} removed"
            );
            reference
        })
        .clone()
}

fn job(class: Class, buses: Buses, pattern: BlockPattern, rate_hz: u32) -> RenderJob {
    let room = if matches!(class, Class::Eight | Class::Track) { 8 } else { 16 };
    let num_mics = match (buses, class) {
        (Buses::All, _) => room,
        // This class has one bus: the other two cases leave some of its channels unused.
        (Buses::SomeInactive, Class::Multichannel) => 5,
        (Buses::SomeMissing, Class::Multichannel) => 3,
        _ => 4,
    };
    let mut job = RenderJob::new(class, rate_hz, num_mics);
    job.pattern = pattern;
    match buses {
        Buses::All => {}
        Buses::SomeInactive if class == Class::Multichannel => {
            // Channels 1, 4 and 6 stay empty.
            job.mics = vec![1; num_mics];
            job.slots = Some(vec![0, 2, 3, 5, 7]);
        }
        Buses::SomeInactive => {
            job.slots = Some(vec![0, 2, 3, 6]);
            // The block length selects the form of inactive bus, so that each form is tested.
            let forms = [BusState::NullChannels, BusState::NullArray, BusState::ZeroChannels];
            job.unused = UnusedBuses::Inactive(forms[pattern.max_block_samples() % 3]);
        }
        Buses::SomeMissing => job.unused = UnusedBuses::Missing,
    }
    job.in_place = pattern.max_block_samples().is_multiple_of(2);
    job
}

fn check(bundle: &Bundle, class: Class, buses: Buses) {
    for pattern in BLOCKS {
        for rate_hz in RATES_HZ {
            let job = job(class, buses, pattern, rate_hz);
            let reference = reference(job.mics.len(), rate_hz, num_samples(rate_hz, pattern));
            let slices: Vec<&[f32]> = reference.mics.iter().map(Vec::as_slice).collect();
            let case =
                format!("{} {class:?}, {buses:?}, {pattern:?}, {rate_hz} Hz", bundle.format());
            let result = render(bundle, &job, &slices).unwrap_or_else(|e| panic!("{case}: {e:#}"));
            let num_outputs = if class == Class::Track { 1 } else { job.mics.len() };
            assert_eq!(result.outputs.len(), num_outputs, "{case}");
            for (mic, output) in result.outputs.iter().enumerate() {
                if let Err(error) = same_bits(output, &reference.cleaned[mic]) {
                    panic!("{case}, mic {mic}: {error}");
                }
            }
        }
    }
}

macro_rules! matrix {
    ($($name:ident: $format:ident $class:ident $buses:ident;)*) => {
        $(
            #[test]
            fn $name() {
                check(&bundle(Format::$format).unwrap(), Class::$class, Buses::$buses);
            }
        )*
    };
}

matrix! {
    clap_8_with_all_buses_equals_the_engine: Clap Eight All;
    clap_8_with_inactive_buses_equals_the_engine: Clap Eight SomeInactive;
    clap_8_with_missing_buses_equals_the_engine: Clap Eight SomeMissing;
    clap_16_with_all_buses_equals_the_engine: Clap Sixteen All;
    clap_16_with_inactive_buses_equals_the_engine: Clap Sixteen SomeInactive;
    clap_16_with_missing_buses_equals_the_engine: Clap Sixteen SomeMissing;
    clap_multichannel_with_all_channels_equals_the_engine: Clap Multichannel All;
    clap_multichannel_with_empty_channels_equals_the_engine: Clap Multichannel SomeInactive;
    clap_multichannel_with_few_channels_equals_the_engine: Clap Multichannel SomeMissing;
    clap_track_with_all_buses_equals_the_engine: Clap Track All;
    clap_track_with_inactive_buses_equals_the_engine: Clap Track SomeInactive;
    clap_track_with_missing_buses_equals_the_engine: Clap Track SomeMissing;
    vst3_8_with_all_buses_equals_the_engine: Vst3 Eight All;
    vst3_8_with_inactive_buses_equals_the_engine: Vst3 Eight SomeInactive;
    vst3_8_with_missing_buses_equals_the_engine: Vst3 Eight SomeMissing;
    vst3_16_with_all_buses_equals_the_engine: Vst3 Sixteen All;
    vst3_16_with_inactive_buses_equals_the_engine: Vst3 Sixteen SomeInactive;
    vst3_16_with_missing_buses_equals_the_engine: Vst3 Sixteen SomeMissing;
    vst3_multichannel_with_all_channels_equals_the_engine: Vst3 Multichannel All;
    vst3_multichannel_with_empty_channels_equals_the_engine: Vst3 Multichannel SomeInactive;
    vst3_multichannel_with_few_channels_equals_the_engine: Vst3 Multichannel SomeMissing;
    vst3_track_with_all_buses_equals_the_engine: Vst3 Track All;
    vst3_track_with_inactive_buses_equals_the_engine: Vst3 Track SomeInactive;
    vst3_track_with_missing_buses_equals_the_engine: Vst3 Track SomeMissing;
}
