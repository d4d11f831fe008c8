//! Orders, threads, blocks, formats and skews that give the same samples as one instance.

use host::BlockPattern;
use host::linked::{Order, Session, SessionConfig, TrackConfig};
use tests::{Take, isolated, same_bits};

use super::{Bundles, Formats, LIMIT, RATE_HZ, mics, session, take};

/// Plays a whole take and checks every sample.
fn check(
    bundles: &Bundles,
    formats: Formats,
    config: SessionConfig,
    take: &Take,
    track: impl Fn(usize) -> TrackConfig,
) {
    let case = format!("{formats:?} {:?} {}", config.order, config.max_block_samples);
    let began = std::time::Instant::now();
    let mut session = session(bundles, formats, config, &take.mics, track);
    let num_samples = take.mics[0].len();
    let latency = session.latency_samples(0).unwrap();
    session.play(num_samples + latency).unwrap();
    session.check_latencies().unwrap();
    for (track, expected) in take.cleaned.iter().enumerate() {
        let played = session.take(track).unwrap();
        let heard = &played.heard[0][latency..][..num_samples];
        if let Err(error) = same_bits(heard, expected) {
            panic!("{case}, track {track}: {error}");
        }
    }
    println!("{case}: {:.1} s", began.elapsed().as_secs_f32());
}

/// Returns a track with blocks of its own.
fn odd_blocks(track: usize) -> TrackConfig {
    let pattern = match track {
        0 => BlockPattern::Fixed(8192),
        1 => BlockPattern::Fixed(1000),
        2 => BlockPattern::Fixed(37),
        seed => BlockPattern::Random { max_block_samples: 8192, seed: seed as u64 },
    };
    TrackConfig { pattern, ..TrackConfig::default() }
}

#[test]
fn any_order_and_any_blocks_give_the_samples_of_one_instance() {
    let name = "linked::equality::any_order_and_any_blocks_give_the_samples_of_one_instance";
    isolated(name, LIMIT, || {
        let bundles = Bundles::load();
        let take = take(&bundles, 2 * RATE_HZ as usize, &[]);
        for (formats, order, max_block_samples) in [
            (Formats::Clap, Order::Serial(vec![5, 3, 0, 4]), 512),
            (Formats::Vst3, Order::Random(2), 100),
            (Formats::Mixed, Order::Random(3), 1024),
            (Formats::Clap, Order::Threads(3), 64),
            (Formats::Mixed, Order::Threads(6), 480),
        ] {
            let config = SessionConfig { order, ..SessionConfig::new(RATE_HZ, max_block_samples) };
            check(&bundles, formats, config, &take, |_| TrackConfig::default());
        }
        for (formats, order) in [
            (Formats::Vst3, Order::Threads(4)),
            (Formats::Clap, Order::Random(4)),
            (Formats::Mixed, Order::Added),
        ] {
            let config = SessionConfig { order, ..SessionConfig::new(RATE_HZ, 8192) };
            check(&bundles, formats, config, &take, odd_blocks);
        }
    });
}

/// Many hosts pass every track in stereo. Sixteen mono mics are sixteen mics there, too.
#[test]
fn sixteen_mono_tracks_in_stereo_give_the_samples_of_one_instance() {
    let name = "linked::equality::sixteen_mono_tracks_in_stereo_give_the_samples_of_one_instance";
    isolated(name, LIMIT, || {
        let bundles = Bundles::load();
        let num_samples = RATE_HZ as usize / 2;
        let mics: Vec<Vec<f32>> = (0..16).map(|number| sixteenth(number, num_samples)).collect();
        let take = Take::new(&bundles.clap, mics, &[]).unwrap();
        for formats in [Formats::Clap, Formats::Vst3] {
            let mut session = Session::new(SessionConfig::new(RATE_HZ, 512));
            for (number, mic) in take.mics.iter().enumerate() {
                // Ardour leaves the second side silent; REAPER repeats the first one.
                let second = if number % 3 == 0 { vec![0.0; num_samples] } else { mic.clone() };
                let bundle = bundles.of(formats, number);
                session.add(bundle, &TrackConfig::default(), vec![mic.clone(), second]).unwrap();
            }
            let latency = session.latency_samples(0).unwrap();
            session.play(num_samples + latency).unwrap();
            for (track, expected) in take.cleaned.iter().enumerate() {
                let played = session.take(track).unwrap();
                let [first, second] = [0, 1].map(|side| &played.heard[side][latency..]);
                same_bits(&first[..num_samples], expected).unwrap();
                if track % 3 == 0 {
                    assert!(second.iter().all(|&sample| sample == 0.0), "{formats:?} {track}");
                } else {
                    same_bits(&second[..num_samples], expected).unwrap();
                }
            }
        }
    });
}

/// Returns one of sixteen mics: each of the demo session's, earlier or later.
fn sixteenth(number: usize, num_samples: usize) -> Vec<f32> {
    let mics = mics(num_samples + 4_000);
    let from = [0, 1_500, 4_000][number / mics.len()];
    mics[number % mics.len()][from..from + num_samples].to_vec()
}

#[test]
fn calls_for_single_samples_give_the_samples_of_one_instance() {
    let name = "linked::equality::calls_for_single_samples_give_the_samples_of_one_instance";
    isolated(name, LIMIT, || {
        let bundles = Bundles::load();
        let take = take(&bundles, RATE_HZ as usize / 2, &[]);
        let config = SessionConfig { order: Order::Random(5), ..SessionConfig::new(RATE_HZ, 1) };
        check(&bundles, Formats::Vst3, config, &take, |_| TrackConfig::default());
    });
}

#[test]
fn tracks_that_are_processed_far_ahead_give_the_samples_of_one_instance_in_mix() {
    let name = "linked::equality::\
        tracks_that_are_processed_far_ahead_give_the_samples_of_one_instance_in_mix";
    isolated(name, LIMIT, || {
        let bundles = Bundles::load();
        let take = take(&bundles, RATE_HZ as usize, &[("Mode", "Mix")]);
        // 300 ms between the first and the last track.
        let skewed = |track: usize| TrackConfig {
            ahead_samples: [0, 13_230, 40, 6_000, 13_000, 512][track],
            params: vec![("Mode".into(), "Mix".into())],
            ..TrackConfig::default()
        };
        for (formats, order) in [(Formats::Clap, Order::Random(6)), (Formats::Vst3, Order::Added)] {
            let config = SessionConfig { order, ..SessionConfig::new(RATE_HZ, 512) };
            check(&bundles, formats, config, &take, skewed);
        }
        // A host that renders one track after the other, up to some chunk.
        let chunks =
            SessionConfig { period_samples: Some(8192), ..SessionConfig::new(RATE_HZ, 512) };
        check(&bundles, Formats::Clap, chunks, &take, |track| TrackConfig {
            ahead_samples: 0,
            ..skewed(track)
        });
    });
}
