//! Plays a seat of an ensemble.

use super::ensemble::{Job, Seat};
use super::feel::{Feel, Presence, plays_at};
use super::finish::{amplify, fade_out, take_out_dc};
use super::levels::{self, set_level, typical_db_spl};
use super::notes::NoteFolder;
use super::presets::{Drum, Role, drums, percussion, voices};
use super::sampler::Canvas;
use super::score::{self, Score};
use super::{Family, Part, PlayRequest, talk};
use crate::convert::{to_f32, to_index, to_u8};
use crate::random::Random;
use crate::scenes::music::{Harmony, Rhythm, Style};
use crate::scenes::pattern::{self, Groove, Piece, Stroke};
use crate::scenes::split::Split;
use crate::soundfont::{Instruments, Note, Voice};
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// Time in seconds in which a closing hat silences the open one.
const CHOKE_S: f64 = 0.06;
/// Decay time constant in seconds of a half-open hat that replaces a closed one.
const CLOSED_RING_S: f64 = 0.035;
/// Probability that an ensemble plays from a score, if there is one, instead of drawn music.
const SCORE_CHANCE: f64 = 0.6;
/// Probability that a part is played with recorded notes, if there are some of its kind.
const NOTES_CHANCE: f64 = 0.5;
/// Probability that a singer is a recording of phrases, which do not follow the music.
const PHRASES_CHANCE: f64 = 0.3;

/// Number of notes of a part whose windows contain none.
const FALLBACK_NOTES: usize = 6;

/// Music shared by all parts of an ensemble.
#[derive(Clone, Debug)]
pub(crate) struct Music {
    pub(crate) seed: u64,
    duration_s: f64,
    harmony: Harmony,
    /// Rhythm of all parts, if they share one.
    rhythm: Option<Rhythm>,
    groove: Groove,
    /// Name of the score, and the notes of every seat.
    passage: Option<(String, Vec<Vec<Note>>)>,
    /// `[talker][turn]`, start and end in seconds.
    turns: Vec<Vec<(f64, f64)>>,
}

impl Music {
    pub(crate) fn draw(
        random: &mut Random,
        request: &PlayRequest<'_>,
        seats: &[Seat],
        scores: &[Score],
    ) -> Self {
        let duration_s = request.num_samples as f64 / f64::from(request.rate_hz);
        let mut groove = pattern::draw(random, duration_s);
        let here = |piece: Piece| {
            seats.iter().any(|seat| matches!(seat.job, Job::Drums(own) if own.contains(&piece)))
        };
        for stroke in &mut groove.strokes {
            stroke.piece = stand_in(stroke.piece, here);
        }
        let has_drums = seats.iter().any(|seat| matches!(seat.job, Job::Drums(_)));
        let harmony = Harmony::draw(random, has_drums.then_some(&groove));
        let shares = request.together_chance > 0.0 && random.chance(request.together_chance);
        let rhythm = shares.then(|| Rhythm::draw(random));
        let reads =
            request.ensemble.reads_scores() && !scores.is_empty() && random.chance(SCORE_CHANCE);
        let passage = reads.then(|| {
            let score = &scores[random.index(scores.len())];
            let parts = score.passage(random, duration_s);
            let mut used = Vec::new();
            let notes = seats.iter().map(|seat| match seat.job {
                Job::Plays(_, _, keys) => score::for_seat(&parts, &mut used, keys),
                _ => Vec::new(),
            });
            (score.name.clone(), notes.collect())
        });
        let talks = seats.iter().any(|seat| seat.job == Job::Talks);
        let turns = if talks { talk::turns(random, seats.len(), duration_s) } else { Vec::new() };
        Self { seed: random.bits(), duration_s, harmony, rhythm, groove, passage, turns }
    }
}

/// Returns noise of a drawn colour, whose level is constant or slowly modulated.
fn noise(num_samples: usize, rate_hz: u32, random: &mut Random) -> Vec<f32> {
    let rate_hz = f64::from(rate_hz);
    let corner_hz = 150.0 * (random.unit() * 4.0).exp2();
    let keep = (-std::f64::consts::TAU * corner_hz / rate_hz).exp();
    let bright = random.between(0.02, 0.5);
    let depth = if random.chance(0.5) { 0.0 } else { random.between(0.1, 0.6) };
    let breath_hz = random.between(0.1, 2.0);
    let mut low = 0.0;
    let sample = |n: usize| {
        let white = random.normal(0.0, 1.0);
        low += (1.0 - keep) * (white - low);
        let breath = (std::f64::consts::TAU * breath_hz * n as f64 / rate_hz).sin();
        to_f32((1.0 + depth * breath) * 0.1 * (low + bright * (white - low)))
    };
    (0..num_samples).map(sample).collect()
}

/// Returns the piece that a drummer plays instead of one that the kit lacks.
fn stand_in(piece: Piece, here: impl Fn(Piece) -> bool) -> Piece {
    if here(piece) {
        return piece;
    }
    let instead: &[Piece] = match piece {
        Piece::SecondKick => &[Piece::Kick],
        Piece::Ride | Piece::RideBell => &[Piece::ClosedHat],
        Piece::China => &[Piece::Crash],
        Piece::Tom(0) => &[Piece::Tom(1), Piece::Snare],
        Piece::Tom(1) => &[Piece::Tom(0), Piece::Snare],
        Piece::Tom(_) => &[Piece::Tom(3), Piece::Tom(2), Piece::Tom(1), Piece::Snare],
        _ => &[],
    };
    instead.iter().copied().find(|&other| here(other)).unwrap_or(piece)
}

/// Plays the seats of an ensemble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Performer<'a> {
    pub(crate) instruments: &'a Instruments,
    pub(crate) notes: &'a [NoteFolder],
    pub(crate) split: Split,
    pub(crate) music: &'a Music,
    pub(crate) request: &'a PlayRequest<'a>,
}

/// Sound and the material it is made of.
type Played = (Vec<f32>, BTreeSet<String>);

impl Performer<'_> {
    /// Plays the seat at a place of the ensemble.
    pub(crate) fn part(
        &self,
        place: usize,
        seat: &Seat,
        presence: Presence,
        random: &mut Random,
    ) -> Result<Part> {
        let windows = presence.windows(random, self.music.duration_s);
        let mut level_db_spl = typical_db_spl(seat.family, Role::Percussion);
        let (mut dry, made_of) = match seat.job {
            Job::Drums(pieces) => {
                level_db_spl += match pieces[0] {
                    Piece::Crash | Piece::China => levels::CRASH_DB,
                    Piece::Ride => -levels::CRASH_DB,
                    _ => 0.0,
                };
                let rests = if presence == Presence::Rare { &windows[..] } else { &[] };
                self.drums(pieces, presence, rests, random)?
            }
            Job::Percussion => self.percussion(&windows, random)?,
            Job::Plays(role, part, keys) => {
                level_db_spl = typical_db_spl(seat.family, role);
                let mut feel = Feel::draw(random, self.music.duration_s);
                let (score, notes) = match &self.music.passage {
                    Some((name, notes)) => {
                        feel.keep_every_note();
                        (Some(format!("score {name}")), notes[place].clone())
                    }
                    None => {
                        let Music { harmony, rhythm, duration_s, .. } = self.music;
                        let style =
                            Style { sustained: presence == Presence::Always, rhythm: *rhythm };
                        (None, harmony.part(random, (part, style), keys, *duration_s))
                    }
                };
                if presence == Presence::Always {
                    feel.sustain(random);
                }
                let mut shaped = feel.shape(random, notes.clone(), &windows);
                if shaped.is_empty() && presence != Presence::Silent {
                    // The windows contain no notes: play a few notes from elsewhere.
                    let first = random.index(notes.len().saturating_sub(FALLBACK_NOTES) + 1);
                    let some = notes.into_iter().skip(first).take(FALLBACK_NOTES).collect();
                    shaped = feel.shape(random, some, &[(0.0, self.music.duration_s)]);
                }
                let (dry, mut made_of) = self.pitched(role, &shaped, &windows, random)?;
                made_of.extend(score);
                (dry, made_of)
            }
            Job::Noise => {
                level_db_spl = typical_db_spl(seat.family, Role::Voice);
                let length =
                    if presence == Presence::Silent { 0 } else { self.request.num_samples };
                let mut sound = noise(length, self.request.rate_hz, random);
                sound.resize(self.request.num_samples, 0.0);
                // The noise is generated, so there is no recording that splits could share.
                (sound, BTreeSet::new())
            }
            Job::Talks => {
                level_db_spl += levels::TALKER_DB;
                let turns: &[_] =
                    if presence == Presence::Silent { &[] } else { &self.music.turns[place] };
                self.talk(turns, random)?
            }
        };
        let rate_hz = self.request.rate_hz;
        if matches!(seat.family, Family::Amp | Family::BassAmp) {
            amplify(&mut dry, rate_hz, random);
        }
        take_out_dc(&mut dry, rate_hz);
        set_level(&mut dry, rate_hz, level_db_spl, random);
        fade_out(&mut dry, rate_hz);
        Ok(Part {
            name: seat.name.to_owned(),
            family: seat.family,
            dry,
            made_of: made_of.into_iter().collect(),
        })
    }

    fn pitched(
        &self,
        role: Role,
        notes: &[Note],
        windows: &[(f64, f64)],
        random: &mut Random,
    ) -> Result<Played> {
        let chance = if role == Role::Voice { PHRASES_CHANCE } else { NOTES_CHANCE };
        if let Some(folder) = self.folder(role, chance, random) {
            let mut canvas = self.canvas();
            if role == Role::Voice {
                folder.speak(&mut canvas, windows, random);
            } else {
                folder.play(&mut canvas, notes, random);
            }
            return Ok((canvas.sound, canvas.made_of));
        }
        let voice = self.voice(role, random)?;
        Ok((self.sound(voice, notes)?, BTreeSet::from([label(voice, None)])))
    }

    fn talk(&self, turns: &[(f64, f64)], random: &mut Random) -> Result<Played> {
        if let Some(folder) = self.folder(Role::Voice, PHRASES_CHANCE, random) {
            let mut canvas = self.canvas();
            folder.speak(&mut canvas, turns, random);
            return Ok((canvas.sound, canvas.made_of));
        }
        let voice = self.voice(Role::Voice, random)?;
        let (notes, syllables) = talk::speak(random, turns);
        let mut sound = self.sound(voice, &notes)?;
        talk::articulate(&mut sound, &syllables, self.request.rate_hz, random);
        Ok((sound, BTreeSet::from([label(voice, None)])))
    }

    /// Draws a folder of recorded notes of a role. Returns `None` with probability `1 - chance`, or
    /// if there are none.
    fn folder(&self, role: Role, chance: f64, random: &mut Random) -> Option<&NoteFolder> {
        let folders: Vec<&NoteFolder> =
            self.notes.iter().filter(|folder| folder.role == role).collect();
        let drawn = random.chance(chance);
        let index = random.index(folders.len());
        folders.get(index).copied().filter(|_| drawn)
    }

    fn canvas(&self) -> Canvas {
        Canvas::new(self.request.num_samples, self.request.rate_hz)
    }

    fn voice(&self, role: Role, random: &mut Random) -> Result<Voice> {
        let choices: Vec<Voice> =
            voices(role, self.split).filter(|&voice| self.instruments.has(voice)).collect();
        if choices.is_empty() {
            let split = self.split;
            bail!("the SoundFont has none of the required presets of the {split} split");
        }
        Ok(random.pick(&choices))
    }

    fn sound(&self, voice: Voice, notes: &[Note]) -> Result<Vec<f32>> {
        let PlayRequest { num_samples, rate_hz, .. } = *self.request;
        if notes.is_empty() {
            return Ok(vec![0.0; num_samples]);
        }
        self.instruments.perform(voice, notes, num_samples, rate_hz)
    }

    fn drums(
        &self,
        pieces: &[Piece],
        presence: Presence,
        only_in: &[(f64, f64)],
        random: &mut Random,
    ) -> Result<Played> {
        let strokes: Vec<Stroke> = self
            .music
            .groove
            .strokes
            .iter()
            .filter(|stroke| pieces.contains(&stroke.piece))
            .filter(|stroke| only_in.is_empty() || plays_at(only_in, stroke.at_s))
            .filter(|_| presence != Presence::Silent)
            .copied()
            .collect();
        let mut sound = vec![0.0; self.request.num_samples];
        let mut made_of = BTreeSet::new();
        let mut chosen: Vec<(Piece, Drum)> = Vec::new();
        for &piece in pieces {
            let kind = if let Piece::Tom(_) = piece { Piece::Tom(0) } else { piece };
            let before = chosen.iter().find(|(other, _)| match (other, kind) {
                // Both kicks use one drum, and so do all toms, and ride and bell.
                (Piece::Kick, Piece::SecondKick)
                | (Piece::Tom(_), Piece::Tom(_))
                | (Piece::Ride, Piece::RideBell) => true,
                _ => *other == kind,
            });
            let drum =
                before.map_or_else(|| random.pick(drums(kind, self.split)), |(_, drum)| *drum);
            chosen.push((piece, drum));
            let key = match piece {
                Piece::Tom(size) => drum.keys[size.min(drum.keys.len() - 1)],
                _ => drum.keys[0],
            };
            let notes: Vec<Note> = strokes
                .iter()
                .filter(|stroke| stroke.piece == piece)
                .map(|stroke| stroke_note(stroke.at_s, stroke.strength, key))
                .collect();
            if notes.is_empty() {
                continue;
            }
            let voice = Voice::DrumKit(drum.kit);
            let mut played = self.sound(voice, &notes)?;
            self.end_hats(&mut played, piece, drum, &strokes);
            made_of.insert(label(voice, Some(key)));
            sound.iter_mut().zip(&played).for_each(|(sum, x)| *sum += x);
        }
        Ok((sound, made_of))
    }

    /// Ends open hats at the next closed one, and half-open hats that replace closed ones almost
    /// at once.
    fn end_hats(&self, sound: &mut [f32], piece: Piece, drum: Drum, strokes: &[Stroke]) {
        let rate_hz = f64::from(self.request.rate_hz);
        let half_open =
            piece == Piece::ClosedHat && drums(Piece::OpenHat, self.split).contains(&drum);
        if piece != Piece::OpenHat && !half_open {
            return;
        }
        for (index, stroke) in strokes.iter().enumerate().filter(|(_, s)| s.piece == piece) {
            let later = &strokes[index + 1..];
            let until =
                later.iter().find(|next| next.piece == piece).map_or(f64::INFINITY, |s| s.at_s);
            let from = if half_open {
                stroke.at_s + 0.02
            } else {
                let close = later.iter().find(|next| next.piece == Piece::ClosedHat);
                close.map_or(f64::INFINITY, |next| next.at_s)
            };
            let ring_s = if half_open { CLOSED_RING_S } else { CHOKE_S / 3.0 };
            let (from, until) = (to_index(from * rate_hz), to_index(until * rate_hz));
            let keep = to_f32((-1.0 / (ring_s * rate_hz)).exp());
            let mut gain = 1.0;
            let end = until.min(sound.len());
            for sample in sound.get_mut(from.min(end)..end).unwrap_or_default() {
                gain *= keep;
                *sample *= gain;
            }
        }
    }

    fn percussion(&self, windows: &[(f64, f64)], random: &mut Random) -> Result<Played> {
        let mut strokes = self.music.harmony.percussion(random, self.music.duration_s);
        strokes.retain(|&(at_s, ..)| plays_at(windows, at_s));
        if let Some(folder) = self.folder(Role::Percussion, NOTES_CHANCE, random) {
            let mut canvas = self.canvas();
            folder.strike(&mut canvas, &strokes, random);
            return Ok((canvas.sound, canvas.made_of));
        }
        let (_, drum) = random.pick(percussion(self.split));
        let mut made_of = BTreeSet::new();
        let mut notes = Vec::new();
        for (at_s, place, strength) in strokes {
            let key = drum.keys[place % drum.keys.len()];
            made_of.insert(label(Voice::DrumKit(drum.kit), Some(key)));
            notes.push(stroke_note(at_s, strength, key));
        }
        Ok((self.sound(Voice::DrumKit(drum.kit), &notes)?, made_of))
    }
}

/// Returns the name of a preset, or of one key of a drum kit, in `made_of`.
fn label(voice: Voice, key: Option<u8>) -> String {
    let (bank, program) = voice.bank_and_program();
    match key {
        Some(key) => format!("soundfont {bank}/{program} key {key}"),
        None => format!("soundfont {bank}/{program}"),
    }
}

/// Returns the note of a drum stroke. Drums decay by themselves; the hold time is long enough for
/// every SoundFont.
fn stroke_note(at_s: f64, strength: f64, key: u8) -> Note {
    let velocity = to_u8((127.0 * strength.sqrt()).clamp(1.0, 127.0));
    Note { at_s, hold_s: 0.5, key, velocity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenes::sources::Ensemble;

    #[test]
    fn pieces_that_a_kit_lacks_have_a_stand_in() {
        let small = |piece| [Piece::Kick, Piece::Snare, Piece::ClosedHat].contains(&piece);
        assert_eq!(stand_in(Piece::Ride, small), Piece::ClosedHat);
        assert_eq!(stand_in(Piece::Tom(2), small), Piece::Snare);
        assert_eq!(stand_in(Piece::SecondKick, small), Piece::Kick);
        assert_eq!(stand_in(Piece::Kick, small), Piece::Kick);
        assert_eq!(stand_in(Piece::Crash, small), Piece::Crash, "then nobody plays it");
    }

    #[test]
    fn closed_hats_choke_open_ones_and_half_open_ones_end_soon() {
        let request = PlayRequest {
            ensemble: Ensemble::DrumKit,
            num_parts: 3,
            num_samples: 16_000,
            rate_hz: 16_000,
            silent_chance: 0.0,
            rare_chance: 0.0,
            tutti_chance: 0.0,
            together_chance: 0.0,
            wanted: &[],
        };
        let seats = Ensemble::DrumKit.seats();
        let music = Music::draw(&mut Random::new(1), &request, seats, &[]);
        let instruments = Instruments::installed();
        let performer = |split| Performer {
            instruments: &instruments,
            notes: &[],
            split,
            music: &music,
            request: &request,
        };
        let at = |at_s, piece| Stroke { at_s, piece, strength: 0.5 };
        let strokes = [at(0.0, Piece::OpenHat), at(0.5, Piece::ClosedHat)];
        let mut open = vec![1.0; 16_000];
        let drum = drums(Piece::OpenHat, Split::Train)[0];
        performer(Split::Train).end_hats(&mut open, Piece::OpenHat, drum, &strokes);
        assert!(open[7_900] == 1.0 && open[10_000] < 0.01);
        let mut closed = vec![1.0; 16_000];
        let drum = drums(Piece::ClosedHat, Split::Train)[0];
        performer(Split::Train).end_hats(&mut closed, Piece::ClosedHat, drum, &strokes);
        assert!(closed.iter().all(|&x| x == 1.0), "a closed hat is short by itself");
        let drum = drums(Piece::ClosedHat, Split::Test)[0];
        performer(Split::Test).end_hats(&mut closed, Piece::ClosedHat, drum, &strokes);
        assert!(closed[8_100] == 1.0 && closed[12_000] < 0.01, "played on a half-open one");
    }
}
