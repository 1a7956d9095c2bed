//! The checksum of records in TensorBoard's files: CRC-32 with Castagnoli's polynomial, masked.

/// The polynomial, its lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The sum of each single byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < u8::BITS {
            sum = match sum & 1 {
                0 => sum >> 1,
                _ => (sum >> 1) ^ POLYNOMIAL,
            };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

fn crc32c(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(!0_u32, |sum, byte| {
        let index = (sum as u8 ^ byte) as usize;
        (sum >> 8) ^ TABLE[index]
    });
    !sum
}

/// Rotated and shifted, so that the sum is still useful for data that contains a sum itself.
pub(super) fn masked_crc32c(bytes: &[u8]) -> u32 {
    const MASK: u32 = 0xa282_ead8;
    crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_should_be_those_of_the_standard() {
        // RFC 3720, appendix B.4, and the check value of the CRC catalogues.
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
        assert_eq!(crc32c(&descending), 0x113f_db5c);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[]), 0);
    }

    #[test]
    fn a_mask_should_change_the_sum_of_nothing() {
        assert_eq!(masked_crc32c(&[]), 0xa282_ead8);
    }
}
