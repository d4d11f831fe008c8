//! A common interface to the decoders of all formats: packets of planar `f32`.

use crate::flac::Flac;
use crate::input::{Fault, Input, Source};
use crate::metadata::Metadata;
use crate::pcm::PcmFile;
use crate::{caf, kinds, wav};

/// Decodes one file packet by packet.
#[derive(Debug)]
pub(crate) struct Decoder {
    input: Input,
    codec: Codec,
}

#[derive(Debug)]
enum Codec {
    Pcm { file: PcmFile, left_samples: u64 },
    Flac(Flac),
}

impl Decoder {
    /// Detects the format and reads the header.
    pub(crate) fn open(source: Box<dyn Source>) -> Result<Self, Fault> {
        let mut input = Input::new(source)?;
        let start = kinds::skip_tags(&mut input)?;
        input.seek_to(start)?;
        let head = input.up_to(kinds::HEAD_BYTES)?;
        input.seek_to(start)?;
        if head.starts_with(b"fLaC") {
            let flac = Flac::open(&mut input)?;
            return Ok(Self { input, codec: Codec::Flac(flac) });
        }
        if let Some(name) = kinds::other_format(&head, start > 0) {
            return Err(Fault::Unread(name.to_owned()));
        }
        let file = match caf::open(&mut input)? {
            Some(file) => Some(file),
            None => {
                input.seek_to(start)?;
                wav::open(&mut input)?
            }
        };
        let file = file.ok_or_else(|| Fault::format("unknown format"))?;
        let left_samples = file.num_samples;
        Ok(Self { input, codec: Codec::Pcm { file, left_samples } })
    }

    /// Returns the name of the format if outputs are not written in it.
    pub(crate) fn foreign(&self) -> Option<&'static str> {
        match &self.codec {
            Codec::Pcm { file, .. } => file.foreign,
            Codec::Flac(_) => None,
        }
    }

    pub(crate) fn rate_hz(&self) -> u32 {
        match &self.codec {
            Codec::Pcm { file, .. } => file.pcm.rate_hz(),
            Codec::Flac(flac) => flac.rate_hz(),
        }
    }

    pub(crate) fn num_channels(&self) -> usize {
        match &self.codec {
            Codec::Pcm { file, .. } => file.pcm.num_channels(),
            Codec::Flac(flac) => flac.num_channels(),
        }
    }

    /// Returns the samples per channel; `None` if the header does not give them.
    pub(crate) fn num_samples(&self) -> Option<u64> {
        match &self.codec {
            Codec::Pcm { file, .. } => Some(file.num_samples),
            Codec::Flac(flac) => flac.num_samples(),
        }
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        match &self.codec {
            Codec::Pcm { file, .. } => &file.metadata,
            Codec::Flac(flac) => flac.metadata(),
        }
    }

    /// Replaces `packet` (`[channel][sample]`) by the next samples; leaves it empty at the end of
    /// the file.
    pub(crate) fn next_packet(&mut self, packet: &mut [Vec<f32>]) -> Result<(), Fault> {
        packet.iter_mut().for_each(Vec::clear);
        match &mut self.codec {
            Codec::Pcm { file, left_samples } => {
                file.pcm.read(&mut self.input, *left_samples, packet)?;
                *left_samples -= packet.first().map_or(0, |channel| channel.len() as u64);
                Ok(())
            }
            Codec::Flac(flac) => flac.read(&mut self.input, packet),
        }
    }
}
