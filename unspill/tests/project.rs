//! `unspill clean song.rpp`: cleaned tracks, and a copy of the project that plays them.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test projects have small numbers"
)]
#![allow(clippy::float_cmp, reason = "samples are copied, so equality is exact")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audiofile::{AudioReader, WavWriter};
use test_signals::Noise;

const RATE: f64 = 48_000.0;

type Channels = Vec<Vec<f32>>;

struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    /// Creates a folder with sound files of these names, numbers of channels and seconds, which
    /// bleed into each other.
    fn new(files: &[(&str, usize, f64)]) -> Self {
        let session = Self { folder: tempfile::tempdir().unwrap() };
        let mut noise = Noise::new(1);
        let shared = noise.samples(200_000, 0.05);
        for (name, num_channels, length_s) in files {
            let num_samples = (length_s * RATE) as usize;
            let channels: Channels = (0..*num_channels)
                .map(|_| {
                    let own = noise.samples(num_samples, 0.2);
                    own.iter().zip(&shared).map(|(own, other)| own + other).collect()
                })
                .collect();
            session.write(name, &channels, 48_000);
        }
        session
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, channels: &Channels, rate_hz: u32) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = WavWriter::create(&path, rate_hz, channels.len()).unwrap();
        writer.write(&channels.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        writer.finish().unwrap();
    }

    fn project(&self, name: &str, tracks: &[String]) {
        std::fs::write(self.at(name), project(tracks)).unwrap();
    }

    /// Runs `unspill clean` in the folder.
    fn clean(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_unspill"))
            .args(format!("clean --method ratio {line}").split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Cleans and returns what was told.
    fn cleaned(&self, line: &str) -> String {
        let output = self.clean(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Fails to clean and returns the one line of the error.
    fn refused(&self, line: &str) -> String {
        let output = self.clean(line);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        assert!(told.starts_with("error: ") && told.lines().count() == 1, "{line}: {told}");
        told.trim_end().to_owned()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Returns a project in the form of REAPER 7.
fn project(tracks: &[String]) -> String {
    let tracks = tracks.concat();
    format!(
        "<REAPER_PROJECT 0.1 \"7.22/linux-x86_64\" 1733000000\n  <NOTES 0 2\n    |<ITEM\n  >\n  \
         RIPPLE 0\n  SAMPLERATE 48000 0 0\n  <RENDER_CFG\n    ZXZhdxgAAA==\n  >\n  \
         TEMPO 120 4 4\n{tracks}  <EXTENSIONS\n  >\n>\n"
    )
}

fn track(name: &str, items: &[String]) -> String {
    format!(
        "  <TRACK {{C0FFEE00-0000-4000-8000-000000000001}}\n    NAME {name}\n    \
         PEAKCOL 16576\n    \
         VOLPAN 0.5 0.25 -1 -1 1\n    MUTESOLO 0 0 0\n    FREEMODE 0\n    NCHAN 2\n    \
         <FXCHAIN\n      \
         WNDRECT 0 0 10 10\n      \
         <VST \"VST: ReaComp (Cockos)\" reacomp.so 0 \"\" 1919247213<> \"\"\n        \
         bWNlcu9e7f4EAAAAAQAAAAAA\n        AAAQAAAA\n      >\n    >\n{}  >\n",
        items.concat()
    )
}

/// The values of one item that the tests choose.
#[derive(Clone, Copy)]
struct Item<'a> {
    position_s: f64,
    length_s: f64,
    start_s: f64,
    is_looped: bool,
    channel_mode: u32,
    file: &'a str,
}

impl<'a> Item<'a> {
    fn new(file: &'a str, position_s: f64, length_s: f64, start_s: f64) -> Self {
        Self { position_s, length_s, start_s, is_looped: true, channel_mode: 0, file }
    }

    fn text(self) -> String {
        let source = format!("      <SOURCE WAVE\n        FILE \"{}\"\n      >\n", self.file);
        self.with(&source)
    }

    /// Returns the item with another source: the start of a section and its length.
    fn section(self, start_s: f64, length_s: f64) -> String {
        self.with(&format!(
            "      <SOURCE SECTION\n        LENGTH {length_s}\n        STARTPOS {start_s}\n        \
             OVERLAP 0\n        <SOURCE WAVE\n          FILE \"{}\"\n        >\n      >\n",
            self.file
        ))
    }

    fn with(self, source: &str) -> String {
        let Self { position_s, length_s, start_s, is_looped, channel_mode, .. } = self;
        format!(
            "    <ITEM\n      POSITION {position_s}\n      SNAPOFFS 0\n      \
             LENGTH {length_s}\n      \
             LOOP {}\n      ALLTAKES 0\n      FADEIN 1 0.01 0 1 0 0 0\n      \
             FADEOUT 1 0.01 0 1 0 0 0\n      \
             MUTE 0 0\n      SEL 0\n      IGUID {{1}}\n      IID 1\n      NAME take.wav\n      \
             VOLPAN 0.7 0 1 -1\n      SOFFS {start_s}\n      PLAYRATE 1 1 0 -1 0 0.0025\n      \
             CHANMODE {channel_mode}\n      GUID {{2}}\n{source}    >\n",
            u8::from(is_looped)
        )
    }
}

fn read(path: &Path) -> Channels {
    let mut reader = AudioReader::open(path).unwrap();
    let length = usize::try_from(reader.num_samples()).unwrap();
    let mut channels = vec![vec![0.0; length]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    assert_eq!(reader.read(&mut slices).unwrap(), length);
    channels
}

/// Plays all items of a project without fades and gains, sample by sample: the sound of each item
/// as two channels, and its first sample in the project. Knows no code of the program.
fn played(project: &Path) -> Vec<(usize, Channels)> {
    let text = String::from_utf8_lossy(&std::fs::read(project).unwrap()).into_owned();
    let folder = project.parent().unwrap();
    text.split("<ITEM\n")
        .skip(2)
        .map(|item| {
            let value = |key: &str| -> Option<f64> {
                let line = item.lines().find(|line| line.trim_start().starts_with(key))?;
                line.split_whitespace().nth(1)?.parse().ok()
            };
            let samples = |key: &str| value(key).map(|seconds| (seconds * RATE).round() as i64);
            let file = item.split("FILE \"").nth(1).unwrap().split('"').next().unwrap();
            let channels = read(&folder.join(file.replace('\\', "/")));
            let own = item.split("<SOURCE").next().unwrap();
            let section = item.split("<SOURCE SECTION").nth(1).map(|section| {
                let number = |key: &str| -> f64 {
                    let line = section.lines().find(|line| line.contains(key)).unwrap();
                    line.split_whitespace().nth(1).unwrap().parse().unwrap()
                };
                let at = (number("STARTPOS") * RATE).round() as i64;
                (at, at + (number("LENGTH") * RATE).round() as i64)
            });
            let (from, to) = section.unwrap_or((0, i64::try_from(channels[0].len()).unwrap()));
            assert!(own.contains("PLAYRATE 1 1 0"));
            let side = |side: usize| -> Vec<f32> {
                let channel = match value("CHANMODE").unwrap() as u32 {
                    3 => &channels[0],
                    4 => &channels[1],
                    _ => channels.get(side).unwrap_or(&channels[0]),
                };
                (0..samples("LENGTH").unwrap())
                    .map(|at| {
                        let at = from + samples("SOFFS").unwrap() + at;
                        let looped = value("LOOP") == Some(1.0);
                        let at = if looped { from + (at - from).rem_euclid(to - from) } else { at };
                        if (from..to).contains(&at) { channel[at as usize] } else { 0.0 }
                    })
                    .collect()
            };
            (samples("POSITION").unwrap() as usize, vec![side(0), side(1)])
        })
        .collect()
}

#[test]
fn a_copy_plays_what_cleaning_the_rendered_tracks_gives() {
    let session =
        Session::new(&[("kick.wav", 1, 2.0), ("over.wav", 2, 2.0), ("b/bass.wav", 1, 2.0)]);
    let kick =
        [Item::new("kick.wav", 0.25, 0.5, 0.1).text(), Item::new("kick.wav", 0.8, 0.4, 0.7).text()];
    let over = [Item::new("over.wav", 0.0, 1.25, 0.0).text()];
    let bass = [Item::new("b\\bass.wav", 0.3, 0.9, 0.3).text()];
    let tracks = [track("Kick", &kick), track("\"Over head\"", &over), track("Bass", &bass)];
    session.project("song.rpp", &tracks);
    let original = std::fs::read(session.at("song.rpp")).unwrap();
    let told = session.cleaned("song.rpp");
    assert!(
        told.starts_with(
            "3 mics, 1.2 s: 1 Kick (track 1), 2 Over head (track 2), 3 Bass (track 3)\n"
        ),
        "{told}"
    );
    assert_eq!(session.names("cleaned"), ["Bass.wav", "Kick.wav", "Over head.wav"]);
    assert_eq!(
        session.names("."),
        ["b", "cleaned", "kick.wav", "over.wav", "song-cleaned.rpp", "song.rpp"]
    );
    assert_eq!(std::fs::read(session.at("song.rpp")).unwrap(), original);
    // The file starts with the first item and ends with the last.
    let kick = AudioReader::open(&session.at("cleaned/Kick.wav")).unwrap();
    assert_eq!(kick.num_samples(), 45_600);
    assert_eq!(kick.metadata().time_stamp_samples(), Some(12_000));

    // The same tracks as plain files of one length.
    let sounds = ["kick.wav", "over.wav", "b/bass.wav"].map(|name| read(&session.at(name)));
    let rendered = |sound: &Channels, items: &[(usize, usize, usize)]| -> Channels {
        let side = |channel: &Vec<f32>| {
            let mut out = vec![0.0; 60_000];
            for &(at, length, start) in items {
                out[at..at + length].copy_from_slice(&channel[start..start + length]);
            }
            out
        };
        sound.iter().map(side).collect()
    };
    let items = [(12_000, 24_000, 4_800), (38_400, 19_200, 33_600)];
    session.write("plain/1.wav", &rendered(&sounds[0], &items), 48_000);
    session.write("plain/2.wav", &rendered(&sounds[1], &[(0, 60_000, 0)]), 48_000);
    session.write("plain/3.wav", &rendered(&sounds[2], &[(14_400, 43_200, 14_400)]), 48_000);
    session.cleaned("plain");
    let plain = ["1", "1", "2", "3"].map(|n| read(&session.at(&format!("plain/cleaned/{n}.wav"))));
    let copy = played(&session.at("song-cleaned.rpp"));
    assert_eq!(copy.len(), 4);
    let dry = played(&session.at("song.rpp"));
    for (index, (at, item)) in copy.iter().enumerate() {
        for (side, samples) in item.iter().enumerate() {
            let expected = plain[index].get(side).unwrap_or(&plain[index][0]);
            assert!(*samples == expected[*at..at + samples.len()], "item {index}, side {side}");
        }
        assert_eq!(*at, dry[index].0);
        assert_ne!(*item, dry[index].1, "item {index} is cleaned");
    }
}

/// Cleans with an amount of 0, so that each item of the copy must sound as before.
#[test]
fn with_nothing_removed_every_item_sounds_as_before() {
    let files = [("a.wav", 1, 2.0), ("s.wav", 2, 2.0), ("short.wav", 1, 0.1)];
    let session = Session::new(&files);
    let whole = |name: &str| track(name, &[Item::new("a.wav", 0.0, 2.0, 0.0).text()]);
    let new = Item::new;
    let unlooped = |item: Item<'static>| Item { is_looped: false, ..item };
    let mode = |channel_mode, item: Item<'static>| Item { channel_mode, ..item };
    for (name, items, num_files) in [
        ("a loop", vec![new("short.wav", 0.5, 0.77, 0.03).text()], 1),
        ("an end of the file", vec![unlooped(new("a.wav", 0.1, 9.0, 1.5)).text()], 1),
        ("a late start", vec![unlooped(new("a.wav", 0.1, 1.0, -0.5)).text()], 1),
        ("left", vec![mode(3, new("s.wav", 0.1, 1.0, 0.25)).text()], 1),
        ("right", vec![mode(4, new("s.wav", 0.1, 1.0, 0.25)).text()], 1),
        ("a section", vec![new("a.wav", 0.1, 0.5, 0.25).section(0.5, 1.0)], 1),
        ("a section's end", vec![unlooped(new("a.wav", 0.1, 1.0, 0.25)).section(0.5, 0.5)], 1),
        ("a section that loops", vec![new("a.wav", 0.1, 1.5, 0.25).section(0.5, 0.5)], 1),
        (
            "a split with a crossfade",
            vec![new("a.wav", 0.1, 1.0, 0.1).text(), new("a.wav", 1.0, 0.5, 1.0).text()],
            1,
        ),
        (
            "a crossfade of two takes",
            vec![new("a.wav", 0.1, 1.0, 0.1).text(), new("a.wav", 1.0, 0.5, 0.3).text()],
            2,
        ),
        (
            "items back to front",
            vec![new("a.wav", 1.0, 0.5, 0.3).text(), new("a.wav", 0.1, 0.5, 1.2).text()],
            1,
        ),
        (
            "mono beside stereo",
            vec![new("a.wav", 0.1, 0.5, 0.3).text(), new("s.wav", 0.7, 0.5, 1.2).text()],
            2,
        ),
        (
            "silence over another item",
            vec![
                unlooped(new("a.wav", 0.1, 1.0, 0.3)).text(),
                unlooped(new("s.wav", 0.5, 1.0, -0.9)).text(),
                unlooped(new("a.wav", 0.6, 1.0, -0.6)).text(),
            ],
            3,
        ),
    ] {
        session.project("song.rpp", &[track("x", &items), whole("whole")]);
        session.cleaned("song.rpp --amount 0 --overwrite");
        let (before, after) = ("song.rpp", "song-cleaned.rpp");
        let (before, after) = (played(&session.at(before)), played(&session.at(after)));
        assert!(before == after, "{name}");
        let text = std::fs::read_to_string(session.at("song-cleaned.rpp")).unwrap();
        assert!(!text.contains("FILE \"a.wav") && !text.contains("SECTION"), "{name}: {text}");
        assert_eq!(session.names("cleaned").len(), num_files + 1, "{name}");
        std::fs::remove_dir_all(session.at("cleaned")).unwrap();
    }
}

#[test]
fn a_copy_differs_in_the_lines_of_cleaned_items_only() {
    let session = Session::new(&[("a.wav", 1, 1.0), ("s.wav", 2, 1.0)]);
    let second = Item { channel_mode: 4, ..Item::new("s.wav", 0.25, 0.5, 0.125) };
    let third = Item::new("a.wav", 0.5, 0.25, 0.25).section(0.1, 0.5);
    // Two takes, of which the second is active and has no line for its start.
    let takes = "      TAKE SEL\n      NAME \"two\"\n      CHANMODE 0\n      <SOURCE WAVE\n        \
                 FILE 'a.wav' 1\n      >\n    >\n";
    let first = Item::new("a.wav", 0.0, 0.5, 0.0).text();
    let first = format!("{}{takes}", first.strip_suffix("    >\n").unwrap());
    let items = [first, second.text(), third];
    let text = project(&[
        track("\"Gro\u{df}e\"", &items[..1]),
        track("'4\" tom'", &items[1..]),
        "  <TRACK\n    NAME keys\n    <ITEM\n      POSITION 0\n      LENGTH 1\n      \
         <SOURCE MIDI\n        \
         HASDATA 1 960 QN\n        E 0 90 3c 60\n      >\n    >\n  >\n"
            .to_owned(),
    ]);
    // Bytes that are no text, and line ends of Windows.
    let encoded = |text: &str| -> Vec<u8> {
        let text = text.replace('\n', "\r\n").into_bytes();
        text.iter().map(|&byte| if byte == 0xc3 { 0xff } else { byte }).collect()
    };
    std::fs::write(session.at("song.RPP"), encoded(&text)).unwrap();
    let told = session.cleaned("song.RPP --out results/wet");
    assert!(told.starts_with("not cleaned: track 3 keys, item at 0.000 s: MIDI\n"), "{told}");
    assert_eq!(
        session.names("results/wet"),
        ["4_ tom.2.wav", "4_ tom.wav", "Gro\u{fffd}\u{fffd}e.wav"]
    );
    let expected = text
        .replace(
            "      CHANMODE 0\n      <SOURCE WAVE\n        FILE 'a.wav' 1\n",
            "      CHANMODE 0\n      SOFFS 0\n      <SOURCE WAVE\n        \
             FILE \"results/wet/Gro@e.wav\" 1\n",
        )
        .replace("SOFFS 0.125\n", "SOFFS 0\n")
        .replace("CHANMODE 4\n", "CHANMODE 0\n")
        .replace("FILE \"s.wav\"", "FILE \"results/wet/4_ tom.wav\"")
        .replace(
            "      <SOURCE SECTION\n        LENGTH 0.5\n        STARTPOS 0.1\n        \
             OVERLAP 0\n        \
             <SOURCE WAVE\n          FILE \"a.wav\"\n        >\n      >\n",
            "      <SOURCE WAVE\n        FILE \"results/wet/4_ tom.2.wav\"\n      >\n",
        )
        .replace("SOFFS 0.25\n", "SOFFS 0\n");
    let copy = std::fs::read(session.at("song-cleaned.RPP")).unwrap();
    let mut wanted = encoded(&expected);
    let at = wanted.windows(5).position(|bytes| bytes == b"Gro@e").unwrap();
    wanted.splice(at..at + 5, "Gro\u{fffd}\u{fffd}e".bytes());
    assert!(
        copy == wanted,
        "{}\n---\n{}",
        String::from_utf8_lossy(&copy),
        String::from_utf8_lossy(&wanted)
    );
}

#[test]
fn items_that_cannot_move_stay_and_are_named_with_the_reason() {
    let session = Session::new(&[("a.wav", 1, 1.0), ("s.wav", 2, 1.0), ("six.wav", 6, 1.0)]);
    let good = |name| track(name, &[Item::new("a.wav", 0.0, 1.0, 0.0).text()]);
    let item = Item::new("s.wav", 0.25, 0.5, 0.125).text();
    let section = Item::new("s.wav", 0.25, 0.5, 0.125).section(0.1, 0.2);
    let edit = |from: &str, to: &str| {
        assert!(item.contains(from), "{from}");
        track("third", &[item.replace(from, to)])
    };
    std::fs::write(session.at("text.wav"), "no sound").unwrap();
    let source = "<SOURCE WAVE\n        FILE \"s.wav\"";
    let lanes = |at: &str| item.replace("SEL 0", &format!("SEL 0\n      YPOS {at} 0.5"));
    for (third, reason) in [
        (edit("PLAYRATE 1 ", "PLAYRATE 1.5 "), "plays at another speed"),
        (edit("PLAYRATE 1 1 0 ", "PLAYRATE 1 1 -2 "), "plays at another pitch"),
        (
            edit(
                "      GUID",
                "      <PITCHENV\n        ACT 1 -1\n        PT 0 2 0\n      >\n      GUID",
            ),
            "plays at another pitch",
        ),
        (edit("      GUID", "      SM 0 0 + 0.2 0.3\n      GUID"), "has stretch markers"),
        (edit("CHANMODE 0", "CHANMODE 1"), "swaps its channels"),
        (edit("CHANMODE 0", "CHANMODE 2"), "mixes its channels"),
        (edit("CHANMODE 0", "CHANMODE 67"), "plays a channel other than the first two"),
        (edit("s.wav", "six.wav"), "a file with more than two channels"),
        (edit("s.wav", "none.wav"), "none.wav: no such file"),
        (edit("s.wav", "text.wav"), "text.wav: not a valid WAV, AIFF, CAF or FLAC file"),
        (edit("\n      MUTE 0", "\n      MUTE 1"), "muted"),
        (edit("SOFFS 0.125", "SOFFS 5\n      LOOP 0"), "its file has no sound there"),
        (edit("POSITION 0.25", "POSITION -0.25"), "starts before the project"),
        (edit(source, "<SOURCE MIDI\n        HASDATA 1 960 QN"), "MIDI"),
        (edit(source, "<SOURCE VIDEO\n        FILE \"s.wav\""), "video"),
        (edit(source, "<SOURCE CLICK\n        X 1"), "a source without a file"),
        (
            edit("ALLTAKES 0", "ALLTAKES 1")
                .replace("      >\n    >\n  >", "      >\n      TAKE\n    >\n  >"),
            "plays all its takes",
        ),
        (edit("MUTE 0", "MUTE 0").replace("MUTESOLO 0", "MUTESOLO 1"), "the track is muted"),
        (
            track("third", &[lanes("0"), lanes("0.5")]).replace("FREEMODE 0", "FREEMODE 2"),
            "the track has several lanes",
        ),
        (
            track("third", &[section.replace("OVERLAP 0", "OVERLAP 0\n        MODE 3")]),
            "plays backwards",
        ),
        (
            track("third", &[section.replace("OVERLAP 0", "OVERLAP 0.01")]),
            "a section that loops with a crossfade",
        ),
        (
            track("third", &[section.replace("<SOURCE WAVE", "<SOURCE SECTION")]),
            "a section inside a section",
        ),
    ] {
        session.project("song.rpp", &[good("first"), good("second"), third.clone()]);
        let told = session.cleaned("song.rpp --overwrite");
        let line = told.lines().next().unwrap();
        assert!(line.starts_with("not cleaned: track 3 third, item"), "{reason}: {told}");
        assert!(line.contains(&format!(" s: {reason}")), "{reason}: {line}");
        assert!(told.lines().nth(1).unwrap().starts_with("2 mics"), "{reason}: {told}");
        let copy = std::fs::read_to_string(session.at("song-cleaned.rpp")).unwrap();
        assert!(copy.contains(&third), "{reason}: {copy}");
        assert!(copy.contains("cleaned/second.wav"), "{copy}");
    }
}

#[test]
fn the_demo_project_gives_the_mics_of_the_demo_session() {
    let demo = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo"));
    let session = Session::new(&[]);
    for file in std::fs::read_dir(demo).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "demo.rpp" || name.starts_with("mic") {
            std::fs::copy(&path, session.at(name)).unwrap();
        }
    }
    let told = session.cleaned("demo.rpp --amount 0");
    assert!(!told.contains("not cleaned"), "{told}");
    for (track, file) in [("Kick", "mic1_kick"), ("Sax", "mic6_sax")] {
        let cleaned = read(&session.at(&format!("cleaned/{track}.wav")));
        assert_eq!(cleaned, read(&session.at(&format!("{file}.flac"))), "{track}");
    }
    assert!(session.at("demo-cleaned.rpp").exists());
}

#[test]
fn chosen_tracks_are_cleaned_and_the_others_stay() {
    let session = Session::new(&[("a.wav", 1, 1.0), ("b.wav", 1, 1.0), ("s.wav", 2, 1.0)]);
    let of = |name: &str, file| track(name, &[Item::new(file, 0.0, 1.0, 0.0).text()]);
    let tracks = [of("\"\"", "a.wav"), of("Tom", "b.wav"), track("bus", &[]), of("tom", "s.wav")];
    session.project("song.rpp", &tracks);
    let told = session.cleaned("song.rpp --tracks 1,3-4 --group 1,2");
    assert!(told.starts_with("2 mics, 1.0 s: 1 track 1 (track 1), 2 tom (track 4)\n"), "{told}");
    let copy = std::fs::read_to_string(session.at("song-cleaned.rpp")).unwrap();
    assert!(copy.contains(&tracks[1]) && copy.contains("cleaned/tom.wav"), "{copy}");
    let report = session.clean("song.rpp --overwrite --json -").stdout;
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains("\"project\": \"song-cleaned.rpp\""), "{report}");
    assert!(report.contains("\"file\": \"tom.2.wav\""), "{report}");
    assert_eq!(session.names("cleaned"), ["Tom.wav", "tom.2.wav", "tom.wav", "track 1.wav"]);
    for (line, part) in [
        ("--tracks 9", "there are 4 tracks"),
        ("--tracks 1,3", "no sound on track 3"),
        ("--tracks 4", "only track 4 has sound"),
        ("--tracks 1,2 --group 1,3", "there are 2 mics"),
        ("--ignore-timestamps", "is for files, not for a project"),
        ("other.wav", "cleaned alone"),
    ] {
        let told = session.refused(&format!("song.rpp --overwrite {line}"));
        assert!(told.contains(part), "{line}: {told}");
    }
    let told = session.refused("a.wav b.wav --tracks 1");
    assert!(told.contains("--tracks chooses tracks of a REAPER project"), "{told}");
}

#[test]
fn what_is_there_stays_unless_it_may_be_replaced() {
    let session = Session::new(&[("a.wav", 1, 1.0), ("b.wav", 1, 1.0)]);
    let of = |name: &str, file| track(name, &[Item::new(file, 0.0, 1.0, 0.0).text()]);
    session.project("song.rpp", &[of("a", "a.wav"), of("b", "b.wav")]);
    std::fs::write(session.at("song-cleaned.rpp"), "mine").unwrap();
    let told = session.refused("song.rpp");
    assert!(told.contains("song-cleaned.rpp: already exists; --overwrite"), "{told}");
    assert_eq!(std::fs::read(session.at("song-cleaned.rpp")).unwrap(), b"mine");
    assert_eq!(session.names("."), ["a.wav", "b.wav", "song-cleaned.rpp", "song.rpp"]);
    session.cleaned("song.rpp --overwrite");
    assert_ne!(std::fs::read(session.at("song-cleaned.rpp")).unwrap(), b"mine");
    std::fs::remove_file(session.at("song-cleaned.rpp")).unwrap();
    let told = session.refused("song.rpp");
    assert!(told.contains("a.wav: already exists; --overwrite"), "{told}");
    assert!(!session.at("song-cleaned.rpp").exists());
    // Inputs are never replaced, whatever the options.
    let sounds = ["a.wav", "song.rpp"].map(|name| std::fs::read(session.at(name)).unwrap());
    for line in ["--out .", "--out new --removed .", "--out new --json song.rpp"] {
        let told = session.refused(&format!("song.rpp --overwrite {line}"));
        assert!(told.contains("would overwrite the input"), "{told}");
    }
    let told = session.refused("song.rpp --overwrite --json song-cleaned.rpp");
    assert!(told.contains("the copy of the project has this name"), "{told}");
    assert_eq!(sounds, ["a.wav", "song.rpp"].map(|name| std::fs::read(session.at(name)).unwrap()));
    assert_eq!(session.names("."), ["a.wav", "b.wav", "cleaned", "song.rpp"]);
}

#[test]
fn sessions_that_cannot_be_cleaned_leave_nothing() {
    let session = Session::new(&[("a.wav", 1, 1.0), ("b.wav", 1, 1.0)]);
    session.write("odd.wav", &vec![vec![0.1; 44_100]], 44_100);
    session.write("nan.wav", &vec![[vec![0.1; 40_000], vec![f32::NAN; 9]].concat()], 48_000);
    let of = |file, position_s| track("x", &[Item::new(file, position_s, 0.9, 0.0).text()]);
    for (tracks, part) in [
        (vec![of("odd.wav", 0.0), of("a.wav", 0.0), of("b.wav", 0.0)], "odd.wav: 44100 Hz, but "),
        (vec![of("a.wav", 0.0), of("b.wav", 5.0)], "track 2 starts after the tracks before it"),
        (vec![of("a.wav", 0.0)], "only track 1 has sound"),
        (vec![of("none.wav", 0.0)], "no track has sound"),
        (vec![], "no track has sound"),
        (vec![of("a.wav", 0.0); 33], "more than 32 mics"),
        (vec![of("a.wav", 0.0), of("nan.wav", 0.0)], "sample 40000 of channel 1 is NaN"),
    ] {
        session.project("song.rpp", &tracks);
        let told = session.refused("song.rpp --out new/out");
        assert!(told.contains(part), "{told}");
        assert_eq!(session.names("."), ["a.wav", "b.wav", "nan.wav", "odd.wav", "song.rpp"]);
    }
}

#[test]
fn hostile_projects_are_one_clear_line() {
    let session = Session::new(&[("a.wav", 1, 1.0)]);
    let good = track("a", &[Item::new("a.wav", 0.0, 1.0, 0.0).text()]);
    let edited = |from: &str, to: &str| {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        project(&[good.clone(), bad]).into_bytes()
    };
    let whole = project(&[good.clone(), good.clone()]);
    let cut = |at: usize| whole.as_bytes()[..at].to_vec();
    for (text, part) in [
        (Vec::new(), "not a REAPER project"),
        (b"\n \r\n".to_vec(), "not a REAPER project"),
        (b"RIFF\x24\0\0\0WAVE".to_vec(), "line 1: not a REAPER project"),
        (b"<RPP_PROJECT\n>\n".to_vec(), "line 1: not a REAPER project"),
        (b"<REAPER_PROJECT\n>\n>\n".to_vec(), "line 3: > closes nothing"),
        (b"<REAPER_PROJECT\n>\n<REAPER_PROJECT\n>\n".to_vec(), "line 3: not a REAPER project"),
        (cut(whole.len() - 3), "line 1: REAPER_PROJECT is never closed"),
        (cut(whole.len() / 2), "is never closed; the project is not complete"),
        (
            "<REAPER_PROJECT\n".repeat(1_000_000).into_bytes(),
            "more than 100 chunks inside one another",
        ),
        (
            format!("<REAPER_PROJECT\n{}", "<TRACK\n>\n".repeat(1_000_000)).into_bytes(),
            "more than 50000 tracks, items and takes",
        ),
        (edited("POSITION 0", "POSITION nan"), "POSITION nan: not a number"),
        (edited("POSITION 0", "POSITION"), "POSITION: not a number"),
        (edited("POSITION 0", "POSITION 1e300"), "POSITION 1e300: more than 86400 seconds"),
        (edited("\n      LENGTH 1", "\n      LENGTH -1"), "LENGTH -1: less than 0 seconds"),
        (edited("\n      LENGTH 1", "\n      LENGTH inf"), "LENGTH inf: not a number"),
        (edited("\n      LENGTH 1", "\n      LENGTH 1e300"), "ends more than a day later"),
        (edited("SOFFS 0", "SOFFS -inf"), "SOFFS -inf: not a number"),
        (edited("SOFFS 0", "SOFFS 1e9"), "SOFFS 1e9: more than 86400 seconds"),
        (edited("PLAYRATE 1", "PLAYRATE x\u{1b}[31m"), "PLAYRATE x\\u{1b}[31m: not a number"),
        (edited("CHANMODE 0", "CHANMODE -1"), "CHANMODE -1: not a whole number"),
        (vec![b'<'; 3_000_000], "not a REAPER project"),
    ] {
        std::fs::write(session.at("song.rpp"), &text).unwrap();
        let output = limited(&session, "song.rpp");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.starts_with("error: song.rpp: ") && told.lines().count() == 1, "{told}");
        assert!(told.contains(part) && told.len() < 200, "{part}: {told}");
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert_eq!(session.names("."), ["a.wav", "song.rpp"]);
    }
    assert!(session.refused("none.rpp").contains("none.rpp: no such file"));
}

/// Runs the program with 2 GB of address space at most, where the system can limit it.
fn limited(session: &Session, project: &str) -> Output {
    if !cfg!(target_os = "linux") {
        return session.clean(project);
    }
    Command::new("sh")
        .args(["-c", "ulimit -v 2000000; exec \"$0\" clean --method ratio \"$1\""])
        .args([env!("CARGO_BIN_EXE_unspill"), project])
        .current_dir(session.folder.path())
        .output()
        .unwrap()
}
