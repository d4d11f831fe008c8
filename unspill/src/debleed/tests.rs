//! Tests of the whole command with time stamps and with files of many mics.

use super::*;
use audiofile::{AudioReader, WavWriter};
use clap::Parser;
use std::path::Path;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: DebleedOptions,
}

/// Cleans `files` of `folder` into its folder `out` with the fastest method.
fn clean(folder: &Path, line: &str, files: &[&str]) -> Result<Report> {
    let mut words = vec!["debleed".to_owned(), "--out".to_owned()];
    words.push(folder.join("out").display().to_string());
    let fast = "--method ratio --mode live --learn none";
    words.extend(fast.split(' ').chain(line.split_whitespace()).map(str::to_owned));
    words.extend(files.iter().map(|file| folder.join(file).display().to_string()));
    run(&Line::try_parse_from(words).unwrap().options, &|_| ())
}

/// Returns channels of noise, each from another position of the same signal.
fn channels(num_channels: usize, num_samples: usize) -> Vec<Vec<f32>> {
    let noise = test_signals::Noise::new(3).samples(num_samples + 900, 0.2);
    (0..num_channels).map(|channel| noise[100 * channel..][..num_samples].to_vec()).collect()
}

fn read(path: &Path) -> Vec<Vec<f32>> {
    let mut reader = AudioReader::open(path).unwrap();
    let length = usize::try_from(reader.num_samples()).unwrap();
    let mut channels = vec![vec![0.0; length]; reader.num_channels()];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    assert_eq!(reader.read(&mut slices).unwrap(), length);
    channels
}

fn write(path: &Path, channels: &[Vec<f32>]) {
    let mut writer = WavWriter::create(path, 48_000, channels.len()).unwrap();
    writer.write(&channels.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
}

/// Appends a `bext` chunk with a time stamp to the file.
fn stamp(path: &Path, samples: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend(b"bext");
    bytes.extend(602_u32.to_le_bytes());
    bytes.extend([0; 338]);
    bytes.extend(samples.to_le_bytes());
    bytes.extend([0; 602 - 346]);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn outputs_have_the_places_and_lengths_of_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lengths = [("a.wav", 0, 20_000), ("b.wav", 4_800, 20_000), ("c.wav", 480, 10_000)];
    let sounds = channels(3, 20_000);
    for ((name, first, length), sound) in lengths.into_iter().zip(&sounds) {
        write(&folder.join(name), &[sound[..length].to_vec()]);
        stamp(&folder.join(name), 1_000_000 + first);
    }
    let names = lengths.map(|(name, _, _)| name);
    let report = clean(folder, "--amount 0", &names).unwrap();
    assert_eq!(report.num_samples, 24_800);
    assert_eq!(
        report.placement.as_deref(),
        Some(
            "aligned by time stamps: a.wav ends 0.100 s early, b.wav starts 0.100 s late, \
             c.wav starts 0.010 s late, c.wav ends 0.298 s early"
        )
    );
    assert!(report.table().contains("aligned by time stamps: a.wav"), "{}", report.table());
    for (mic, (name, first, length)) in lengths.into_iter().enumerate() {
        let path = folder.join("out").join(name);
        assert_eq!(read(&path), [&sounds[mic][..length]]);
        let stamp = AudioReader::open(&path).unwrap().metadata().time_stamp_samples();
        assert_eq!(stamp, Some(1_000_000 + first));
        // The silence around a file does not count towards its level.
        let alone = sounds[mic][..length].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let level_db = 10.0 * (alone / length as f64).log10();
        assert!((report.mics[mic].input_db.unwrap() - level_db).abs() < 1e-6);
    }
    // Removing bleed does not move the signals.
    let report = clean(folder, "--overwrite", &names).unwrap();
    assert!(report.mics.iter().any(|mic| mic.removed_db.is_some()));
    assert_eq!(read(&folder.join("out/c.wav"))[0].len(), 10_000);

    let line = format!("{:#}", clean(folder, "--ignore-timestamps", &names).unwrap_err());
    assert!(line.contains("c.wav: 10000 samples, but "), "{line}");
    let report = clean(folder, "--ignore-timestamps --overwrite", &names[..2]).unwrap();
    assert_eq!((report.num_samples, report.placement), (20_000, None));
}

#[test]
fn a_file_of_many_channels_is_a_whole_session() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sounds = channels(4, 20_000);
    write(&folder.join("poly.wav"), &sounds);
    let report = clean(folder, "--room 2 --group 3,4", &["poly.wav"]).unwrap();
    let outputs: Vec<&str> = report.mics.iter().map(|mic| mic.output.as_str()).collect();
    assert_eq!(outputs, ["poly.1.wav", "poly.2.wav", "poly.3.wav", "poly.4.wav"]);
    assert_eq!(report.mics[2].channel, 3);
    let read = |mic: usize| read(&folder.join("out").join(outputs[mic]));
    assert_eq!(read(1)[0], sounds[1], "a room is passed through");
    assert_ne!(read(0)[0], sounds[0]);
    // Existing outputs of a file with several mics are kept as well, under their output names.
    let line = format!("{:#}", clean(folder, "", &["poly.wav"]).unwrap_err());
    assert!(line.contains("poly.1.wav: already exists; --overwrite"), "{line}");
    assert_eq!(read(1)[0], sounds[1], "what is there stays");
    let line = format!("{:#}", clean(folder, "--room 5", &["poly.wav"]).unwrap_err());
    assert!(line.contains("there are 4 mics"), "{line}");
}

#[test]
fn a_copy_is_named_before_the_cleaning_and_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut sounds = channels(1, 60_000);
    sounds.push(sounds[0].iter().rev().copied().collect());
    sounds.push(sounds[0].iter().map(|x| x * 0.5).collect());
    for (name, sound) in ["a.wav", "b.wav", "c.wav"].into_iter().zip(&sounds) {
        write(&folder.join(name), std::slice::from_ref(sound));
    }
    let line = "--out o --method ratio --mode live --learn none";
    let run_with = |more: &str| {
        let mut words: Vec<String> =
            format!("debleed {line} {more}").split_whitespace().map(str::to_owned).collect();
        words[2] = folder.join("o").display().to_string();
        words.extend(["a.wav", "b.wav", "c.wav"].map(|f| folder.join(f).display().to_string()));
        let told = std::cell::RefCell::new(Vec::new());
        let options = Line::try_parse_from(words).unwrap().options;
        let report = run(&options, &|line| told.borrow_mut().push(line.to_owned())).unwrap();
        (report, told.into_inner())
    };
    let (report, told) = run_with("");
    let copy = "a.wav and c.wav carry the same sound (the second 6.0 dB quieter): remove one \
                of them, or put them into one group (--group 1,3)";
    assert!(report.warnings.contains(&copy.to_owned()), "{:?}", report.warnings);
    let expected: Vec<String> =
        report.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    assert_eq!(told[0], "3 mics, 1.2 s: 1 a, 2 b, 3 c");
    assert_eq!(told[1..], expected);
    // The group silences the warning, and the files are as long as before.
    let (report, _) = run_with("--overwrite --group 1,3");
    assert!(!report.warnings.iter().any(|line| line.contains("same sound")), "{report:?}");
    assert_eq!(report.num_samples, 60_000);
    assert_eq!(read(&folder.join("o/c.wav"))[0].len(), 60_000);
}

#[test]
fn files_of_other_formats_come_out_as_wav_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sounds = channels(2, 5_000);
    write(&folder.join("a.wav"), &sounds[..1]);
    // CAF: little-endian 32-bit floats up to the end of the file.
    let mut caf = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    caf.extend(48_000_f64.to_be_bytes());
    caf.extend(b"lpcm");
    for number in [3_u32, 4, 1, 1, 32] {
        caf.extend(number.to_be_bytes());
    }
    caf.extend(b"data\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0");
    caf.extend(sounds[1].iter().flat_map(|x| x.to_le_bytes()));
    std::fs::write(folder.join("b.caf"), caf).unwrap();
    let report = clean(folder, "--amount 0", &["a.wav", "b.caf"]).unwrap();
    assert_eq!(report.formats.as_deref(), Some("written as WAV: b.caf (CAF)"));
    assert!(report.table().contains("written as WAV: b.caf (CAF)\n"), "{}", report.table());
    assert_eq!(read(&folder.join("out/b.wav")), [&sounds[1][..]]);
}

#[test]
fn names_of_mics_suggest_groups_and_room_mics_unless_there_are_some() {
    let names = ["1_kick_in", "2_kick_out", "3_tom", "4_OH_L", "5_OH_R"].map(str::to_owned);
    let tip_for = |line: &str| {
        let words = ["clean", "a.wav"].into_iter().chain(line.split_whitespace());
        tip(&names, &Line::try_parse_from(words).unwrap().options)
    };
    let all =
        "tip: the names suggest --group 1,2 --group 4,5 --room 4 --room 5 (--by-name sets this)";
    assert_eq!(tip_for("").as_deref(), Some(all));
    let rooms = "tip: the names suggest --room 4 --room 5 (--by-name sets this)";
    assert_eq!(tip_for("--group 2,3").as_deref(), Some(rooms));
    assert_eq!(tip_for("--group 2,3 --room 1"), None);
    assert_eq!(tip_for("--by-name"), None);
    let set_by = |line: &str| {
        let words = ["clean", "a.wav"].into_iter().chain(line.split_whitespace());
        let options = named(&Line::try_parse_from(words).unwrap().options, &names);
        (options.group, options.room)
    };
    assert_eq!(set_by("--by-name"), (vec!["1,2".to_owned(), "4,5".to_owned()], vec![4, 5]));
    assert_eq!(set_by("--by-name --room 3"), (vec!["1,2".to_owned(), "4,5".to_owned()], vec![3]));
    assert_eq!(set_by(""), (vec![], vec![]));
    assert_eq!(tip(&["Anna".to_owned()], &Line::try_parse_from(["c", "a"]).unwrap().options), None);
}
