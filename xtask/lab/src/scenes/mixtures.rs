//! Simulated sessions: ensembles of SoundFont instruments in rooms, with a close mic each.

use super::Scene;
use super::music::{Harmony, Part, drum_key};
use super::pattern::{self, Groove, Piece};
use super::stage::{Player, record, set_level};
use crate::convert::to_u8;
use crate::random::Random;
use crate::room::{Pattern, PlacedMic, Point, Room, distance};
use crate::soundfont::{Instruments, Note, Voice};
use anyhow::{Result, ensure};

/// What a mixture is to be like.
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureConfig {
    /// Which mixture.
    pub seed: u64,
    /// Its length in seconds.
    pub duration_s: f64,
    /// How many mics; `None` draws 2 to 8.
    pub num_mics: Option<usize>,
    /// Sample rate in Hz.
    pub rate_hz: u32,
}

/// One source an ensemble may have.
#[derive(Clone, Copy, Debug)]
enum Member {
    Drum(&'static str, &'static [Piece]),
    /// Name, program, part, comfortable keys.
    Instrument(&'static str, u8, Part, (u8, u8)),
}

use Member::{Drum, Instrument};

const KICK: Member = Drum("kick", &[Piece::Kick, Piece::SecondKick]);
const SNARE: Member = Drum("snare", &[Piece::Snare]);
const HAT: Member = Drum("hi-hat", &[Piece::ClosedHat, Piece::OpenHat]);
const TOMS: Member = Drum("toms", &[Piece::Tom(0), Piece::Tom(1), Piece::Tom(2), Piece::Tom(3)]);
const RIDE: Member = Drum("ride", &[Piece::Ride, Piece::RideBell]);

/// Ensembles; members come in the order of importance and are cut or kept from the front.
const ENSEMBLES: [(&str, &[Member]); 6] = [
    (
        "rock band",
        &[
            KICK,
            SNARE,
            Instrument("bass", 33, Part::Bass, (28, 50)),
            Instrument("guitar", 27, Part::Chords, (45, 76)),
            HAT,
            Instrument("voice", 53, Part::Melody, (55, 79)),
            TOMS,
            Instrument("organ", 16, Part::Pad, (48, 76)),
        ],
    ),
    (
        "jazz combo",
        &[
            Instrument("double bass", 32, Part::Bass, (28, 52)),
            Instrument("tenor sax", 66, Part::Melody, (46, 74)),
            RIDE,
            Instrument("piano", 0, Part::Chords, (48, 79)),
            SNARE,
            KICK,
            Instrument("trumpet", 56, Part::Melody, (55, 82)),
            Instrument("trombone", 57, Part::Melody, (43, 67)),
        ],
    ),
    (
        "string group",
        &[
            Instrument("violin 1", 40, Part::Melody, (60, 88)),
            Instrument("cello", 42, Part::Bass, (38, 62)),
            Instrument("violin 2", 40, Part::Melody, (57, 81)),
            Instrument("viola", 41, Part::Melody, (50, 74)),
            Instrument("double bass", 43, Part::Bass, (29, 48)),
            Instrument("violin 3", 40, Part::Pad, (60, 84)),
        ],
    ),
    (
        "wind group",
        &[
            Instrument("flute", 73, Part::Melody, (62, 91)),
            Instrument("bassoon", 70, Part::Bass, (36, 60)),
            Instrument("clarinet", 71, Part::Melody, (52, 81)),
            Instrument("oboe", 68, Part::Melody, (60, 84)),
            Instrument("horn", 60, Part::Melody, (46, 70)),
        ],
    ),
    (
        "brass group",
        &[
            Instrument("trumpet 1", 56, Part::Melody, (58, 84)),
            Instrument("tuba", 58, Part::Bass, (29, 52)),
            Instrument("trombone", 57, Part::Melody, (43, 67)),
            Instrument("horn", 60, Part::Melody, (46, 70)),
            Instrument("trumpet 2", 56, Part::Melody, (55, 79)),
        ],
    ),
    (
        "folk group",
        &[
            Instrument("steel guitar", 25, Part::Chords, (45, 74)),
            Instrument("voice", 52, Part::Melody, (52, 76)),
            Instrument("double bass", 32, Part::Bass, (28, 50)),
            Instrument("fiddle", 40, Part::Melody, (58, 86)),
            Instrument("accordion", 21, Part::Pad, (50, 77)),
            Instrument("nylon guitar", 24, Part::Chords, (45, 76)),
        ],
    ),
];

/// Draws and records one mixture.
///
/// # Errors
///
/// When the number of mics is not 2 to 8 or the synthesiser does not work at this rate.
pub fn simulate(instruments: &Instruments, config: &MixtureConfig) -> Result<Scene> {
    let mut random = Random::for_part(config.seed, 1);
    let num_mics = config.num_mics.unwrap_or_else(|| 2 + random.index(7));
    ensure!((2..=8).contains(&num_mics), "mixtures have 2 to 8 mics, {num_mics} asked for");
    let fitting: Vec<_> =
        ENSEMBLES.iter().filter(|(_, members)| members.len() >= num_mics).collect();
    // In turn rather than drawn, so that few mixtures already cover them all.
    let (ensemble, members) = *fitting[usize::try_from(config.seed % fitting.len() as u64)?];
    let groove = pattern::draw(&mut random, config.duration_s);
    let has_drums = members[..num_mics].iter().any(|member| matches!(member, Drum(..)));
    let harmony = Harmony::draw(&mut random, has_drums.then_some(&groove));
    let room = draw_room(&mut random);
    let places = draw_places(&mut random, &room, num_mics, has_drums);
    let mut players = Vec::new();
    for (member, at) in members[..num_mics].iter().zip(places) {
        let mut dry = play(instruments, *member, &harmony, &groove, &mut random, config)?;
        set_level(&mut dry, config.rate_hz, -24.0 + random.normal(0.0, 4.0));
        let name = match member {
            Drum(name, _) | Instrument(name, ..) => (*name).to_owned(),
        };
        let mic = draw_mic(&mut random, &room, at);
        players.push(Player { name, at, mic, preamp_db: random.between(-10.0, 10.0), dry });
    }
    let mut scene = record(&room, &players, config.rate_hz)?;
    let drawn = &mut scene.info.drawn;
    drawn.insert("seed".to_owned(), config.seed.into());
    drawn.insert("ensemble".to_owned(), ensemble.into());
    drawn.insert("room_m".to_owned(), room.size_m.to_vec().into());
    drawn.insert("rt60_s".to_owned(), room.rt60_s.into());
    drawn.insert("tempo_bpm".to_owned(), harmony.tempo_bpm.into());
    let close: Vec<f64> = players.iter().map(|player| distance(player.at, player.mic.at)).collect();
    drawn.insert("mic_distance_m".to_owned(), close.into());
    scene.scale_to_peak(0.9);
    scene.measure_input();
    Ok(scene)
}

fn play(
    instruments: &Instruments,
    member: Member,
    harmony: &Harmony,
    groove: &Groove,
    random: &mut Random,
    config: &MixtureConfig,
) -> Result<Vec<f32>> {
    let length = crate::convert::to_index(config.duration_s * f64::from(config.rate_hz));
    match member {
        Drum(_, pieces) => {
            let notes: Vec<Note> = groove
                .strokes
                .iter()
                .filter(|s| pieces.contains(&s.piece))
                .map(drum_note)
                .collect();
            let kit = random.pick(&[0, 0, 8, 16]);
            instruments.play(Voice::DrumKit(kit), &notes, length, config.rate_hz)
        }
        Instrument(_, program, part, keys) => {
            let notes = harmony.part(random, part, keys, config.duration_s);
            instruments.play(Voice::Program(program), &notes, length, config.rate_hz)
        }
    }
}

/// A stroke as a note on its drum's key; drums ring out by themselves.
pub(super) fn drum_note(stroke: &pattern::Stroke) -> Note {
    Note {
        at_s: stroke.at_s,
        hold_s: 0.1,
        key: drum_key(stroke.piece),
        velocity: to_u8((127.0 * stroke.strength.sqrt()).clamp(1.0, 127.0)),
    }
}

fn draw_room(random: &mut Random) -> Room {
    let size_m = [random.between(4.5, 11.0), random.between(4.0, 8.5), random.between(2.5, 4.5)];
    // Small rooms cannot ring long, nor halls be dead.
    let share = (size_m.iter().product::<f64>() / 400.0).cbrt();
    let rt60_s = (random.between(0.15, 0.8) * (0.4 + 0.6 * share)).clamp(0.15, 0.8);
    Room::new(size_m, rt60_s)
}

/// Places on the floor plan, spread as people stand: drums of one kit half a metre apart.
fn draw_places(random: &mut Random, room: &Room, count: usize, with_drums: bool) -> Vec<Point> {
    let mut apart_m = if with_drums { random.between(0.45, 0.9) } else { random.between(0.6, 1.6) };
    let mut places: Vec<Point> = Vec::with_capacity(count);
    while places.len() < count {
        let margin_m = 0.8;
        let at = [
            random.between(margin_m, room.size_m[0] - margin_m),
            random.between(margin_m, room.size_m[1] - margin_m),
            random.between(0.5, 1.5),
        ];
        let nearest = places.iter().map(|&place| distance(place, at)).fold(f64::INFINITY, f64::min);
        let farthest = places.iter().map(|&place| distance(place, at)).fold(0.0, f64::max);
        if nearest >= apart_m && farthest <= 6.0 {
            places.push(at);
        } else {
            apart_m *= 0.998;
        }
    }
    places
}

/// A mic 6 to 72 cm from its source, aimed at it as well as people aim.
fn draw_mic(random: &mut Random, room: &Room, source: Point) -> PlacedMic {
    let away_m = 0.06 * 12.0_f64.powf(random.unit());
    let turn = random.between(0.0, std::f64::consts::TAU);
    let rise = random.between(-0.2, 0.9);
    let direction = [rise.cos() * turn.cos(), rise.cos() * turn.sin(), rise.sin()];
    let at: Point = std::array::from_fn(|axis| {
        (source[axis] + away_m * direction[axis]).clamp(0.05, room.size_m[axis] - 0.05)
    });
    let aim =
        std::array::from_fn(|axis| source[axis] - at[axis] + random.normal(0.0, 0.15) * away_m);
    let patterns = [Pattern::CARDIOID, Pattern::CARDIOID, Pattern::SUPERCARDIOID, Pattern::OMNI];
    PlacedMic { at, aim, pattern: random.pick(&patterns) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_inside_the_room_and_apart() {
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let room = draw_room(&mut random);
            assert!((0.15..=0.8).contains(&room.rt60_s));
            let places = draw_places(&mut random, &room, 8, seed % 2 == 0);
            for (index, &place) in places.iter().enumerate() {
                let mic = draw_mic(&mut random, &room, place);
                let away_m = distance(place, mic.at);
                assert!((0.059..0.73).contains(&away_m), "seed {seed}: {away_m} m");
                for point in [place, mic.at] {
                    assert!(point.iter().zip(&room.size_m).all(|(p, size)| *p > 0.0 && p < size));
                }
                for &other in &places[..index] {
                    assert!(distance(place, other) > 0.2, "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn a_mixture_repeats_by_seed_and_bleeds() {
        let instruments = Instruments::installed();
        let config = MixtureConfig { seed: 3, duration_s: 3.0, num_mics: Some(4), rate_hz: 22_050 };
        let scene = simulate(&instruments, &config).unwrap();
        assert_eq!(scene, simulate(&instruments, &config).unwrap());
        assert_eq!((scene.mics.len(), scene.mics[0].len()), (4, 66_150));
        for (index, sdr_db) in scene.info.input_sdr_db.iter().enumerate() {
            let sdr_db = sdr_db.unwrap();
            assert!((-30.0..60.0).contains(&sdr_db), "mic {}: {sdr_db} dB", index + 1);
        }
        let bad = MixtureConfig { num_mics: Some(9), ..config };
        assert!(simulate(&instruments, &bad).unwrap_err().to_string().contains("2 to 8"));
    }
}
