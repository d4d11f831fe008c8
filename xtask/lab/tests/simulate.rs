//! The `simulate` command as scripts use it: a run killed at any moment and started again produces
//! the same folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Short scenes with everything that the defaults draw.
const RECIPE: &str = "duration_s = 1
rate_hz = 16000
[[scene]]
ensembles = [\"rock-band\", \"string-group\", \"drum-kit\"]
mics = [2, 4]
";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(recipe: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("short.toml"), recipe).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(["simulate", "--recipe", "short.toml"])
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts the command and waits until it has begun its `num_begun`-th scene.
    fn start_until(&self, arguments: &str, out: &str, num_begun: usize) -> Child {
        let quiet = Stdio::null;
        let child = self.command(arguments).stdout(quiet()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        while num_scenes(&self.at(out)) < num_begun {
            assert!(started.elapsed() < Duration::from_secs(60), "no scene begun");
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    }
}

/// Counts the scenes in a folder, partial ones included.
fn num_scenes(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
}

/// Returns every file below a folder, by its relative path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn error_line(output: &Output) -> String {
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    assert!(text.starts_with("error: "), "{text}");
    text
}

#[test]
fn killed_at_any_moment_and_started_again_the_folder_ends_the_same() {
    let bench = Bench::new(RECIPE);
    let whole = bench.run("--out whole --count 12 --threads 1");
    assert!(whole.status.success(), "{whole:?}");
    assert!(whole.stderr.is_empty(), "no progress bar in a pipe: {whole:?}");
    let expected = files(&bench.at("whole"));
    assert_eq!(expected.keys().filter(|path| path.ends_with("scene.json")).count(), 12);
    // Kills during the writing of a scene and between two scenes, after a fixed list of waits.
    let mut num_halves = 0;
    for (begun, wait_ms) in [(1, 0), (2, 2), (4, 5), (6, 0), (9, 11)] {
        let arguments = "--out killed --count 12 --threads 2";
        let mut child = bench.start_until(arguments, "killed", begun);
        std::thread::sleep(Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        let left = files(&bench.at("killed"));
        let is_half = |path: &PathBuf| path.to_string_lossy().contains(".partial");
        num_halves += usize::from(left.keys().any(is_half));
        // Every file under its final name is complete.
        for (path, bytes) in left.iter().filter(|(path, _)| !is_half(path)) {
            assert_eq!(expected.get(path), Some(bytes), "{}", path.display());
        }
    }
    assert!(num_halves > 0, "no kill came while a scene was being written");
    let last = bench.run("--out killed --count 12 --threads 3");
    assert!(last.status.success(), "{last:?}");
    let found = files(&bench.at("killed"));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected, "the same files with other bytes");
    // No scene is made twice.
    let again = bench.run("--out killed --count 12");
    assert!(String::from_utf8_lossy(&again.stdout).contains("0 scenes made, 12 already existed"));
    // A run of a part of the scenes makes the same scenes.
    assert!(bench.run("--out part --first 11 --count 2").status.success());
    for (path, bytes) in files(&bench.at("part")) {
        assert_eq!(expected.get(&path), Some(&bytes), "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_ends_by_one_line_and_leaves_whole_scenes() {
    let bench = Bench::new(RECIPE);
    let child = bench.start_until("--out out --count 500 --threads 2", "out", 2);
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let line = error_line(&child.wait_with_output().unwrap());
    assert!(line.contains("interrupted after") && line.contains("again to continue"), "{line}");
    for (path, _) in files(&bench.at("out")) {
        assert!(!path.to_string_lossy().contains(".partial"), "{}", path.display());
    }
}

#[test]
fn a_folder_of_other_scenes_is_refused() {
    let bench = Bench::new(RECIPE);
    assert!(bench.run("--out out --count 1").status.success());
    let before = files(&bench.at("out"));
    for (arguments, says) in [
        ("--seed 2", "was made with seed 1"),
        ("--split test", "was made for split train"),
        ("--format flac", "was made as wav"),
        ("--kit .", "no <piece>"),
    ] {
        let line = error_line(&bench.run(&format!("--out out --count 2 {arguments}")));
        assert!(line.contains(says), "{arguments}: {line}");
    }
    std::fs::write(bench.at("short.toml"), format!("{RECIPE}# changed\n")).unwrap();
    let line = error_line(&bench.run("--out out --count 2"));
    assert!(line.contains("another version of recipe short"), "{line}");
    assert_eq!(files(&bench.at("out")), before);
}

#[test]
fn what_cannot_be_done_is_one_line() {
    let bench = Bench::new(&RECIPE.replace("mics = [2, 4]", "mics = [2, 40]"));
    let line = error_line(&bench.run("--out out --count 1"));
    assert!(line.contains("short.toml line 5") && line.contains("40 is not within"), "{line}");
    std::fs::write(bench.at("short.toml"), RECIPE).unwrap();
    let line = error_line(&bench.run("--out short.toml/out --count 1"));
    assert!(line.contains("could not create short.toml/out"), "{line}");
    let line = error_line(&bench.run("--out out --count 1 --soundfont nothing.sf2"));
    assert!(line.contains("nothing.sf2"), "{line}");
    let line = error_line(&bench.run("--out out --count 0"));
    assert!(line.contains("--count"), "{line}");
    assert!(!bench.at("out").exists());
}

#[test]
fn flac_scenes_hold_what_wav_scenes_hold() {
    let bench = Bench::new(RECIPE);
    assert!(bench.run("--out wav --count 2").status.success());
    assert!(bench.run("--out flac --count 2 --format flac").status.success());
    let scenes = lab::scenes::folder::list(&bench.at("flac")).unwrap();
    assert_eq!(scenes.len(), 2);
    for path in scenes {
        let flac = lab::scenes::folder::read(&path).unwrap();
        let name = path.file_name().unwrap();
        let wav = lab::scenes::folder::read(&bench.at("wav").join(name)).unwrap();
        assert_eq!(flac.info, wav.info);
        for (a, b) in flac.mics.iter().chain(&flac.targets).zip(wav.mics.iter().chain(&wav.targets))
        {
            let most = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            // Half a step of 24 bits.
            assert!(most < 6.1e-8, "{most}");
        }
    }
}
