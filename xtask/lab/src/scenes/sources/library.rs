//! Everything that can play in one split.

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

/// What is to be played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayRequest<'a> {
    /// Who plays.
    pub ensemble: Ensemble,
    /// How many parts; the most important seats come first.
    pub num_parts: usize,
    /// Length of every part.
    pub num_samples: usize,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// Chance of a part to be there without playing a note.
    pub silent_chance: f64,
    /// Chance of a part to play for a moment only.
    pub rare_chance: f64,
    /// Names of seats that must be among the parts, whatever their importance (a crash).
    pub wanted: &'a [&'a str],
}

/// What a real kit is to play.
#[derive(Clone, Debug, PartialEq)]
pub struct KitRequest {
    /// Length of every mic.
    pub num_samples: usize,
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// How many close mics, drawn with a preference for kick, snare and hi-hat; `None` for all.
    pub num_close_mics: Option<usize>,
    /// Whether the overheads are there as room mics, after the close ones.
    pub overheads: bool,
}

/// Everything that can play, loaded once, for one split. Cheap to share between threads.
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
    /// Loads what `config` names and `split` may use.
    ///
    /// # Errors
    ///
    /// When something is missing or not what it is said to be; the line names it.
    pub fn load(config: &MaterialConfig, split: Split) -> Result<Self> {
        let path = config.soundfont.as_deref().unwrap_or(Path::new(soundfont::DEFAULT_PATH));
        Self::load_with(Instruments::load(path)?, config, split)
    }

    /// As [`Self::load`] with a SoundFont that is loaded already, so that several splits share it.
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

    /// The split it was loaded for.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// Whether it can play this ensemble at all.
    #[must_use]
    pub fn can_play(&self, ensemble: Ensemble) -> bool {
        self.most_parts(ensemble) > 0
    }

    /// The most parts an ensemble can have with this material.
    #[must_use]
    pub fn most_parts(&self, ensemble: Ensemble) -> usize {
        if ensemble.needs_stems() { stems::most_parts(&self.songs) } else { ensemble.most_parts() }
    }

    /// Bytes of decoded notes and hits held in memory; the SoundFont and songs, which are read when
    /// they are played, not counted.
    #[must_use]
    pub fn num_bytes(&self) -> usize {
        let notes: usize = self.notes.iter().map(NoteFolder::num_bytes).sum();
        notes + self.kits.iter().map(Kit::num_bytes).sum::<usize>()
    }

    /// How many real kits there are for [`Self::play_kit`].
    #[must_use]
    pub fn num_kits(&self) -> usize {
        self.kits.len()
    }

    /// Draws and plays one ensemble: dry parts of equal length, the most important first.
    ///
    /// The same request and random state give the same samples.
    ///
    /// # Errors
    ///
    /// When the ensemble has not that many parts or there is nothing to play it with.
    pub fn play(&self, request: &PlayRequest<'_>, random: &mut Random) -> Result<Vec<Part>> {
        let PlayRequest { ensemble, num_parts, .. } = *request;
        let most_parts = self.most_parts(ensemble);
        ensure!(
            most_parts > 0,
            "the ensemble {ensemble} plays songs, and the material names none for the {} split",
            self.split
        );
        ensure!(
            (1..=most_parts).contains(&num_parts),
            "the ensemble {ensemble} has 1 to {most_parts} parts, {num_parts} asked for"
        );
        ensure!(request.rate_hz > 0 && request.num_samples > 0, "a scene must have a length");
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
                let place = usize::try_from(place).unwrap_or(0);
                performer
                    .part(place, seat, presence, &mut random)
                    .with_context(|| format!("{} of the ensemble {ensemble}", seat.name))
            })
            .collect()
    }

    /// Plays a groove on a real kit by superposition of its hits, as every mic recorded them; there
    /// is no room to simulate.
    ///
    /// `info.drawn` has `made_of` (the hits) and `room_mics` (the overheads, from 1).
    ///
    /// # Errors
    ///
    /// When no kit was loaded, or a kit lacks the mics asked for.
    pub fn play_kit(&self, request: &KitRequest, random: &mut Random) -> Result<Scene> {
        ensure!(!self.kits.is_empty(), "no real kit is named in the material");
        let kit = &self.kits[random.index(self.kits.len())];
        let mut private = Random::new(random.bits());
        kit.take(&KitTake { request, vary: self.split == Split::Train }, &mut private)
    }
}

/// The first seats, with the wanted ones in the place of the last.
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
        ensure!(replaced > 0, "more seats are wanted than there are parts");
        replaced -= 1;
        seats[replaced] = *seat;
    }
    Ok(seats)
}
