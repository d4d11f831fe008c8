//! Reads bits, the most significant of each byte first, and computes checksums of all bytes read.

use crate::input::{Fault, Input};

/// Reads the bits of one block and consumes no byte before it is needed.
pub(super) struct Bits<'a> {
    input: &'a mut Input,
    /// The last bits read from the input; the lowest `num_cached` have not been returned yet.
    cache: u64,
    num_cached: u32,
    crc8: u8,
    crc16: u16,
}

impl<'a> Bits<'a> {
    /// Starts at the next byte, with checksums of zero.
    pub(super) fn new(input: &'a mut Input) -> Self {
        Self { input, cache: 0, num_cached: 0, crc8: 0, crc16: 0 }
    }

    /// Returns the CRC-8 of all bytes so far, as stored in block headers.
    pub(super) fn crc8(&self) -> u8 {
        self.crc8
    }

    /// Returns the CRC-16 of all bytes so far, as stored at the end of blocks.
    pub(super) fn crc16(&self) -> u16 {
        self.crc16
    }

    fn take_byte(&mut self) -> Result<(), Fault> {
        let [byte] = self.input.array()?;
        self.crc8 = CRC8[usize::from(self.crc8 ^ byte)];
        let [high, low] = self.crc16.to_be_bytes();
        self.crc16 = u16::from_be_bytes([low, 0]) ^ CRC16[usize::from(high ^ byte)];
        self.cache = self.cache << 8 | u64::from(byte);
        self.num_cached += 8;
        Ok(())
    }

    /// Returns the next `num_bits` bits, at most 33, as an unsigned number.
    pub(super) fn read(&mut self, num_bits: u32) -> Result<u64, Fault> {
        debug_assert!(num_bits <= 33, "the cache holds 64 bits");
        while self.num_cached < num_bits {
            self.take_byte()?;
        }
        self.num_cached -= num_bits;
        Ok((self.cache >> self.num_cached) & ((1 << num_bits) - 1))
    }

    /// Returns the next `num_bits` bits, at most 33, as a two's complement number; 0 for no bits.
    pub(super) fn read_signed(&mut self, num_bits: u32) -> Result<i64, Fault> {
        let value = self.read(num_bits)?;
        Ok(if num_bits == 0 {
            0
        } else {
            let unused = 64 - num_bits;
            (value << unused).cast_signed() >> unused
        })
    }

    /// Returns the number of zero bits before the next one bit, which is consumed; fails
    /// above `most`.
    pub(super) fn read_unary(&mut self, most: u64) -> Result<u64, Fault> {
        let mut zeros = 0;
        loop {
            let cached = self.cache & ((1 << self.num_cached) - 1);
            if cached != 0 {
                let left = u64::BITS - cached.leading_zeros();
                zeros += u64::from(self.num_cached - left);
                self.num_cached = left - 1;
                return if zeros <= most { Ok(zeros) } else { Err(too_large()) };
            }
            zeros += u64::from(self.num_cached);
            self.num_cached = 0;
            if zeros > most {
                return Err(too_large());
            }
            self.take_byte()?;
        }
    }

    /// Skips to the next byte boundary.
    pub(super) fn skip_to_byte(&mut self) {
        self.num_cached -= self.num_cached % 8;
    }
}

fn too_large() -> Fault {
    Fault::format("number too large")
}

const CRC8: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "counts to 255")]
        let mut crc = index as u8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "counts to 255")]
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x8005 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn input(bytes: &[u8]) -> Input {
        Input::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap()
    }

    #[test]
    fn bits_come_highest_first() {
        let mut input = input(&[0b1010_0000, 0b0000_0001, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 7]);
        let mut bits = Bits::new(&mut input);
        assert_eq!(bits.read(3).unwrap(), 0b101);
        assert_eq!(bits.read_unary(12).unwrap(), 12);
        assert_eq!(bits.read(0).unwrap(), 0);
        assert_eq!(bits.read_signed(0).unwrap(), 0);
        assert_eq!(bits.read(33).unwrap(), 0x1_FFFF_FFFF);
        assert_eq!(bits.read_signed(2).unwrap(), 0);
        bits.skip_to_byte();
        assert_eq!(bits.read_signed(8).unwrap(), 7);
        assert!(matches!(bits.read(1), Err(Fault::Truncated)));
    }

    #[test]
    fn long_runs_of_zeros_are_refused() {
        let mut input = input(&[0; 100]);
        assert!(matches!(Bits::new(&mut input).read_unary(80), Err(Fault::Format(_))));
        assert_eq!(input.pos_bytes(), 11);
    }

    /// Compares with the check values of CRC-8/SMBUS and CRC-16/UMTS.
    #[test]
    fn checksums_are_those_of_the_catalogue() {
        let mut input = input(b"123456789");
        let mut bits = Bits::new(&mut input);
        for _ in 0..9 {
            bits.read(8).unwrap();
        }
        assert_eq!((bits.crc8(), bits.crc16()), (0xF4, 0xFEE8));
    }
}
