//! Sessions of files of all variants, from the inputs to the outputs.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::testing::{
    Kind, flac_bytes, names_in, ramp, read_all, wav_bytes_with, write_float_wav, write_float_wav_at,
};
use crate::{Existing, OutputSet};

const MAX_MICS: usize = 32;

fn folder_with(names: &[&str]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.path().join(name)).collect();
    for (index, path) in paths.iter().enumerate() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_float_wav(path, &vec![index as f32; 100]);
    }
    (folder, paths)
}

fn message<P: AsRef<Path>>(paths: &[P]) -> String {
    let message = SessionFiles::open(paths, MAX_MICS).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn mono_and_stereo_files_of_both_formats_become_mono_mics() {
    let (folder, mut paths) = folder_with(&["kick.wav"]);
    let samples = ramp(200, 16);
    let over = folder.path().join("over.flac");
    let mut bytes = flac_bytes(&samples, 2, 16);
    // The encoder of the tests always writes 44100 Hz.
    write_float_wav_at(&paths[0], 44_100, 1, &[0.5; 100]);
    fs::write(&over, &mut bytes).unwrap();
    paths.push(over);

    let mut session = SessionFiles::open(&paths, MAX_MICS).unwrap();
    assert_eq!((session.rate_hz(), session.num_samples()), (44_100, 100));
    let names: Vec<_> = session.output_specs().into_iter().map(|o| o.file_name).collect();
    assert_eq!(names, ["kick.wav", "over.wav"]);
    assert_eq!(session.mics()[2], MicChannel { file: 1, channel: 1, mic: 1, num_sides: 2 });
    for _ in 0..2 {
        let mut buffers = vec![vec![9.0; 64]; 3];
        let mut slices: Vec<&mut [f32]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
        assert_eq!(session.read(&mut slices).unwrap(), 64);
        assert_eq!(session.read(&mut slices).unwrap(), 36);
        assert_eq!(session.read(&mut slices).unwrap(), 0);
        assert_eq!(buffers[0][35], 0.5);
        assert_eq!(buffers[2][35], samples[199] as f32 / 32_768.0);
        session.rewind().unwrap();
    }
}

#[test]
fn fewer_than_two_files_are_refused() {
    let (_folder, paths) = folder_with(&["a.wav"]);
    assert!(message(&paths).starts_with("at least two mics are needed, 1 given"));
    assert!(message::<PathBuf>(&[]).starts_with("at least two mics are needed, 0 given"));
    // A stereo file is one mic.
    write_float_wav_at(&paths[0], 48_000, 2, &[0.0; 200]);
    let line = message(&paths);
    assert!(line.contains("a.wav: a stereo file counts as one mic"), "{line}");
}

#[test]
fn more_mics_than_the_limit_are_refused() {
    let names: Vec<String> = (0..33).map(|i| format!("{i}.wav")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_folder, paths) = folder_with(&names);
    assert!(message(&paths).starts_with("at most 32 mics are possible, 33 given"));
    assert!(SessionFiles::open(&paths[1..], MAX_MICS).is_ok());
    for path in &paths[..17] {
        write_float_wav_at(path, 48_000, 2, &[0.0; 200]);
    }
    assert!(message(&paths[..17]).starts_with("at most 32 mics are possible, 34 given"));
}

#[test]
fn rates_and_lengths_have_to_agree() {
    let (_folder, paths) = folder_with(&["a.wav", "b.wav"]);
    write_float_wav_at(&paths[1], 44_100, 1, &[0.0; 100]);
    assert!(message(&paths).contains("b.wav: 44100 Hz, but "));
    write_float_wav(&paths[1], &[0.0; 99]);
    assert!(message(&paths).contains("b.wav: 99 samples, but "));
    fs::remove_file(&paths[1]).unwrap();
    assert!(message(&paths).contains("b.wav: no such file"));
}

#[test]
fn two_inputs_with_one_output_name_are_refused() {
    let (_folder, paths) = folder_with(&["a/kick.wav", "b/kick.wav", "c/Kick.wav"]);
    assert!(message(&paths[..2]).contains("would be written to the same file as"));
    assert!(message(&paths[1..]).contains("would be written to the same file as"));
    assert!(message(&[&paths[0], &paths[0]]).contains("would be written to the same file"));
}

/// Checks that names which are not valid UTF-8 keep their bytes and stay different.
#[cfg(unix)]
#[test]
fn names_that_are_no_text_keep_their_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let paths = [&b"\xff.wav"[..], b"\xfe.wav"].map(|name| {
        let path = folder.path().join(OsStr::from_bytes(name));
        write_float_wav(&path, &[0.0; 100]);
        path
    });
    let session = SessionFiles::open(&paths, MAX_MICS).unwrap();
    let names = session.output_specs().into_iter().map(|output| output.file_name);
    assert_eq!(names.collect::<Vec<_>>(), [b"\xff.wav", b"\xfe.wav"].map(|n| OsStr::from_bytes(n)));
}

#[test]
fn an_output_never_replaces_an_input() {
    let (folder, paths) = folder_with(&["a.wav", "in/b.wav"]);
    let session = SessionFiles::open(&paths, MAX_MICS).unwrap();
    let roundabout = folder.path().join("in/..");
    let message = session.check_outputs_spare_inputs(&roundabout).unwrap_err().to_string();
    assert!(message.contains("would overwrite the input") && message.contains("a.wav"));
    session.check_outputs_spare_inputs(&folder.path().join("out")).unwrap();
}

const KIND: Kind = Kind { tag: 3, bits: 32, extensible_mask: None };

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

/// Returns a `bext` chunk with a time stamp.
fn bext(time_stamp: u64) -> Vec<u8> {
    let mut body = vec![0; 602];
    body[..6].copy_from_slice(b"take 7");
    body[338..346].copy_from_slice(&time_stamp.to_le_bytes());
    chunk(b"bext", &body)
}

/// Writes a file whose first channel counts up from `first`; `chunks` are whole chunks before
/// the samples.
fn write_counting(path: &Path, first: u16, num_channels: u16, num_samples: u16, chunks: &[u8]) {
    let data: Vec<u8> = (0..num_samples)
        .flat_map(|n| (0..num_channels).map(move |channel| first + n + 1_000 * channel))
        .flat_map(|x| f32::from(x).to_le_bytes())
        .collect();
    fs::write(path, wav_bytes_with(KIND, 48_000, num_channels, &data, chunks)).unwrap();
}

/// Reads all mics in blocks and writes them to the outputs in `out`; returns the mics.
fn through(session: &mut SessionFiles, out: &Path, block: usize) -> Vec<Vec<f32>> {
    let mut outputs =
        OutputSet::create(out, 48_000, &session.output_specs(), Existing::Replace).unwrap();
    let mut all = vec![Vec::new(); session.mics().len()];
    loop {
        let mut buffers = vec![vec![f32::NAN; block]; all.len()];
        let mut slices: Vec<&mut [f32]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
        let count = session.read(&mut slices).unwrap();
        let read: Vec<&[f32]> = buffers.iter().map(|buffer| &buffer[..count]).collect();
        outputs.write(&read).unwrap();
        for (all, read) in all.iter_mut().zip(&read) {
            all.extend_from_slice(read);
        }
        if count < block {
            outputs.finish().unwrap();
            return all;
        }
    }
}

#[test]
fn every_channel_of_a_large_file_is_a_mic() {
    let folder = tempfile::tempdir().unwrap();
    let (poly, pair) = (folder.path().join("poly.wav"), folder.path().join("pair.wav"));
    let tracks = b"<BWFXML><TRACK_LIST><TRACK><INTERLEAVE_INDEX>3</INTERLEAVE_INDEX>\
        <NAME>Snare top</NAME></TRACK></TRACK_LIST></BWFXML>";
    write_counting(&poly, 1, 4, 50, &chunk(b"iXML", tracks));
    write_counting(&pair, 9_000, 2, 50, &[]);
    let mut session = SessionFiles::open(&[&poly, &pair], MAX_MICS).unwrap();
    assert_eq!((session.num_mics(), session.mics().len()), (5, 6));
    let places: Vec<_> =
        session.mics().iter().map(|mic| (mic.file, mic.channel, mic.mic, mic.num_sides)).collect();
    let expected =
        [(0, 0, 0, 1), (0, 1, 1, 1), (0, 2, 2, 1), (0, 3, 3, 1), (1, 0, 4, 2), (1, 1, 4, 2)];
    assert_eq!(places, expected);
    let out = folder.path().join("out");
    through(&mut session, &out, 16);
    let names = ["Snare top.wav", "pair.wav", "poly.1.wav", "poly.2.wav", "poly.4.wav"];
    assert_eq!(names_in(&out), names);
    let snare = read_all(&out.join("Snare top.wav"), 64).unwrap();
    assert_eq!((snare.len(), snare[0].len(), snare[0][49]), (1, 50, 2_050.0));
    assert_eq!(read_all(&out.join("pair.wav"), 64).unwrap()[1][0], 10_000.0);
    // One file with many mics is a complete session, and its channels count towards the limit.
    assert_eq!(SessionFiles::open(&[&poly], MAX_MICS).unwrap().num_mics(), 4);
    let error = SessionFiles::open(&[&poly], 3).unwrap_err().to_string();
    assert!(error.starts_with("at most 3 mics are possible, 4 given"), "{error}");
}

#[test]
fn files_are_placed_by_their_time_stamps() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        ["a.wav", "b.wav", "c.wav"].iter().map(|name| folder.path().join(name)).collect();
    write_counting(&paths[0], 100, 1, 40, &bext(5_000_000_000));
    write_counting(&paths[1], 200, 2, 20, &bext(5_000_000_030));
    write_counting(&paths[2], 300, 1, 10, &bext(5_000_000_003));
    for block in [7, 64] {
        let mut session = SessionFiles::open(&paths, MAX_MICS).unwrap();
        assert_eq!(session.num_samples(), 50);
        assert_eq!(
            session.placement_note().unwrap(),
            "aligned by time stamps: a.wav ends 0.000 s early, b.wav starts 0.001 s late, \
             c.wav starts 0.000 s late, c.wav ends 0.001 s early"
        );
        let out = folder.path().join("out");
        for _ in 0..2 {
            let mics = through(&mut session, &out, block);
            let own = |mic: usize, from: usize, first: u16, count: usize| {
                let mut expected = vec![0.0; 50];
                for (n, x) in (first..).zip(&mut expected[from..from + count]) {
                    *x = f32::from(n);
                }
                assert_eq!(mics[mic], expected, "mic {mic}");
            };
            own(0, 0, 100, 40);
            own(1, 30, 200, 20);
            own(2, 30, 1_200, 20);
            own(3, 3, 300, 10);
            session.rewind().unwrap();
        }
        // The outputs have the lengths, time stamps and descriptions of their inputs.
        for path in &paths {
            let written = out.join(path.file_name().unwrap());
            assert_eq!(read_all(&written, 64).unwrap(), read_all(path, 64).unwrap());
            let (before, after) =
                (AudioReader::open(path).unwrap(), AudioReader::open(&written).unwrap());
            assert_eq!(before.metadata(), after.metadata());
            assert!(fs::read(&written).unwrap().windows(6).any(|bytes| bytes == b"take 7"));
        }
    }
    let error = SessionFiles::open_without_time_stamps(&paths, MAX_MICS).unwrap_err();
    assert!(error.to_string().contains("b.wav: 20 samples, but "), "{error}");
}

#[test]
fn time_stamps_that_fit_no_session_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.wav", "b.wav", "c.wav"].map(|name| folder.path().join(name));
    for (stamps, part) in [
        ([Some(7), Some(7), None], ""),
        ([None, Some(7), None], ""),
        ([Some(7), Some(8), None], "c.wav: has no time stamp, but that of "),
        ([Some(0), Some(10), Some(4)], "b.wav: starts after the earlier mics have ended"),
        ([Some(0), Some(u64::MAX), Some(0)], "b.wav: starts after the earlier mics have ended"),
    ] {
        for (path, stamp) in paths.iter().zip(stamps) {
            let num_samples = if part.contains("starts after") { 5 } else { 10 };
            write_counting(path, 0, 1, num_samples, &stamp.map(bext).unwrap_or_default());
        }
        match SessionFiles::open(&paths, MAX_MICS) {
            Ok(session) => assert!(part.is_empty() && session.placement_note().is_none()),
            Err(error) => {
                let error = error.to_string();
                assert!(!part.is_empty() && error.contains(part), "{stamps:?}: {error}");
            }
        }
        let session = SessionFiles::open_without_time_stamps(&paths, MAX_MICS).unwrap();
        assert_eq!(session.placement_note(), None);
    }
}

#[test]
fn cues_and_their_labels_reach_the_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    let cues = [chunk(b"cue ", &[1; 28]), chunk(b"LIST", b"adtllabl"), chunk(b"iXML", b"<a/>")];
    for path in &paths {
        write_counting(path, 0, 1, 10, &cues.concat());
    }
    let out = folder.path().join("out");
    through(&mut SessionFiles::open(&paths, MAX_MICS).unwrap(), &out, 64);
    let written = fs::read(out.join("a.wav")).unwrap();
    for chunk in cues {
        assert!(written.windows(chunk.len()).any(|bytes| bytes == chunk), "{chunk:?}");
    }
}
