//! The header of a 32-bit float WAV file: RIFF, or RF64 if 32-bit sizes are insufficient.
//!
//! Both have the same length: RIFF files contain `JUNK` in place of the `ds64` of RF64 files (EBU
//! Tech 3306). So files can be written before their length is known.

/// Length of `ds64` without a table, in bytes.
const DS64_BYTES: u32 = 28;
const FORMAT_IEEE_FLOAT: u16 = 3;
const BYTES_PER_SAMPLE: u16 = 4;

/// All fields of the header except the number of samples.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) rate_hz: u32,
    pub(crate) num_channels: u16,
    /// Whole chunks before the samples.
    pub(crate) chunks: Vec<u8>,
    /// Largest size of a RIFF file without its first eight bytes.
    pub(crate) most_riff_bytes: u64,
}

impl Header {
    pub(crate) fn new(rate_hz: u32, num_channels: u16, chunks: Vec<u8>) -> Self {
        Self { rate_hz, num_channels, chunks, most_riff_bytes: u64::from(u32::MAX) }
    }

    /// Returns the header for `num_samples` samples per channel; `None` if rate, channels or length
    /// exceed the limits of WAV. All headers of a file have the same length.
    pub(crate) fn to_bytes(&self, num_samples: u64) -> Option<Vec<u8>> {
        let block_bytes = self.num_channels.checked_mul(BYTES_PER_SAMPLE)?;
        let bytes_per_second = self.rate_hz.checked_mul(u32::from(block_bytes))?;
        let data_bytes = num_samples.checked_mul(u64::from(block_bytes))?;
        let fmt_bytes = 18_u32;
        let before_data = 4
            + u64::from(8 + DS64_BYTES)
            + u64::from(8 + fmt_bytes)
            + (8 + 4)
            + self.chunks.len() as u64
            + 8;
        let riff_bytes = before_data.checked_add(data_bytes)?;
        let is_long = riff_bytes > self.most_riff_bytes;
        // All bits are set if the size is in `ds64`.
        let short = |size: u64| {
            if is_long { u32::MAX } else { u32::try_from(size).unwrap_or(u32::MAX) }.to_le_bytes()
        };

        let mut bytes = Vec::with_capacity(128 + self.chunks.len());
        bytes.extend(if is_long { b"RF64" } else { b"RIFF" });
        bytes.extend(short(riff_bytes));
        bytes.extend(b"WAVE");
        bytes.extend(if is_long { b"ds64" } else { b"JUNK" });
        bytes.extend(DS64_BYTES.to_le_bytes());
        for size in [riff_bytes, data_bytes, num_samples] {
            bytes.extend(if is_long { size } else { 0 }.to_le_bytes());
        }
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(b"fmt ");
        bytes.extend(fmt_bytes.to_le_bytes());
        bytes.extend(FORMAT_IEEE_FLOAT.to_le_bytes());
        bytes.extend(self.num_channels.to_le_bytes());
        bytes.extend(self.rate_hz.to_le_bytes());
        bytes.extend(bytes_per_second.to_le_bytes());
        bytes.extend(block_bytes.to_le_bytes());
        bytes.extend((8 * BYTES_PER_SAMPLE).to_le_bytes());
        bytes.extend(0_u16.to_le_bytes());
        bytes.extend(b"fact");
        bytes.extend(4_u32.to_le_bytes());
        bytes.extend(short(num_samples));
        bytes.extend(&self.chunks);
        bytes.extend(b"data");
        bytes.extend(short(data_bytes));
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes before the first sample without other chunks.
    const HEADER_BYTES: usize = 12 + (8 + 28) + (8 + 18) + (8 + 4) + 8;

    fn at(bytes: &[u8], from: usize) -> u32 {
        u32::from_le_bytes(bytes[from..from + 4].try_into().unwrap())
    }

    #[test]
    fn the_header_is_as_long_as_it_says() {
        for chunks in [vec![], b"bext\x02\0\0\0ab".to_vec()] {
            let long = chunks.len();
            let header = Header::new(48_000, 2, chunks).to_bytes(100).unwrap();
            assert_eq!(header.len(), HEADER_BYTES + long);
            assert_eq!(at(&header, 4) as usize, 800 + HEADER_BYTES + long - 8);
            assert_eq!(at(&header, header.len() - 4), 800);
        }
    }

    #[test]
    fn from_four_gigabytes_on_the_sizes_have_64_bits() {
        let header = Header::new(48_000, 1, Vec::new());
        let most = (u64::from(u32::MAX) + 8 - HEADER_BYTES as u64) / 4;
        let short = header.to_bytes(most).unwrap();
        assert_eq!((&short[..4], &short[12..16]), (b"RIFF".as_slice(), b"JUNK".as_slice()));
        assert_eq!(u64::from(at(&short, HEADER_BYTES - 4)), 4 * most);
        let long = header.to_bytes(most + 1).unwrap();
        assert_eq!(long.len(), short.len());
        assert_eq!((&long[..4], &long[12..16]), (b"RF64".as_slice(), b"ds64".as_slice()));
        assert_eq!((at(&long, 4), at(&long, HEADER_BYTES - 4)), (u32::MAX, u32::MAX));
        let long_at =
            |from: usize| u64::from(at(&long, from + 4)) << 32 | u64::from(at(&long, from));
        assert_eq!(long_at(20), 4 * (most + 1) + HEADER_BYTES as u64 - 8);
        assert_eq!((long_at(28), long_at(36)), (4 * (most + 1), most + 1));
        assert!(header.to_bytes(u64::MAX / 2).is_none());
        assert!(Header::new(u32::MAX, 2, Vec::new()).to_bytes(1).is_none());
    }
}
