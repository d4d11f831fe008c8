//! Drum sessions made of real hits, each recorded by all mics of the kit: exact targets with
//! real bleed.

use super::kit_mics::{MICS, NUM_CLOSE_MICS, draw_close_mics, groups_of};
use super::pattern::{Groove, Piece, Stroke, draw};
use super::sources::KitRequest;
use super::sources::resample::resample;
use super::split::Split;
use super::{Scene, SceneInfo, add_at};
use crate::convert::{db_to_lin, to_f32, to_index};
use crate::random::Random;
use crate::sound_file::{self, Sound};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Duration of the fade in seconds by which a closing hat silences the open one.
const CHOKE_FADE_S: f64 = 0.06;

/// Maximum change of a piece's playback speed, as a share: two semitones. It makes several kits out
/// of one.
const MOST_VARISPEED: f64 = 0.12;
/// Standard deviation in dB of a piece's level in the mics of other pieces, around the recorded
/// level. It emulates mics placed and aimed differently, with one draw per mic and piece.
const BLEED_SPREAD_DB: f64 = 3.0;
/// Maximum gain change in dB of a hit that substitutes for one of another strength.
const MOST_REGAIN_DB: f64 = 6.0;
/// Level difference in dB between the softest and the loudest strength, for a recorded hit that
/// substitutes for others.
const STRENGTH_RANGE_DB: f64 = 14.0;

/// A recorded kit: for each piece its hits from soft to loud, each recorded by all mics.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Name of the kit's folder.
    name: String,
    rate_hz: u32,
    hits: BTreeMap<String, Vec<Hit>>,
}

/// A hit, recorded by all mics.
#[derive(Clone, Debug)]
struct Hit {
    name: String,
    /// Strength among all hits of its piece, `0.0 ..= 1.0`.
    strength: f64,
    sound: Sound,
}

/// Returns the split of hit number `place` of `count` hits of a piece, from soft to loud.
///
/// Of five hits or more, three in five are for training. A piece with fewer hits gives one to each
/// split in turn, as far as they go: train, then test, then validation.
pub(crate) fn split_of_hit(place: usize, count: usize) -> Split {
    use Split::{Test, Train, Validation};
    let dealt: &[Split] = match count {
        0 | 1 => &[Train],
        2 => &[Train, Test],
        3 => &[Validation, Train, Test],
        4 => &[Train, Validation, Train, Test],
        _ => &[Train, Validation, Train, Test, Train],
    };
    dealt[place % dealt.len()]
}

/// Parameters of [`Kit::take`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct KitTake<'a> {
    pub(crate) request: &'a KitRequest,
    /// True if pieces are retuned and their bleed levels changed, to make several kits out of one.
    pub(crate) vary: bool,
}

impl Kit {
    /// Reads every `<piece>/<hit>_mics01-08.flac` with its `_mics09-13.flac`.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder has no hits, or if a file is missing, damaged or of
    /// another rate.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::read_where(folder, |_, _| true)
    }

    /// Reads only the hits of `split`, so that no hit occurs in two splits.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_split(folder: &Path, split: Split) -> Result<Self> {
        Self::read_where(folder, |place, count| split_of_hit(place, count) == split)
    }

    /// Returns the size of the decoded sound in bytes.
    pub(crate) fn num_bytes(&self) -> usize {
        let hits = self.hits.values().flatten();
        hits.map(|hit| hit.sound.channels.len() * hit.sound.num_samples() * size_of::<f32>()).sum()
    }

    /// Reads the hits selected by `wanted(place, count)`: the place among the hits of the piece,
    /// and their number.
    fn read_where(folder: &Path, wanted: impl Fn(usize, usize) -> bool) -> Result<Self> {
        let mut hits = BTreeMap::new();
        let mut rate_hz = None;
        for piece_folder in sorted_entries(folder)? {
            let Some(piece) = piece_folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if !piece_folder.is_dir() {
                continue;
            }
            let mut sounds = Vec::new();
            let named = |path: std::path::PathBuf| {
                let name = path.file_name()?.to_str()?;
                let hit = name.strip_suffix("_mics01-08.flac")?.to_owned();
                Some((path, hit))
            };
            let paths: Vec<_> =
                sorted_entries(&piece_folder)?.into_iter().filter_map(named).collect();
            let count = paths.len();
            for (place, (path, hit)) in paths.into_iter().enumerate() {
                if !wanted(place, count) {
                    continue;
                }
                let mut sound = sound_file::read(&path)?;
                let rest = sound_file::read(&path.with_file_name(format!("{hit}_mics09-13.flac")))?;
                if (rest.rate_hz, rest.num_samples()) != (sound.rate_hz, sound.num_samples()) {
                    bail!("the two files of {} differ in rate or length", path.display());
                }
                sound.channels.extend(rest.channels);
                if sound.channels.len() != MICS.len() {
                    bail!(
                        "{} has {} mics, expected {}",
                        path.display(),
                        sound.channels.len(),
                        MICS.len()
                    );
                }
                if *rate_hz.get_or_insert(sound.rate_hz) != sound.rate_hz {
                    bail!("{} has another sample rate than the other hits", path.display());
                }
                let strength = (place as f64 + 0.5) / count as f64;
                sounds.push(Hit { name: hit, strength, sound });
            }
            if !sounds.is_empty() {
                hits.insert(piece.to_owned(), sounds);
            }
        }
        let Some(rate_hz) = rate_hz else {
            bail!("no <piece>/<hit>_mics01-08.flac in {}", folder.display())
        };
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("kit").to_owned();
        Ok(Self { name, rate_hz, hits })
    }

    /// Plays a groove with drawn mics, at any sample rate. Pieces without hits stay silent.
    ///
    /// # Errors
    ///
    /// Returns an error if more close mics are requested than the kit has.
    pub(crate) fn take(&self, take: &KitTake<'_>, random: &mut Random) -> Result<Scene> {
        let KitRequest { num_samples, rate_hz, num_close_mics, overheads } = *take.request;
        let mut kept = draw_close_mics(num_close_mics, random)?;
        let num_close = kept.len();
        if overheads {
            kept.extend(NUM_CLOSE_MICS..MICS.len());
        }
        let duration_s = num_samples as f64 / f64::from(rate_hz);
        let Groove { strokes, tempo_bpm, .. } = draw(random, duration_s);
        let rate_step = f64::from(self.rate_hz) / f64::from(rate_hz);
        // Speed and gain of every piece are constant throughout the take.
        let tunings: BTreeMap<&str, (f64, f64)> = self
            .hits
            .keys()
            .map(|piece| {
                let speed = 1.0 + random.between(-MOST_VARISPEED, MOST_VARISPEED);
                let gain_db = random.normal(0.0, 2.0);
                (piece.as_str(), if take.vary { (speed, gain_db) } else { (1.0, 0.0) })
            })
            .collect();
        // So are the gains of every mic for the pieces of other mics. Overheads get no such gains.
        let bleed_gains: BTreeMap<&str, Vec<f64>> = self
            .hits
            .keys()
            .map(|piece| {
                let mut draw = |&mic: &usize| {
                    let own = MICS[mic].1;
                    // Drawn for training only, so that the takes of the benchmark never change.
                    let bleeds = take.vary && !own.is_empty() && !own.contains(&piece.as_str());
                    if bleeds { db_to_lin(random.normal(0.0, BLEED_SPREAD_DB)) } else { 1.0 }
                };
                (piece.as_str(), kept.iter().map(&mut draw).collect())
            })
            .collect();
        let mut resampled: BTreeMap<(&str, usize), Vec<Vec<f32>>> = BTreeMap::new();
        let mut mics = vec![vec![0.0; num_samples]; kept.len()];
        let mut targets = mics.clone();
        let mut made_of = BTreeSet::new();
        for (position, stroke) in strokes.iter().enumerate() {
            let piece = folder_of(stroke.piece, random);
            let (wobble, loudness_db) = (random.normal(0.0, 0.12), random.normal(0.0, 0.7));
            let Some(hits) = self.hits.get(piece) else { continue };
            let wanted = stroke.strength + wobble;
            let nearest = |a: &&Hit, b: &&Hit| {
                (a.strength - wanted).abs().total_cmp(&(b.strength - wanted).abs())
            };
            let Some(hit) = hits.iter().min_by(nearest) else { continue };
            let (speed, gain_db) = tunings.get(piece).copied().unwrap_or((1.0, 0.0));
            let index = hits.iter().position(|other| other.name == hit.name).unwrap_or(0);
            let sounds = resampled.entry((piece, index)).or_insert_with(|| {
                let channels: Vec<&[f32]> =
                    kept.iter().map(|&mic| hit.sound.channels[mic].as_slice()).collect();
                resample(&channels, rate_step * speed)
            });
            made_of.insert(format!("kit {}/{piece}/{}", self.name, hit.name));
            let regain_db = (STRENGTH_RANGE_DB * (stroke.strength - hit.strength))
                .clamp(-MOST_REGAIN_DB, MOST_REGAIN_DB);
            let gain = db_to_lin(gain_db + regain_db + loudness_db);
            let mut choked = None;
            if stroke.piece == Piece::OpenHat {
                let mut sound = Sound { rate_hz, channels: sounds.clone() };
                end_open_hat(&mut sound, stroke, &strokes[position..]);
                choked = Some(sound.channels);
            }
            let channels: &[Vec<f32>] = choked.as_deref().unwrap_or(sounds);
            let at = to_index(stroke.at_s * f64::from(rate_hz));
            for (slot, &mic) in kept.iter().enumerate() {
                let heard = gain * bleed_gains.get(piece).map_or(1.0, |gains| gains[slot]);
                add_at(&mut mics[slot], &channels[slot], at, heard);
                if MICS[mic].1.contains(&piece) {
                    add_at(&mut targets[slot], &channels[slot], at, gain);
                }
            }
        }
        for (mic, target) in mics.iter_mut().zip(&mut targets) {
            let gain = to_f32(db_to_lin(random.between(-6.0, 6.0)));
            mic.iter_mut().chain(target).for_each(|sample| *sample *= gain);
        }
        let mut info = SceneInfo {
            names: kept.iter().map(|&mic| MICS[mic].0.to_owned()).collect(),
            groups: groups_of(&kept),
            ..SceneInfo::default()
        };
        let made_of: Vec<String> = made_of.into_iter().collect();
        let room_mics: Vec<usize> = (num_close + 1..=kept.len()).collect();
        info.drawn.insert("tempo_bpm".to_owned(), tempo_bpm.into());
        info.drawn.insert("made_of".to_owned(), made_of.into());
        info.drawn.insert("room_mics".to_owned(), room_mics.into());
        let mut scene = Scene { info, rate_hz, mics, targets };
        scene.scale_to_peak(0.9);
        scene.measure_input();
        Ok(scene)
    }
}

/// Ends an open hat at the next closed stroke, in all mics alike.
fn end_open_hat(sound: &mut Sound, open: &Stroke, later: &[Stroke]) {
    let Some(close) = later.iter().find(|stroke| stroke.piece == Piece::ClosedHat) else {
        return;
    };
    let rate = f64::from(sound.rate_hz);
    let start = to_index((close.at_s - open.at_s) * rate);
    let fade = CHOKE_FADE_S * rate;
    for channel in &mut sound.channels {
        for (age, sample) in channel.iter_mut().skip(start).enumerate() {
            *sample *= to_f32((1.0 - age as f64 / fade).max(0.0));
        }
    }
}

fn sorted_entries(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn folder_of(piece: Piece, random: &mut Random) -> &'static str {
    match piece {
        Piece::Kick => "KdrumL",
        Piece::SecondKick => "KdrumR",
        Piece::Snare => "Snare",
        Piece::ClosedHat => "HihatClosed",
        Piece::OpenHat => "HihatOpen",
        Piece::Ride => random.pick(&["RideR", "RideR", "RideL"]),
        Piece::RideBell => random.pick(&["RideRBell", "RideRBell", "RideLBell"]),
        Piece::Crash => random.pick(&["CrashL", "CrashR"]),
        Piece::China => "China",
        Piece::Tom(index) => ["Tom1", "Tom2", "Tom3", "Tom4"][index.min(3)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kit whose mic `m` records piece `p` as one impulse of height `1 / (1 + p + m)`.
    fn clicking_kit() -> Kit {
        let pieces = MICS[..NUM_CLOSE_MICS].iter().flat_map(|(_, pieces)| pieces.iter());
        let extra = ["CrashL", "CrashR", "China"];
        let hits = pieces
            .chain(&extra)
            .enumerate()
            .map(|(p, piece)| {
                let channels =
                    (0..MICS.len()).map(|m| vec![1.0 / (1 + p + m) as f32, 0.0, 0.0]).collect();
                let sound = Sound { rate_hz: 8_000, channels };
                let hit = Hit { name: "01".to_owned(), strength: 0.5, sound };
                ((*piece).to_owned(), vec![hit])
            })
            .collect();
        Kit { name: "clicks".to_owned(), rate_hz: 8_000, hits }
    }

    #[test]
    fn every_target_is_heard_in_its_mic_and_bleed_is_the_rest() {
        // At the kit's own rate and speed, an impulse stays an impulse.
        let request = KitRequest {
            num_samples: 64_000,
            rate_hz: 8_000,
            num_close_mics: None,
            overheads: false,
        };
        let take = KitTake { request: &request, vary: false };
        let scene = clicking_kit().take(&take, &mut Random::new(5)).unwrap();
        assert_eq!(scene.mics.len(), NUM_CLOSE_MICS);
        assert_eq!(scene.info.groups, vec![vec![1, 2], vec![3, 4], vec![10, 11]]);
        for (mic, target) in scene.mics.iter().zip(&scene.targets) {
            assert_eq!(mic.len(), 64_000);
            assert_ne!(mic, target, "real kits always bleed");
            for (&heard, &own) in mic.iter().zip(target) {
                // All impulses are positive, so a target can never exceed its mic.
                assert!(heard >= own - 1e-6 && own >= 0.0);
            }
        }
        // Both kick mics are set up for the same drum, so they are silent together.
        for (left, right) in scene.targets[0].iter().zip(&scene.targets[1]) {
            assert_eq!(*left > 0.0, *right > 0.0);
        }
    }

    #[test]
    fn a_closing_hat_ends_the_open_one() {
        let mut sound = Sound { rate_hz: 8_000, channels: vec![vec![1.0; 8_000]] };
        let at = |at_s, piece| Stroke { at_s, piece, strength: 0.5 };
        let strokes = [at(1.0, Piece::OpenHat), at(1.5, Piece::ClosedHat)];
        end_open_hat(&mut sound, &strokes[0], &strokes);
        assert_eq!(sound.channels[0][3_999], 1.0);
        assert!((sound.channels[0][4_240] - 0.5).abs() < 1e-6, "half way through the fade");
        assert_eq!(sound.channels[0][4_500], 0.0);
    }

    fn request(num_close_mics: Option<usize>, overheads: bool) -> KitRequest {
        KitRequest { num_samples: 96_000, rate_hz: 12_000, num_close_mics, overheads }
    }

    #[test]
    fn a_take_has_the_mics_asked_for_and_repeats_by_seed() {
        let kit = clicking_kit();
        let (few, all) = (request(Some(3), false), request(None, true));
        let play = |request, vary, seed| {
            kit.take(&KitTake { request, vary }, &mut Random::new(seed)).unwrap()
        };
        let mut usual = 0;
        for seed in 0..40 {
            let names = play(&few, true, seed).info.names;
            let basic =
                |name: &String| ["KdrumL", "KdrumR", "Snare_top", "Hihat"].contains(&name.as_str());
            usual += usize::from(names.iter().all(basic));
            assert_eq!(names.len(), 3);
        }
        assert!((20..40).contains(&usual), "kick, snare and hat in {usual} of 40");
        let scene = play(&all, true, 7);
        assert_eq!(scene, play(&all, true, 7));
        assert_ne!(scene.mics, play(&all, true, 8).mics);
        assert_eq!((scene.mics.len(), scene.mics[0].len(), scene.rate_hz), (13, 96_000, 12_000));
        assert_eq!(scene.info.drawn["room_mics"], serde_json::json!([12, 13]));
        assert!(scene.targets[12].iter().all(|&x| x == 0.0), "overheads own no drum");
        assert!(play(&all, false, 7) != scene, "to learn from, pieces are tuned");
        let line = kit
            .take(&KitTake { request: &request(Some(12), false), vary: true }, &mut Random::new(1));
        assert!(line.unwrap_err().to_string().contains("1 to 11 close mics"));
    }

    fn likeness(a: &[f32], b: &[f32]) -> f64 {
        let dot = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
        };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn to_learn_from_close_mics_hear_other_pieces_at_levels_of_their_own() {
        let mut kit = clicking_kit();
        kit.hits.retain(|piece, _| ["Snare", "HihatClosed"].contains(&piece.as_str()));
        for (piece, step) in [("Snare", 0.3_f32), ("HihatClosed", 0.5)] {
            let wave: Vec<f32> = (0..900).map(|n| (n as f32 * step).sin()).collect();
            let sound = &mut kit.hits.get_mut(piece).unwrap()[0].sound;
            sound.channels.fill(wave);
        }
        let (request, names) = (request(None, true), MICS.map(|(name, _)| name));
        let at = |name: &str| names.iter().position(|&other| other == name).unwrap();
        let play = |vary| kit.take(&KitTake { request: &request, vary }, &mut Random::new(2));
        for (vary, a, b, alike) in [
            (true, "Tom1", "Tom2", false),
            (true, "OHL", "OHR", true),
            (true, "Snare_top", "Snare_bottom", false),
            (false, "Tom1", "Tom2", true),
        ] {
            let scene = play(vary).unwrap();
            let found = likeness(&scene.mics[at(a)], &scene.mics[at(b)]);
            assert_eq!(found > 0.999_999, alike, "{a}, {b}: {found}");
            // Both mics received the same own pieces, regardless of the gains.
            let own = likeness(&scene.targets[at("Snare_top")], &scene.targets[at("Snare_bottom")]);
            assert!(own > 0.999_999, "{own}");
        }
    }

    #[test]
    fn a_hit_is_tuned_alike_in_all_mics_and_pieces_without_hits_are_silent() {
        let mut kit = clicking_kit();
        kit.hits.retain(|piece, _| piece == "Snare");
        let wave: Vec<f32> = (0..900).map(|n| (n as f32 * 0.3).sin()).collect();
        let sound = &mut kit.hits.get_mut("Snare").unwrap()[0].sound;
        for (mic, channel) in sound.channels.iter_mut().enumerate() {
            *channel = wave.iter().map(|x| x / (1 + mic) as f32).collect();
        }
        let scene = kit
            .take(&KitTake { request: &request(None, false), vary: true }, &mut Random::new(2))
            .unwrap();
        for mic in &scene.mics {
            let likeness = likeness(&scene.mics[0], mic);
            assert!(likeness > 0.999_999, "{likeness}");
        }
        assert!(scene.targets[0].iter().all(|&x| x == 0.0), "no kick");
        assert_eq!(scene.targets[2], scene.mics[2], "the snare alone");
    }

    #[test]
    fn every_hit_has_one_split_and_few_hits_go_to_train_first() {
        for count in 1..12 {
            let dealt: Vec<Split> = (0..count).map(|place| split_of_hit(place, count)).collect();
            let num = |split| dealt.iter().filter(|&&own| own == split).count();
            assert!(num(Split::Train) >= num(Split::Test), "{count}");
            assert!(num(Split::Test) >= num(Split::Validation) || count > 4, "{count}");
            assert_eq!(num(Split::Train) > 0 && num(Split::Test) > 0, count > 1);
            assert_eq!(num(Split::Validation) > 0, count > 2);
        }
    }
}
