//! Reads one WAV, AIFF, CAF or FLAC file as planar `f32`, block by block.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use crate::decoder::Decoder;
use crate::error::{AudioFileError, Problem};
use crate::input::{Fault, Source};
use crate::metadata::Metadata;

/// A stream of samples from one WAV, AIFF, CAF or FLAC file.
///
/// Integer samples of `bits` bits become `x / 2^(bits - 1)`, and 64-bit floats are rounded to
/// `f32`. The length in the header and the checksums of a FLAC file are verified during reading, so
/// a file that was read to its end without an error is complete.
///
/// # Invariants
///
/// - One packet of the file is in memory at a time: memory does not depend on the file's length.
#[derive(Debug)]
pub struct AudioReader {
    path: PathBuf,
    num_samples: u64,
    decoder: Decoder,
    /// Decoded samples `[channel][sample]`; those from `packet_pos` on have not been returned yet.
    packet: Vec<Vec<f32>>,
    packet_pos: usize,
    decoded_samples: u64,
}

impl AudioReader {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    ///
    /// If the file does not exist, is of an unsupported format, has no length in its header, is
    /// shorter than that length, or contains no samples.
    pub fn open(path: &Path) -> Result<Self, AudioFileError> {
        let fail = |problem| AudioFileError::new(path, problem);
        let metadata = path.metadata().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fail(Problem::Missing),
            _ => AudioFileError::io(path, "inspect", error),
        })?;
        if metadata.is_dir() {
            return Err(fail(Problem::IsFolder));
        }
        // Checked before opening, which would block on a pipe until another process writes to it.
        if !metadata.is_file() {
            return Err(fail(Problem::IsNoFile));
        }
        let file = File::open(path).map_err(|error| AudioFileError::io(path, "open", error))?;
        Self::from_source(path, Box::new(file))
    }

    /// Reads a file in memory; `path` is its name in errors.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, AudioFileError> {
        Self::from_source(path, Box::new(Cursor::new(bytes)))
    }

    fn from_source(path: &Path, source: Box<dyn Source>) -> Result<Self, AudioFileError> {
        let fail = |problem| AudioFileError::new(path, problem);
        let decoder = Decoder::open(source).map_err(|fault| match fault {
            Fault::Io(error) => AudioFileError::io(path, "read", error),
            Fault::Truncated => {
                fail(Problem::NotAudio { detail: "the header is incomplete".to_owned() })
            }
            Fault::Short { read, expected } => fail(Problem::Truncated { read, expected }),
            Fault::Format(detail) => fail(Problem::NotAudio { detail }),
            Fault::Unread(format) => fail(Problem::Unread { format }),
        })?;
        let num_samples = decoder.num_samples().ok_or_else(|| fail(Problem::UnknownLength))?;
        if num_samples == 0 {
            return Err(fail(Problem::Empty));
        }
        Ok(Self {
            path: path.to_owned(),
            num_samples,
            packet: vec![Vec::new(); decoder.num_channels()],
            packet_pos: 0,
            decoded_samples: 0,
            decoder,
        })
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the sample rate in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.decoder.rate_hz()
    }

    /// Returns the number of channels.
    #[must_use]
    pub fn num_channels(&self) -> usize {
        self.packet.len()
    }

    /// Returns the name of the file's format if outputs are not written in it.
    #[must_use]
    pub fn foreign_format(&self) -> Option<&'static str> {
        self.decoder.foreign()
    }

    /// Returns the chunks to copy to outputs.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.decoder.metadata()
    }

    /// Returns the samples per channel according to the header. A FLAC file is only known to have
    /// them when it has been read to its end; for other formats [`open`](Self::open) verifies them.
    #[must_use]
    pub fn num_samples(&self) -> u64 {
        self.num_samples
    }

    /// Fills `channels` with the next samples and returns their number per channel. It is smaller
    /// than requested only at the end of the file, where the length has been verified.
    ///
    /// # Shapes
    ///
    /// `channels`: `[channel][sample]`, one slice per channel, all of one length.
    ///
    /// # Errors
    ///
    /// If the file is truncated or damaged, cannot be read, or contains a NaN or an infinity.
    ///
    /// # Panics
    ///
    /// If `channels` is not one slice per channel, all of one length.
    pub fn read(&mut self, channels: &mut [&mut [f32]]) -> Result<usize, AudioFileError> {
        assert_eq!(channels.len(), self.num_channels(), "one slice per channel");
        let wanted = channels[0].len();
        assert!(channels.iter().all(|channel| channel.len() == wanted), "slices of one length");

        let mut done = 0;
        while done < wanted {
            let available = self.packet[0].len() - self.packet_pos;
            if available == 0 {
                if self.decoded_samples == self.num_samples {
                    break;
                }
                self.next_packet()?;
                continue;
            }
            let count = available.min(wanted - done);
            for (out, packet) in channels.iter_mut().zip(&self.packet) {
                out[done..done + count]
                    .copy_from_slice(&packet[self.packet_pos..self.packet_pos + count]);
            }
            self.packet_pos += count;
            done += count;
        }
        Ok(done)
    }

    /// Decodes one packet; an empty one before the end is an error.
    fn next_packet(&mut self) -> Result<(), AudioFileError> {
        self.packet_pos = 0;
        let decoded = self.decoder.next_packet(&mut self.packet);
        if decoded.is_err() {
            self.packet.iter_mut().for_each(Vec::clear);
        }
        decoded.map_err(|fault| match fault {
            Fault::Io(error) => AudioFileError::io(&self.path, "read", error),
            Fault::Truncated | Fault::Short { .. } => self.truncated(),
            Fault::Format(detail) | Fault::Unread(detail) => self.damaged(detail),
        })?;
        let count = self.packet[0].len() as u64;
        if count == 0 {
            return Err(self.truncated());
        }
        if self.decoded_samples + count > self.num_samples {
            return Err(self.damaged("more samples than the header states".to_owned()));
        }
        self.check_finite()?;
        self.decoded_samples += count;
        Ok(())
    }

    fn check_finite(&self) -> Result<(), AudioFileError> {
        let first_bad = self
            .packet
            .iter()
            .enumerate()
            .filter_map(|(channel, samples)| {
                samples.iter().position(|x| !x.is_finite()).map(|position| (position, channel))
            })
            .min();
        match first_bad {
            None => Ok(()),
            Some((position, channel)) => Err(AudioFileError::new(
                &self.path,
                Problem::NonFinite {
                    channel,
                    sample: self.decoded_samples + position as u64,
                    value: self.packet[channel][position],
                },
            )),
        }
    }

    fn truncated(&self) -> AudioFileError {
        AudioFileError::new(
            &self.path,
            Problem::Truncated { read: self.decoded_samples, expected: self.num_samples },
        )
    }

    fn damaged(&self, detail: String) -> AudioFileError {
        AudioFileError::new(&self.path, Problem::Damaged { sample: self.decoded_samples, detail })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::testing::{Kind, flac_bytes, ramp, read_all, wav_bytes, write_float_wav};

    fn in_file(bytes: &[u8]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mic");
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn message(bytes: &[u8], block: usize) -> String {
        let (_folder, path) = in_file(bytes);
        let message = read_all(&path, block).unwrap_err().to_string();
        assert!(!message.contains('\n'), "one line: {message:?}");
        message.strip_prefix(&format!("{}: ", path.display())).unwrap().to_owned()
    }

    #[test]
    fn integer_wav_is_divided_by_its_full_scale() {
        for (bits, expected) in [
            (16_u16, [-1.0, 32_767.0 / 32_768.0, 1.0 / 32_768.0]),
            (24, [-1.0, 8_388_607.0 / 8_388_608.0, 1.0 / 8_388_608.0]),
            (32, [-1.0, 1.0, 4.656_613e-10]),
        ] {
            for extensible_mask in [None, Some(0), Some(4)] {
                let full = 1_i64 << (bits - 1);
                let data: Vec<u8> = [-full, full - 1, 1]
                    .iter()
                    .flat_map(|x| x.to_le_bytes()[..usize::from(bits / 8)].to_vec())
                    .collect();
                let kind = Kind { tag: 1, bits, extensible_mask };
                let (_folder, path) = in_file(&wav_bytes(kind, 44_100, 1, &data));
                assert_eq!(read_all(&path, 7).unwrap(), [expected], "{kind:?}");
            }
        }
    }

    #[test]
    fn float_wav_comes_through_bit_for_bit_in_blocks_of_any_length() {
        let samples: Vec<f32> = ramp(10_000, 24).iter().map(|&x| x as f32 * 1.234_567e-6).collect();
        let data: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        for extensible_mask in [None, Some(0), Some(3)] {
            let kind = Kind { tag: 3, bits: 32, extensible_mask };
            let (_folder, path) = in_file(&wav_bytes(kind, 96_000, 2, &data));
            let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
            let right: Vec<f32> = samples.iter().skip(1).step_by(2).copied().collect();
            for block in [1, 17, 1152, 5000, 9000] {
                assert_eq!(read_all(&path, block).unwrap(), [left.clone(), right.clone()]);
            }
        }
    }

    #[test]
    fn flac_of_16_and_24_bits_is_divided_by_its_full_scale() {
        for bits in [16_u32, 24] {
            let samples = ramp(20_000, bits);
            let (_folder, path) = in_file(&flac_bytes(&samples, 2, bits as usize));
            let full = (1_u32 << (bits - 1)) as f32;
            let expected = |first: usize| -> Vec<f32> {
                samples.iter().skip(first).step_by(2).map(|&x| x as f32 / full).collect()
            };
            assert_eq!(read_all(&path, 1000).unwrap(), [expected(0), expected(1)]);
        }
    }

    #[test]
    fn a_truncated_wav_is_an_error() {
        let kind = Kind { tag: 1, bits: 16, extensible_mask: None };
        let whole = wav_bytes(kind, 48_000, 1, &[1; 20_000]);
        let message = message(&whole[..whole.len() - 1001], 512);
        assert!(message.starts_with("ends after") && message.contains("of 10000"), "{message}");
    }

    #[test]
    fn a_truncated_flac_is_an_error_wherever_it_is_cut() {
        let whole = flac_bytes(&ramp(40_000, 16), 1, 16);
        for cut in [1, 2, 100, 9_000, whole.len() / 2, whole.len() - 60] {
            let message = message(&whole[..whole.len() - cut], 512);
            assert!(message.starts_with("ends after"), "{cut}: {message}");
        }
    }

    #[test]
    fn a_flac_that_ends_between_two_of_its_blocks_is_an_error() {
        let samples = ramp(40_000, 16);
        let whole = flac_bytes(&samples, 1, 16);
        // The encoding of the first block does not depend on later blocks.
        let edge = flac_bytes(&samples[..4096], 1, 16).len();
        assert_eq!(message(&whole[..edge], 512), "ends after 4096 of 40000 samples");
    }

    #[test]
    fn a_flac_with_one_flipped_byte_is_an_error() {
        let whole = flac_bytes(&ramp(40_000, 16), 1, 16);
        for at in (100..whole.len()).step_by(whole.len() / 23) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            let (_folder, path) = in_file(&damaged);
            assert!(read_all(&path, 512).is_err(), "byte {at} of {}", whole.len());
        }
    }

    #[test]
    fn the_first_non_finite_sample_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mic.wav");
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut samples = vec![0.5; 10_000];
            samples[7_777] = bad;
            samples[9_000] = f32::NAN;
            write_float_wav(&path, &samples);
            let error = read_all(&path, 64).unwrap_err();
            let Problem::NonFinite { channel: 0, sample: 7_777, value } = error.problem else {
                panic!("{error}")
            };
            assert_eq!(value.to_bits(), bad.to_bits());
        }
    }

    #[test]
    fn what_is_not_audio_is_named_in_one_line() {
        assert!(message(b"hello", 1).starts_with("not a valid WAV, AIFF, CAF or FLAC file"));
        assert!(message(&[], 1).starts_with("not a valid WAV, AIFF, CAF or FLAC file"));
        assert!(message(b"fLaC", 1).starts_with("not a valid WAV, AIFF, CAF or FLAC file"));
        let kind = Kind { tag: 3, bits: 32, extensible_mask: None };
        assert_eq!(message(&wav_bytes(kind, 48_000, 1, &[]), 1), "has no samples");
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("nowhere.wav");
        let error = AudioReader::open(&missing).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: no such file", missing.display()));
        let error = AudioReader::open(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with(": a folder, not an audio file"), "{error}");
    }

    /// Checks that pipes are refused: a pipe can be read only once, and opening it may
    /// block forever.
    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.wav");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let message = AudioReader::open(path).unwrap_err().to_string();
            assert!(message.contains("not a regular file"), "{message}");
        }
    }

    #[test]
    fn a_flac_written_into_a_pipe_has_no_known_length() {
        let mut bytes = flac_bytes(&ramp(1_000, 16), 1, 16);
        // The low 36 bits of these 8 bytes of the stream header are the number of samples.
        bytes[21] &= 0xF0;
        bytes[22..26].fill(0);
        assert!(message(&bytes, 64).starts_with("the header contains no length"));
    }
}
