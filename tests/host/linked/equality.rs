//! Orders, threads, blocks, formats and skews that give the same samples as one instance.

use host::BlockPattern;
use host::linked::{Order, SessionConfig, TrackConfig};
use tests::{Take, isolated, same_bits};

use super::{Bundles, Formats, LIMIT, RATE_HZ, session, take};

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
