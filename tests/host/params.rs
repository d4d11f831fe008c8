//! Parameters and state as reported to hosts.

use std::collections::BTreeMap;

use host::{AudioConfig, Class, Format, ParamInfo, Plugin, RenderJob, RenderMode, render};
use tests::{bundle, mics, same_bits};

const FORMATS: [Format; 2] = [Format::Clap, Format::Vst3];

/// Every released parameter: class, ID and name. Lines are only ever added.
const RELEASED: &str = include_str!("params.txt");

fn instance(format: Format, class: Class) -> Plugin {
    let bundle = bundle(format).unwrap();
    bundle.instantiate(bundle.class_named(class.name()).unwrap()).unwrap()
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Eight => "8",
        Class::Sixteen => "16",
        Class::Multichannel => "multichannel",
        Class::Track => "track",
        Class::Link => "link",
    }
}

#[test]
fn every_released_parameter_is_still_there_and_no_other() {
    let mut released: BTreeMap<(&str, u32), &str> = BTreeMap::new();
    for line in RELEASED.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (class, id, name) = (parts.next(), parts.next(), parts.next());
        released.insert((class.unwrap(), id.unwrap().parse().unwrap()), name.unwrap());
    }
    for format in FORMATS {
        let mut found: BTreeMap<(&str, u32), String> = BTreeMap::new();
        for class in Class::ALL {
            for param in instance(format, class).params().unwrap() {
                let clash = found.insert((word(class), param.id), param.name.clone());
                assert_eq!(clash, None, "{format} {class:?}: two parameters with one id");
            }
        }
        for (key, name) in &released {
            assert_eq!(found.get(key).map(String::as_str), Some(*name), "{format} {key:?}");
        }
        let lines: Vec<String> = found
            .iter()
            .filter(|(key, _)| !released.contains_key(*key))
            .map(|((class, id), name)| format!("{class} {id} {name}"))
            .collect();
        assert!(lines.is_empty(), "add to tests/host/params.txt:\n{}", lines.join("\n"));
    }
}

#[test]
fn both_formats_describe_the_same_parameters() {
    for class in Class::ALL {
        let [clap, vst3] = FORMATS.map(|format| instance(format, class));
        let (in_clap, in_vst3) = (clap.params().unwrap(), vst3.params().unwrap());
        assert_eq!(in_clap.len(), in_vst3.len());
        for (a, b) in in_clap.iter().zip(&in_vst3) {
            let shape = |param: &ParamInfo| {
                (param.id, param.name.clone(), param.automatable, param.hidden, param.bypass)
            };
            assert_eq!(shape(a), shape(b), "{class:?}");
            let default = |param: &ParamInfo| param.position_of(param.default);
            assert!((default(a) - default(b)).abs() < 1e-6, "{class:?} {}", a.name);
            let (texts_a, texts_b) = (clap.param_text(a.id), vst3.param_text(b.id));
            assert!(!texts_a.as_ref().unwrap().is_empty());
            // VST3 hosts append the unit to the text themselves.
            let unit = b.unit.trim();
            let text = format!("{} {unit}", texts_b.unwrap().trim_end_matches(unit).trim());
            assert_eq!(texts_a.unwrap(), text.trim(), "{class:?} {}", a.name);
        }
        assert_eq!(in_clap.iter().filter(|param| param.bypass).count(), 1, "{class:?}");
    }
}

#[test]
fn state_carries_every_parameter_to_a_new_instance() {
    for format in FORMATS {
        for class in Class::ALL {
            let mut first = instance(format, class);
            let params = first.params().unwrap();
            let mut expected = Vec::new();
            for (index, param) in params.iter().enumerate() {
                // Neighbours get different positions, and none is at either end.
                let position = 0.2 + 0.6 * (index % 7) as f64 / 6.0;
                first.set_param(param.id, param.value_at(position)).unwrap();
            }
            flush(&mut first);
            for param in &params {
                expected.push((param.id, first.param_value(param.id).unwrap()));
            }
            let moved = params.iter().zip(&expected);
            let num_moved =
                moved.filter(|(p, (_, value))| (p.default - value).abs() > 1e-6).count();
            assert!(num_moved * 3 > params.len() * 2, "{num_moved} of {} moved", params.len());

            let state = first.save_state().unwrap();
            let mut second = instance(format, class);
            second.load_state(&state).unwrap();
            for (id, value) in expected {
                let restored = second.param_value(id).unwrap();
                assert!((restored - value).abs() < 1e-6, "{format} {class:?} {id}");
            }
            // Saving again gives the same bytes, so that a host does not mark the project
            // as changed.
            assert_eq!(second.save_state().unwrap(), state, "{format} {class:?}");
        }
    }
}

#[test]
fn states_that_make_no_sense_are_refused_or_ignored_without_harm() {
    for format in FORMATS {
        let mut plugin = instance(format, Class::Eight);
        let good = plugin.save_state().unwrap();
        let before: Vec<f64> = values(&plugin);
        for bad in [&b""[..], &b"\0"[..], &[0xFF; 4096][..], &good[..good.len() / 2]] {
            // The format decides if this is an error; the parameters must not change.
            let _ = plugin.load_state(bad);
            assert_eq!(values(&plugin), before, "{format}");
        }
        plugin.load_state(&good).unwrap();
    }
}

#[test]
fn an_amount_of_zero_leaves_the_mics_as_they_are() {
    let mics = mics(4, 48_000, 9_600);
    let slices: Vec<&[f32]> = mics.iter().map(Vec::as_slice).collect();
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        for (name, value) in [("Amount", "0"), ("Listen", "Dry"), ("Bypass", "On")] {
            let mut job = RenderJob::new(Class::Eight, 48_000, 4);
            job.params = vec![(name.to_owned(), value.to_owned())];
            let outputs = render(&bundle, &job, &slices).unwrap().outputs;
            for (output, mic) in outputs.iter().zip(&mics) {
                if let Err(error) = same_bits(output, mic) {
                    panic!("{format}, {name} = {value}: {error}");
                }
            }
        }
    }
}

fn values(plugin: &Plugin) -> Vec<f64> {
    let params = plugin.params().unwrap();
    params.iter().map(|param| plugin.param_value(param.id).unwrap()).collect()
}

/// Activates and deactivates the plugin, which applies pending parameter values.
fn flush(plugin: &mut Plugin) {
    let config =
        AudioConfig { rate_hz: 48_000.0, max_block_samples: 64, mode: RenderMode::Offline };
    plugin.activate(config).unwrap();
    plugin.deactivate().unwrap();
}
