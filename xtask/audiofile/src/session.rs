//! The mic files of one session, checked and read together.

use std::path::Path;

use crate::error::{AudioFileError, Problem};
use crate::names::{readable, same_file};
use crate::outputs::OutputSpec;
use crate::placement::{self, Placement};
use crate::reader::AudioReader;
use crate::track_names::{self, Named};

#[cfg(test)]
mod tests;

/// The source of a mono mic of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicChannel {
    /// Index of the file in the order given.
    pub file: usize,
    /// Channel index in that file.
    pub channel: usize,
    /// Index of the mic. Both channels of a stereo mic have the same index; each channel of a file
    /// with more than two channels has its own.
    pub mic: usize,
    /// 1 for a mono mic, 2 for each channel of a stereo mic.
    pub num_sides: usize,
}

/// The mic files of one session, all at one sample rate.
///
/// A mono or stereo file is one mic; in a file with more channels, every channel is a mic. A stereo
/// mic is two adjacent mono mics; see [`mics`](Self::mics).
///
/// If all files have time stamps (`bext`), these determine their positions, and a mic is silent
/// before its file starts and after it ends. Otherwise all files have the same length.
#[derive(Debug)]
pub struct SessionFiles {
    readers: Vec<AudioReader>,
    placements: Vec<Placement>,
    mics: Vec<MicChannel>,
    /// Output of each mic.
    outputs: Vec<OutputSpec>,
    num_samples: u64,
    read_samples: u64,
}

impl SessionFiles {
    /// Opens `paths`, checks their headers, and places the files by their time stamps.
    ///
    /// # Errors
    ///
    /// If there are fewer than two mics or more than `max_mics` mono mics, a file cannot be opened,
    /// its rate differs from the first file's, two outputs would have the same name, the lengths of
    /// files without time stamps differ, or the time stamps fit no session.
    pub fn open<P: AsRef<Path>>(paths: &[P], max_mics: usize) -> Result<Self, AudioFileError> {
        Self::open_placed(paths, max_mics, placement::by_time_stamps)
    }

    /// Opens `paths` like [`open`](Self::open), but all files start together and time stamps
    /// are ignored.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open), and if the lengths differ.
    pub fn open_without_time_stamps<P: AsRef<Path>>(
        paths: &[P],
        max_mics: usize,
    ) -> Result<Self, AudioFileError> {
        Self::open_placed(paths, max_mics, placement::together)
    }

    fn open_placed<P: AsRef<Path>>(
        paths: &[P],
        max_mics: usize,
        place: impl Fn(&[AudioReader]) -> Result<Vec<Placement>, AudioFileError>,
    ) -> Result<Self, AudioFileError> {
        // Checked before opening: thousands of names would exceed the limit of open files.
        if paths.len() > max_mics {
            return Err(too_many_mics(paths.len(), max_mics));
        }
        let readers = paths
            .iter()
            .map(|path| AudioReader::open(path.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        let mics = mic_channels(&readers);
        let num_mics = mics.last().map_or(0, |mic| mic.mic + 1);
        if let [pair] = readers.as_slice()
            && num_mics == 1
            && mics.len() == 2
        {
            return Err(AudioFileError::new(pair.path(), Problem::OnePair));
        }
        if num_mics < 2 {
            return Err(AudioFileError::new(Path::new(""), Problem::TooFewMics { num_mics }));
        }
        if mics.len() > max_mics {
            return Err(too_many_mics(mics.len(), max_mics));
        }
        for reader in &readers {
            check_rate(reader, &readers[0])?;
        }
        let placements = place(&readers)?;
        let outputs = outputs(&readers, &placements)?;
        let num_samples = placements.iter().map(|file| file.end_sample()).max().unwrap_or(0);
        Ok(Self { readers, placements, mics, outputs, num_samples, read_samples: 0 })
    }

    /// Returns the sample rate of all files in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.readers[0].rate_hz()
    }

    /// Returns the samples per mic, from the start of the first file to the end of the last.
    #[must_use]
    pub fn num_samples(&self) -> u64 {
        self.num_samples
    }

    /// Returns all mono mics, file by file.
    #[must_use]
    pub fn mics(&self) -> &[MicChannel] {
        &self.mics
    }

    /// Returns the number of mics; a stereo mic counts once.
    #[must_use]
    pub fn num_mics(&self) -> usize {
        self.outputs.len()
    }

    /// Returns the paths of the files in the order given.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.readers.iter().map(AudioReader::path)
    }

    /// Returns the position of each file in the session, in the order given.
    #[must_use]
    pub fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// Returns one line about files that start later or end earlier than the session, or `None`.
    #[must_use]
    pub fn placement_note(&self) -> Option<String> {
        placement::note(&self.readers, &self.placements, self.num_samples)
    }

    /// Returns one line about files whose outputs are WAV because their format is not written,
    /// or `None`.
    #[must_use]
    pub fn format_note(&self) -> Option<String> {
        let files: Vec<String> = self
            .readers
            .iter()
            .filter_map(|reader| {
                let name = reader.path().file_name().unwrap_or(reader.path().as_os_str());
                Some(format!("{} ({})", readable(name), reader.foreign_format()?))
            })
            .collect();
        (!files.is_empty()).then(|| format!("written as WAV: {}", files.join(", ")))
    }

    /// Returns one output per mic, in their order, for
    /// [`OutputSet::create`](crate::OutputSet::create).
    ///
    /// `kick.flac` becomes `kick.wav`. The mics of a file with more than two channels are named
    /// after its tracks (`iXML`), or `file.1.wav`, `file.2.wav` and so on.
    #[must_use]
    pub fn output_specs(&self) -> Vec<OutputSpec> {
        self.outputs.clone()
    }

    /// Checks that writing the outputs into `folder` destroys none of the inputs.
    ///
    /// # Errors
    ///
    /// If an output would replace an input; the error names the first such output.
    pub fn check_outputs_spare_inputs(&self, folder: &Path) -> Result<(), AudioFileError> {
        for output in &self.outputs {
            self.check_spares_inputs(&folder.join(&output.file_name))?;
        }
        Ok(())
    }

    /// Checks that writing to `path` destroys none of the inputs.
    ///
    /// # Errors
    ///
    /// If `path` is an input; the error names it.
    pub fn check_spares_inputs(&self, path: &Path) -> Result<(), AudioFileError> {
        match self.paths().find(|input| same_file(input, path)) {
            Some(input) => {
                let problem = Problem::OverwritesInput { input: input.to_owned() };
                Err(AudioFileError::new(path, problem))
            }
            None => Ok(()),
        }
    }

    /// Fills `mics` with the next samples of every mono mic and returns their number per mic, which
    /// is smaller than requested only at the end.
    ///
    /// # Shapes
    ///
    /// `mics`: `[mic][sample]`, in the order of [`mics`](Self::mics), all of one length.
    ///
    /// # Errors
    ///
    /// The same as [`AudioReader::read`].
    ///
    /// # Panics
    ///
    /// If `mics` is not one slice per mono mic, all of one length.
    pub fn read(&mut self, mics: &mut [&mut [f32]]) -> Result<usize, AudioFileError> {
        assert_eq!(mics.len(), self.mics.len(), "one slice per mono mic");
        let wanted = mics[0].len();
        assert!(mics.iter().all(|mic| mic.len() == wanted), "slices of one length");
        let left_samples = self.num_samples - self.read_samples;
        let count = usize::try_from(left_samples).map_or(wanted, |left| left.min(wanted));
        let mut rest = mics;
        for (reader, placement) in self.readers.iter_mut().zip(&self.placements) {
            let (head, tail) = rest.split_at_mut(reader.num_channels());
            let own = placement.within(self.read_samples, count);
            for channel in head.iter_mut() {
                channel[..own.start].fill(0.0);
                channel[own.end..count].fill(0.0);
            }
            let mut slices: Vec<&mut [f32]> =
                head.iter_mut().map(|channel| &mut channel[own.clone()]).collect();
            // Every reader verifies its own length.
            assert_eq!(reader.read(&mut slices)?, own.len(), "files of the promised length");
            rest = tail;
        }
        self.read_samples += count as u64;
        Ok(count)
    }

    /// Opens every file again and starts from the first sample.
    ///
    /// # Errors
    ///
    /// If a file cannot be opened any more or its rate, channels or length have changed.
    pub fn rewind(&mut self) -> Result<(), AudioFileError> {
        for reader in &mut self.readers {
            let again = AudioReader::open(reader.path())?;
            let shape = |reader: &AudioReader| {
                (reader.rate_hz(), reader.num_channels(), reader.num_samples())
            };
            if shape(&again) != shape(reader) {
                let detail = "the header changed while reading".to_owned();
                let problem = Problem::Damaged { sample: 0, detail };
                return Err(AudioFileError::new(reader.path(), problem));
            }
            *reader = again;
        }
        self.read_samples = 0;
        Ok(())
    }
}

fn too_many_mics(num_mics: usize, max_mics: usize) -> AudioFileError {
    AudioFileError::new(Path::new(""), Problem::TooManyMics { num_mics, max_mics })
}

fn check_rate(reader: &AudioReader, first: &AudioReader) -> Result<(), AudioFileError> {
    if reader.rate_hz() == first.rate_hz() {
        return Ok(());
    }
    let problem = Problem::RateDiffers {
        rate_hz: reader.rate_hz(),
        first: first.path().to_owned(),
        first_hz: first.rate_hz(),
    };
    Err(AudioFileError::new(reader.path(), problem))
}

/// Returns true if every channel of the file is a separate mic.
fn is_poly(reader: &AudioReader) -> bool {
    reader.num_channels() > 2
}

fn mic_channels(readers: &[AudioReader]) -> Vec<MicChannel> {
    let mut mics = Vec::new();
    let mut next_mic = 0;
    for (file, reader) in readers.iter().enumerate() {
        let num_channels = reader.num_channels();
        let num_sides = if is_poly(reader) { 1 } else { num_channels };
        for channel in 0..num_channels {
            mics.push(MicChannel { file, channel, mic: next_mic + channel / num_sides, num_sides });
        }
        next_mic += num_channels / num_sides;
    }
    mics
}

fn outputs(
    readers: &[AudioReader],
    placements: &[Placement],
) -> Result<Vec<OutputSpec>, AudioFileError> {
    let named: Vec<Named<'_>> = readers
        .iter()
        .map(|reader| Named {
            path: reader.path(),
            tracks: if is_poly(reader) {
                reader.metadata().track_names(reader.num_channels())
            } else {
                Vec::new()
            },
        })
        .collect();
    let names = track_names::output_names(&named)?;
    let mut outputs = Vec::new();
    for ((reader, placement), names) in readers.iter().zip(placements).zip(names) {
        let num_channels = reader.num_channels() / names.len();
        outputs.extend(names.into_iter().map(|file_name| OutputSpec {
            file_name,
            num_channels,
            placement: Some(*placement),
            metadata: reader.metadata().clone(),
        }));
    }
    Ok(outputs)
}
