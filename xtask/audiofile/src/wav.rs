//! The header of a 32-bit float WAV file.

/// Bytes before the first sample: `RIFF`, `fmt ` (18 bytes, as non-PCM formats need), `fact`, `data`.
pub(crate) const HEADER_BYTES: u64 = 12 + (8 + 18) + (8 + 4) + 8;

const FORMAT_IEEE_FLOAT: u16 = 3;
const BYTES_PER_SAMPLE: u64 = 4;

/// The header for `num_samples` samples per channel; `None` where its 32-bit sizes do not suffice.
pub(crate) fn header(rate_hz: u32, num_channels: u16, num_samples: u64) -> Option<Vec<u8>> {
    let data_bytes = data_bytes(num_channels, num_samples)?;
    let riff_bytes = u32::try_from(HEADER_BYTES - 8 + u64::from(data_bytes)).ok()?;
    let block_align = num_channels.checked_mul(4)?;
    let bytes_per_second = rate_hz.checked_mul(u32::from(block_align))?;

    let mut bytes = Vec::with_capacity(64);
    bytes.extend(b"RIFF");
    bytes.extend(riff_bytes.to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(18_u32.to_le_bytes());
    bytes.extend(FORMAT_IEEE_FLOAT.to_le_bytes());
    bytes.extend(num_channels.to_le_bytes());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend(bytes_per_second.to_le_bytes());
    bytes.extend(block_align.to_le_bytes());
    bytes.extend(32_u16.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes.extend(b"fact");
    bytes.extend(4_u32.to_le_bytes());
    bytes.extend(u32::try_from(num_samples).ok()?.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    Some(bytes)
}

/// Size of the audio data; `None` where a WAV file cannot hold it.
fn data_bytes(num_channels: u16, num_samples: u64) -> Option<u32> {
    let bytes = num_samples.checked_mul(u64::from(num_channels))?.checked_mul(BYTES_PER_SAMPLE)?;
    u32::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_as_long_as_it_says() {
        let header = header(48_000, 2, 100).unwrap();
        assert_eq!(header.len() as u64, HEADER_BYTES);
        assert_eq!(header[4..8], (800 + 58 - 8_u32).to_le_bytes());
        assert_eq!(header[54..58], 800_u32.to_le_bytes());
    }

    #[test]
    fn more_than_four_gigabytes_have_no_header() {
        let most = (u64::from(u32::MAX) - HEADER_BYTES) / 4;
        assert!(header(48_000, 1, most).is_some());
        assert!(header(48_000, 1, most + 20).is_none());
        assert!(header(48_000, 8, u64::MAX).is_none());
    }
}
