//! Parameter changes in the middle of blocks.

use plugin::classes::{Class, Unspill8, UnspillTrack};
use plugin::guard::param_id_hash;
use test_signals::Noise;

use super::host::{Host, Odd, SetUp, TestBus};
use super::instances::both;

const NUM_SAMPLES: usize = 24_000;

/// Two mics of noise in turns, with crosstalk in both directions, `[mic][sample]`.
fn mics() -> [Vec<f32>; 2] {
    let mut noise = Noise::new(1);
    let mut draw = move || 0.25 * noise.draw();
    let pairs: Vec<[f32; 2]> = (0..NUM_SAMPLES)
        .map(|at| if at / 3000 % 2 == 0 { [draw(), 0.0] } else { [0.0, draw()] })
        .collect();
    [0, 1].map(|own: usize| pairs.iter().map(|p| p[own] + 0.3 * p[1 - own]).collect())
}

/// Returns the changes, sorted by time: on both sides of block borders, and two at once.
fn moves() -> Vec<(usize, u32, f64)> {
    [
        (0, "amount", 0.8),
        (1000, "amount", 0.3),
        (1001, "amount", 0.5),
        (5119, "listen", 0.5),
        (5120, "listen", 0.0),
        (7777, "mic1_amount", 0.2),
        (7777, "pair1_2", 0.6),
        (12_345, "mic1_floor", 0.9),
        (15_000, "bypass", 1.0),
        (16_001, "bypass", 0.0),
        (20_000, "amount", 1.0),
        (NUM_SAMPLES - 1, "amount", 0.0),
    ]
    .map(|(at, id, value)| (at, param_id_hash(id), value))
    .to_vec()
}

/// Returns the output of the track's left side, in blocks of the lengths that `next_block` returns.
fn heard(host: &mut dyn Host, max_block: usize, mut next_block: impl FnMut() -> usize) -> Vec<f32> {
    assert!(host.activate(SetUp { max_block, offline: true, ..SetUp::default() }));
    let [track, other] = mics();
    let (moves, mut heard) = (moves(), Vec::new());
    while heard.len() < NUM_SAMPLES {
        let start = heard.len();
        let end = NUM_SAMPLES.min(start + next_block());
        let part = |mic: &[f32]| Some(mic[start..end].to_vec());
        let bus = |channels| TestBus { channels, no_array: false };
        let mut inputs = vec![bus(vec![part(&track), part(&track)]), bus(vec![part(&other)])];
        inputs.extend((0..6).map(|_| TestBus::filled(1, 0.0, end - start)));
        let mut outputs = [TestBus::output(2, end - start)];
        let due: Vec<_> = moves
            .iter()
            .filter(|(at, ..)| (start..end).contains(at))
            .map(|&(at, id, value)| (at - start, id, value))
            .collect();
        assert!(host.process_timed(&mut inputs, &mut outputs, end - start, &due, Odd::Nothing));
        heard.extend(outputs[0].samples());
    }
    host.deactivate();
    heard
}

#[test]
fn the_output_does_not_depend_on_how_blocks_are_cut_while_parameters_move() {
    let mut expected: Option<Vec<f32>> = None;
    for max_block in [64, 1024, 4096] {
        for mut host in both(&UnspillTrack::DESC) {
            let heard = heard(&mut *host, max_block, || max_block);
            let expected = expected.get_or_insert_with(|| heard.clone());
            assert!(heard == *expected, "blocks of {max_block}");
        }
    }
    // Blocks of any length, some longer than announced.
    let mut state = 7_usize;
    for mut host in both(&UnspillTrack::DESC) {
        let next = || {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
            1 + state / 64 % 1500
        };
        assert!(
            heard(&mut *host, 512, next) == *expected.as_ref().unwrap(),
            "blocks of any length"
        );
    }
}

#[test]
fn a_change_is_heard_from_its_own_sample_on() {
    const BLOCK: usize = 2048;
    let at = 4321;
    for mut host in both(&Unspill8::DESC) {
        // Dry, so that the change is the only effect.
        host.set_param(param_id_hash("listen"), 1.0);
        assert!(host.activate(SetUp { max_block: BLOCK, offline: true, ..SetUp::default() }));
        let latency = host.latency() as usize;
        // The solo of the second mic mutes the first.
        let solo = [(at % BLOCK, param_id_hash("mic2_alone"), 1.0)];
        let mut heard = Vec::new();
        for block in 0..4 {
            let mut inputs: Vec<_> = (0..8).map(|_| TestBus::filled(1, 0.5, BLOCK)).collect();
            let mut outputs: Vec<_> = (0..8).map(|_| TestBus::output(1, BLOCK)).collect();
            let due = if block == at / BLOCK { &solo[..] } else { &[] };
            assert!(host.process_timed(&mut inputs, &mut outputs, BLOCK, due, Odd::Nothing));
            heard.extend_from_slice(outputs[0].samples());
        }
        let (silent_from, ramp) = (at + latency, 480);
        assert!(heard[latency..silent_from].iter().all(|&sample| sample == 0.5), "before");
        assert!(heard[silent_from] < 0.5, "at once");
        assert!(heard[silent_from + ramp..].iter().all(|&sample| sample == 0.0), "after");
    }
}
