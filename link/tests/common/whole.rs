//! Mics that bleed into each other, and the output of one session that has them all.

use engine::{Controls, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use test_signals::Noise;

pub(crate) const RATE_HZ: f32 = 48_000.0;

/// Number of mics of the session, as many as a worker has.
pub(crate) const NUM_MICS: usize = 16;

/// Returns mics of sources that bleed into each other, `[mic][sample]`.
pub(crate) fn mics(num_mics: usize, num_samples: usize) -> Vec<Vec<f32>> {
    let sources: Vec<Vec<f32>> = (0..num_mics)
        .map(|mic| {
            let mut noise = Noise::new(u32::try_from(mic).unwrap() + 5);
            (0..num_samples)
                .map(|n| {
                    let on = (n / (4000 + 900 * mic)) % 3 != 1;
                    if on { 0.3 * noise.draw() } else { 0.0 }
                })
                .collect()
        })
        .collect();
    (0..num_mics)
        .map(|mic| {
            (0..num_samples)
                .map(|n| {
                    (0..num_mics)
                        .map(|source| {
                            let delay = if source == mic { 0 } else { 40 + 13 * source + 7 * mic };
                            let gain = if source == mic { 1.0 } else { 0.15 };
                            gain * n.checked_sub(delay).map_or(0.0, |at| sources[source][at])
                        })
                        .sum()
                })
                .collect()
        })
        .collect()
}

/// Returns the output of a session with all mics, without its latency.
pub(crate) fn oracle(mode: Mode, method: SessionMethod<'_>, mics: &[Vec<f32>]) -> Vec<Vec<f32>> {
    oracle_with(mode, method, &Controls::default(), mics)
}

/// Returns the output of a session with all mics and these controls, without its latency.
pub(crate) fn oracle_with(
    mode: Mode,
    method: SessionMethod<'_>,
    controls: &Controls,
    mics: &[Vec<f32>],
) -> Vec<Vec<f32>> {
    let config = SessionConfig {
        rate: SampleRate::new(RATE_HZ).unwrap(),
        num_mics: NUM_MICS,
        mode,
        pace: Pace::Offline,
        max_block_samples: 512,
    };
    let mut session = Session::prepare(&config, controls, method).unwrap();
    let latency = session.latency_samples();
    let num_samples = mics[0].len();
    let mut all = vec![vec![0.0; num_samples + latency]; NUM_MICS];
    for (to, from) in all.iter_mut().zip(mics) {
        to[..num_samples].copy_from_slice(from);
    }
    let mut slices: Vec<&mut [f32]> = all.iter_mut().map(Vec::as_mut_slice).collect();
    session.process(&mut slices).unwrap();
    all[..mics.len()].iter().map(|mic| mic[latency..].to_vec()).collect()
}
