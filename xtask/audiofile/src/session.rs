//! The mic files of one session, checked and read together.

use std::path::{Path, PathBuf};

use crate::error::{AudioFileError, Problem};
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
            let path = folder.join(output.file_name);
            let Ok(target) = path.canonicalize() else { continue };
            for input in self.paths() {
                if input.canonicalize().is_ok_and(|input| input == target) {
                    let problem = Problem::OverwritesInput { input: input.to_owned() };
                    return Err(AudioFileError::new(&path, problem));
                }
            }
        }
        Ok(())
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
        let names: Vec<String> =
            self.paths().map(|path| output_name(path).to_lowercase()).collect();
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
fn output_name(path: &Path) -> String {
    let stem = PathBuf::from(path.file_stem().unwrap_or(path.as_os_str()));
    format!("{}.wav", stem.display())
}
