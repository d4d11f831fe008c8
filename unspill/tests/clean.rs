//! The program as people use it: a folder or files in, cleaned files and plain words out.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audiofile::WavWriter;
use test_signals::Noise;

const NUM_SAMPLES: usize = 30_000;

struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    /// Creates a folder with mics of these names that bleed into each other.
    fn new(names: &[&str]) -> Self {
        let session = Self { folder: tempfile::tempdir().unwrap() };
        let mut noise = Noise::new(1);
        let shared = noise.samples(NUM_SAMPLES, 0.05);
        for name in names {
            let own = noise.samples(NUM_SAMPLES, 0.2);
            let mic: Vec<f32> = own.iter().zip(&shared).map(|(own, other)| own + other).collect();
            session.write(name, &[&mic]);
        }
        session
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, channels: &[&[f32]]) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = WavWriter::create(&path, 48_000, channels.len()).unwrap();
        writer.write(channels).unwrap();
        writer.finish().unwrap();
    }

    /// Runs `unspill` in the folder.
    fn unspill(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_unspill"))
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }
}

fn texts(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_a_session_whose_results_lie_inside() {
    let session = Session::new(&["song/mic2.wav", "song/mic10.wav", "song/mic1.wav"]);
    let output = session.unspill("clean song/ --method ratio");
    let [out, told] = texts(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.starts_with("3 mics, 0.6 s: 1 mic1, 2 mic2, 3 mic10\n"), "{told}");
    let cleaned = format!("cleaned files: {}\n", Path::new("song/cleaned").display());
    assert!(out.ends_with(&cleaned), "{out}");
    assert_eq!(names(&session.at("song/cleaned")), ["mic1.wav", "mic10.wav", "mic2.wav"]);
    // The results are not mics of the next run, which keeps them unless it is told otherwise.
    let [_, told] = texts(&session.unspill("clean song --method ratio"));
    assert!(told.contains("already exists; --overwrite"), "{told}");
    let output = session.unspill("clean song --method ratio --overwrite");
    assert!(texts(&output)[1].starts_with("3 mics"), "{output:?}");
}

#[test]
fn files_of_the_current_folder_are_cleaned_into_a_folder_beside_them() {
    let session = Session::new(&["a.wav", "b.wav"]);
    let output = session.unspill("clean a.wav b.wav --method ratio");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(names(session.folder.path()), ["a.wav", "b.wav", "cleaned"]);
    assert_eq!(names(&session.at("cleaned")), ["a.wav", "b.wav"]);
}

#[test]
fn a_floor_is_understood_in_every_spelling() {
    let session = Session::new(&["a.wav", "b.wav"]);
    let mut results = Vec::new();
    let spellings = ["--floor-db -12", "--floor-db=-12", "--floor-db -12dB", "--floor-db 12"];
    for (spelling, out) in spellings.into_iter().zip(["1", "2", "3", "4"]) {
        let output =
            session.unspill(&format!("clean --method ratio {spelling} --out {out} a.wav b.wav"));
        assert!(output.status.success(), "{spelling}: {output:?}");
        results.push(std::fs::read(session.at(out).join("a.wav")).unwrap());
    }
    assert!(results.iter().all(|result| *result == results[0]));
    session.unspill("clean --method ratio --floor-db -3 --out 5 a.wav b.wav");
    assert_ne!(
        std::fs::read(session.at("5/a.wav")).unwrap(),
        results[0],
        "the floor has an effect"
    );
}

#[test]
fn one_stereo_file_is_refused_with_the_reason() {
    let session = Session::new(&["a.wav"]);
    let side = vec![0.1; NUM_SAMPLES];
    session.write("pair.wav", &[&side, &side]);
    let output = session.unspill("clean pair.wav");
    let [out, told] = texts(&output);
    assert!(!output.status.success() && out.is_empty());
    assert_eq!(
        told,
        "error: pair.wav: a stereo file counts as one mic, and bleed shows only between mics: add \
         the other mics, or split the file if its sides are two mics\n"
    );
    // Beside another mic, it is one mic of two sides.
    let output = session.unspill("clean a.wav pair.wav --method ratio");
    assert!(texts(&output)[1].starts_with("2 mics, 0.6 s: 1 a, 2 pair\n"), "{output:?}");
}

#[test]
fn usage_errors_and_help_have_the_programs_own_name() {
    let session = Session::new(&["a.wav", "b.wav"]);
    for (line, part) in [
        ("--help", "unspill clean session/"),
        ("clean --help", "Usage: unspill clean [OPTIONS] <MIC>..."),
        ("clean", "Usage: unspill clean"),
        ("clean --amont 3 a.wav b.wav", "a similar argument exists: '--amount'"),
        ("clean a.wav none.wav", "none.wav: no such file"),
        ("clean --method magic a.wav b.wav", "no method magic"),
        ("--version", concat!("unspill ", env!("CARGO_PKG_VERSION"))),
    ] {
        let text = texts(&session.unspill(line)).concat();
        assert!(text.contains(part), "{line}: {text}");
        assert!(!text.contains("xtask") && !text.contains("debleed"), "{line}: {text}");
    }
}
