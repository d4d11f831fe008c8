//! The material of one split.

use super::ensemble::Seat;
use super::feel::Presence;
use super::notes::{self, NoteFolder};
use super::perform::{Music, Performer};
use super::score::{self, Score};
use super::stems::{self, Song};
use super::{Ensemble, MaterialConfig, Part};
use crate::random::Random;
use crate::scenes::Scene;
use crate::scenes::grooves::{Kit, KitTake};
use crate::scenes::split::Split;
use crate::soundfont::{self, Instruments};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Parameters of [`Library::play`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayRequest<'a> {
    /// Ensemble to play.
    pub ensemble: Ensemble,
    /// Number of parts, taken from the most important seats.
    pub num_parts: usize,
    /// Length of every part in samples.
    pub num_samples: usize,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Probability that a part is present but never plays.
    pub silent_chance: f64,
    /// Probability that a part plays for a moment only.
    pub rare_chance: f64,
    /// Probability that a part plays without a rest.
    pub tutti_chance: f64,
    /// Probability that all parts share one rhythm.
    pub together_chance: f64,
    /// Names of seats that are included regardless of their importance, such as a crash.
    pub wanted: &'a [&'a str],
}

/// Parameters of [`Library::play_kit`].
#[derive(Clone, Debug, PartialEq)]
pub struct KitRequest {
    /// Length of every mic in samples.
    pub num_samples: usize,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Number of close mics, drawn with a preference for kick, snare and hi-hat; `None` for all.
    pub num_close_mics: Option<usize>,
    /// True if the overheads follow the close mics as room mics.
    pub overheads: bool,
}

/// The material of one split, loaded once. Threads can share it cheaply.
#[derive(Clone, Debug)]
pub struct Library {
    split: Split,
    instruments: Instruments,
    notes: Vec<NoteFolder>,
    scores: Vec<Score>,
    kits: Vec<Kit>,
    songs: Vec<Song>,
}

impl Library {
    /// Loads the material of `config` that belongs to `split`.
    ///
    /// # Errors
    ///
    /// Returns an error that names the item if something is missing or has the wrong format.
    pub fn load(config: &MaterialConfig, split: Split) -> Result<Self> {
        let path = config.soundfont.as_deref().unwrap_or(Path::new(soundfont::DEFAULT_PATH));
        Self::load_with(Instruments::load(path)?, config, split)
    }

    /// Loads like [`Self::load`], with a loaded SoundFont that several splits can share.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_with(
        instruments: Instruments,
        config: &MaterialConfig,
        split: Split,
    ) -> Result<Self> {
        let kits = config
            .kits
            .iter()
            .map(|folder| Kit::read_split(folder, split))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            split,
            instruments,
            notes: notes::load(&config.notes, split)?,
            scores: score::load(&config.scores, split)?,
            kits,
            songs: stems::load(&config.stems, split)?,
        })
    }

    /// Returns the split of this material.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// True if the material contains parts for this ensemble.
    #[must_use]
    pub fn can_play(&self, ensemble: Ensemble) -> bool {
        self.most_parts(ensemble) > 0
    }

    /// Returns the maximum number of parts of an ensemble with this material.
    #[must_use]
    pub fn most_parts(&self, ensemble: Ensemble) -> usize {
        if ensemble.needs_stems() { stems::most_parts(&self.songs) } else { ensemble.most_parts() }
    }

    /// Returns the size in bytes of the decoded notes and hits in memory. It excludes the SoundFont
    /// and the songs, which are read when they are played.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        let notes: usize = self.notes.iter().map(NoteFolder::num_bytes).sum();
        notes + self.kits.iter().map(Kit::num_bytes).sum::<usize>()
    }

    /// Returns the number of real kits for [`Self::play_kit`].
    #[must_use]
    pub fn num_kits(&self) -> usize {
        self.kits.len()
    }

    /// Draws and plays an ensemble. Returns dry parts of equal length, the most important first.
    ///
    /// Equal requests and random states give equal samples.
    ///
    /// # Errors
    ///
    /// Returns an error if the ensemble has fewer parts than requested, or if the material lacks
    /// sounds for it.
    pub fn play(&self, request: &PlayRequest<'_>, random: &mut Random) -> Result<Vec<Part>> {
        let PlayRequest { ensemble, num_parts, .. } = *request;
        let most_parts = self.most_parts(ensemble);
        ensure!(
            most_parts > 0,
            "the ensemble {ensemble} needs songs, but the material has none for the {} split",
            self.split
        );
        ensure!(
            (1..=most_parts).contains(&num_parts),
            "the ensemble {ensemble} has 1 to {most_parts} parts, {num_parts} requested"
        );
        ensure!(request.rate_hz > 0 && request.num_samples > 0, "a scene must not be empty");
        let mut private = Random::new(random.bits());
        if ensemble.needs_stems() {
            return stems::play(&self.songs, request, &mut private);
        }
        let seats = choose_seats(request)?;
        let music = Music::draw(&mut private, request, &seats, &self.scores);
        let performer = Performer {
            instruments: &self.instruments,
            notes: &self.notes,
            split: self.split,
            music: &music,
            request,
        };
        (0_u64..)
            .zip(&seats)
            .map(|(place, seat)| {
                let mut random = Random::for_part(music.seed, place);
                let presence =
                    Presence::draw(&mut random, request.silent_chance, request.rare_chance);
                // Draws only if `tutti_chance` is set, so that the scenes of older recipes do
                // not change.
                let presence = match presence {
                    Presence::Usual
                        if request.tutti_chance > 0.0 && random.chance(request.tutti_chance) =>
                    {
                        Presence::Always
                    }
                    drawn => drawn,
                };
                let place = usize::try_from(place).unwrap_or(0);
                performer
                    .part(place, seat, presence, &mut random)
                    .with_context(|| format!("{} of the ensemble {ensemble}", seat.name))
            })
            .collect()
    }

    /// Plays a groove on a real kit by superposition of its hits as recorded by every mic. No room
    /// is simulated.
    ///
    /// `info.drawn` contains `made_of` (the hits) and `room_mics` (the overheads, from 1).
    ///
    /// # Errors
    ///
    /// Returns an error if no kit is loaded, or if a kit lacks the requested mics.
    pub fn play_kit(&self, request: &KitRequest, random: &mut Random) -> Result<Scene> {
        ensure!(!self.kits.is_empty(), "the material contains no real kit");
        let kit = &self.kits[random.index(self.kits.len())];
        let mut private = Random::new(random.bits());
        kit.take(&KitTake { request, vary: self.split == Split::Train }, &mut private)
    }
}

/// Returns the first seats; the wanted ones replace the last of them.
fn choose_seats(request: &PlayRequest<'_>) -> Result<Vec<Seat>> {
    let all = request.ensemble.seats();
    let mut seats = all[..request.num_parts.min(all.len())].to_vec();
    let mut replaced = seats.len();
    for name in request.wanted {
        if seats.iter().any(|seat| seat.name == *name) {
            continue;
        }
        let seat = all.iter().find(|seat| seat.name == *name).with_context(|| {
            format!("the ensemble {} has no seat called {name}", request.ensemble)
        })?;
        ensure!(replaced > 0, "more seats are requested than there are parts");
        replaced -= 1;
        seats[replaced] = *seat;
    }
    Ok(seats)
}

#[cfg(test)]
mod tests {
    use super::super::{StemFolder, StemLayout};
    use super::*;
    use crate::sound_file::write_wav;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    const RATE_HZ: u32 = 16_000;

    fn request(ensemble: Ensemble, num_parts: usize) -> PlayRequest<'static> {
        PlayRequest {
            ensemble,
            num_parts,
            num_samples: 24_000,
            rate_hz: RATE_HZ,
            silent_chance: 0.05,
            rare_chance: 0.1,
            tutti_chance: 0.0,
            together_chance: 0.0,
            wanted: &[],
        }
    }

    /// Plays every ensemble `num_draws` times in every split and returns the split of each
    /// item played.
    fn owners(config: &MaterialConfig, num_draws: u64) -> BTreeMap<String, Split> {
        let instruments = Instruments::installed();
        let mut owners: BTreeMap<String, Split> = BTreeMap::new();
        for split in Split::ALL {
            let library = Library::load_with(instruments.clone(), config, split).unwrap();
            let mut claim = |thing: &str| {
                let owner = *owners.entry(thing.to_owned()).or_insert(split);
                assert_eq!(owner, split, "{thing} is heard in two splits");
            };
            for ensemble in Ensemble::ALL.into_iter().filter(|&known| library.can_play(known)) {
                for draw in 0..num_draws {
                    let num_parts = library.most_parts(ensemble);
                    let parts = library
                        .play(&request(ensemble, num_parts), &mut Random::new(draw))
                        .unwrap();
                    assert_eq!(parts.len(), num_parts);
                    parts.iter().flat_map(|part| &part.made_of).for_each(|thing| claim(thing));
                }
            }
            if library.num_kits() > 0 {
                for draw in 0..num_draws {
                    let request = KitRequest {
                        num_samples: 80_000,
                        rate_hz: RATE_HZ,
                        num_close_mics: None,
                        overheads: true,
                    };
                    let scene = library.play_kit(&request, &mut Random::new(draw)).unwrap();
                    let made_of = scene.info.drawn["made_of"].as_array().unwrap();
                    assert!(!made_of.is_empty());
                    made_of.iter().for_each(|thing| claim(thing.as_str().unwrap()));
                }
            }
        }
        owners
    }

    fn counts(owners: &BTreeMap<String, Split>, prefix: &str) -> [usize; 3] {
        Split::ALL.map(|split| {
            owners.iter().filter(|(name, own)| name.starts_with(prefix) && **own == split).count()
        })
    }

    #[test]
    fn no_preset_is_heard_in_two_splits() {
        let owners = owners(&MaterialConfig::default(), 12);
        let [train, validation, test] = counts(&owners, "soundfont");
        assert!(train > 60 && validation > 15 && test > 20, "{train} {validation} {test}");
        assert!(train > validation + test / 2);
    }

    fn tone(num_samples: usize, key: f64) -> Vec<f32> {
        let freq = 440.0 * ((key - 69.0) / 12.0).exp2() / f64::from(RATE_HZ);
        let wave = |n: usize| (std::f64::consts::TAU * freq * n as f64).sin();
        (0..num_samples).map(|n| (0.3 * wave(n) * (-(n as f64) / 8_000.0).exp()) as f32).collect()
    }

    /// Creates small folders of all kinds of material. The names are chosen so that every split
    /// gets some.
    fn material(top: &Path) -> MaterialConfig {
        let notes = top.join("notes");
        for name in ["violin_iowa", "nylon", "cello_loops", "cajon", "bodyperc", "bobobo"] {
            let folder = notes.join(format!("dry_{name}"));
            std::fs::create_dir_all(&folder).unwrap();
            for (file, key) in [("c4", 60.0), ("e4", 64.0), ("a4", 69.0)] {
                write_wav(&folder.join(format!("{file}.wav")), &tone(6_000, key), RATE_HZ).unwrap();
            }
        }
        let scores = top.join("scores");
        std::fs::create_dir_all(&scores).unwrap();
        for number in 0..12 {
            let bytes = super::super::score::test_file();
            std::fs::write(scores.join(format!("q{number}.mid")), bytes).unwrap();
        }
        let kit = top.join("kit");
        for piece in ["KdrumL", "Snare", "HihatClosed", "Tom1", "RideR", "CrashL", "CrashR"] {
            std::fs::create_dir_all(kit.join(piece)).unwrap();
            let num_hits = if piece == "Tom1" { 1 } else { 5 };
            for hit in 1..=num_hits {
                for (mics, num_mics) in [("01-08", 8), ("09-13", 5)] {
                    let path = kit.join(piece).join(format!("0{hit}_mics{mics}.wav"));
                    let channel = tone(400, 60.0);
                    let channels = vec![channel.as_slice(); num_mics];
                    let mut writer =
                        audiofile::WavWriter::create(&path, RATE_HZ, num_mics).unwrap();
                    writer.write(&channels).unwrap();
                    writer.finish().unwrap();
                    // The kit's files are named `.flac`; the content determines the format.
                    std::fs::rename(&path, path.with_extension("flac")).unwrap();
                }
            }
        }
        let stems = top.join("stems");
        for number in 0..40 {
            let song = stems.join(format!("song {number}"));
            std::fs::create_dir_all(&song).unwrap();
            for name in ["guitar", "voice"] {
                write_wav(&song.join(format!("{name}.wav")), &tone(50_000, 60.0), RATE_HZ).unwrap();
            }
        }
        MaterialConfig {
            soundfont: None,
            notes: vec![notes],
            scores: vec![scores],
            kits: vec![kit],
            stems: vec![StemFolder { path: stems, layout: StemLayout::Plain }],
        }
    }

    #[test]
    fn no_file_of_any_kind_is_heard_in_two_splits() {
        let folder = tempfile::tempdir().unwrap();
        let owners = owners(&material(folder.path()), 6);
        for kind in ["soundfont", "notes", "score", "kit", "stem"] {
            let counts = counts(&owners, kind);
            assert!(counts.iter().all(|&count| count > 0), "{kind}: {counts:?}");
            assert!(counts[0] >= counts[1] && counts[0] >= counts[2], "{kind}: {counts:?}");
        }
    }

    #[test]
    fn ensembles_repeat_by_seed_and_are_as_long_as_asked() {
        let library =
            Library::load_with(Instruments::installed(), &MaterialConfig::default(), Split::Train)
                .unwrap();
        for ensemble in [Ensemble::RockBand, Ensemble::Talkers, Ensemble::StringGroup] {
            let request = PlayRequest { num_samples: 48_000, ..request(ensemble, 5) };
            let play = |seed| library.play(&request, &mut Random::new(seed)).unwrap();
            let parts = play(3);
            assert_eq!(parts, play(3));
            assert_ne!(parts, play(4));
            for part in &parts {
                assert_eq!(part.dry.len(), 48_000);
                assert!(part.dry.iter().all(|x| x.is_finite() && x.abs() < 8.0), "{}", part.name);
            }
            assert!(parts.iter().filter(|part| part.dry.iter().any(|&x| x != 0.0)).count() >= 3);
        }
    }

    #[test]
    fn wanted_seats_are_there_and_impossible_ones_are_named() {
        let library =
            Library::load_with(Instruments::installed(), &MaterialConfig::default(), Split::Test)
                .unwrap();
        let wanted = PlayRequest { wanted: &["crash", "snare"], ..request(Ensemble::DrumKit, 4) };
        let parts = library.play(&wanted, &mut Random::new(1)).unwrap();
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["kick", "snare", "hi-hat", "crash"]);
        let line = |request: PlayRequest<'_>| {
            library.play(&request, &mut Random::new(1)).unwrap_err().to_string()
        };
        assert!(line(PlayRequest { wanted: &["tuba"], ..wanted }).contains("no seat called tuba"));
        assert!(line(request(Ensemble::DrumKit, 40)).contains("1 to 13 parts"));
        assert!(line(request(Ensemble::Stems, 2)).contains("none for the test split"));
        assert!(library.can_play(Ensemble::Choir) && !library.can_play(Ensemble::Stems));
        let missing = MaterialConfig { kits: vec![PathBuf::from("nowhere")], ..Default::default() };
        let line = Library::load_with(Instruments::installed(), &missing, Split::Test).unwrap_err();
        assert!(format!("{line:#}").contains("nowhere"));
    }
}
