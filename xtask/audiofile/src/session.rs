//! The mic files of one session, checked and read together.

use std::ffi::OsString;
use std::path::Path;

use crate::error::{AudioFileError, Problem};
use crate::names::{case_key, same_file};
use crate::outputs::OutputSpec;
use crate::reader::AudioReader;

/// Where a mono mic of a session comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicChannel {
    /// Index of the file in the order given.
    pub file: usize,
    /// Channel of that file, from 0.
    pub channel: usize,
    /// How many channels that file has: 1, or 2 for a stereo mic.
    pub num_channels: usize,
}

/// The mic files of one session: one mono or stereo file per mic, all of one rate and length.
///
/// A stereo file is two mono mics side by side; see [`mics`](Self::mics).
#[derive(Debug)]
pub struct SessionFiles {
    readers: Vec<AudioReader>,
    mics: Vec<MicChannel>,
}

impl SessionFiles {
    /// Opens `paths` and checks what the headers tell.
    ///
    /// # Errors
    ///
    /// When there are fewer than two files or more than `max_mics` mono mics, a file cannot be
    /// opened, is not mono or stereo, or its rate or length differs from the first file's, or two
    /// outputs would have the same name.
    pub fn open<P: AsRef<Path>>(paths: &[P], max_mics: usize) -> Result<Self, AudioFileError> {
        if paths.len() < 2 {
            let problem = Problem::TooFewMics { num_files: paths.len() };
            return Err(AudioFileError::new(Path::new(""), problem));
        }
        // Before anything is opened: thousands of names must not run into the limit of open files.
        if paths.len() > max_mics {
            return Err(too_many_mics(paths.len(), max_mics));
        }
        let readers = paths
            .iter()
            .map(|path| AudioReader::open(path.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        for reader in &readers {
            check_against_first(reader, &readers[0])?;
        }
        let mics: Vec<MicChannel> = readers
            .iter()
            .enumerate()
            .flat_map(|(file, reader)| {
                let num_channels = reader.num_channels();
                (0..num_channels).map(move |channel| MicChannel { file, channel, num_channels })
            })
            .collect();
        if mics.len() > max_mics {
            return Err(too_many_mics(mics.len(), max_mics));
        }
        let session = Self { readers, mics };
        session.check_names_differ()?;
        Ok(session)
    }

    /// The sample rate of all files, in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.readers[0].rate_hz()
    }

    /// Samples per channel of every file.
    #[must_use]
    pub fn num_samples(&self) -> u64 {
        self.readers[0].num_samples()
    }

    /// All mono mics, file by file.
    #[must_use]
    pub fn mics(&self) -> &[MicChannel] {
        &self.mics
    }

    /// The files, in the order given.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.readers.iter().map(AudioReader::path)
    }

    /// The outputs' names (`kick.flac` becomes `kick.wav`) and channels, for
    /// [`OutputSet::create`](crate::OutputSet::create).
    #[must_use]
    pub fn output_specs(&self) -> Vec<OutputSpec> {
        self.readers
            .iter()
            .map(|reader| OutputSpec {
                file_name: output_name(reader.path()),
                num_channels: reader.num_channels(),
            })
            .collect()
    }

    /// Checks that writing the outputs into `folder` destroys none of the inputs.
    ///
    /// # Errors
    ///
    /// Names the first output that would be written over an input.
    pub fn check_outputs_spare_inputs(&self, folder: &Path) -> Result<(), AudioFileError> {
        for output in self.output_specs() {
            self.check_spares_inputs(&folder.join(output.file_name))?;
        }
        Ok(())
    }

    /// Checks that writing to `path` destroys none of the inputs.
    ///
    /// # Errors
    ///
    /// Names the input that `path` is.
    pub fn check_spares_inputs(&self, path: &Path) -> Result<(), AudioFileError> {
        match self.paths().find(|input| same_file(input, path)) {
            Some(input) => {
                let problem = Problem::OverwritesInput { input: input.to_owned() };
                Err(AudioFileError::new(path, problem))
            }
            None => Ok(()),
        }
    }

    /// Fills `mics` with the next samples of every mono mic and returns how many; fewer than asked
    /// for only at the end.
    ///
    /// # Shapes
    ///
    /// `mics`: `[mic][sample]`, in the order of [`mics`](Self::mics), all of one length.
    ///
    /// # Errors
    ///
    /// As [`AudioReader::read`].
    ///
    /// # Panics
    ///
    /// When `mics` is not one slice per mono mic, all of one length.
    pub fn read(&mut self, mics: &mut [&mut [f32]]) -> Result<usize, AudioFileError> {
        assert_eq!(mics.len(), self.mics.len(), "one slice per mono mic");
        let mut rest = mics;
        let mut num_read = None;
        for reader in &mut self.readers {
            let (head, tail) = rest.split_at_mut(reader.num_channels());
            let count = reader.read(head)?;
            // Every reader verifies its own length, and the lengths are equal.
            assert_eq!(*num_read.get_or_insert(count), count, "files of one length");
            rest = tail;
        }
        Ok(num_read.unwrap_or(0))
    }

    /// Starts again from the first sample, by opening every file anew.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened any more or has changed its shape meanwhile.
    pub fn rewind(&mut self) -> Result<(), AudioFileError> {
        for reader in &mut self.readers {
            let again = AudioReader::open(reader.path())?;
            check_against_first(&again, reader)?;
            if again.num_channels() != reader.num_channels() {
                let detail = "the number of channels changed".to_owned();
                return Err(AudioFileError::new(
                    reader.path(),
                    Problem::Damaged { sample: 0, detail },
                ));
            }
            *reader = again;
        }
        Ok(())
    }

    fn check_names_differ(&self) -> Result<(), AudioFileError> {
        // A volume that ignores case would let `Kick.wav` overwrite `kick.wav`.
        let names: Vec<OsString> = self.paths().map(|path| case_key(&output_name(path))).collect();
        for (index, name) in names.iter().enumerate() {
            if let Some(earlier) = names[..index].iter().position(|other| other == name) {
                let problem =
                    Problem::OutputsClash { other: self.readers[earlier].path().to_owned() };
                return Err(AudioFileError::new(self.readers[index].path(), problem));
            }
        }
        Ok(())
    }
}

fn too_many_mics(num_mics: usize, max_mics: usize) -> AudioFileError {
    AudioFileError::new(Path::new(""), Problem::TooManyMics { num_mics, max_mics })
}

fn check_against_first(reader: &AudioReader, first: &AudioReader) -> Result<(), AudioFileError> {
    let problem = if reader.num_channels() > 2 {
        Problem::TooManyChannels { num_channels: reader.num_channels() }
    } else if reader.rate_hz() != first.rate_hz() {
        Problem::RateDiffers {
            rate_hz: reader.rate_hz(),
            first: first.path().to_owned(),
            first_hz: first.rate_hz(),
        }
    } else if reader.num_samples() != first.num_samples() {
        Problem::LengthDiffers {
            num_samples: reader.num_samples(),
            first: first.path().to_owned(),
            first_samples: first.num_samples(),
        }
    } else {
        return Ok(());
    };
    Err(AudioFileError::new(reader.path(), problem))
}

/// `kick.flac` becomes `kick.wav`; `room.left.wav` stays.
fn output_name(path: &Path) -> OsString {
    let mut name = path.file_stem().unwrap_or(path.as_os_str()).to_owned();
    name.push(".wav");
    name
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::testing::{flac_bytes, ramp, write_float_wav, write_float_wav_at};

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
        // The encoder of the tests always says 44100 Hz.
        write_float_wav_at(&paths[0], 44_100, 1, &[0.5; 100]);
        fs::write(&over, &mut bytes).unwrap();
        paths.push(over);

        let mut session = SessionFiles::open(&paths, MAX_MICS).unwrap();
        assert_eq!((session.rate_hz(), session.num_samples()), (44_100, 100));
        let names: Vec<_> = session.output_specs().into_iter().map(|o| o.file_name).collect();
        assert_eq!(names, ["kick.wav", "over.wav"]);
        assert_eq!(session.mics()[2], MicChannel { file: 1, channel: 1, num_channels: 2 });
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
        assert_eq!(message(&paths), "at least two mic files are needed, 1 given");
        assert_eq!(message::<PathBuf>(&[]), "at least two mic files are needed, 0 given");
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
    fn rates_lengths_and_channels_have_to_agree() {
        let (_folder, paths) = folder_with(&["a.wav", "b.wav"]);
        write_float_wav_at(&paths[1], 44_100, 1, &[0.0; 100]);
        assert!(message(&paths).contains("b.wav: is at 44100 Hz, but "));
        write_float_wav(&paths[1], &[0.0; 99]);
        assert!(message(&paths).contains("b.wav: is 99 samples long, but "));
        write_float_wav_at(&paths[1], 48_000, 3, &[0.0; 300]);
        assert!(message(&paths).contains("b.wav: has 3 channels"));
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

    /// Bytes that are no text are kept, and two such names are not one.
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
        assert_eq!(
            names.collect::<Vec<_>>(),
            [b"\xff.wav", b"\xfe.wav"].map(|n| OsStr::from_bytes(n))
        );
    }

    #[test]
    fn an_output_never_replaces_an_input() {
        let (folder, paths) = folder_with(&["a.wav", "in/b.wav"]);
        let session = SessionFiles::open(&paths, MAX_MICS).unwrap();
        let roundabout = folder.path().join("in/..");
        let message = session.check_outputs_spare_inputs(&roundabout).unwrap_err().to_string();
        assert!(message.contains("would destroy the input") && message.contains("a.wav"));
        session.check_outputs_spare_inputs(&folder.path().join("out")).unwrap();
    }
}
