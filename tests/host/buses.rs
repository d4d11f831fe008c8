//! The buses that each class reports, and processing with nothing connected.

use host::{
    AudioConfig, BlockPattern, BusBuffer, BusKind, BusState, Class, Direction, Format,
    ProcessOptions, RenderJob, RenderMode, UnusedBuses, render,
};
use tests::{bundle, mics, same_bits};

const FORMATS: [Format; 2] = [Format::Clap, Format::Vst3];

#[test]
fn both_formats_offer_all_classes_in_one_order() {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        let names: Vec<&str> = bundle.classes().iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, Class::ALL.map(Class::name), "{format}");
    }
}

#[test]
fn buses_are_as_many_and_as_wide_as_each_class_promises() {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        for (class, mics) in [
            (Class::Eight, vec![1; 8]),
            (Class::Sixteen, vec![1; 16]),
            (Class::Multichannel, vec![1; 2]),
            (Class::Multichannel, vec![1; 4]),
            (Class::Multichannel, vec![1; 8]),
            (Class::Multichannel, vec![1; 16]),
            (Class::Track, vec![1; 8]),
            (Class::Track, vec![2, 1, 1, 1, 1, 1, 1, 1]),
            (Class::Link, vec![1]),
            (Class::Link, vec![2]),
        ] {
            let shape = class.shape_for(&mics).unwrap();
            let mut plugin = bundle.instantiate(bundle.class_named(class.name()).unwrap()).unwrap();
            plugin.select_channels(&shape.inputs, &shape.outputs).unwrap();
            for (direction, expected) in
                [(Direction::Input, &shape.inputs), (Direction::Output, &shape.outputs)]
            {
                let case = format!("{format} {class:?} {direction:?}");
                let buses = plugin.buses(direction).unwrap();
                let channels: Vec<usize> = buses.iter().map(|bus| bus.num_channels).collect();
                assert_eq!(channels, *expected, "{case}");
                assert_eq!(buses[0].kind, BusKind::Main, "{case}");
                assert!(buses.iter().all(|bus| bus.default_active), "{case}");
                assert!(buses.iter().all(|bus| !bus.name.is_empty()), "{case}");
                let is_aux = |kind| buses[1..].iter().all(|bus| bus.kind == kind);
                match (format, direction) {
                    // Some hosts grey out outputs that are not main.
                    (Format::Vst3, Direction::Output) => assert!(is_aux(BusKind::Main), "{case}"),
                    // CLAP has at most one main port in each direction.
                    _ => assert!(is_aux(BusKind::Aux), "{case}"),
                }
            }
        }
    }
}

/// A host may activate and call the plugin before anything is connected.
#[test]
fn nothing_connected_is_survived_and_later_audio_still_passes() {
    const BLOCK_SAMPLES: usize = 256;
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        for class in Class::ALL {
            let mics: &[usize] = if class == Class::Link { &[1] } else { &[1, 1] };
            let shape = class.shape_for(mics).unwrap();
            let mut plugin = bundle.instantiate(bundle.class_named(class.name()).unwrap()).unwrap();
            plugin.select_channels(&shape.inputs, &shape.outputs).unwrap();
            let config = AudioConfig {
                rate_hz: 48_000.0,
                max_block_samples: BLOCK_SAMPLES,
                mode: RenderMode::Offline,
            };
            plugin.activate(config).unwrap();
            let buffers = |channels: &[usize]| -> Vec<BusBuffer> {
                channels.iter().map(|&count| BusBuffer::new(count, BLOCK_SAMPLES)).collect()
            };
            let (mut inputs, mut outputs) = (buffers(&shape.inputs), buffers(&shape.outputs));
            let case = format!("{format} {class:?}");
            for state in [
                BusState::NullChannels,
                BusState::NullArray,
                BusState::ZeroChannels,
                BusState::Connected,
            ] {
                for bus in inputs.iter_mut().chain(&mut outputs) {
                    bus.state = state;
                }
                for num_samples in [1, 64, BLOCK_SAMPLES] {
                    plugin
                        .process(&mut inputs, &mut outputs, num_samples, ProcessOptions::default())
                        .unwrap_or_else(|error| panic!("{case} {state:?}: {error:#}"));
                }
            }
            plugin
                .process(&mut [], &mut [], 64, ProcessOptions::default())
                .unwrap_or_else(|error| panic!("{case}, no buses at all: {error:#}"));
            // A constant signal on the first mic reaches its output.
            let mut loudest = 0.0_f32;
            for _ in 0..40 {
                inputs[0].channel_mut(0).fill(0.25);
                plugin
                    .process(&mut inputs, &mut outputs, BLOCK_SAMPLES, ProcessOptions::default())
                    .unwrap_or_else(|error| panic!("{case}: {error:#}"));
                loudest = outputs[0].channel(0).iter().fold(loudest, |max, x| max.max(x.abs()));
            }
            assert!(loudest > 0.1, "{case}: only {loudest} comes out");
        }
    }
}

/// Inputs and outputs may be connected independently.
#[test]
fn inputs_and_outputs_may_be_inactive_independently() {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        let mut plugin =
            bundle.instantiate(bundle.class_named(Class::Eight.name()).unwrap()).unwrap();
        let config =
            AudioConfig { rate_hz: 48_000.0, max_block_samples: 512, mode: RenderMode::Offline };
        plugin.activate(config).unwrap();
        let mut inputs = vec![BusBuffer::new(1, 512); 8];
        let mut outputs = vec![BusBuffer::new(1, 512); 8];
        for index in 0..8 {
            if index % 2 == 0 {
                inputs[index].state = BusState::NullChannels;
            }
            if index % 3 == 0 {
                outputs[index].state = BusState::NullArray;
            }
        }
        for num_samples in [512, 17, 1, 512] {
            // The host checks that the plugin writes every connected output.
            plugin
                .process(&mut inputs, &mut outputs, num_samples, ProcessOptions::default())
                .unwrap_or_else(|error| panic!("{format}: {error:#}"));
        }
        let num_inputs = 3;
        plugin
            .process(&mut inputs[..num_inputs], &mut outputs, 64, ProcessOptions::default())
            .unwrap_or_else(|error| panic!("{format}, fewer inputs than outputs: {error:#}"));
    }
}

#[test]
fn announced_silence_makes_no_difference() {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        let mics = mics(3, 48_000, 9_600);
        let slices: Vec<&[f32]> = mics.iter().map(Vec::as_slice).collect();
        let rendered = |unused| {
            let mut job = RenderJob::new(Class::Eight, 48_000, 3);
            job.unused = unused;
            job.pattern = BlockPattern::Fixed(480);
            render(&bundle, &job, &slices).unwrap().outputs
        };
        let (zeros, silent) = (rendered(UnusedBuses::Zeros), rendered(UnusedBuses::Silent));
        for (silent, zeros) in silent.iter().zip(&zeros) {
            same_bits(silent, zeros).unwrap();
        }
    }
}
