//! Rooms compared with another program: arrivals, energies and decay of the same rooms.
//!
//! The program `xtask/lab/reference/rooms.py` generates the values.

use super::golden_room::Golden;
use super::golden_values::{BOOTH, CLOSE, ROOM};
use super::images::for_each_image;
use super::probe::{energy, octave};
use super::setup::Setup;
use super::{Directivity, NUM_BANDS, Pattern, PlacedMic, PlacedSource, Room, SPEED_OF_SOUND};

const RATE_HZ: f64 = 44_100.0;
const LENGTH_S: f64 = 0.25;
const OCTAVES_HZ: [f64; 6] = [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0];
const WINDOWS_S: [(f64, f64); 4] = [(0.0, 0.02), (0.02, 0.05), (0.05, 0.1), (0.1, 0.2)];
const REMAINING_S: [f64; 5] = [0.01, 0.03, 0.06, 0.1, 0.15];

/// Calls `check` for all three rooms, with walls given by their absorption and without a high-pass.
fn with_setups(mut check: impl FnMut(&Golden, &Setup<'_>)) {
    for golden in [&ROOM, &CLOSE, &BOOTH] {
        let room = Room::new(golden.size_m, 0.5);
        let source = PlacedSource {
            at: golden.source,
            aim: golden.source_aim,
            directivity: Directivity::Omni,
        };
        let pattern = [Pattern::OMNI, Pattern::CARDIOID, Pattern::FIGURE_8]
            .into_iter()
            .find(|pattern| pattern.gain(0.0) == golden.mic_part)
            .unwrap();
        let mic = PlacedMic { at: golden.mic, aim: golden.mic_aim, pattern };
        let mut setup = Setup::new(&room, &source, &mic, RATE_HZ);
        setup.wall_gain = [(1.0 - golden.absorbed).sqrt(); NUM_BANDS];
        setup.high_pass_hz = 0.0;
        setup.last_s = Some(LENGTH_S);
        setup.fractional_s = LENGTH_S;
        for lobe in &mut setup.lobes {
            // A cardioid is a lobe with a rear of 0.
            lobe.rear = 2.0 * golden.source_part - 1.0;
        }
        check(golden, &setup);
    }
}

/// The reference stores positions in single precision. Measured with this test: 2e-6 ms.
const ARRIVAL_ERROR_MS: f64 = 1e-5;
/// Measured with this test: 1e-7.
const ARRIVAL_ERROR_LIN: f64 = 1e-6;

/// Verified to fail with a speed of sound of 343.0 and with walls that absorb 1 % more.
#[test]
fn images_arrive_when_and_as_loud_as_in_the_reference() {
    with_setups(|golden, setup| {
        let mut found = Vec::new();
        for_each_image(setup, 0.1 * SPEED_OF_SOUND, |image| {
            let reflections = i32::try_from(image.reflections()).unwrap();
            let level = setup.wall_gain[0].powi(reflections) / image.metres;
            found.push((image.metres / SPEED_OF_SOUND * 1e3, level));
        });
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (found, expected) in found.iter().zip(&golden.arrivals_ms_lin) {
            assert!((found.0 - expected.0).abs() < ARRIVAL_ERROR_MS, "{found:?} {expected:?}");
            assert!((found.1 - expected.1).abs() < ARRIVAL_ERROR_LIN, "{found:?} {expected:?}");
        }
    });
}

/// Measured with this test: 0.009 dB.
const ENERGY_ERROR_DB: f64 = 0.05;

/// Verified to fail with walls that absorb 1 % more, with a speed of sound of 343.0, with a source
/// that keeps its aim in mirror rooms and with images 0.09 dB louder.
#[test]
fn energies_in_time_and_octaves_are_those_of_the_reference() {
    with_setups(|golden, setup| {
        let response = setup.response(0);
        let compare = |what: &str, found: f64, expected_db: f64| {
            let error_db = 10.0 * found.log10() - expected_db;
            assert!(error_db.abs() < ENERGY_ERROR_DB, "{:?} {what}: {error_db}", golden.size_m);
        };
        let whole = octave(&response, None, RATE_HZ);
        for ((from_s, to_s), expected_db) in WINDOWS_S.into_iter().zip(golden.window_db) {
            compare("window", energy(&whole, from_s, to_s, RATE_HZ), expected_db);
        }
        for (from_s, expected_db) in REMAINING_S.into_iter().zip(golden.remaining_db) {
            compare("remaining", energy(&whole, from_s, LENGTH_S, RATE_HZ), expected_db);
        }
        for (centre_hz, expected_db) in OCTAVES_HZ.into_iter().zip(golden.octave_window_db) {
            let band = octave(&response, Some(centre_hz), RATE_HZ);
            for ((from_s, to_s), expected_db) in WINDOWS_S.into_iter().zip(expected_db) {
                let what = format!("octave {centre_hz} from {from_s}");
                compare(&what, energy(&band, from_s, to_s, RATE_HZ), expected_db);
            }
        }
    });
}
