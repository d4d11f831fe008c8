//! The outlet against one that goes sample by sample.

use std::f32::consts::{FRAC_PI_2, PI};
use std::sync::atomic::Ordering;

use test_signals::Noise;

use super::outlet::{Inlet, Outlet, OutletConfig};
use crate::controls::Controls;
use crate::units::SampleRate;

const HOP: usize = 64;
const LATENCY: usize = 200;
/// Samples of 5 ms at 8 kHz.
const FADE: usize = 40;

/// Kind of a sample's removed signal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Wet,
    Dry,
    Late,
}

/// Stretches of removed signal from the sample 0 on: kind and length.
type Script = Vec<(Kind, usize)>;

fn outlet() -> (Outlet, Inlet) {
    let config = OutletConfig {
        rate: SampleRate::new(8000.0).unwrap(),
        num_mics: 2,
        hop_samples: HOP,
        latency_samples: LATENCY,
        num_removals: 1000,
    };
    Outlet::new(&config, &Controls::default())
}

fn below(noise: &mut Noise, limit: usize) -> usize {
    (noise.bits() >> 8) as usize % limit
}

/// Draws a script of at least `num_samples`, which a new outlet or a reset one begins with a wet
/// stretch or any other.
fn script(noise: &mut Noise, num_samples: usize) -> Script {
    let mut script = Script::new();
    let mut sum = 0;
    while sum < num_samples {
        let (kind, longest) = match below(noise, 5) {
            0..3 => (Kind::Wet, HOP),
            3 => (Kind::Dry, 5 * HOP),
            _ => (Kind::Late, 3 * HOP),
        };
        let length = 1 + below(noise, longest);
        script.push((kind, length));
        sum += length;
    }
    // After a gap there is a removal, or else nothing ends the wait for one.
    script.push((Kind::Wet, HOP));
    script
}

fn removed(mic: usize, n: usize) -> f32 {
    Noise::new(u32::try_from(n * 2 + mic).unwrap()).samples(3, 0.5)[2]
}

/// Sends a script whose first sample has the number `base`.
fn send(inlet: &mut Inlet, script: &Script, base: i64, epoch: u64) {
    let mut from = 0;
    for &(kind, length) in script {
        if kind != Kind::Late {
            let mut removal = inlet.take().unwrap();
            removal.start = base + i64::try_from(from).unwrap();
            removal.length = length;
            removal.epoch = epoch;
            removal.is_dry = kind == Kind::Dry;
            removal.rises = false;
            if kind == Kind::Wet {
                for mic in 0..2 {
                    let samples = &mut removal.samples[mic * HOP..][..length];
                    for (n, sample) in samples.iter_mut().enumerate() {
                        *sample = removed(mic, from + n);
                    }
                }
            }
            inlet.send(removal);
        }
        from += length;
    }
}

/// Returns the output and the number of late samples, sample by sample.
fn reference(input: &[Vec<f32>], script: &Script) -> (Vec<Vec<f32>>, u64) {
    let gain = |n: usize| 0.5 - 0.5 * (PI * (n + 1) as f32 / (FADE + 1) as f32).cos();
    let mut late = 0;
    let output = (input.iter().enumerate()).map(|(mic, input)| {
        let kinds: Vec<Kind> =
            script.iter().flat_map(|&(kind, length)| vec![kind; length]).collect();
        let mut tail = vec![0.0; FADE];
        let (mut falling, mut rising) = (Vec::new(), FADE);
        let mut output = vec![0.0; LATENCY];
        let mut was_wet = false;
        for n in 0..input.len() - LATENCY {
            let is_wet = kinds[n] == Kind::Wet;
            late += u64::from(mic == 0 && kinds[n] == Kind::Late);
            if is_wet && !was_wet {
                rising = 0;
            } else if was_wet && !is_wet {
                // The last samples once more, backwards.
                falling = tail.iter().copied().zip((0..FADE).rev()).rev().collect();
            }
            was_wet = is_wet;
            let mut sample = 0.0;
            if is_wet {
                sample = removed(mic, n);
                if rising < FADE {
                    sample *= gain(rising);
                }
                rising += 1;
            }
            if let Some((last, step)) = falling.pop() {
                sample += last * gain(step);
            }
            tail.pop();
            tail.insert(0, sample);
            output.push(input[n] - sample);
        }
        output
    });
    let output = output.collect();
    (output, late)
}

/// Plays with blocks of the lengths that `block` draws.
fn play(
    outlet: &mut Outlet,
    input: &[Vec<f32>],
    mut block: impl FnMut() -> usize,
) -> Vec<Vec<f32>> {
    let mut output = input.to_vec();
    let mut start = 0;
    while start < input[0].len() {
        let end = (start + block()).min(input[0].len());
        let mut mics: Vec<&mut [f32]> = output.iter_mut().map(|mic| &mut mic[start..end]).collect();
        outlet.process(&mut mics, || false).unwrap();
        start = end;
    }
    output
}

fn input(noise: &mut Noise, num_samples: usize) -> Vec<Vec<f32>> {
    (0..2).map(|_| noise.samples(num_samples, 0.5)).collect()
}

fn late(outlet: &Outlet) -> u64 {
    outlet.late_samples().load(Ordering::Relaxed)
}

#[test]
fn wet_dry_and_late_stretches_give_the_reference_with_blocks_of_any_length() {
    for seed in 0..60 {
        let mut noise = Noise::new(seed);
        let input = input(&mut noise, 5000);
        let script = script(&mut noise, 5000);
        let (expected, expected_late) = reference(&input, &script);
        for longest in [1, 7, 64, 500, 5000] {
            let (mut outlet, mut inlet) = outlet();
            send(&mut inlet, &script, 0, 0);
            let fixed = longest == 5000;
            let output = play(&mut outlet, &input, || {
                if fixed { longest } else { 1 + below(&mut noise, longest) }
            });
            let first = (0..2)
                .flat_map(|mic| (0..5000).map(move |n| (mic, n)))
                .find(|&(mic, n)| output[mic][n] != expected[mic][n]);
            assert_eq!(first, None, "seed {seed}, blocks up to {longest}");
            assert_eq!(late(&outlet), expected_late, "seed {seed}, blocks up to {longest}");
        }
    }
}

#[test]
fn a_reset_outlet_is_as_a_new_one() {
    for seed in 100..120 {
        let mut noise = Noise::new(seed);
        let before = below(&mut noise, 2000);
        let (first, second) = (input(&mut noise, before), input(&mut noise, 3000));
        let (old, new) = (script(&mut noise, 4000), script(&mut noise, 3000));
        let (mut outlet, mut inlet) = outlet();
        // Some removals of the old epoch are left over.
        send(&mut inlet, &old, 0, 0);
        play(&mut outlet, &first, || 50);
        outlet.reset();
        assert_eq!(outlet.count(), i64::try_from(before).unwrap());
        let earlier = late(&outlet);
        send(&mut inlet, &new, outlet.count(), outlet.epoch());
        let output = play(&mut outlet, &second, || 50);
        let (expected, expected_late) = reference(&second, &new);
        assert!(output == expected, "seed {seed}");
        assert_eq!(late(&outlet) - earlier, expected_late, "seed {seed}");
    }
}

#[test]
fn no_fade_has_a_step() {
    for seed in 200..220 {
        let mut noise = Noise::new(seed);
        let script: Script = script(&mut noise, 4000);
        let (mut outlet, mut inlet) = outlet();
        let mut from = 0;
        for &(kind, length) in &script {
            if kind != Kind::Late {
                let mut removal = inlet.take().unwrap();
                (removal.start, removal.length) = (from, length);
                (removal.is_dry, removal.rises) = (kind == Kind::Dry, false);
                removal.samples.fill(1.0);
                inlet.send(removal);
            }
            from += i64::try_from(length).unwrap();
        }
        let silence = vec![vec![0.0; 4000]; 2];
        let output = play(&mut outlet, &silence, || 33);
        let steps = output[0].windows(2).map(|pair| (pair[1] - pair[0]).abs());
        let largest = steps.fold(0.0, f32::max);
        // The steepest step of one fade is pi / 2 / (fade + 1); a fade may meet another.
        assert!(largest < 2.1 * FRAC_PI_2 / (FADE + 1) as f32, "seed {seed}: {largest}");
        assert!(output[0].iter().any(|&sample| sample == -1.0), "seed {seed}");
    }
}

/// A removed signal that begins before the first sample may arrive after that, whole or in part.
#[test]
fn a_signal_that_has_risen_before_the_first_sample_has_no_fade_there() {
    for early in [0, LATENCY - HOP - 7, LATENCY - HOP, LATENCY - 30, LATENCY] {
        let (mut outlet, mut inlet) = outlet();
        let play = |outlet: &mut Outlet, num_samples: usize| -> Vec<f32> {
            let mut mics = [vec![0.0; num_samples], vec![0.0; num_samples]];
            let [first, second] = &mut mics;
            outlet.process(&mut [first, second], || false).unwrap();
            mics[0].clone()
        };
        play(&mut outlet, early);
        for hop in -1..4 {
            let mut removal = inlet.take().unwrap();
            removal.start = hop * i64::try_from(HOP).unwrap();
            (removal.length, removal.epoch) = (HOP, 0);
            (removal.is_dry, removal.rises) = (false, hop <= 0);
            removal.samples.fill(0.25);
            inlet.send(removal);
        }
        play(&mut outlet, LATENCY - early);
        assert_eq!(play(&mut outlet, 3 * HOP), [-0.25; 3 * HOP], "{early} samples before");
    }
}
