//! Excerpts of a user's own songs, with one isolated stem per part.

use super::config::{StemFolder, StemLayout};
use super::levels::{loud_part, set_level, typical_db_spl};
use super::notes::{fade_in, fade_out, first_two_to_mono};
use super::presets::Role;
use super::resample::resample_one;
use super::{Family, MOST_STEMS, Part, PlayRequest};
use crate::convert::to_index;
use crate::random::Random;
use crate::scenes::split::{Shares, Split};
use anyhow::{Context, Result, bail, ensure};
use audiofile::AudioReader;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Minimum level of the loud parts of a playing stem, as an RMS. Softer stems are noise and keep
/// their level.
const LEAST_LOUD: f64 = 1e-3;
/// Length of the fades at both ends of an excerpt, in seconds.
const FADE_S: f64 = 0.01;
/// Maximum number of excerpts tried to find one in which enough parts play.
const MOST_TRIES: usize = 4;
/// Number of samples per read while skipping to an excerpt.
const SKIP_SAMPLES: usize = 1 << 16;
/// Level of a whole kit in one stem relative to percussion by hand, in dB.
const WHOLE_KIT_DB: f64 = 13.0;

/// A song with its stems.
#[derive(Clone, Debug)]
pub(crate) struct Song {
    /// Collection and song, as in `made_of`.
    name: String,
    stems: Vec<Stem>,
}

#[derive(Clone, Debug)]
struct Stem {
    path: PathBuf,
    /// Name of the instrument in the collection.
    instrument: String,
}

/// Lists the songs of a split.
pub(crate) fn load(folders: &[StemFolder], split: Split) -> Result<Vec<Song>> {
    let mut songs = Vec::new();
    for folder in folders {
        let found = songs_in(folder).with_context(|| {
            format!("the stems in {} (layout {})", folder.path.display(), folder.layout.name())
        })?;
        songs.extend(found.into_iter().filter(|(_, own)| *own == split).map(|(song, _)| song));
    }
    Ok(songs)
}

/// Lists the songs with at least two stems, and their splits.
fn songs_in(folder: &StemFolder) -> Result<Vec<(Song, Split)>> {
    let collection =
        folder.path.file_name().and_then(|name| name.to_str()).unwrap_or("stems").to_owned();
    let tops: Vec<(PathBuf, Option<Split>)> = match folder.layout {
        // The collection's own test songs remain test songs; none of its other songs go to test.
        StemLayout::Musdb => [("train", Split::Train), ("test", Split::Test)]
            .into_iter()
            .filter(|(name, _)| folder.path.join(name).is_dir())
            .map(|(name, split)| (folder.path.join(name), Some(split)))
            .collect(),
        _ => vec![(folder.path.clone(), None)],
    };
    let tops = if tops.is_empty() { vec![(folder.path.clone(), None)] } else { tops };
    let mut songs = Vec::new();
    let mut num_folders = 0;
    for (top, given) in tops {
        for path in listed(&top)?.into_iter().filter(|path| path.is_dir()) {
            num_folders += 1;
            let name = name_of(&path);
            let stems = stems_in(&path, &name, folder.layout)?;
            let split = match given {
                Some(Split::Train) => Split::of_name(&name, Shares { validation: 12, test: 0 }),
                Some(split) => split,
                None => Split::of_name(&name, Shares::USUAL),
            };
            if stems.len() >= 2 {
                songs.push((Song { name: format!("{collection}/{name}"), stems }, split));
            }
        }
    }
    ensure!(
        !songs.is_empty(),
        "expected {}, found {num_folders} folders, none with two such files",
        expected(folder.layout)
    );
    Ok(songs)
}

fn expected(layout: StemLayout) -> &'static str {
    match layout {
        StemLayout::Musdb => "[train|test]/<song>/{drums,bass,other,vocals}.wav",
        StemLayout::Urmp => "<piece>/AuSep_<number>_<instrument>_<piece>.wav",
        StemLayout::Medleydb => {
            "<song>/<song>_STEMS/<song>_STEM_<number>.wav beside <song>/<song>_METADATA.yaml with \
             has_bleed: 'no'"
        }
        StemLayout::Synthsod => "<song>/Tree/<instrument>.flac",
        StemLayout::Plain => "<song>/<instrument>.wav or .flac",
    }
}

fn stems_in(folder: &Path, song: &str, layout: StemLayout) -> Result<Vec<Stem>> {
    let stem = |path: &PathBuf, instrument: &str| Stem {
        path: path.clone(),
        instrument: instrument.to_owned(),
    };
    Ok(match layout {
        StemLayout::Musdb => ["drums", "bass", "other", "vocals"]
            .into_iter()
            .map(|name| stem(&folder.join(format!("{name}.wav")), name))
            .filter(|stem| stem.path.is_file())
            .collect(),
        StemLayout::Urmp => sounds(folder)?
            .iter()
            .filter_map(|path| {
                let rest = path.file_name()?.to_str()?.strip_prefix("AuSep_")?;
                let instrument = rest.split('_').nth(1)?;
                Some(stem(path, instrument))
            })
            .collect(),
        StemLayout::Medleydb => medleydb_stems(folder, song)?,
        StemLayout::Synthsod => {
            let tree = folder.join("Tree");
            let files = if tree.is_dir() { sounds(&tree)? } else { Vec::new() };
            files.iter().map(|path| stem(path, &stem_of(path))).collect()
        }
        StemLayout::Plain => sounds(folder)?
            .iter()
            .filter(|path| !["mixture", "mix", "master"].contains(&stem_of(path).as_str()))
            .map(|path| stem(path, &stem_of(path)))
            .collect(),
    })
}

/// Returns the stems of a MedleyDB song, or none if they bleed.
///
/// Only three kinds of metadata lines are parsed: `has_bleed`, and the `filename` and `instrument`
/// of every stem.
fn medleydb_stems(folder: &Path, song: &str) -> Result<Vec<Stem>> {
    let path = folder.join(format!("{song}_METADATA.yaml"));
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("could not read {}", path.display()))?;
    let mut has_bleed = None;
    let mut file: Option<(usize, String)> = None;
    let mut stems = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let value = value.trim().trim_matches(['\'', '"']);
        match key {
            "has_bleed" => has_bleed = Some(value.eq_ignore_ascii_case("yes")),
            "filename" if value.contains("_STEM_") => file = Some((indent, value.to_owned())),
            "instrument" => {
                if let Some((_, name)) = file.take_if(|(of_file, _)| *of_file == indent) {
                    let path = folder.join(format!("{song}_STEMS")).join(name);
                    stems.push(Stem { path, instrument: value.to_owned() });
                }
            }
            _ => {}
        }
    }
    match has_bleed {
        Some(true) => return Ok(Vec::new()),
        Some(false) => {}
        None => bail!("{}: has_bleed is missing", path.display()),
    }
    if let Some(missing) = stems.iter().find(|stem| !stem.path.is_file()) {
        bail!("{}: {} does not exist", path.display(), missing.path.display());
    }
    Ok(stems)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let context = || format!("could not read {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context)? {
        paths.push(entry.with_context(context)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn sounds(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = listed(folder)?;
    paths.retain(|path| path.is_file() && audiofile::has_sound_extension(path));
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
}

fn stem_of(path: &Path) -> String {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned()
}

/// Returns the maximum number of parts among these songs.
pub(crate) fn most_parts(songs: &[Song]) -> usize {
    songs.iter().map(|song| song.stems.len()).max().unwrap_or(0).min(MOST_STEMS)
}

/// Plays an excerpt of a song with enough stems.
pub(crate) fn play(
    songs: &[Song],
    request: &PlayRequest<'_>,
    random: &mut Random,
) -> Result<Vec<Part>> {
    let fitting: Vec<&Song> =
        songs.iter().filter(|song| song.stems.len() >= request.num_parts).collect();
    ensure!(
        !fitting.is_empty(),
        "{} stems are requested, but the songs of this split have at most {}",
        request.num_parts,
        most_parts(songs)
    );
    let song = fitting[random.index(fitting.len())];
    let mut order: Vec<usize> = (0..song.stems.len()).collect();
    random.shuffle(&mut order);
    order.truncate(request.num_parts);
    let chosen: Vec<&Stem> = order.iter().map(|&index| &song.stems[index]).collect();
    let mut places = Vec::new();
    for stem in &chosen {
        let reader = AudioReader::open(&stem.path)?;
        places.push(reader.num_samples() as f64 / f64::from(reader.rate_hz()));
    }
    let shortest_s = places.into_iter().fold(f64::INFINITY, f64::min);
    let latest_s = (shortest_s - request.num_samples as f64 / f64::from(request.rate_hz)).max(0.0);
    let mut best: (usize, Vec<Vec<f32>>) = (0, Vec::new());
    for _ in 0..MOST_TRIES {
        let from_s = random.between(0.0, latest_s);
        let sounds: Vec<Vec<f32>> =
            chosen.par_iter().map(|stem| excerpt(stem, from_s, request)).collect::<Result<_>>()?;
        let playing = sounds.iter().filter(|s| loud_part(s, request.rate_hz) > LEAST_LOUD).count();
        if best.1.is_empty() || playing > best.0 {
            best = (playing, sounds);
        }
        if best.0 >= request.num_parts.min(2).max(request.num_parts * 2 / 3) {
            break;
        }
    }
    let parts = chosen.into_iter().zip(best.1).map(|(stem, mut dry)| {
        let (family, extra_db) = family_of(&stem.instrument);
        if loud_part(&dry, request.rate_hz) > LEAST_LOUD {
            let level = typical_db_spl(family, Role::Percussion) + extra_db;
            set_level(&mut dry, request.rate_hz, level, random);
        }
        Part {
            name: stem.instrument.clone(),
            family,
            dry,
            made_of: vec![format!("stem {}/{}", song.name, name_of(&stem.path))],
        }
    });
    Ok(parts.collect())
}

fn excerpt(stem: &Stem, from_s: f64, request: &PlayRequest<'_>) -> Result<Vec<f32>> {
    let mut reader = AudioReader::open(&stem.path)?;
    let step = f64::from(reader.rate_hz()) / f64::from(request.rate_hz);
    let wanted = to_index(request.num_samples as f64 * step) + 2;
    let mut skip = to_index(from_s * f64::from(reader.rate_hz()));
    let mut channels = vec![vec![0.0; SKIP_SAMPLES.min(skip)]; reader.num_channels()];
    while skip > 0 {
        let count = skip.min(SKIP_SAMPLES);
        let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(|c| &mut c[..count]).collect();
        if reader.read(&mut slices)? < count {
            break;
        }
        skip -= count;
    }
    let mut channels = vec![vec![0.0; wanted]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    reader.read(&mut slices)?;
    let mut sound = resample_one(&first_two_to_mono(channels), step);
    sound.resize(request.num_samples, 0.0);
    let fade = to_index(FADE_S * f64::from(request.rate_hz));
    fade_in(&mut sound, fade);
    fade_out(&mut sound, fade);
    Ok(sound)
}

/// Returns the family of an instrument and its level relative to the family, in dB. The first word
/// that the instrument's name contains determines the family.
fn family_of(instrument: &str) -> (Family, f64) {
    const WORDS: [(&str, Family); 44] = [
        ("kick", Family::Kick),
        ("bass drum", Family::Kick),
        ("snare", Family::Snare),
        ("hi-hat", Family::HiHat),
        ("hihat", Family::HiHat),
        ("tom", Family::Tom),
        ("cymbal", Family::Cymbal),
        ("ride", Family::Cymbal),
        ("crash", Family::Cymbal),
        ("drum", Family::Percussion),
        ("perc", Family::Percussion),
        ("conga", Family::Percussion),
        ("tambourine", Family::Percussion),
        ("timpani", Family::Percussion),
        ("double bass", Family::LowString),
        ("contrabass", Family::LowString),
        ("electric bass", Family::BassAmp),
        ("cello", Family::LowString),
        ("violin", Family::HighString),
        ("viola", Family::HighString),
        ("fiddle", Family::HighString),
        ("bassoon", Family::Woodwind),
        ("flute", Family::Woodwind),
        ("piccolo", Family::Woodwind),
        ("clarinet", Family::Woodwind),
        ("oboe", Family::Woodwind),
        ("anglais", Family::Woodwind),
        ("sax", Family::Woodwind),
        ("trumpet", Family::Brass),
        ("trombone", Family::Brass),
        ("horn", Family::Brass),
        ("tuba", Family::Brass),
        ("bass", Family::BassAmp),
        ("acoustic guitar", Family::Plucked),
        ("mandolin", Family::Plucked),
        ("banjo", Family::Plucked),
        ("harp", Family::Piano),
        ("piano", Family::Piano),
        ("vibraphone", Family::Piano),
        ("voc", Family::Voice),
        ("voice", Family::Voice),
        ("sing", Family::Voice),
        ("rapper", Family::Voice),
        ("choir", Family::Voice),
    ];
    /// Abbreviations in URMP.
    const SHORT: [(&str, Family); 13] = [
        ("vn", Family::HighString),
        ("va", Family::HighString),
        ("vc", Family::LowString),
        ("db", Family::LowString),
        ("fl", Family::Woodwind),
        ("ob", Family::Woodwind),
        ("cl", Family::Woodwind),
        ("bn", Family::Woodwind),
        ("sax", Family::Woodwind),
        ("tpt", Family::Brass),
        ("hn", Family::Brass),
        ("tbn", Family::Brass),
        ("tba", Family::Brass),
    ];
    let name = instrument.to_ascii_lowercase().replace('_', " ");
    if let Some((_, family)) = SHORT.iter().find(|(short, _)| *short == name) {
        return (*family, 0.0);
    }
    if ["drums", "drum set", "drum kit"].contains(&name.as_str()) {
        return (Family::Percussion, WHOLE_KIT_DB);
    }
    let known = WORDS.iter().find(|(word, _)| name.contains(word));
    (known.map_or(Family::Amp, |(_, family)| *family), 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound_file::write_wav;

    fn song(folder: &Path, files: &[&str]) {
        std::fs::create_dir_all(folder).unwrap();
        for (place, file) in files.iter().enumerate() {
            let step = 0.05 * (place + 1) as f32;
            let sound: Vec<f32> = (0..24_000).map(|n| 0.3 * (n as f32 * step).sin()).collect();
            std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            write_wav(&folder.join(file), &sound, 24_000).unwrap();
        }
    }

    fn names(path: &Path, layout: StemLayout) -> Vec<(String, Vec<String>, Split)> {
        let songs = songs_in(&StemFolder { path: path.to_owned(), layout }).unwrap();
        let instruments = |song: &Song| song.stems.iter().map(|s| s.instrument.clone()).collect();
        songs.iter().map(|(song, split)| (song.name.clone(), instruments(song), *split)).collect()
    }

    #[test]
    fn every_layout_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let four = ["bass.wav", "drums.wav", "mixture.wav", "other.wav", "vocals.wav"];
        song(&at("musdb/test/A - B"), &four);
        song(&at("musdb/train/C - D"), &four);
        let musdb = names(&at("musdb"), StemLayout::Musdb);
        let stems = ["drums", "bass", "other", "vocals"].map(str::to_owned).to_vec();
        assert_eq!(musdb.len(), 2);
        assert_eq!(musdb[1], ("musdb/A - B".to_owned(), stems, Split::Test));
        assert_ne!(musdb[0].2, Split::Test);
        song(
            &at("urmp/01_Jupiter"),
            &["AuMix_01.wav", "AuSep_1_vn_01_Jupiter.wav", "AuSep_2_vc_01_Jupiter.wav"],
        );
        assert_eq!(names(&at("urmp"), StemLayout::Urmp)[0].1, ["vn", "vc"]);
        song(&at("synthsod/Song"), &["Tree/Violin_1.wav", "Tree/Horn.wav", "Close/Horn.wav"]);
        assert_eq!(names(&at("synthsod"), StemLayout::Synthsod)[0].1, ["Horn", "Violin_1"]);
        song(&at("plain/Song"), &["guitar.wav", "voice.wav", "mixture.wav"]);
        assert_eq!(names(&at("plain"), StemLayout::Plain)[0].1, ["guitar", "voice"]);
        for (name, bleeds) in [("Dry", "no"), ("Wet", "yes")] {
            let top = at("medleydb").join(name);
            song(
                &top,
                &[
                    &format!("{name}_STEMS/{name}_STEM_01.wav"),
                    &format!("{name}_STEMS/{name}_STEM_02.wav"),
                ],
            );
            let text = format!(
                "artist: x\nhas_bleed: '{bleeds}'\nstems:\n\
                 \x20 S01:\n    component: ''\n    filename: {name}_STEM_01.wav\n\
                 \x20   instrument: drum set\n    raw:\n      R01:\n\
                 \x20       filename: {name}_RAW_01_01.wav\n        instrument: kick drum\n\
                 \x20 S02:\n    filename: {name}_STEM_02.wav\n    instrument: female singer\n"
            );
            std::fs::write(top.join(format!("{name}_METADATA.yaml")), text).unwrap();
        }
        let medley = names(&at("medleydb"), StemLayout::Medleydb);
        assert_eq!(medley.len(), 1, "bleeding songs are left out");
        assert_eq!(medley[0].1, ["drum set", "female singer"]);
    }

    #[test]
    fn another_layout_is_refused_with_what_was_expected_and_found() {
        let folder = tempfile::tempdir().unwrap();
        song(&folder.path().join("x"), &["guitar.wav", "voice.wav"]);
        let line = |layout| {
            let config = [StemFolder { path: folder.path().to_owned(), layout }];
            format!("{:#}", load(&config, Split::Train).unwrap_err())
        };
        for layout in [StemLayout::Musdb, StemLayout::Urmp, StemLayout::Synthsod] {
            let line = line(layout);
            assert!(line.contains(expected(layout)) && line.contains("found 1 folder"), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
        assert!(line(StemLayout::Medleydb).contains("x_METADATA.yaml"));
    }

    #[test]
    fn excerpts_come_at_the_rate_asked_for_and_say_their_song() {
        let folder = tempfile::tempdir().unwrap();
        song(&folder.path().join("x"), &["guitar.wav", "voice.wav"]);
        let config = StemFolder { path: folder.path().to_owned(), layout: StemLayout::Plain };
        let songs: Vec<Song> =
            songs_in(&config).unwrap().into_iter().map(|(song, _)| song).collect();
        let request = PlayRequest {
            ensemble: super::super::Ensemble::Stems,
            num_parts: 2,
            num_samples: 12_000,
            rate_hz: 48_000,
            silent_chance: 0.0,
            rare_chance: 0.0,
            tutti_chance: 0.0,
            together_chance: 0.0,
            wanted: &[],
        };
        let parts = play(&songs, &request, &mut Random::new(3)).unwrap();
        assert_eq!(parts, play(&songs, &request, &mut Random::new(3)).unwrap());
        for part in &parts {
            assert_eq!(part.dry.len(), 12_000);
            assert!(part.made_of[0].ends_with(&format!("x/{}.wav", part.name)));
            assert!(loud_part(&part.dry, 48_000) > 1e-4);
        }
        let more = PlayRequest { num_parts: 3, ..request };
        let line = play(&songs, &more, &mut Random::new(3)).unwrap_err().to_string();
        assert!(line.contains("at most 2"), "{line}");
    }
}
