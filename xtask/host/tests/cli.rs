//! `cargo xtask host` with bad input: one clear line, a failing exit, nothing left behind.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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

/// The one line on stderr, after checking that the rest is as it should be.
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
        (&["a.wav"][..], "at least two mic files"),
        (&["a.wav", "nowhere.wav"], "nowhere.wav: no such file"),
        (&["a.wav", "rate.wav"], "rate.wav: is at 44100 Hz, but a.wav is at 48000 Hz"),
        (&["a.wav", "short.wav"], "short.wav: is 99 samples long, but a.wav is 100"),
        (&["a.wav", "text.flac"], "text.flac: not a WAV or FLAC file"),
        (&["a.wav", "a.wav"], "written to the same file"),
        (&["a.wav", "b.wav"], "no.clap: there is no such file; `cargo xtask bundle` makes it"),
    ] {
        let errors = complaint(folder, arguments);
        assert!(errors.contains(part), "{errors}");
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
    assert!(errors.contains("writing it would destroy the input a.wav"), "{errors}");
    assert_eq!(fs::read(folder.path().join("a.wav")).unwrap(), before);
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--class", "9"][..], "there are 8, 16, multichannel and track"),
        (&["--class", "8", "--block", "0"], "a number from 1 to 8192, or `random`"),
        (&["--class", "8", "--param", "Amount"], "an equals sign is missing"),
        (&["--class", "8", "--realtime", "--offline"], "cannot be used with"),
    ] {
        let mut all = arguments.to_vec();
        all.extend(["--out", "out", "a.wav", "b.wav"]);
        let output = host(folder.path(), &all);
        assert!(!output.status.success());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}
