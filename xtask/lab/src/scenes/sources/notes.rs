//! Folders of recorded single notes, strokes or phrases of one instrument.

use super::pitch::{heard_key, named_key, naming_offset};
use super::presets::Role;
use crate::convert::{to_f32, to_index};
use crate::scenes::split::{Shares, Split};
use crate::sound_file;
use crate::soundfont::to_mono;
use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Onset threshold as a share of the sound's peak amplitude.
const ONSET_SHARE: f32 = 0.02;
/// Length kept before the onset in seconds, with a fade-in.
const LEAD_S: f64 = 0.004;
/// Fade-in time in seconds of loops, which start in the middle of a note.
const LOOP_ATTACK_S: f64 = 0.04;
/// Length of the gaps that separate phrases, in seconds.
const GAP_S: f64 = 0.2;
/// Maximum level within a gap, as a share of the recording's peak amplitude.
const GAP_SHARE: f32 = 0.03;
/// Lower limit of the assumed level of a sound, as a share of the loudest of its folder. It limits
/// the gain of soft sounds, so that their noise stays low.
const LEAST_LOUD_SHARE: f64 = 0.2;
/// Minimum length of a phrase in seconds; shorter ones are left out.
const LEAST_PHRASE_S: f64 = 0.35;

/// Words in a folder's name and the instruments they stand for. The first match counts.
const WORDS: [(&str, Role); 32] = [
    ("pizz", Role::Upright),
    ("doublebass", Role::LowString),
    ("contrabass", Role::LowString),
    ("violin", Role::HighString),
    ("viola", Role::HighString),
    ("cello", Role::LowString),
    ("barisax", Role::LowWind),
    ("tensax", Role::LowWind),
    ("bassoon", Role::LowWind),
    ("bassclarinet", Role::LowWind),
    ("sax", Role::HighWind),
    ("flute", Role::HighWind),
    ("oboe", Role::HighWind),
    ("clarinet", Role::HighWind),
    ("trumpet", Role::HighBrass),
    ("trombone", Role::LowBrass),
    ("horn", Role::LowBrass),
    ("tuba", Role::LowBrass),
    ("ebass", Role::Bass),
    ("eguitar", Role::ElectricGuitar),
    ("electricguitar", Role::ElectricGuitar),
    ("nylon", Role::Acoustic),
    ("archtop", Role::Acoustic),
    ("guitar", Role::Acoustic),
    ("piano", Role::Piano),
    ("marimba", Role::Mallet),
    ("vibraphone", Role::Mallet),
    ("vo", Role::Voice),
    ("sing", Role::Voice),
    ("cajon", Role::Percussion),
    ("perc", Role::Percussion),
    ("bobobo", Role::Percussion),
];

/// Instruments with a fixed split. They give each split some real recordings and keep the two
/// playing styles of one instrument together.
///
/// The hash of its name determines the split of any other instrument. A leading `dry_` is ignored.
const DEALT: [(&str, Split); 18] = [
    ("archtop_mic", Split::Test),
    ("barisax", Split::Train),
    ("bobobo", Split::Test),
    ("bodyperc", Split::Validation),
    ("cajon", Split::Train),
    ("cello_loops", Split::Test),
    ("doublebass_arco", Split::Train),
    ("doublebass_pizz", Split::Train),
    ("ebass_swag", Split::Train),
    ("eguitar_green", Split::Train),
    ("nylon", Split::Validation),
    ("piano_kw", Split::Train),
    ("sopsax", Split::Test),
    ("tensax", Split::Train),
    ("tuba_stac", Split::Train),
    ("tuba_sus", Split::Train),
    ("violin_iowa", Split::Train),
    ("voice_vocadito1", Split::Train),
];

/// A recorded sound.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Name of the sound in `made_of`.
    pub(crate) label: String,
    /// `[sample]`, trimmed to the onset.
    pub(crate) sound: Vec<f32>,
    pub(crate) rate_hz: u32,
    /// MIDI key with its fraction; 0 for strokes and phrases.
    pub(crate) key: f64,
    /// RMS of the loud parts, raised for the softest sounds.
    pub(crate) loud: f64,
    /// Rank in loudness within the folder, from 0 for the softest to 1 for the loudest.
    pub(crate) rank: f64,
    /// Common name of the strokes of one kind, such as `cajon_sl4`.
    pub(crate) kind: String,
}

/// An instrument.
#[derive(Clone, Debug)]
pub(crate) struct NoteFolder {
    pub(crate) role: Role,
    pub(crate) sounds: Vec<Recorded>,
}

impl NoteFolder {
    /// Returns the size of the decoded sound in bytes.
    pub(crate) fn num_bytes(&self) -> usize {
        self.sounds.iter().map(|recorded| recorded.sound.len() * size_of::<f32>()).sum()
    }

    /// Returns the lowest and the highest recorded key.
    pub(crate) fn range(&self) -> (f64, f64) {
        let keys = self.sounds.iter().map(|recorded| recorded.key);
        (keys.clone().fold(f64::INFINITY, f64::min), keys.fold(f64::NEG_INFINITY, f64::max))
    }
}

/// Loads all instruments of a split from folders. Each folder is an instrument or contains several.
pub(crate) fn load(folders: &[PathBuf], split: Split) -> Result<Vec<NoteFolder>> {
    let mut instruments = Vec::new();
    for folder in folders {
        instruments.extend(instruments_in(folder)?);
    }
    let wanted: Vec<_> =
        instruments.into_iter().filter(|instrument| instrument.split == split).collect();
    wanted.par_iter().map(read).collect()
}

/// A folder of notes whose sounds are not loaded yet.
struct Found {
    name: String,
    role: Role,
    split: Split,
    files: Vec<PathBuf>,
}

fn instruments_in(folder: &Path) -> Result<Vec<Found>> {
    let (files, folders) = entries(folder)?;
    if !files.is_empty() {
        return Ok(vec![found(folder, files)?]);
    }
    let mut instruments = Vec::new();
    for folder in folders {
        let (files, _) = entries(&folder)?;
        if !files.is_empty() {
            instruments.push(found(&folder, files)?);
        }
    }
    ensure!(
        !instruments.is_empty(),
        "no <instrument>/<note>.wav or .flac in {}: \
         a folder of notes contains one instrument, or one folder per instrument",
        folder.display()
    );
    Ok(instruments)
}

fn found(folder: &Path, files: Vec<PathBuf>) -> Result<Found> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let short = name.strip_prefix("dry_").unwrap_or(&name);
    let words: String = short.to_ascii_lowercase().replace(['_', '-', ' '], "");
    let Some((_, role)) = WORDS.iter().find(|(word, _)| words.contains(word)) else {
        let known: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
        bail!(
            "{}: unknown instrument; the name must contain one of {}",
            folder.display(),
            known.join(" ")
        );
    };
    let dealt = DEALT.iter().find(|(known, _)| *known == short);
    let split = match dealt {
        Some((_, split)) => *split,
        // A single recording cannot be divided; training needs it most.
        None if files.len() == 1 => Split::Train,
        None => Split::of_name(short, Shares::USUAL),
    };
    Ok(Found { name, role: *role, split, files })
}

/// Returns the sorted sound files and folders of a folder.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let context = || format!("could not read the folder of notes {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context)? {
        paths.push(entry.with_context(context)?.path());
    }
    paths.sort();
    let is_sound = |path: &PathBuf| audiofile::has_sound_extension(path);
    let folders = paths.iter().filter(|path| path.is_dir()).cloned().collect();
    Ok((paths.into_iter().filter(|path| is_sound(path) && path.is_file()).collect(), folders))
}

fn read(found: &Found) -> Result<NoteFolder> {
    let Found { name, role, files, .. } = found;
    let mut sounds = Vec::with_capacity(files.len());
    let mut names = Vec::new();
    for path in files {
        if *role == Role::Percussion && is_no_stroke(path) {
            continue;
        }
        let sound = sound_file::read(path)?;
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let rate_hz = sound.rate_hz;
        let mono = first_two_to_mono(sound.channels);
        let label = format!("notes {name}/{file}");
        let recorded = |sound: Vec<f32>| {
            let loud = super::levels::loud_part(&sound, rate_hz);
            let kind = kind_of(stem);
            Recorded { label: label.clone(), sound, rate_hz, key: 0.0, loud, rank: 0.0, kind }
        };
        if *role == Role::Voice {
            sounds.extend(phrases(&mono, rate_hz).into_iter().map(recorded));
        } else {
            let attack_s = if name.contains("loop") { LOOP_ATTACK_S } else { LEAD_S };
            let trimmed = trim(&mono, rate_hz, attack_s);
            names.push((named_key(stem), heard_key(&trimmed, rate_hz)));
            sounds.push(recorded(trimmed));
        }
    }
    if !matches!(role, Role::Voice | Role::Percussion) {
        sounds = with_keys(sounds, &names);
    }
    sounds.retain(|recorded| recorded.loud > 0.0);
    ensure!(!sounds.is_empty(), "{name}: no file has a pitch in its name or a detectable pitch");
    let mut order: Vec<usize> = (0..sounds.len()).collect();
    order.sort_by(|&a, &b| sounds[a].loud.total_cmp(&sounds[b].loud));
    for (place, &index) in order.iter().enumerate() {
        sounds[index].rank = (place as f64 + 0.5) / order.len() as f64;
    }
    let loudest = sounds.iter().fold(0.0_f64, |top, recorded| top.max(recorded.loud));
    for recorded in &mut sounds {
        recorded.loud = recorded.loud.max(LEAST_LOUD_SHARE * loudest);
    }
    Ok(NoteFolder { role: *role, sounds })
}

/// Assigns keys to the sounds. If some file names contain a pitch, files without one are dropped.
fn with_keys(sounds: Vec<Recorded>, names: &[(Option<f64>, Option<f64>)]) -> Vec<Recorded> {
    let pairs: Vec<(f64, f64)> =
        names.iter().filter_map(|(named, heard)| Some(((*named)?, (*heard)?))).collect();
    let any_named = names.iter().any(|(named, _)| named.is_some());
    let offset = naming_offset(&pairs);
    let keyed = sounds.into_iter().zip(names).filter_map(|(mut recorded, (named, heard))| {
        recorded.key = match (named.map(|named| named + offset), heard) {
            // The sound determines the tuning; the name selects the semitone.
            (Some(named), Some(heard)) if (heard - named).abs() < 0.5 => *heard,
            (Some(named), _) => named,
            (None, Some(heard)) if !any_named => *heard,
            (None, _) => return None,
        };
        Some(recorded)
    });
    keyed.collect()
}

/// True for releases and loops of percussion.
fn is_no_stroke(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.split('_').any(|token| {
        token == "rel" || token.strip_prefix("lp").is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

/// Returns the common name of all strokes of a kind, without velocity, take and hand.
fn kind_of(stem: &str) -> String {
    let counts = |token: &&str| {
        let numbered = |prefix: &str| {
            token.strip_prefix(prefix).is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        !(numbered("vl") || numbered("rr") || ["l", "r", "cnd"].contains(token))
    };
    stem.split('_').filter(counts).collect::<Vec<_>>().join("_")
}

pub(super) fn first_two_to_mono(mut channels: Vec<Vec<f32>>) -> Vec<f32> {
    let first = channels.swap_remove(0);
    match channels.first() {
        Some(second) => to_mono(first, second),
        None => first,
    }
}

/// Trims a sound to its onset and fades it in.
fn trim(sound: &[f32], rate_hz: u32, attack_s: f64) -> Vec<f32> {
    let peak = sound.iter().fold(0.0_f32, |top, x| top.max(x.abs()));
    let onset = sound.iter().position(|x| x.abs() > ONSET_SHARE * peak).unwrap_or(0);
    let lead = to_index(LEAD_S * f64::from(rate_hz));
    let mut trimmed = sound[onset.saturating_sub(lead)..].to_vec();
    fade_in(&mut trimmed, to_index(attack_s * f64::from(rate_hz)).min(onset.max(lead)));
    trimmed
}

pub(super) fn fade_in(sound: &mut [f32], fade: usize) {
    for (age, sample) in sound.iter_mut().take(fade).enumerate() {
        let angle = std::f64::consts::PI * age as f64 / fade as f64;
        *sample *= to_f32(0.5 - 0.5 * angle.cos());
    }
}

pub(super) fn fade_out(sound: &mut [f32], fade: usize) {
    let fade = fade.min(sound.len());
    let start = sound.len() - fade;
    for (age, sample) in sound[start..].iter_mut().enumerate() {
        let angle = std::f64::consts::PI * (age + 1) as f64 / fade as f64;
        *sample *= to_f32(0.5 + 0.5 * angle.cos());
    }
}

/// Splits a recording at its gaps.
fn phrases(sound: &[f32], rate_hz: u32) -> Vec<Vec<f32>> {
    let window = to_index(0.01 * f64::from(rate_hz)).max(1);
    let peaks: Vec<f32> = sound
        .chunks(window)
        .map(|chunk| chunk.iter().fold(0.0_f32, |top, x| top.max(x.abs())))
        .collect();
    let threshold = GAP_SHARE * peaks.iter().fold(0.0_f32, |top, &x| top.max(x));
    let gap = to_index(GAP_S / 0.01);
    let mut phrases = Vec::new();
    let mut start = None;
    let mut quiet = 0;
    for (place, &peak) in peaks.iter().chain(std::iter::repeat_n(&0.0, gap)).enumerate() {
        if peak > threshold {
            start.get_or_insert(place);
            quiet = 0;
            continue;
        }
        quiet += 1;
        if quiet >= gap
            && let Some(from) = start.take()
        {
            let to = place + 1 - quiet;
            let from_sample = from.saturating_sub(2) * window;
            let mut phrase = sound[from_sample..((to + 4) * window).min(sound.len())].to_vec();
            if phrase.len() as f64 >= LEAST_PHRASE_S * f64::from(rate_hz) {
                fade_in(&mut phrase, 2 * window);
                fade_out(&mut phrase, 3 * window);
                phrases.push(phrase);
            }
        }
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_file::write_wav;

    fn tone(key: f64, num: usize) -> Vec<f32> {
        let freq = 440.0 * ((key - 69.0) / 12.0).exp2() / 22_050.0;
        let at = |n: usize, k: f64| (std::f64::consts::TAU * k * freq * n as f64).sin() / k;
        (0..num).map(|n| to_f32(0.2 * (at(n, 1.0) + at(n, 2.0)))).collect()
    }

    #[test]
    fn a_folder_of_notes_finds_its_octave_and_skips_what_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("my_violin");
        std::fs::create_dir(&at).unwrap();
        // This library names middle C c3.
        for (name, key) in [("a3", 69.0), ("c4", 72.0), ("e4", 76.0)] {
            let mut sound = vec![0.0; 2_000];
            sound.extend(tone(key, 12_000));
            write_wav(&at.join(format!("{name}.wav")), &sound, 22_050).unwrap();
        }
        write_wav(&at.join("about.wav"), &tone(50.0, 8_000), 22_050).unwrap();
        let split = Split::of_name("my_violin", Shares::USUAL);
        let loaded = load(&[folder.path().to_owned()], split).unwrap();
        assert_eq!(loaded.len(), 1);
        let NoteFolder { role, sounds } = &loaded[0];
        assert_eq!((*role, sounds.len()), (Role::HighString, 3));
        for (recorded, key) in sounds.iter().zip([69.0, 72.0, 76.0]) {
            assert!((recorded.key - key).abs() < 0.2, "{} {}", recorded.label, recorded.key);
            assert!(recorded.sound.len() < 12_200, "trimmed to its onset");
        }
        for other in Split::ALL.into_iter().filter(|&other| other != split) {
            assert!(load(&[folder.path().to_owned()], other).unwrap().is_empty());
        }
    }

    #[test]
    fn folders_that_say_nothing_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let line =
            |path: &Path| format!("{:#}", load(&[path.to_owned()], Split::Train).unwrap_err());
        assert!(line(folder.path()).contains("no <instrument>/<note>"));
        assert!(line(&folder.path().join("none")).contains("none"));
        let at = folder.path().join("kazoo");
        std::fs::create_dir(&at).unwrap();
        write_wav(&at.join("a4.wav"), &tone(69.0, 5_000), 22_050).unwrap();
        let text = line(folder.path());
        assert!(
            text.contains("kazoo") && text.contains("violin") && !text.contains('\n'),
            "{text}"
        );
    }

    #[test]
    fn a_long_recording_is_cut_at_its_gaps() {
        let mut sound = vec![0.0; 5_000];
        for _ in 0..3 {
            sound.extend(tone(60.0, 15_000));
            sound.extend([0.0; 6_000]);
        }
        let cut = phrases(&sound, 22_050);
        assert_eq!(cut.len(), 3);
        assert!(cut.iter().all(|phrase| (15_000..17_000).contains(&phrase.len())));
        assert_eq!((cut[1][0], *cut[1].last().unwrap()), (0.0, 0.0));
    }

    #[test]
    fn strokes_of_one_kind_are_told_by_their_names() {
        assert_eq!(kind_of("cajon_sl4_vl3_rr1_cnd"), "cajon_sl4");
        assert_eq!(kind_of("bellyside_r_vl2_rr5"), "bellyside");
    }
}
