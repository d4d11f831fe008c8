//! The real classes in hosts of both formats.

use std::ffi::CStr;

use plugin::classes::{
    ALL, Class, Topology, Unspill8, UnspillLink, UnspillMultichannel, UnspillTrack,
};
use plugin::guard::param_id_hash;
use test_signals::Noise;

use super::clap_host;
use super::host::{Host, Odd, SetUp, TestBus};
use super::instances::{both, bus_channels, clap, clap_factory, ramps, select, set, strip, vst3};
use super::random::random;
use super::vst3_host;

#[test]
fn every_class_has_the_buses_it_says() {
    for class in ALL {
        let (inputs, outputs) = bus_channels(class, 0);
        let clap = clap(class);
        for (is_input, channels) in [(true, &inputs), (false, &outputs)] {
            assert_eq!(clap.num_ports(is_input) as usize, channels.len(), "{}", class.name);
            for (index, &count) in channels.iter().enumerate() {
                let port = clap.port(u32::try_from(index).unwrap(), is_input).unwrap();
                assert_eq!(port.channel_count as usize, count, "{}", class.name);
                assert_eq!(port.id as usize, index + if is_input { 0 } else { 1000 });
            }
        }
        let vst3 = vst3(class);
        for (direction, channels) in [(0, &inputs), (1, &outputs)] {
            let seen: Vec<_> = (0..)
                .map_while(|index| vst3.bus_info(direction, index))
                .map(|info| usize::try_from(info.channelCount).unwrap())
                .collect();
            assert_eq!(&seen, channels, "{}", class.name);
        }
    }
}

#[test]
fn buses_are_named_after_their_mics() {
    let clap = clap(&Unspill8::DESC);
    let vst3 = vst3(&Unspill8::DESC);
    for (index, name) in [(0, "Mic 1"), (1, "Mic 2"), (7, "Mic 8")] {
        for is_input in [true, false] {
            assert_eq!(clap_host::text(&clap.port(index, is_input).unwrap().name), name);
            let direction = i32::from(!is_input);
            let info = vst3.bus_info(direction, i32::try_from(index).unwrap()).unwrap();
            assert_eq!(vst3_host::text(&info.name), name);
        }
    }
}

#[test]
fn both_formats_list_the_same_classes() {
    let factory = clap_factory();
    for (index, class) in (0..).zip(ALL) {
        // SAFETY: a live factory; the descriptors' strings live as long as the factory.
        let (id, name) = unsafe {
            let descriptor = (*factory).get_plugin_descriptor.unwrap()(factory, index);
            (CStr::from_ptr((*descriptor).id), CStr::from_ptr((*descriptor).name))
        };
        assert_eq!(id.to_str(), Ok(class.clap_id));
        assert_eq!(name.to_str(), Ok(class.name));
    }
    // SAFETY: a live factory.
    unsafe {
        let count = ALL.len() as u32;
        assert_eq!((*factory).get_plugin_count.unwrap()(factory), count);
        assert!((*factory).get_plugin_descriptor.unwrap()(factory, count).is_null());
    }
}

#[test]
fn bypass_is_the_input_after_the_latency_in_every_layout() {
    const BLOCK: usize = 480;
    const NUM_BLOCKS: usize = 8;
    for class in ALL {
        for layout in 0..class.layouts.len() {
            for mut host in select(class, layout) {
                set(&*host, "bypass", 1.0);
                let set_up = SetUp { max_block: BLOCK, offline: true, ..SetUp::default() };
                assert!(host.activate(set_up));
                let latency = host.latency() as usize;
                assert!((1..BLOCK * NUM_BLOCKS).contains(&latency), "{latency}");
                let (inputs, outputs) = bus_channels(class, layout);
                let mut heard: Vec<Vec<f32>> = vec![vec![]; outputs.iter().sum()];
                for block in 0..NUM_BLOCKS {
                    let mut input = ramps(&inputs, BLOCK, block * BLOCK);
                    let mut output: Vec<_> =
                        outputs.iter().map(|&count| TestBus::output(count, BLOCK)).collect();
                    assert!(host.process(&mut input, &mut output, BLOCK, &[]));
                    let channels = output.iter().flat_map(|bus| &bus.channels);
                    for (all, channel) in heard.iter_mut().zip(channels) {
                        all.extend(channel.as_ref().unwrap());
                    }
                }
                let sent = ramps(&inputs, BLOCK * NUM_BLOCKS, 0);
                let sent = sent.iter().flat_map(|bus| &bus.channels);
                for (heard, sent) in heard.iter().zip(sent) {
                    let (before, after) = heard.split_at(latency);
                    assert!(before.iter().all(|&sample| sample == 0.0), "{}", class.name);
                    assert_eq!(after, &sent.as_ref().unwrap()[..after.len()], "{}", class.name);
                }
            }
        }
    }
}

/// Processes two mics of noise in turns with crosstalk, in blocks without pauses.
fn burst(offline: bool, odd: Odd) -> Vec<f32> {
    const BLOCK: usize = 1024;
    let mut host = vst3(&UnspillTrack::DESC);
    assert!(host.activate(SetUp { max_block: BLOCK, offline, ..SetUp::default() }));
    let mut noise = Noise::new(1);
    let mut draw = move || 0.25 * noise.draw();
    let mut heard = Vec::new();
    for block in 0..80 {
        let pairs: Vec<[f32; 2]> = (0..BLOCK)
            .map(|_| if block / 5 % 2 == 0 { [draw(), 0.0] } else { [0.0, draw()] })
            .collect();
        let channel = |own: usize| pairs.iter().map(|p| Some(p[own] + 0.3 * p[1 - own])).collect();
        let [track, other]: [Option<Vec<f32>>; 2] = [channel(0), channel(1)];
        let bus = |channels| TestBus { channels, no_array: false };
        let mut inputs = vec![bus(vec![track.clone(), track]), bus(vec![other])];
        inputs.extend((0..6).map(|_| bus(vec![Some(vec![0.0; BLOCK])])));
        let mut outputs = [TestBus::output(2, BLOCK)];
        assert!(host.process_oddly(&mut inputs, &mut outputs, BLOCK, &[], odd));
        heard.extend(outputs[0].samples());
    }
    heard
}

#[test]
fn blocks_that_are_rendered_are_waited_for_whatever_the_host_activated_for() {
    let expected = burst(true, Odd::Nothing);
    assert!(burst(false, Odd::Rendered) == expected);
    // The worker is too slow for such a burst: without waiting, the output is dry.
    assert!(burst(false, Odd::Nothing) != expected);
}

#[test]
fn a_rate_the_engine_does_not_take_passes_the_mics_through() {
    for mut host in both(&Unspill8::DESC) {
        assert!(host.activate(SetUp { rate: 768_000.0, ..SetUp::default() }));
        assert_eq!(host.latency(), 0);
        let mut output: Vec<_> = (0..8).map(|_| TestBus::output(1, 64)).collect();
        assert!(host.process(&mut ramps(&[1; 8], 64, 0), &mut output, 64, &[]));
        for (heard, sent) in output.iter().zip(ramps(&[1; 8], 64, 0)) {
            assert_eq!(heard.samples(), sent.samples());
        }
    }
}

#[test]
fn the_mode_changes_the_latency_at_the_next_activation_and_asks_for_it() {
    for mut host in both(&UnspillTrack::DESC) {
        let live = host.latency();
        assert!(host.activate(SetUp::default()));
        assert_eq!(host.latency(), live);
        let id = param_id_hash("mode");
        let mut output = [TestBus::output(2, 64)];
        assert!(host.process(&mut [], &mut output, 64, &[(id, 1.0)]));
        host.idle();
        assert_eq!(host.notices(), (0, 1));
        // Until then the latency stays the same.
        assert_eq!(host.latency(), live);
        let other = param_id_hash("amount");
        assert!(host.process(&mut [], &mut output, 64, &[(other, 0.5)]));
        host.idle();
        assert_eq!(host.notices(), (0, 1));
        host.deactivate();
        let mix = host.latency();
        assert!(mix > live);
        assert!(host.activate(SetUp::default()));
        assert_eq!(host.latency(), mix);
        host.idle();
        assert_eq!(host.notices(), (0, 1));
    }
}

/// Ardour 7.3 activates before it loads a project's states, and ignores changes of the latency.
#[test]
fn a_mode_that_is_loaded_before_the_first_block_runs_without_a_restart() {
    for class in [&UnspillTrack::DESC, &UnspillLink::DESC] {
        let saved_in = |mode: f64| {
            let host = vst3(class);
            set(&host, "mode", mode);
            (host.save(), host.latency())
        };
        let ((live, live_latency), (mix, mix_latency)) = (saved_in(0.0), saved_in(1.0));
        assert!(mix_latency > live_latency);
        let mut host = vst3(class);
        assert!(host.activate(SetUp::default()));
        assert_eq!(host.latency(), live_latency);
        assert!(host.load(&mix));
        assert_eq!(host.latency(), mix_latency, "{}", class.name);
        host.idle();
        assert_eq!(host.notices().1, 1, "the host is told of it");
        let mut output = [TestBus::output(2, 64)];
        assert!(host.process(&mut [], &mut output, 64, &[]));
        // From the first block on, only the host starts another mode.
        assert!(host.load(&live));
        assert_eq!(host.latency(), mix_latency, "{}", class.name);
        host.deactivate();
        assert!(host.activate(SetUp::default()));
        assert_eq!(host.latency(), live_latency, "{}", class.name);
    }
}

#[test]
fn a_layout_cannot_change_while_active() {
    let (mut clap, mut vst3) = (clap(&UnspillTrack::DESC), vst3(&UnspillTrack::DESC));
    assert!(clap.activate(SetUp::default()) && vst3.activate(SetUp::default()));
    let mono = || (vec![1 << 19; 8], vec![1 << 19]);
    assert!(!clap.select(1) && !vst3.arrange(mono().0, mono().1));
    clap.deactivate();
    vst3.deactivate();
    assert!(clap.select(1) && vst3.arrange(mono().0, mono().1));
    assert!(!clap.select(2));
}

#[test]
fn a_latency_asked_for_too_early_is_corrected() {
    for mut host in both(&Unspill8::DESC) {
        let assumed = host.latency();
        assert!(host.activate(SetUp { rate: 96_000.0, ..SetUp::default() }));
        host.idle();
        assert_eq!(host.notices(), (0, 1));
        assert_eq!(host.latency(), 2 * assumed);
        host.deactivate();
        assert!(host.activate(SetUp { rate: 96_000.0, ..SetUp::default() }));
        host.idle();
        assert_eq!(host.notices(), (0, 1));
    }
}

#[test]
fn choices_are_lists_and_structure_is_not_automated() {
    let (clap, vst3) = (clap(&Unspill8::DESC), vst3(&Unspill8::DESC));
    for (id, is_list, automated) in [
        ("mic1_role", true, false),
        ("mic1_group", true, false),
        ("mic1_instrument", true, false),
        ("listen", true, true),
        ("mode", false, false),
        ("bypass", false, true),
        ("mic1_amount", false, true),
    ] {
        let seen = clap.list_and_automated(param_id_hash(id));
        assert_eq!(seen, (is_list, automated), "CLAP {id}");
        let seen = vst3.list_and_automated(param_id_hash(id));
        assert_eq!(seen, (is_list, automated), "VST3 {id}");
    }
}

#[test]
fn values_read_well() {
    for host in both(&Unspill8::DESC) {
        for (id, normalized, text) in [
            ("bypass", 1.0, "On"),
            ("amount", 0.5, "50.0 %"),
            ("mode", 0.0, "Live"),
            ("listen", 0.5, "Removed"),
            ("mic1_floor", 0.0, "No limit"),
            ("mic1_floor", 0.7, "-24.0 dB"),
            ("mic1_floor", 1.0, "0.0 dB"),
            ("mic1_role", 1.0, "Room cleaned"),
            ("mic1_group", 0.125, "A"),
            ("mic1_instrument", 0.0, "Other"),
            ("mic8_solo", 0.0, "Off"),
            ("pair1_8", 1.0, "100.0 %"),
        ] {
            assert_eq!(host.param_text(param_id_hash(id), normalized), text, "{id}");
        }
    }
}

#[test]
fn a_label_renames_a_mics_parameters_and_hosts_are_told_once() {
    for host in both(&Unspill8::DESC) {
        let index_of = |id: &str| {
            let id = param_id_hash(id);
            (0..host.num_params()).find(|&index| host.param_id(index) == Some(id)).unwrap()
        };
        let amount = index_of("mic1_amount");
        assert_eq!(host.param_name(amount).as_deref(), Some("Mic 1 Amount"));
        set(&*host, "mic1_instrument", 1.0 / 17.0);
        host.idle();
        assert_eq!(host.param_name(amount).as_deref(), Some("Kick Amount"));
        // Reported once, however often the name is queried.
        host.idle();
        let pair = index_of("pair2_1");
        assert_eq!(host.param_name(pair).as_deref(), Some("Remove Kick from Mic 2"));
        assert_eq!(host.notices(), (1, 0));
    }
}

#[test]
fn values_are_the_same_whether_a_block_a_flush_or_the_host_itself_brings_them() {
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for class in ALL {
        for round in 0..4 {
            let hosts: Vec<_> = (0..3).flat_map(|_| both(class)).collect();
            let first = &hosts[0];
            let mut changes = Vec::new();
            for index in 0..first.num_params() {
                let id = first.param_id(index).unwrap();
                let value = ((random(&mut state) >> 11) % 3) as f64 / 2.0;
                // Random order, because some parameters depend on others.
                let place = (random(&mut state) >> 11) as usize % (changes.len() + 1);
                changes.insert(place, (id, value));
            }
            // Learn, which changes another parameter, is on in every other round.
            let learn = param_id_hash("learn");
            changes.iter_mut().filter(|(id, _)| *id == learn).for_each(|(_, value)| {
                *value = f64::from(round % 2);
            });
            let mut results = Vec::new();
            for (mut host, way) in hosts.into_iter().zip([0, 0, 1, 1, 2, 2]) {
                assert!(host.activate(SetUp::default()));
                match way {
                    0 => host.flush(&changes),
                    1 => {
                        let (_, outputs) = bus_channels(class, 0);
                        let mut output: Vec<_> =
                            outputs.iter().map(|&count| TestBus::output(count, 64)).collect();
                        assert!(host.process(&mut [], &mut output, 64, &changes));
                    }
                    _ => changes.iter().for_each(|&(id, value)| host.set_param(id, value)),
                }
                let saved: serde_json::Value = serde_json::from_slice(strip(&host.save())).unwrap();
                let values: Vec<_> = changes.iter().map(|&(id, _)| host.param(id)).collect();
                results.push((way, saved["params"].clone(), values));
            }
            for (way, saved, values) in &results {
                assert_eq!(saved, &results[0].1, "{} {way}", class.name);
                for (value, expected) in values.iter().zip(&results[0].2) {
                    assert!((value - expected).abs() < 1e-6, "{} {way}", class.name);
                }
            }
            let learns = results[0].1["learn"]["bool"].as_bool().unwrap();
            assert!(!learns || results[0].1["estimates"]["string"] == "learned");
        }
    }
}

#[test]
fn every_layout_of_channels_is_taken_in_any_arrangement_and_reported_so() {
    for layout in 0..UnspillMultichannel::DESC.layouts.len() {
        let (inputs, _) = bus_channels(&UnspillMultichannel::DESC, layout);
        let count = inputs[0];
        // Adjacent speakers, every other speaker, and two different arrangements.
        let low = (1_u64 << count) - 1;
        let spread = (0..count).fold(0, |speakers, place| speakers | 1_u64 << (2 * place));
        for (input, output) in [(low, low), (spread, spread), (low << 5, spread)] {
            let host = vst3(&UnspillMultichannel::DESC);
            assert!(host.arrange(vec![input], vec![output]));
            assert_eq!(host.arrangements(), (vec![input], vec![output]));
            assert_eq!(host.bus_info(0, 0).unwrap().channelCount as usize, count);
        }
    }
    let host = vst3(&UnspillMultichannel::DESC);
    for (input, output) in [(0, 0), (7, 7), (3, 15), (1 << 19, 1 << 19)] {
        assert!(!host.arrange(vec![input], vec![output]), "{input:b} {output:b}");
        assert_eq!(host.arrangements(), (vec![0xFF], vec![0xFF]));
    }
}

#[test]
fn no_output_is_subnormal_whatever_comes_in() {
    for class in ALL {
        for layout in 0..class.layouts.len() {
            for rate in [48_000.0, 768_000.0] {
                for mut host in select(class, layout) {
                    assert!(host.activate(SetUp { rate, max_block: 480, offline: true }));
                    let (inputs, outputs) = bus_channels(class, layout);
                    let mut state = 7;
                    let mut sample = || {
                        // Every exponent from zero to 1e-20, both signs.
                        let bits = (random(&mut state) >> 11) as u32;
                        f32::from_bits((bits % 0x1E3C_E508) | (bits & 0x8000_0000))
                    };
                    for _ in 0..12 {
                        let mut bus = |&count: &usize| {
                            let channel = |_| Some((0..480).map(|_| sample()).collect());
                            TestBus { channels: (0..count).map(channel).collect(), no_array: false }
                        };
                        let mut input: Vec<_> = inputs.iter().map(&mut bus).collect();
                        let mut output: Vec<_> =
                            outputs.iter().map(|&count| TestBus::output(count, 480)).collect();
                        assert!(host.process(&mut input, &mut output, 480, &[]));
                        let channels = output.iter().flat_map(|bus| &bus.channels).flatten();
                        for sample in channels.flatten() {
                            assert!(!sample.is_subnormal(), "{} {rate}: {sample:e}", class.name);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_class_with_one_output_has_no_parameters_for_others() {
    assert_eq!(UnspillTrack::DESC.topology, Topology::Track);
    let host = clap(&UnspillTrack::DESC);
    let ids: Vec<_> = (0..host.num_params()).filter_map(|index| host.param_id(index)).collect();
    let has = |id: &str| ids.contains(&param_id_hash(id));
    assert!(has("mic1_amount") && has("mic8_role") && has("pair1_8"));
    assert!(!has("mic2_amount") && !has("pair2_1") && !has("mic1_solo") && !has("pair1_1"));
}
