//! Tests of whole responses against formulas: air, screens, directivity and edge cases.

use super::*;

const RATE_HZ: f64 = 44_100.0;

/// Returns the level of a response at the centre of a band in dB, computed by the Fourier sum.
fn level_db(response: &[f32], band: usize, rate_hz: f64) -> f64 {
    let step = std::f64::consts::TAU * BAND_CENTRES_HZ[band] / rate_hz;
    let (re, im) = response.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, &h)| {
        let angle = step * n as f64;
        (re + f64::from(h) * angle.cos(), im - f64::from(h) * angle.sin())
    });
    20.0 * f64::hypot(re, im).log10()
}

fn omni(at: Point) -> PlacedMic {
    PlacedMic { at, aim: [-1.0, 0.0, 0.0], pattern: Pattern::OMNI }
}

/// Measured with these tests: 0.002 dB.
const DIRECT_ERROR_DB: f64 = 0.01;

#[test]
fn air_takes_its_table_value_from_the_direct_sound() {
    let mut room = Room { air: Air::Absorbing, ..Room::new([60.0, 20.0, 12.0], 0.0) };
    let source = PlacedSource::omni([5.0, 9.0, 3.0]);
    let response = room.response(&source, &omni([55.0, 9.0, 3.0]), RATE_HZ, 0).unwrap();
    room.air = Air::Lossless;
    let lossless = room.response(&source, &omni([55.0, 9.0, 3.0]), RATE_HZ, 0).unwrap();
    // ISO 9613-1 at 20 °C and 50 %, in dB per km.
    for (band, table) in
        [(0, 0.44), (1, 1.31), (2, 2.73), (3, 4.66), (4, 9.89), (5, 29.7), (6, 105.3)]
    {
        let lost_db = level_db(&lossless, band, RATE_HZ) - level_db(&response, band, RATE_HZ);
        assert!((lost_db - table * 0.05).abs() < DIRECT_ERROR_DB, "{band}: {lost_db}");
    }
}

/// Maximum ringing of later reflections' band filters at the direct sound. Measured with this
/// test: 8e-7.
const RING_AHEAD: f32 = 5e-6;

#[test]
fn a_screen_takes_what_the_formula_says_from_the_direct_sound() {
    let mut room = Room::new([10.0, 8.0, 4.0], 0.0);
    let (source, mic) = ([4.0, 4.0, 1.0], [6.0, 4.0, 1.0]);
    room.gobos.push(Gobo { ends_m: [[5.0, 3.0], [5.0, 5.0]], height_m: 1.5 });
    let response = room.response(&PlacedSource::omni(source), &omni(mic), RATE_HZ, 0).unwrap();
    // By hand: over the top and around either end, each by Kurze and Anderson's formula.
    let detours_m =
        [2.0 * 1.25_f64.sqrt() - 2.0, 2.0 * 2.0_f64.sqrt() - 2.0, 2.0 * 2.0_f64.sqrt() - 2.0];
    for (band, at_hz) in BAND_CENTRES_HZ.into_iter().enumerate() {
        let power: f64 = detours_m
            .iter()
            .map(|detour_m| {
                let fresnel = 2.0 * detour_m * at_hz / SPEED_OF_SOUND;
                let root = (std::f64::consts::TAU * fresnel).sqrt();
                let lost_db = 5.0 + 20.0 * (root / root.tanh()).log10();
                10.0_f64.powf(-lost_db / 10.0)
            })
            .sum();
        let expected_db = (10.0 * power.log10()).max(-20.0) - 20.0 * 2.0_f64.log10();
        let found_db = level_db(&response, band, RATE_HZ);
        assert!(
            (found_db - expected_db).abs() < DIRECT_ERROR_DB,
            "{band}: {found_db} {expected_db}"
        );
    }
    // A path above the screen is the same with and without the screen.
    room.rt60_s = 0.3;
    let high = omni([6.0, 4.0, 3.9]);
    let over = room.response(&PlacedSource::omni([4.0, 4.0, 3.9]), &high, RATE_HZ, 0).unwrap();
    room.gobos.clear();
    let free = room.response(&PlacedSource::omni([4.0, 4.0, 3.9]), &high, RATE_HZ, 0).unwrap();
    let direct = to_sample(2.0);
    let change = |range: std::ops::Range<usize>| {
        range.map(|n| (over[n] - free[n]).abs()).fold(0.0, f32::max)
    };
    assert!(change(direct - 3..direct + 3) < RING_AHEAD, "{}", change(direct - 3..direct + 3));
    let floor = to_sample(2.0_f64.hypot(7.8));
    assert!(change(floor - 5..floor + 5) > 0.02, "the floor reflection goes behind it");
}

fn to_sample(metres: f64) -> usize {
    (metres / SPEED_OF_SOUND * RATE_HZ) as usize + Room::MARGIN_SAMPLES
}

#[test]
fn sources_and_mics_are_narrower_in_the_treble() {
    let room = Room::new([9.0, 7.0, 4.0], 0.0);
    for (degrees, directivity, pattern) in [
        (0.0, Directivity::Brass, Pattern::CARDIOID.as_built()),
        (60.0, Directivity::Voice, Pattern::OMNI),
        (180.0, Directivity::Amp, Pattern::CARDIOID),
        (140.0, Directivity::Cymbal, Pattern::OMNI.as_built()),
        (90.0, Directivity::Omni, Pattern::CARDIOID.as_built()),
        (170.0, Directivity::Omni, Pattern::FIGURE_8),
    ] {
        let angle = f64::to_radians(degrees);
        // Both are rotated by the same angle, in different planes.
        let source =
            PlacedSource { at: [3.0, 3.0, 2.0], aim: [angle.cos(), angle.sin(), 0.0], directivity };
        let mic = PlacedMic {
            at: [5.0, 3.0, 2.0],
            aim: [-0.7 * angle.cos(), 0.0, 0.7 * angle.sin()],
            pattern: if degrees == 180.0 { Pattern::OMNI } else { pattern },
        };
        let response = room.response(&source, &mic, RATE_HZ, 0).unwrap();
        for band in 0..NUM_BANDS {
            let gain = directivity.gain(band, angle.cos())
                * mic.pattern.band_gain(band, angle.cos())
                / 2.0;
            let error_db = level_db(&response, band, RATE_HZ) - 20.0 * gain.abs().log10();
            assert!(error_db.abs() < DIRECT_ERROR_DB, "{directivity:?} {band}: {error_db}");
        }
    }
}

#[test]
fn hard_cases_stay_finite_and_keep_the_level_of_their_direct_sound() {
    for (size_m, rt60_s, rate_hz) in [
        ([30.0, 20.0, 12.0], 2.5, 48_000.0),
        ([2.0, 2.0, 2.2], 0.1, 96_000.0),
        ([2.0, 2.0, 2.2], 1.5, 44_100.0),
        ([30.0, 20.0, 12.0], 0.1, 44_100.0),
        ([6.0, 5.0, 3.0], 0.4, 192_000.0),
        ([6.0, 5.0, 3.0], 0.4, 8_000.0),
    ] {
        let room = Room {
            tail: Tail::Diffuse,
            air: Air::Absorbing,
            gobos: vec![Gobo { ends_m: [[1.0, 0.2], [1.0, 1.8]], height_m: 1.2 }],
            ..Room::new(size_m, rt60_s)
        };
        // A drum 3 cm from its mic, in two places, one of them a corner.
        for at in [[0.5, 0.6, 0.4], [0.01, 0.01, 0.01]] {
            let source = PlacedSource { at, aim: [0.0, 0.0, 1.0], directivity: Directivity::Drum };
            let mic = PlacedMic {
                at: [at[0], at[1], at[2] + 0.03],
                aim: [0.0, 0.0, -1.0],
                pattern: Pattern::CARDIOID.as_built(),
            };
            let response = room.response(&source, &mic, rate_hz, 3).unwrap();
            assert!(response.iter().all(|sample| sample.is_finite()));
            let direct = &response[..Room::MARGIN_SAMPLES + 45];
            let sum: f32 = direct.iter().sum();
            let is_free = at[0] > 0.1 && rate_hz > 40_000.0;
            assert!(!is_free || (sum - 33.3).abs() < 1.5, "{size_m:?}: {sum}");
            let end = response.len() - 2 * Room::MARGIN_SAMPLES;
            let last: f32 = response[end..].iter().fold(0.0, |top, sample| top.max(sample.abs()));
            assert!(last < 0.05, "the end has died away: {last}");
        }
    }
}

#[test]
fn rooms_that_cannot_be_are_refused_by_name() {
    let message = |room: Room| {
        let source = PlacedSource::omni([1.0, 1.0, 1.0]);
        room.response(&source, &omni([2.0, 1.0, 1.0]), RATE_HZ, 0).unwrap_err().to_string()
    };
    let room = Room::new([5.0, 4.0, 3.0], 0.3);
    assert!(message(Room { rt60_s: f64::NAN, ..room.clone() }).contains("RT60"));
    assert!(message(Room { size_m: [5.0, 0.0, 3.0], ..room.clone() }).contains("room size"));
    assert!(message(Room { band_decay: [0.0; 6], ..room.clone() }).contains("band decays"));
    let flat = Gobo { ends_m: [[1.0, 2.0], [1.0, 2.0]], height_m: 1.0 };
    assert!(message(Room { gobos: vec![flat], ..room.clone() }).contains("gobo"));
    let aimless = PlacedMic { aim: [0.0; 3], ..omni([2.0, 1.0, 1.0]) };
    let source = PlacedSource::omni([1.0, 1.0, 1.0]);
    assert!(room.response(&source, &aimless, RATE_HZ, 0).is_err());
    assert!(room.response(&source, &omni([2.0, 1.0, 1.0]), 4_000.0, 0).is_err());
}
