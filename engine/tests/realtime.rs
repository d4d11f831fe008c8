//! The audio side of a session never allocates, frees or grows memory.
#![allow(clippy::unwrap_used, reason = "a test may stop where it cannot go on")]

use std::time::Instant;

use engine::{Controls, Listen, Mode, Pace, SampleRate, Session, SessionConfig, SessionMethod};
use test_memory::measure;

/// Runs the audio side for a while, with blocks of noise, changing controls and resets. Hops are in
/// time, late or lost.
fn audio_side(session: &mut Session, mics: &mut [&mut [f32]], controls: &mut Controls) {
    let stats = session.stats();
    for call in 0..400_u16 {
        for (mic, samples) in mics.iter_mut().enumerate() {
            for (n, sample) in samples.iter_mut().enumerate() {
                *sample = if (n + mic) % 7 < 3 { 0.1 } else { -0.05 * f32::from(call % 5) };
            }
        }
        if call % 3 == 0 {
            controls.mics[usize::from(call) % mics.len()].amount = f32::from(call % 10) / 9.0;
            controls.global_amount = f32::from(call % 11) / 10.0;
            controls.mics[0].listen = if call % 2 == 0 { Listen::Clean } else { Listen::Removed };
            session.set_controls(controls);
        }
        session.process(mics).unwrap();
        let (few, rest) = mics.split_at_mut(1);
        assert!(session.process(few).is_err() || rest.is_empty());
        if call % 150 == 149 {
            session.reset();
        }
        // Lets the worker catch up in the first half, so that both timely and late hops occur.
        if call < 200 {
            for _ in 0..50_000 {
                if stats.hops() > u64::from(call) {
                    break;
                }
                std::hint::spin_loop();
            }
        }
    }
}

#[test]
fn the_audio_side_never_allocates_or_frees() {
    let (mut hops, mut late) = (0, 0);
    for mode in [Mode::Live, Mode::Mix] {
        for block_samples in [1, 31, 64, 333, 512, 1024, 8192] {
            let config = SessionConfig {
                rate: SampleRate::new(48_000.0).unwrap(),
                num_mics: 4,
                mode,
                pace: Pace::Realtime,
                max_block_samples: block_samples.min(1024),
            };
            let mut controls = Controls::default();
            let mut session =
                Session::prepare(&config, &controls, SessionMethod::default()).unwrap();
            let stats = session.stats();
            let mut block = vec![vec![0.0; block_samples]; 4];
            let mut mics: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
            let calls = measure(|| audio_side(&mut session, &mut mics, &mut controls)).calls;
            assert_eq!(calls, 0, "{mode:?}, blocks of {block_samples}");
            (hops, late) = (hops + stats.hops(), late + stats.late_hops() + stats.lost_hops());
        }
    }
    println!("{hops} hops, {late} late or lost");
    assert!(hops > 100 && late > 100, "both happened: {hops} hops, {late} late or lost");
}

#[test]
fn a_block_of_wrong_shape_is_refused_without_allocating() {
    let config = SessionConfig {
        rate: SampleRate::new(44_100.0).unwrap(),
        num_mics: 3,
        mode: Mode::Live,
        pace: Pace::Realtime,
        max_block_samples: 64,
    };
    let mut session =
        Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap();
    let (mut long, mut short) = ([0.0; 9], [0.0; 8]);
    let counts = measure(|| {
        assert!(session.process(&mut [&mut long, &mut short]).is_err());
        assert!(session.process(&mut []).is_err());
    });
    assert_eq!(counts.calls, 0);
}

#[test]
fn a_reset_with_results_in_hand_frees_nothing() {
    let config = SessionConfig {
        rate: SampleRate::new(48_000.0).unwrap(),
        num_mics: 2,
        mode: Mode::Live,
        pace: Pace::Realtime,
        max_block_samples: 512,
    };
    let hop_samples = config.mode.geometry(config.rate).hop_samples();
    let mut session =
        Session::prepare(&config, &Controls::default(), SessionMethod::default()).unwrap();
    let stats = session.stats();
    let mut block = vec![vec![0.1; hop_samples]; 2];
    let mut mics: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
    let since = Instant::now();
    let counts = measure(|| {
        let mut to_reset = 2;
        for hop in 1..=200 {
            session.process(&mut mics).unwrap();
            // Keeps the worker ahead, so that results for later hops are ready.
            while stats.hops() < hop {
                assert!(since.elapsed().as_secs() < 60 && !stats.worker_failed());
                std::thread::yield_now();
            }
            to_reset -= 1;
            if to_reset == 0 {
                session.reset();
                // Resets before, at and after the output of the first result.
                to_reset = 1 + hop % 7;
            }
        }
    });
    assert_eq!(counts.calls, 0);
    assert_eq!(stats.lost_hops(), 0, "no packet goes astray");
}
