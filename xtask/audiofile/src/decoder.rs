//! One shape for the two decoders: packets of planar `f32`.

use std::fs::File;
use std::io::{self, BufReader};

/// How many samples per channel a WAV packet holds (a FLAC packet is one of its blocks).
const WAV_PACKET_SAMPLES: usize = 4096;

/// Decodes one file packet by packet.
pub(crate) enum Decoder {
    Wav(hound::WavReader<BufReader<File>>),
    Flac {
        reader: claxon::FlacReader<BufReader<File>>,
        /// The last block's memory, used again for the next one.
        recycled: Vec<i32>,
    },
}

/// Why there is no decoder, or no next packet.
pub(crate) enum Fault {
    /// The file ends too early.
    Truncated,
    /// The file cannot be read.
    Io(io::Error),
    /// The bytes make no sense, as the decoder puts it.
    Format(String),
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wav(reader) => f.debug_tuple("Wav").field(&reader.spec()).finish(),
            Self::Flac { reader, .. } => f.debug_tuple("Flac").field(&reader.streaminfo()).finish(),
        }
    }
}

impl Decoder {
    /// Reads the header of a WAV file.
    pub(crate) fn wav(file: BufReader<File>) -> Result<Self, Fault> {
        let reader = hound::WavReader::new(file)?;
        match (reader.spec().sample_format, reader.spec().bits_per_sample) {
            (hound::SampleFormat::Float, 32) | (hound::SampleFormat::Int, 8..=32) => {}
            (_, bits) => {
                return Err(Fault::Format(format!("samples of {bits} bits are not supported")));
            }
        }
        if reader.spec().channels == 0 || reader.spec().sample_rate == 0 {
            return Err(Fault::Format("no channels or no sample rate".to_owned()));
        }
        Ok(Self::Wav(reader))
    }

    /// Reads the header of a FLAC file.
    pub(crate) fn flac(file: BufReader<File>) -> Result<Self, Fault> {
        let reader = claxon::FlacReader::new(file)?;
        if reader.streaminfo().sample_rate == 0 {
            return Err(Fault::Format("no sample rate".to_owned()));
        }
        Ok(Self::Flac { reader, recycled: Vec::new() })
    }

    pub(crate) fn rate_hz(&self) -> u32 {
        match self {
            Self::Wav(reader) => reader.spec().sample_rate,
            Self::Flac { reader, .. } => reader.streaminfo().sample_rate,
        }
    }

    pub(crate) fn num_channels(&self) -> usize {
        match self {
            Self::Wav(reader) => usize::from(reader.spec().channels),
            Self::Flac { reader, .. } => reader.streaminfo().channels as usize,
        }
    }

    /// Samples per channel; `None` where the header does not say.
    pub(crate) fn num_samples(&self) -> Option<u64> {
        match self {
            Self::Wav(reader) => Some(u64::from(reader.duration())),
            Self::Flac { reader, .. } => reader.streaminfo().samples,
        }
    }

    /// Replaces `packet` (`[channel][sample]`) by the next samples; empty at the end of the file.
    pub(crate) fn next_packet(&mut self, packet: &mut [Vec<f32>]) -> Result<(), Fault> {
        packet.iter_mut().for_each(Vec::clear);
        match self {
            Self::Wav(reader) => {
                let wanted = WAV_PACKET_SAMPLES * packet.len();
                match reader.spec().sample_format {
                    hound::SampleFormat::Float => {
                        deinterleave(reader.samples::<f32>().take(wanted), packet, |x| x)
                    }
                    hound::SampleFormat::Int => {
                        let scale = full_scale(u32::from(reader.spec().bits_per_sample));
                        deinterleave(reader.samples::<i32>().take(wanted), packet, |x| {
                            to_float(x, scale)
                        })
                    }
                }
            }
            Self::Flac { reader, recycled } => {
                let scale = full_scale(reader.streaminfo().bits_per_sample);
                // A frame's position and checksums are all the state there is, so a new block
                // iterator continues where the last one stopped.
                let Some(block) = reader.blocks().read_next_or_eof(std::mem::take(recycled))?
                else {
                    return Ok(());
                };
                if block.channels() as usize != packet.len() {
                    return Err(Fault::Format("the number of channels changes".to_owned()));
                }
                for (channel, out) in (0..).zip(packet) {
                    out.extend(block.channel(channel).iter().map(|&x| to_float(x, scale)));
                }
                *recycled = block.into_buffer();
                Ok(())
            }
        }
    }
}

fn deinterleave<S>(
    samples: impl Iterator<Item = hound::Result<S>>,
    packet: &mut [Vec<f32>],
    to_float: impl Fn(S) -> f32,
) -> Result<(), Fault> {
    let num_channels = packet.len();
    let mut channel = 0;
    for sample in samples {
        packet[channel].push(to_float(sample?));
        channel = if channel + 1 == num_channels { 0 } else { channel + 1 };
    }
    Ok(())
}

/// `2^(bits - 1)`.
fn full_scale(bits: u32) -> f64 {
    f64::from(1_u32 << (bits - 1))
}

/// Divides in double precision, so that 32-bit integers are rounded once.
fn to_float(x: i32, scale: f64) -> f32 {
    #[allow(clippy::cast_possible_truncation, reason = "rounds to the nearest f32, as meant")]
    let value = (f64::from(x) / scale) as f32;
    value
}

impl From<hound::Error> for Fault {
    fn from(error: hound::Error) -> Self {
        match error {
            // hound says "failed to read enough bytes" with a kind of its own.
            hound::Error::IoError(error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Other)
                    && error.raw_os_error().is_none() =>
            {
                Self::Truncated
            }
            hound::Error::IoError(error) => Self::Io(error),
            other => Self::Format(other.to_string()),
        }
    }
}

impl From<claxon::Error> for Fault {
    fn from(error: claxon::Error) -> Self {
        match error {
            claxon::Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Truncated
            }
            claxon::Error::IoError(error) => Self::Io(error),
            other => Self::Format(other.to_string()),
        }
    }
}
