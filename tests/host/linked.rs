//! Linked instances in the bundles, called as hosts do, against one instance with all mics.

mod absence;
mod equality;
mod faults;
mod processes;

use std::time::Duration;

use host::linked::{Session, SessionConfig, TrackConfig};
use host::{Bundle, Format};
use tests::{DEMO_RATE_HZ, Take, bundle, demo};

/// Limit of each test; none takes a tenth of it on an idle machine.
const LIMIT: Duration = Duration::from_secs(180);
/// Time in which the workers of both formats find each other's instances.
const MEETING: Duration = Duration::from_millis(500);
const RATE_HZ: u32 = DEMO_RATE_HZ;

/// The formats of a session's instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Formats {
    Clap,
    Vst3,
    Mixed,
}

/// The bundles of both formats.
struct Bundles {
    clap: Bundle,
    vst3: Bundle,
}

impl Bundles {
    fn load() -> Self {
        Self { clap: bundle(Format::Clap).unwrap(), vst3: bundle(Format::Vst3).unwrap() }
    }

    /// Returns the bundle of a track.
    fn of(&self, formats: Formats, track: usize) -> &Bundle {
        match formats {
            Formats::Clap => &self.clap,
            Formats::Vst3 => &self.vst3,
            Formats::Mixed if track.is_multiple_of(2) => &self.clap,
            Formats::Mixed => &self.vst3,
        }
    }
}

/// Returns the demo session's mics from its first sounds on.
fn mics(num_samples: usize) -> Vec<Vec<f32>> {
    demo("mic").unwrap().iter().map(|mic| mic[..num_samples].to_vec()).collect()
}

/// Creates a session with one track for each mic.
fn session(
    bundles: &Bundles,
    formats: Formats,
    config: SessionConfig,
    mics: &[Vec<f32>],
    track: impl Fn(usize) -> TrackConfig,
) -> Session {
    let mut session = Session::new(config);
    for (number, mic) in mics.iter().enumerate() {
        let bundle = bundles.of(formats, number);
        session.add(bundle, &track(number), vec![mic.clone()]).unwrap();
    }
    if formats == Formats::Mixed {
        std::thread::sleep(MEETING);
    }
    session
}

/// Returns the result of one instance with all mics, and checks that it removes something.
fn take(bundles: &Bundles, num_samples: usize, params: &[(&str, &str)]) -> Take {
    let take = Take::new(&bundles.clap, mics(num_samples), params).unwrap();
    let differs = |(mic, cleaned): (&Vec<f32>, &Vec<f32>)| {
        mic.iter().zip(cleaned).filter(|(a, b)| a.to_bits() != b.to_bits()).count()
    };
    let num_cleaned: usize = take.mics.iter().zip(&take.cleaned).map(differs).sum();
    assert!(num_cleaned > num_samples, "only {num_cleaned} samples are cleaned");
    take
}
