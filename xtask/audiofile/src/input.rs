//! The bytes of one file, with known length and position.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// A source of bytes: a file, or memory in tests.
pub(crate) trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// The reason why a file cannot be opened or a packet cannot be read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file ends too early.
    Truncated,
    /// The file is shorter than its header indicates; in samples per channel.
    Short { read: u64, expected: u64 },
    /// The file cannot be read.
    Io(io::Error),
    /// The bytes are invalid.
    Format(String),
    /// The format is known but not supported; the text is its name.
    Unread(String),
}

impl Fault {
    pub(crate) fn format(detail: impl Into<String>) -> Self {
        Self::Format(detail.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// A buffered source with its length and position.
pub(crate) struct Input {
    source: BufReader<Box<dyn Source>>,
    len_bytes: u64,
    pos_bytes: u64,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({} of {} bytes)", self.pos_bytes, self.len_bytes)
    }
}

impl Input {
    /// Starts at the first byte.
    pub(crate) fn new(mut source: Box<dyn Source>) -> Result<Self, Fault> {
        let len_bytes = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        Ok(Self { source: BufReader::with_capacity(1 << 16, source), len_bytes, pos_bytes: 0 })
    }

    /// Returns the length in bytes when the file was opened.
    pub(crate) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    pub(crate) fn pos_bytes(&self) -> u64 {
        self.pos_bytes
    }

    pub(crate) fn rest_bytes(&self) -> u64 {
        self.len_bytes.saturating_sub(self.pos_bytes)
    }

    /// Seeks to a position. It may be after the end, where reading returns `Fault::Truncated`.
    pub(crate) fn seek_to(&mut self, pos_bytes: u64) -> Result<(), Fault> {
        let distance = i128::from(pos_bytes) - i128::from(self.pos_bytes);
        match i64::try_from(distance) {
            // Keeps the buffered bytes.
            Ok(distance) => self.source.seek_relative(distance)?,
            Err(_) => return Err(Fault::format("invalid position")),
        }
        self.pos_bytes = pos_bytes;
        Ok(())
    }

    pub(crate) fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.source.read_exact(bytes)?;
        self.pos_bytes += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns up to `most_bytes` bytes, fewer at the end of the file. Memory is allocated for the
    /// bytes that exist, not for `most_bytes`.
    pub(crate) fn up_to(&mut self, most_bytes: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        (&mut self.source).take(most_bytes).read_to_end(&mut bytes)?;
        self.pos_bytes += bytes.len() as u64;
        Ok(bytes)
    }
}
