//! The latency reported to hosts, at every moment at which they may request it.

use engine::{Mode, Pace, SampleRate, latency_samples};
use host::{AudioConfig, Class, Format, Plugin, RATES_HZ, RenderMode};
use link::Timing;
use tests::bundle;

const FORMATS: [Format; 2] = [Format::Clap, Format::Vst3];

/// Returns the engine's latency for the plugin's default mode. Linked tracks have more, in a bounce
/// as in playback.
fn expected(plugin: &Plugin, rate_hz: u32, mode: RenderMode, max_block_samples: usize) -> usize {
    let rate = SampleRate::new(rate_hz as f32).unwrap();
    if plugin.class().name == Class::Link.name() {
        return Timing::new(rate, Mode::Live, max_block_samples).latency_samples;
    }
    let pace = match mode {
        RenderMode::Realtime => Pace::Realtime,
        RenderMode::Offline => Pace::Offline,
    };
    latency_samples(rate, Mode::Live, pace, max_block_samples)
}

fn for_each_plugin(check: impl Fn(Plugin, &str)) {
    for format in FORMATS {
        let bundle = bundle(format).unwrap();
        for class in Class::ALL {
            let plugin = bundle.instantiate(bundle.class_named(class.name()).unwrap()).unwrap();
            check(plugin, &format!("{format} {class:?}"));
        }
    }
}

#[test]
fn latency_is_right_before_the_first_activation() {
    for_each_plugin(|mut plugin, case| {
        for mode in [RenderMode::Realtime, RenderMode::Offline] {
            let expected = expected(&plugin, 48_000, mode, 512);
            let config = AudioConfig { rate_hz: 48_000.0, max_block_samples: 512, mode };
            assert_eq!(plugin.latency_samples().unwrap(), expected, "{case} {mode:?}, inactive");
            let activation = plugin.activate(config).unwrap();
            assert_eq!(activation.before_samples, expected, "{case} {mode:?}");
            assert_eq!(activation.latency_samples, expected, "{case} {mode:?}");
            assert!(!plugin.take_requests().restart, "{case}: no second activation is needed");
            plugin.deactivate().unwrap();
        }
    });
}

#[test]
fn latency_follows_rate_and_block_length_and_hosts_are_told() {
    for_each_plugin(|mut plugin, case| {
        for (rate_hz, max_block_samples) in
            [(44_100, 64), (48_000, 1024), (96_000, 512), (96_000, 8192), (48_000, 480)]
        {
            let config = AudioConfig {
                rate_hz: f64::from(rate_hz),
                max_block_samples,
                mode: RenderMode::Offline,
            };
            let mode = RenderMode::Offline;
            let expected = expected(&plugin, rate_hz, mode, max_block_samples);
            let case = format!("{case}, {rate_hz} Hz, {max_block_samples}");
            let before = plugin.latency_samples().unwrap();
            plugin.take_requests();
            let activation = plugin.activate(config).unwrap();
            assert_eq!(activation.latency_samples, expected, "{case}");
            // VST3 hosts read the latency between set-up and start, and later only after
            // a notification.
            let set_up = activation.set_up_samples.unwrap_or(before);
            let told = plugin.take_requests().latency_changed;
            assert!(set_up == expected || told, "{case}: {set_up} changed without a word");
            plugin.deactivate().unwrap();
        }
    });
}

#[test]
fn the_host_refuses_the_rates_that_the_engine_refuses() {
    let is_taken = |rate_hz: u32| SampleRate::new(rate_hz as f32).is_ok();
    for rate_hz in [1, 7_999, 8_000, 44_100, 192_000, 192_001, 384_000] {
        assert_eq!(RATES_HZ.contains(&rate_hz), is_taken(rate_hz), "{rate_hz} Hz");
    }
}
