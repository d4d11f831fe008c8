//! The `debleed` command as scripts use it: files in, files out, one line for an error.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "a test that cannot set itself up has failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use audiofile::{AudioReader, WavWriter};
use test_signals::Noise;

const RATE_HZ: u32 = 44_100;

/// A folder with three mics: two that bleed into each other and one stereo file.
struct Session {
    folder: tempfile::TempDir,
}

impl Session {
    fn new(num_samples: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let voice = |seed: u32, gate: usize| -> Vec<f32> {
            let noise = Noise::new(seed).samples(num_samples, 0.2);
            let gated =
                |(n, noise): (usize, f32)| if (n / gate).is_multiple_of(2) { noise } else { 0.0 };
            noise.into_iter().enumerate().map(gated).collect()
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

    /// Runs `lab debleed` in the folder from a shell line, where it is `"$@"`.
    #[cfg(unix)]
    fn debleed_within(&self, line: &str, arguments: &str) -> Output {
        Command::new("sh")
            .args(["-c", line, "sh", env!("CARGO_BIN_EXE_lab"), "debleed"])
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Returns the names of all files and folders in the folder, temporary ones included.
    fn names(&self) -> Vec<String> {
        fn collect(folder: &Path, base: &Path, names: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                names.push(path.strip_prefix(base).unwrap().to_string_lossy().into_owned());
                if path.is_dir() {
                    collect(&path, base, names);
                }
            }
        }
        let mut names = Vec::new();
        collect(self.folder.path(), self.folder.path(), &mut names);
        names.sort();
        names
    }
}

/// Asserts that the run failed with one line that contains `part`, after that of the mics if they
/// could be opened.
fn assert_one_line(output: &Output, part: &str, what: &str) {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    let (first, rest) = told.split_once('\n').unwrap_or_default();
    let line = if first.contains(" mics, ") && !rest.is_empty() { rest } else { &told };
    assert!(!output.status.success() && output.status.code().is_some(), "{what}: {output:?}");
    assert!(output.stdout.is_empty(), "{what}: {output:?}");
    assert!(line.contains(part) && line.lines().count() == 1, "{what}: {line}");
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
    // A pipe gets the warning about the session, but no progress bar.
    let told = String::from_utf8(output.stderr).unwrap();
    let told: String = told.lines().take(2).map(|line| line.to_owned() + "\n").collect();
    assert_eq!(
        told,
        "3 mics, 1.4 s: 1 a, 2 b, 3 pair\n\
         warning: a.wav and pair.wav channel 1 carry the same sound: remove one of them, or put \
         them into one group (--group 1,3)\n"
    );
    let made = ["a.wav", "b.wav", "pair.wav"];
    let mut names: Vec<String> = made.iter().map(|&name| name.to_owned()).collect();
    names.extend(made.map(|name| format!("clean/{name}")));
    names.extend(made.map(|name| format!("gone/{name}")));
    names.extend(["clean", "gone", "r.json"].map(str::to_owned));
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
    assert_eq!((&report["method"], &report["learning_passes"]), (&"network".into(), &8.into()));
    assert_eq!(report["model"], models::released().unwrap().card.folder());
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
    session.write("three.wav", &[&short, &short, &short]);
    session.write("nan.wav", &[&[vec![0.1; 15_000], vec![f32::NAN; 5_000]].concat()]);
    session.write("inf.wav", &[&[vec![0.1; 19_999], vec![f32::NEG_INFINITY]].concat()]);
    let mut slow = WavWriter::create(&session.at("slow.wav"), 22_050, 1).unwrap();
    slow.write(&[&[0.1; 20_000]]).unwrap();
    slow.finish().unwrap();
    let mut bytes = std::fs::read(session.at("a.wav")).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(session.at("cut.wav"), bytes).unwrap();
    std::fs::write(session.at("text.flac"), "no sound").unwrap();
    let noise = &read(&session.at("a.wav"))[0];
    lab::flac::write(&session.at("whole.flac"), noise, RATE_HZ).unwrap();
    let mut bytes = std::fs::read(session.at("whole.flac")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x55);
    std::fs::write(session.at("damaged.flac"), &bytes).unwrap();
    bytes.truncate(middle);
    std::fs::write(session.at("cut.flac"), &bytes).unwrap();
    std::fs::create_dir(session.at("folder.wav")).unwrap();
    // 33 mics as 33 files, and as 16 pairs and one more.
    let copies = |from: &str, count: usize| -> String {
        let names = (1..=count).map(|copy| format!("{copy}-{from}"));
        names.fold(String::new(), |line, name| {
            std::fs::copy(session.at(from), session.at(&name)).unwrap();
            line + " " + &name
        })
    };
    let (many, pairs) = (copies("a.wav", 33), copies("pair.wav", 16));
    let before = session.names();
    for (arguments, part) in [
        ("--out clean a.wav none.wav", "none.wav"),
        ("--out clean a.wav short.wav", "short.wav"),
        ("--out clean a.wav slow.wav", "slow.wav"),
        ("--out clean a.wav nan.wav", "nan.wav"),
        ("--out clean a.wav inf.wav", "inf.wav"),
        ("--method online --removed gone --out clean a.wav inf.wav", "inf.wav"),
        ("--out clean a.wav three.wav", "three.wav"),
        ("--out clean a.wav cut.wav", "cut.wav"),
        ("--out clean a.wav text.flac", "text.flac"),
        ("--out clean a.wav damaged.flac", "damaged.flac"),
        ("--out clean --method online a.wav cut.flac", "cut.flac"),
        ("--out clean a.wav folder.wav", "folder.wav"),
        ("--out clean a.wav", "two"),
        ("--out clean pair.wav", "pair.wav: a stereo file counts as one mic"),
        ("--out clean a.wav a.wav", "a.wav"),
        (&format!("--out clean {many}"), "at most 32 mics"),
        (&format!("--out clean {pairs} a.wav"), "at most 32 mics"),
        ("--out . a.wav b.wav", "a.wav"),
        ("--out clean --removed . a.wav b.wav", "a.wav"),
        ("--out clean --removed clean a.wav b.wav", "--removed"),
        ("--out clean --removed ./clean a.wav b.wav", "--removed"),
        ("--out /proc/nothing a.wav b.wav", "/proc/nothing"),
        ("--out pair.wav/clean a.wav b.wav", "pair.wav/clean"),
        ("--out pair.wav a.wav b.wav", "pair.wav"),
        ("--out clean --removed pair.wav/gone a.wav b.wav", "pair.wav/gone"),
        ("--out clean --json no/such/r.json a.wav b.wav", "no/such/r.json"),
        ("--out clean --json b.wav a.wav b.wav", "--json b.wav"),
        ("--out clean --json folder.wav a.wav b.wav", "folder.wav"),
        ("--model nobody-7 --out clean a.wav b.wav", "--model nobody-7: no such model or folder"),
        ("--model folder.wav --out clean a.wav b.wav", "folder.wav/card.toml"),
        ("--method ideal-mask --out clean a.wav b.wav", "ideal-mask is available in evaluate only"),
        ("--method cancel --model band-a --out clean a.wav b.wav", "does not use a network"),
        ("--method online --learn session --out clean a.wav b.wav", "--learn session"),
        ("--method cancel --learn none --out clean a.wav b.wav", "--learn none"),
        ("--out clean --group 1,7 a.wav b.wav", "there are 2 mics"),
        ("--out clean --amount 120 a.wav b.wav", "0 to 100"),
    ] {
        assert_one_line(&session.debleed(arguments), part, arguments);
        assert_eq!(session.names(), before, "{arguments}");
    }
    // The undamaged FLAC file is accepted: the refusals above are due to the damage.
    let output = session.debleed("--out clean a.wav whole.flac");
    assert!(output.status.success(), "{output:?}");
}

/// Limits files to 100 kB (200 blocks of 512 bytes); the tests write 240 kB.
#[cfg(unix)]
const LIMITED: &str = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";

/// A limit on file sizes makes writes fail half-way, as a full disk does, for any user.
#[cfg(unix)]
#[test]
fn a_write_that_fails_half_way_leaves_nothing() {
    let session = Session::new(60_000);
    let before = session.names();
    for method in ["online", "cancel"] {
        let arguments = format!("--method {method} --out a/clean --removed a/gone a.wav b.wav");
        let output = session.debleed_within(LIMITED, &arguments);
        assert_one_line(&output, "cannot write: File too large", method);
        assert_eq!(session.names(), before);
    }
    // Small enough files are written despite the limit.
    let small = Session::new(20_000);
    let output = small.debleed_within(LIMITED, "--out clean a.wav b.wav");
    assert!(output.status.success(), "{output:?}");
}

/// Uses a file system of its own that is too small. If the user may not mount one, uses the limit
/// of `a_write_that_fails_half_way_leaves_nothing`.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing() {
    let session = Session::new(60_000);
    std::fs::create_dir(session.at("disk")).unwrap();
    let before = session.names();
    let mount = "mount -t tmpfs -o size=700k none disk";
    let namespace = ["unshare -m", "unshare -Umr"].into_iter().find(|namespace| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{namespace} {mount}")]).current_dir(session.folder.path());
        shell.output().is_ok_and(|output| output.status.success())
    });
    let (line, part) = match namespace {
        // The remaining files are listed inside the namespace, where alone the mount is visible.
        Some(namespace) => (
            format!(
                "{namespace} sh -c '{mount} && \"$@\"; code=$?; ls -A disk; exit $code' sh \"$@\""
            ),
            "cannot write: No space left",
        ),
        None => (LIMITED.to_owned(), "cannot write: File too large"),
    };
    let output = session.debleed_within(&line, "--out disk/clean --removed disk/gone a.wav b.wav");
    assert_one_line(&output, part, "full disk");
    assert_eq!(session.names(), before);
}

/// The command never hangs, whatever the number of mics.
#[test]
fn every_number_of_mics_ends_with_lookahead_and_without() {
    let session = Session::new(50_000);
    let mut mics = String::new();
    for mic in 1..=16 {
        let name = format!("mic{mic}.wav");
        std::fs::copy(session.at(["a.wav", "b.wav"][mic % 2]), session.at(&name)).unwrap();
        mics = format!("{mics} {name}");
        if ![2, 3, 5, 8, 11, 16].contains(&mic) {
            continue;
        }
        for mode in ["mix", "live"] {
            let arguments = format!("--learn none --mode {mode} --out {mode}{mic} {mics}");
            let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
                .arg("debleed")
                .args(arguments.split_whitespace())
                .current_dir(session.folder.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // A run takes about a second on two cores.
            let deadline = Instant::now() + Duration::from_mins(1);
            let status = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break status;
                }
                if Instant::now() > deadline {
                    child.kill().unwrap();
                    panic!("{mic} mics, {mode}: stuck");
                }
                std::thread::sleep(Duration::from_millis(10));
            };
            assert!(status.success(), "{mic} mics, {mode}");
            assert_eq!(read(&session.at(&format!("{mode}{mic}/mic1.wav")))[0].len(), 50_000);
        }
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
    // The run is half-way once the first temporary output has begun to grow.
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
