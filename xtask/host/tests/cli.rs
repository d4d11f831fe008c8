//! `cargo xtask host` with invalid input, termination signals and a test plugin: every error is one
//! clear line, and failed runs leave nothing behind.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use audiofile::WavWriter;

fn write_wav(path: &Path, rate_hz: u32, num_samples: usize) {
    let mut writer = WavWriter::create(path, rate_hz, 1).unwrap();
    writer.write(&[&vec![0.25; num_samples]]).unwrap();
    writer.finish().unwrap();
}

fn host(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_host"))
        .current_dir(folder)
        .args(arguments)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// Returns the one line on stderr; checks the exit code and that nothing was printed or written.
fn complaint(folder: &Path, arguments: &[&str]) -> String {
    let mut all = vec!["--class", "8", "--out", "out", "--plugin", "no.clap"];
    all.extend(arguments);
    let output = host(folder, &all);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    assert!(output.stdout.is_empty());
    assert!(!folder.join("out").exists(), "{arguments:?}");
    errors
}

#[test]
fn bad_input_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_wav(&folder.join("a.wav"), 48_000, 100);
    write_wav(&folder.join("b.wav"), 48_000, 100);
    write_wav(&folder.join("rate.wav"), 44_100, 100);
    write_wav(&folder.join("short.wav"), 48_000, 99);
    fs::write(folder.join("text.flac"), "fLaC, or so it says").unwrap();
    for (arguments, part) in [
        (&["a.wav"][..], "at least two mics are needed, 1 given"),
        (&["a.wav", "nowhere.wav"], "nowhere.wav: no such file"),
        (&["a.wav", "rate.wav"], "rate.wav: 44100 Hz, but a.wav has 48000 Hz"),
        (&["a.wav", "short.wav"], "short.wav: 99 samples, but a.wav has 100"),
        (&["a.wav", "text.flac"], "text.flac: not a valid WAV, AIFF, CAF or FLAC file"),
        (&["a.wav", "a.wav"], "written to the same file"),
        (&["a.wav", "b.wav"], "no.clap: no such file; run `cargo xtask bundle`"),
    ] {
        let errors = complaint(folder, arguments);
        assert!(errors.contains(part), "{errors}");
    }
    for (rate_hz, names) in
        [(4_000, ["slow.wav", "slow2.wav"]), (384_000, ["fast.wav", "fast2.wav"])]
    {
        names.iter().for_each(|name| write_wav(&folder.join(name), rate_hz, 100));
        let errors = complaint(folder, &names);
        let part = format!("sample rate {rate_hz} Hz is outside 8000 to 192000 Hz");
        assert!(errors.contains(names[0]) && errors.contains(&part), "{errors}");
    }
    let many: Vec<&str> = vec!["a.wav"; 33];
    assert!(complaint(folder, &many).contains("at most 32 mics are possible, 33 given"));
}

#[test]
fn an_output_folder_that_holds_the_inputs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.wav", "b.wav"] {
        write_wav(&folder.path().join(name), 48_000, 100);
    }
    let before = fs::read(folder.path().join("a.wav")).unwrap();
    let output = host(folder.path(), &["--class", "8", "--out", ".", "a.wav", "b.wav"]);
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("would overwrite the input a.wav"), "{errors}");
    assert_eq!(fs::read(folder.path().join("a.wav")).unwrap(), before);
}

#[test]
fn another_takes_files_are_kept_unless_they_may_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["a.wav", "b.wav"] {
        write_wav(&at(name), 48_000, 100);
    }
    fs::create_dir(at("take")).unwrap();
    fs::write(at("take/b.wav"), "another take").unwrap();
    let arguments = ["--class", "8", "--out", "take", "--plugin", "no.clap", "a.wav", "b.wav"];
    let line = |extra: &[&str]| {
        let output = host(folder.path(), &[&arguments[..], extra].concat());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let kept = line(&[]);
    assert!(kept.contains("take/b.wav: already exists; --overwrite replaces it"), "{kept}");
    // Now only the plugin is missing, and the existing file stays until a new one replaces it.
    let replaced = line(&["--overwrite", "--floor-db", "-12dB"]);
    assert!(replaced.contains("no.clap: no such file"), "{replaced}");
    assert_eq!(fs::read(at("take/b.wav")).unwrap(), b"another take");
    assert_eq!(fs::read_dir(at("take")).unwrap().count(), 1);
}

/// Copies the example plugin into the folder; cargo builds it with the tests of the package.
fn passing_plugin(folder: &Path) {
    let name = format!("{}passing{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let programs = Path::new(env!("CARGO_BIN_EXE_host")).parent().unwrap();
    let library = programs.join("examples").join(name);
    let copied = fs::copy(&library, folder.join("passing.clap"));
    assert!(copied.is_ok(), "{}: `cargo test -p host` builds it", library.display());
}

#[test]
fn what_the_plugin_gives_is_written_and_replaces_nothing_unless_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    passing_plugin(folder.path());
    for name in ["a.wav", "b.wav"] {
        write_wav(&at(name), 48_000, 1_000);
    }
    let all = ["--class", "8", "--plugin", "passing.clap", "--out", "out", "a.wav", "b.wav"];
    let output = host(folder.path(), &all);
    assert!(output.status.success(), "{output:?}");
    let whole = fs::read(at("a.wav")).unwrap();
    assert_eq!(fs::read(at("out/a.wav")).unwrap(), whole);
    fs::write(at("out/b.wav"), "mastered").unwrap();
    assert!(!host(folder.path(), &all).status.success());
    assert_eq!(fs::read(at("out/b.wav")).unwrap(), b"mastered");
    let output = host(folder.path(), &[&all[..], &["--overwrite"]].concat());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(at("out/b.wav")).unwrap(), whole);
    assert_eq!(fs::read_dir(at("out")).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn every_request_to_end_is_tidied_up_after() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    passing_plugin(folder.path());
    for name in ["a.wav", "b.wav"] {
        write_wav(&at(name), 48_000, 48_000 * 60);
    }
    let all = ["--class", "8", "--plugin", "passing.clap", "--realtime", "--out", "out"];
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_host"))
            .args(all)
            .args(["a.wav", "b.wav"])
            .current_dir(folder.path())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let is_playing = || {
            let Ok(entries) = fs::read_dir(at("out")) else { return false };
            entries.flatten().any(|entry| entry.metadata().is_ok_and(|file| file.len() > 1_000))
        };
        while !is_playing() {
            assert!(child.try_wait().unwrap().is_none(), "ended before it could be interrupted");
            assert!(started.elapsed() < Duration::from_secs(30), "nothing is written");
            std::thread::sleep(Duration::from_millis(1));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert!(started.elapsed() < Duration::from_secs(40), "it played to its end");
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{signal}: {line}");
        let errors: Vec<&str> =
            line.lines().filter(|line| !line.starts_with("warning: ")).collect();
        assert_eq!(errors, ["error: interrupted; nothing was written"], "{signal}");
        assert!(!at("out").exists(), "{signal}");
    }
}

/// Checks that the signal of the limit does not end the program, which would leave no error line.
#[cfg(unix)]
#[test]
fn a_limit_on_file_sizes_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    passing_plugin(folder.path());
    for name in ["a.wav", "b.wav"] {
        write_wav(&folder.path().join(name), 48_000, 60_000);
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 200; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_host")])
        .args(["--class", "8", "--plugin", "passing.clap", "--out", "out", "a.wav", "b.wav"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(line.contains("cannot write: File too large"), "{line}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--class", "9"][..], "use 8, 16, multichannel, track or link"),
        (&["--class", "8", "--block", "0"], "a number from 1 to 8192, or `random`"),
        (&["--class", "8", "--param", "Amount"], "expected NAME=VALUE"),
        (&["--class", "8", "--realtime", "--offline"], "cannot be used with"),
        (&["--class", "8", "--floor-db", "loud"], "expected a level in dB"),
    ] {
        let mut all = arguments.to_vec();
        all.extend(["--out", "out", "a.wav", "b.wav"]);
        let output = host(folder.path(), &all);
        assert!(!output.status.success());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}

/// Returns the numbers of the calls whose description begins with one of these words.
#[cfg(unix)]
fn numbers_of(seed: u64, words: &[&str]) -> String {
    let is_one = |number: &u64| {
        let description = host::random::describe(seed, *number);
        words.iter().any(|word| description.contains(&format!(": {word}")))
    };
    let numbers: Vec<String> = (0..2000).filter(is_one).map(|number| number.to_string()).collect();
    numbers.join(",")
}

#[test]
#[cfg(unix)]
fn calls_that_make_a_plugin_fail_are_found_and_cut_down() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // This plugin does not check pointers for null, which plugins for real hosts must do.
    passing_plugin(folder);
    let plugin = ["--plugin", "passing.clap"];
    let random = host(folder, &[&plugin[..], &["--random", "2000", "--seed", "3"]].concat());
    assert!(!random.status.success() && random.stdout.is_empty());
    let errors = String::from_utf8(random.stderr).unwrap();
    assert!(errors.contains("seed 3, call "), "{errors}");
    assert!(
        errors.contains("\n1 of ") && errors.contains(" calls reproduce the failure ("),
        "{errors}"
    );
    // An unoptimised build detects the null pointer itself and aborts.
    assert!(errors.contains("\nerror: crash (signal "), "{errors}");
    let again = errors.lines().find_map(|line| line.strip_prefix("to repeat: ")).unwrap();
    let arguments: Vec<&str> = plugin.into_iter().chain(again.split(' ')).collect();
    let again = host(folder, &arguments);
    let errors = String::from_utf8(again.stderr).unwrap();
    assert!(
        !again.status.success() && errors.contains("1 of 1 calls reproduce the failure"),
        "{errors}"
    );

    // Calls that the plugin handles cause no failure.
    let well = numbers_of(3, &["Idle", "Deactivate", "Start"]);
    let arguments = ["--seed", "3", "--only", &well];
    let well = host(folder, &[&plugin[..], &arguments].concat());
    let output = String::from_utf8(well.stdout).unwrap();
    let errors = String::from_utf8(well.stderr).unwrap();
    assert!(well.status.success() && output.contains("with seed 3"), "{output}{errors}");
    assert!(output.contains("no errors"), "{output}");
}

#[test]
fn what_random_calls_cannot_begin_with_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = host(folder.path(), &["--random", "10", "--plugin", "no.clap"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && errors.lines().count() == 1, "{errors}");
    assert!(errors.contains("no.clap: no such file"), "{errors}");
    for arguments in [&["--random", "0"][..], &["--only", "7,3"], &["--random", "10", "a.wav"]] {
        let output = host(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
