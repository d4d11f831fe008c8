//! Linked instances in real time, in both formats.

use std::time::Duration;

use host::linked::{Order, Session, SessionConfig, TrackConfig};
use host::{Format, RenderMode};
use tests::{DEMO_RATE_HZ, Take, bundle, demo, isolated, same_bits};

use super::PACES;

const LIMIT: Duration = Duration::from_secs(180);
const NUM_SAMPLES: usize = DEMO_RATE_HZ as usize * 3 / 2;

#[test]
fn linked_tracks_in_real_time_give_the_samples_of_one_instance() {
    let name = "linked::linked_tracks_in_real_time_give_the_samples_of_one_instance";
    isolated(name, LIMIT, || {
        let mics = demo("mic").unwrap();
        let mics: Vec<Vec<f32>> = mics.iter().map(|mic| mic[..NUM_SAMPLES].to_vec()).collect();
        let take = Take::new(&bundle(Format::Clap).unwrap(), mics, &[]).unwrap();
        assert!(take.largest_step > 0.0);
        for (format, order) in [(Format::Clap, Order::Random(1)), (Format::Vst3, Order::Threads(3))]
        {
            let differences: Vec<String> =
                PACES.iter().map_while(|&pace| difference(format, &order, pace, &take)).collect();
            assert!(differences.len() < PACES.len(), "{format} {order:?}: {differences:?}");
        }
    });
}

/// Plays in real time and returns the first difference from the expected output.
fn difference(format: Format, order: &Order, pace: f64, take: &Take) -> Option<String> {
    let bundle = bundle(format).unwrap();
    let mut session = Session::new(SessionConfig {
        mode: RenderMode::Realtime,
        pace: Some(pace),
        order: order.clone(),
        ..SessionConfig::new(DEMO_RATE_HZ, 256)
    });
    for mic in &take.mics {
        session.add(&bundle, &TrackConfig::default(), vec![mic.clone()]).unwrap();
    }
    // The worker warms up before a user presses play.
    std::thread::sleep(Duration::from_millis(500));
    let latency = session.latency_samples(0).unwrap();
    session.play(NUM_SAMPLES + latency).unwrap();
    take.cleaned.iter().enumerate().find_map(|(track, expected)| {
        let heard = session.take(track).unwrap().heard.remove(0);
        let result = same_bits(&heard[latency..][..NUM_SAMPLES], expected);
        result.err().map(|error| format!("track {track}: {error}"))
    })
}
