//! The `debleed` command as scripts see it: files in, files out, one line when something is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "a test that cannot set itself up has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use audiofile::{AudioReader, WavWriter};

const RATE_HZ: u32 = 44_100;

/// A folder with three mics: two that bleed into each other and one stereo file.
struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    fn new(num_samples: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let voice = |seed: u32, gate: usize| -> Vec<f32> {
            let mut state = seed;
            (0..num_samples)
                .map(|n| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = f64::from(state >> 8) / f64::from(1 << 24) - 0.5;
                    if (n / gate).is_multiple_of(2) { (0.4 * noise) as f32 } else { 0.0 }
                })
                .collect()
        };
        let (a, b) = (voice(1, 9_000), voice(2, 7_000));
        let mix = |own: &[f32], other: &[f32]| -> Vec<f32> {
            own.iter().zip(other).map(|(own, other)| own + 0.3 * other).collect()
        };
        let session = Self { folder };
        session.write("a.wav", &[&mix(&a, &b)]);
        session.write("b.wav", &[&mix(&b, &a)]);
        session.write("pair.wav", &[&mix(&a, &b), &mix(&b, &b)]);
        session
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, channels: &[&[f32]]) {
        let mut writer = WavWriter::create(&self.at(name), RATE_HZ, channels.len()).unwrap();
        writer.write(channels).unwrap();
        writer.finish().unwrap();
    }

    /// Runs `lab debleed` in the folder.
    fn debleed(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lab"))
            .arg("debleed")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// The names of all files in the folder and its folders, temporary ones included.
    fn names(&self) -> Vec<String> {
        fn collect(folder: &Path, base: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, base, names);
                } else {
                    names.push(path.strip_prefix(base).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut names = Vec::new();
        collect(self.folder.path(), self.folder.path(), &mut names);
        names.sort();
        names
    }
}

fn read(path: &Path) -> Vec<Vec<f32>> {
    let mut reader = AudioReader::open(path).unwrap();
    let length = usize::try_from(reader.num_samples()).unwrap();
    let mut channels = vec![vec![0.0; length]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    assert_eq!(reader.read(&mut slices).unwrap(), length);
    assert_eq!(reader.rate_hz(), RATE_HZ);
    channels
}

#[test]
fn outputs_have_the_inputs_names_lengths_and_channels() {
    let session = Session::new(60_001);
    let output = session.debleed("--out clean --removed gone --json r.json a.wav b.wav pair.wav");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "a pipe gets no progress bar: {output:?}");
    let made = ["a.wav", "b.wav", "pair.wav"];
    let mut names: Vec<String> = made.iter().map(|&name| name.to_owned()).collect();
    names.extend(made.map(|name| format!("clean/{name}")));
    names.extend(made.map(|name| format!("gone/{name}")));
    names.push("r.json".to_owned());
    names.sort();
    assert_eq!(session.names(), names);
    let mut changed = false;
    for name in made {
        let input = read(&session.at(name));
        let clean = read(&session.at("clean").join(name));
        let removed = read(&session.at("gone").join(name));
        assert_eq!((input.len(), input[0].len()), (clean.len(), clean[0].len()));
        for ((x, y), r) in input.iter().zip(&clean).zip(&removed) {
            for ((x, y), r) in x.iter().zip(y).zip(r) {
                assert!((x - y - r).abs() < 1e-6, "clean and removed add up to the mic");
                changed |= x != y;
            }
        }
    }
    assert!(changed, "something was removed");
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(session.at("r.json")).unwrap()).unwrap();
    assert_eq!((&report["method"], &report["learning_passes"]), (&"cancel".into(), &4.into()));
    assert_eq!(report["num_samples"], 60_001);
    assert_eq!(report["mics"].as_array().unwrap().len(), 4);
    assert!(report["rtf"].as_f64().unwrap() > 0.0);
    assert!(report["latency_samples"].as_u64().unwrap() > 0);
    assert!(report["mics"][0]["input_db"].as_f64().unwrap() < 0.0);
}

#[test]
fn amount_zero_gives_the_very_same_samples() {
    let session = Session::new(30_000);
    let output = session.debleed("--out clean --amount 0 a.wav b.wav pair.wav");
    assert!(output.status.success(), "{output:?}");
    for name in ["a.wav", "b.wav", "pair.wav"] {
        assert_eq!(read(&session.at(name)), read(&session.at("clean").join(name)));
    }
}

#[test]
fn a_room_mic_is_passed_through() {
    let session = Session::new(60_000);
    let output = session.debleed("--out clean --room 2 a.wav b.wav");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(read(&session.at("b.wav")), read(&session.at("clean/b.wav")));
}

#[test]
fn every_mistake_is_one_line_and_leaves_nothing() {
    let session = Session::new(20_000);
    let short = vec![0.1; 10_000];
    session.write("short.wav", &[&short]);
    session.write("bad.wav", &[&[vec![0.1; 15_000], vec![f32::NAN; 5_000]].concat()]);
    std::fs::write(session.at("text.flac"), "no sound").unwrap();
    let before = session.names();
    let many = "a.wav ".repeat(33);
    for (arguments, part) in [
        ("--out clean a.wav none.wav", "none.wav"),
        ("--out clean a.wav short.wav", "short.wav"),
        ("--out clean a.wav bad.wav", "bad.wav"),
        ("--out clean a.wav text.flac", "text.flac"),
        ("--out clean a.wav", "two"),
        (&format!("--out clean {many}"), "at most 32 mics"),
        ("--out . a.wav b.wav", "a.wav"),
        ("--out clean --removed clean a.wav b.wav", "--removed"),
        ("--out /proc/nothing a.wav b.wav", "/proc/nothing"),
        ("--out clean --json no/such/r.json a.wav b.wav", "no/such/r.json"),
        ("--method network --out clean a.wav b.wav", "no model is installed"),
        ("--model drums-a --out clean a.wav b.wav", "no model is installed"),
        ("--out clean --group 1,7 a.wav b.wav", "numbered 1 to 2"),
        ("--out clean --amount 120 a.wav b.wav", "0 to 100"),
    ] {
        let output = session.debleed(arguments);
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments}");
        assert!(line.contains(part) && line.lines().count() == 1, "{arguments}: {line}");
        assert_eq!(session.names(), before, "{arguments}");
        assert!(!session.at("clean").exists(), "{arguments}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let session = Session::new(44_100 * 120);
    let before = session.names();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["debleed", "--out", "clean", "a.wav", "b.wav", "pair.wav"])
        .current_dir(session.folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Half-way is when the first temporary output has begun to grow.
    let growing = || {
        let Ok(entries) = std::fs::read_dir(session.at("clean")) else { return false };
        entries.flatten().any(|entry| entry.metadata().is_ok_and(|file| file.len() > 100_000))
    };
    while !growing() {
        assert!(child.try_wait().unwrap().is_none(), "ended before it could be interrupted");
        std::thread::yield_now();
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && line.contains("interrupted"), "{line}");
    assert_eq!(session.names(), before);
    assert!(!session.at("clean").exists());
}
