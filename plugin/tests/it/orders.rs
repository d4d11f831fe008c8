//! Calls in random order with random arguments: no host crashes, and no output keeps garbage.

use plugin::Unspill;
use plugin::classes::{Unspill8, UnspillMultichannel, UnspillTrack};
use plugin::guard::{Guardable, param_id_hash};

use super::clap_host::ClapHost;
use super::host::{GARBAGE, Host, SetUp, TestBus};
use super::vst3_host::Vst3Host;

/// Xorshift, so that failures are reproducible.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn buses(&mut self, num_samples: usize, value: f32) -> Vec<TestBus> {
        let num_buses = self.pick(&[0, 1, 1, 2, 7, 8, 8, 8, 9, 20]);
        (0..num_buses)
            .map(|_| {
                let num_channels = self.pick(&[0, 1, 1, 1, 1, 1, 2, 8, 8, 17]);
                match self.below(8) {
                    0 => TestBus::null_channels(num_channels),
                    1 => TestBus::no_array(num_channels),
                    _ => TestBus::filled(num_channels, value, num_samples),
                }
            })
            .collect()
    }
}

fn one_call(host: &mut dyn Host, random: &mut Random) -> String {
    match random.below(16) {
        0 => {
            let set_up = SetUp {
                rate: random.pick(&[48_000.0, 44_100.0, 96_000.0, 0.0, f64::NAN, 1e9]),
                max_block: random.pick(&[1, 64, 64, 512]),
                offline: random.below(2) == 0,
            };
            format!("activate {set_up:?}: {}", host.activate(set_up))
        }
        1 => {
            host.deactivate();
            "deactivate".to_owned()
        }
        2 => {
            host.reset();
            "reset".to_owned()
        }
        3 => format!("latency {}", host.latency()),
        4 => format!("name {:?}", host.param_name(random.below(200) as u32)),
        5 => {
            let id = random.pick(&[
                "amount",
                "mode",
                "mic1_instrument",
                "bypass",
                "mic2_role",
                "learn",
                "estimates",
            ]);
            host.set_param(param_id_hash(id), random.pick(&[0.0, 0.3, 1.0]));
            format!("set {id}")
        }
        6 => {
            let state = host.save();
            let end = random.below(state.len() + 1);
            format!("load {end}: {}", host.load(&state[..end]))
        }
        7 => {
            host.idle();
            "idle".to_owned()
        }
        _ => {
            let num_samples = random.pick(&[0, 1, 31, 64, 64, 65, 300]);
            let value = random.pick(&[0.0, 0.5, 1e-42, f32::NAN, f32::INFINITY, 1e30]);
            let mut inputs = random.buses(num_samples, value);
            let mut outputs = random.buses(num_samples, GARBAGE);
            let id = param_id_hash(random.pick(&["amount", "mic3_solo", "listen"]));
            let changes = [(id, random.pick(&[0.0, 0.5, 1.0]))];
            let changes = &changes[..random.below(2)];
            let success = host.process(&mut inputs, &mut outputs, num_samples, changes);
            // A block without channels only carries parameters.
            for bus in outputs.iter().filter(|bus| !bus.no_array) {
                for channel in bus.channels.iter().flatten() {
                    assert!(!channel.contains(&GARBAGE), "garbage left, success: {success}");
                    assert!(!channel.iter().any(|sample| sample.is_subnormal()), "subnormal");
                    assert!(channel.iter().all(|sample| sample.is_finite()), "not finite");
                }
            }
            format!("process {num_samples}: {success}")
        }
    }
}

fn any_order<P: Guardable>() {
    for seed in 1..=12_u64 {
        let hosts: [Box<dyn Host>; 2] =
            [Box::new(ClapHost::of::<P>(true)), Box::new(Vst3Host::of::<P>(true))];
        for mut host in hosts {
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let mut done = Vec::new();
            for _ in 0..150 {
                let call = std::panic::AssertUnwindSafe(|| one_call(&mut *host, &mut random));
                match std::panic::catch_unwind(call) {
                    Ok(what) => done.push(what),
                    Err(_) => panic!("seed {seed}, after {done:#?}"),
                }
            }
            host.unload();
        }
    }
}

#[test]
fn any_order_of_calls_is_survived_by_unspill_8() {
    any_order::<Unspill<Unspill8>>();
}

#[test]
fn any_order_of_calls_is_survived_by_unspill_multichannel() {
    any_order::<Unspill<UnspillMultichannel>>();
}

#[test]
fn any_order_of_calls_is_survived_by_unspill_track() {
    any_order::<Unspill<UnspillTrack>>();
}
