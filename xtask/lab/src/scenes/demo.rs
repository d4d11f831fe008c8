//! The demo session: a band of six in one room, with realistic bleed in its close mics.

use super::Scene;
use super::demo_score as score;
use super::stage::{Player, record, set_level};
use crate::convert::{db_to_lin, to_f32, to_index};
use crate::flac;
use crate::random::Random;
use crate::room::{Pattern, PlacedMic, Point, Room};
use crate::soundfont::{Instruments, Note, Voice};
use anyhow::{Context, Result};
use audiofile::Existing;
use std::path::Path;

/// Sample rate of the demo in Hz.
const RATE_HZ: u32 = 44_100;

/// A rehearsal room with curtains.
const ROOM: Room = Room::new([6.4, 5.2, 2.9], 0.35);

/// A player of the demo with its place and mic.
struct Seat {
    name: &'static str,
    voice: Voice,
    part: fn(&mut Random) -> Vec<Note>,
    /// Amplifier between the instrument and the room.
    amp: Option<Amp>,
    /// Level of the loud parts at 1 m in dB.
    level_db: f64,
    at: Point,
    mic_at: Point,
    /// Peak of the recorded mic in dB of full scale, set by its preamp.
    peak_db: f64,
}

/// A guitar or bass amplifier: soft saturation, then the loudspeaker's treble roll-off.
struct Amp {
    drive_db: f64,
    treble_hz: f64,
}

const SEATS: [Seat; 6] = [
    Seat {
        name: "kick",
        voice: Voice::DrumKit(0),
        part: score::kick,
        amp: None,
        level_db: -20.0,
        at: [1.9, 1.5, 0.35],
        mic_at: [1.98, 1.6, 0.33],
        peak_db: -4.0,
    },
    Seat {
        name: "snare",
        voice: Voice::DrumKit(0),
        part: score::snare,
        amp: None,
        level_db: -19.0,
        at: [1.55, 1.05, 0.68],
        mic_at: [1.61, 1.1, 0.75],
        peak_db: -3.0,
    },
    Seat {
        name: "hihat",
        voice: Voice::DrumKit(0),
        part: score::hat,
        amp: None,
        level_db: -31.0,
        at: [1.15, 1.2, 0.95],
        mic_at: [1.08, 1.24, 1.07],
        peak_db: -9.0,
    },
    Seat {
        name: "bass",
        voice: Voice::Program(33),
        part: score::bass,
        amp: Some(Amp { drive_db: 6.0, treble_hz: 3_000.0 }),
        level_db: -23.0,
        at: [3.1, 0.6, 0.45],
        mic_at: [3.1, 0.8, 0.45],
        peak_db: -7.0,
    },
    Seat {
        name: "guitar",
        voice: Voice::Program(27),
        part: score::guitar,
        amp: Some(Amp { drive_db: 10.0, treble_hz: 4_500.0 }),
        level_db: -25.0,
        at: [5.2, 1.6, 0.5],
        mic_at: [5.12, 1.66, 0.5],
        peak_db: -8.0,
    },
    Seat {
        name: "sax",
        voice: Voice::Program(65),
        part: score::sax,
        amp: None,
        level_db: -26.0,
        at: [3.3, 3.0, 1.15],
        mic_at: [3.2, 3.3, 1.3],
        peak_db: -5.0,
    },
];

/// Composes and records the demo.
///
/// # Errors
///
/// Returns an error if the synthesiser fails.
pub fn render(instruments: &Instruments, seed: u64) -> Result<Scene> {
    let length = to_index(score::DURATION_S * f64::from(RATE_HZ));
    let mut players = Vec::with_capacity(SEATS.len());
    for (part, seat) in (0_u64..).zip(&SEATS) {
        let notes = (seat.part)(&mut Random::for_part(seed, part));
        let mut dry = instruments.play(seat.voice, &notes, length, RATE_HZ)?;
        if let Some(amp) = &seat.amp {
            amp.play(&mut dry);
        }
        fade_out(&mut dry);
        set_level(&mut dry, RATE_HZ, seat.level_db);
        let aim = std::array::from_fn(|axis| seat.at[axis] - seat.mic_at[axis]);
        let mic = PlacedMic { at: seat.mic_at, aim, pattern: Pattern::CARDIOID };
        players.push(Player { name: seat.name.to_owned(), at: seat.at, mic, preamp_db: 0.0, dry });
    }
    let mut scene = record(&ROOM, &players, RATE_HZ)?;
    for ((mic, target), seat) in scene.mics.iter_mut().zip(&mut scene.targets).zip(&SEATS) {
        // Sets each preamp gain for the peak level of the seat, as an engineer does by the meter.
        let peak = mic.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        let gain = to_f32(db_to_lin(seat.peak_db)) / peak;
        for sample in mic.iter_mut().chain(target.iter_mut()) {
            *sample *= gain;
        }
    }
    scene.info.made_by = format!("lab make-demo --seed {seed}");
    scene.measure_input();
    Ok(scene)
}

/// Checks that [`write()`] would replace no file that `existing` protects.
///
/// # Errors
///
/// Returns an error that names the first such file.
pub fn check_free(folder: &Path, existing: Existing) -> Result<()> {
    for (number, seat) in (1..).zip(&SEATS) {
        for kind in KINDS {
            audiofile::check_free(&folder.join(file_name(kind, number, seat.name)), existing)?;
        }
    }
    Ok(())
}

const KINDS: [&str; 2] = ["mic", "target"];

fn file_name(kind: &str, number: usize, name: &str) -> String {
    format!("{kind}{number}_{name}.flac")
}

/// Writes `mic1_kick.flac`, `target1_kick.flac`, … and returns the names of the files.
///
/// # Errors
///
/// Returns an error if a file cannot be written.
pub fn write(scene: &Scene, folder: &Path) -> Result<Vec<String>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not create {}", folder.display()))?;
    let mut files = Vec::new();
    for (kind, signals) in KINDS.into_iter().zip([&scene.mics, &scene.targets]) {
        for (number, (signal, name)) in (1..).zip(signals.iter().zip(&scene.info.names)) {
            let file = file_name(kind, number, name);
            flac::write(&folder.join(&file), signal, scene.rate_hz)?;
            files.push(file);
        }
    }
    Ok(files)
}

impl Amp {
    fn play(&self, sound: &mut [f32]) {
        set_level(sound, RATE_HZ, -12.0);
        let drive = to_f32(db_to_lin(self.drive_db));
        let keep = to_f32((-std::f64::consts::TAU * self.treble_hz / f64::from(RATE_HZ)).exp());
        let (mut first, mut second) = (0.0, 0.0);
        for sample in sound {
            let saturated = (drive * *sample).tanh();
            first = keep * first + (1.0 - keep) * saturated;
            second = keep * second + (1.0 - keep) * first;
            *sample = second;
        }
    }
}

/// Fades the last chord out over the final 0.6 s.
fn fade_out(sound: &mut [f32]) {
    let fade = to_index(0.6 * f64::from(RATE_HZ));
    let start = sound.len().saturating_sub(fade);
    for (age, sample) in sound[start..].iter_mut().enumerate() {
        let angle = std::f64::consts::PI * age as f64 / fade as f64;
        *sample *= to_f32(0.5 + 0.5 * angle.cos());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_repeats_by_seed_and_has_the_bleed_of_a_band() {
        let instruments = Instruments::installed();
        let scene = render(&instruments, 1).unwrap();
        assert_eq!(render(&instruments, 1).unwrap(), scene);
        assert_ne!(render(&instruments, 2).unwrap().mics, scene.mics);
        for (mic, seat) in scene.mics.iter().zip(&SEATS) {
            let peak = mic.iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
            assert!((20.0 * f64::from(peak).log10() - seat.peak_db).abs() < 0.01, "{}", seat.name);
        }
        let levels: Vec<f64> = scene.info.input_sdr_db.iter().map(|db| db.unwrap()).collect();
        assert!(levels.iter().all(|db| (1.0..24.0).contains(db)), "{levels:?}");
        assert!(levels.iter().copied().fold(f64::INFINITY, f64::min) < 6.0, "{levels:?}");
    }

    fn assets() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets")
    }

    #[derive(serde::Deserialize)]
    struct Provenance {
        asset: Vec<Asset>,
    }

    #[derive(serde::Deserialize)]
    struct Asset {
        file: String,
        author: String,
        source: String,
        licence: String,
        sha256: String,
    }

    #[test]
    fn every_recording_has_its_card_with_the_right_hash() {
        use sha2::Digest;
        use std::fmt::Write;
        let text = std::fs::read_to_string(assets().join("PROVENANCE.toml")).unwrap();
        let cards: Provenance = toml::from_str(&text).unwrap();
        let mut num_recordings = 0;
        let mut num_bytes = 0;
        for entry in std::fs::read_dir(assets().join("demo")).unwrap() {
            let path = entry.unwrap().path();
            num_bytes += path.metadata().unwrap().len();
            if path.extension().is_none_or(|extension| extension != "flac") {
                continue;
            }
            let file = format!("demo/{}", path.file_name().unwrap().to_str().unwrap());
            let card = cards.asset.iter().find(|card| card.file == file).expect(&file);
            let mut hash = String::new();
            for byte in sha2::Sha256::digest(std::fs::read(&path).unwrap()) {
                write!(hash, "{byte:02x}").unwrap();
            }
            assert_eq!(card.sha256, hash, "{file}");
            assert!(card.author.contains("Frank Wen") && card.source.contains("make-demo"));
            assert_eq!(card.licence, "MIT");
            num_recordings += 1;
        }
        assert_eq!(num_recordings, 2 * SEATS.len());
        assert!(num_bytes < 5_000_000, "{num_bytes} bytes");
    }

    #[test]
    fn the_recordings_are_what_the_command_makes() {
        let instruments = Instruments::installed();
        let scene = render(&instruments, 1).unwrap();
        for (index, name) in scene.info.names.iter().enumerate() {
            for (kind, signals) in [("mic", &scene.mics), ("target", &scene.targets)] {
                let path = assets().join(format!("demo/{kind}{}_{name}.flac", index + 1));
                let (committed, rate_hz) = crate::sound_file::read_mono(&path).unwrap();
                assert_eq!((rate_hz, committed.len()), (RATE_HZ, signals[index].len()));
                // One step of 16 bits: other machines may round the last bit differently.
                let most = committed
                    .iter()
                    .zip(&flac::quantised(&signals[index]))
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                assert!(most <= 1.0 / 32_768.0, "{kind}{} {most}", index + 1);
            }
        }
    }
}
