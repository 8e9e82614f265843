//! Ids: hexadecimal, of any case and up to their full length.

use crate::span::TraceId;

/// 1 to 32 digits.
#[inline]
pub(in crate::decode) fn trace_id(digits: &[u8]) -> Option<TraceId> {
    match digits.len().checked_sub(16) {
        None | Some(0) => Some(TraceId { high: 0, low: hex(digits)? }),
        Some(high @ 1..=16) => {
            let (high, low) = digits.split_at_checked(high)?;
            Some(TraceId { high: hex(high)?, low: hex(low)? })
        }
        Some(_) => None,
    }
}

/// 1 to 16 digits.
#[inline]
pub(in crate::decode) fn hex(digits: &[u8]) -> Option<u64> {
    if let Ok(digits) = <&[u8; 16]>::try_from(digits) {
        let (high, low) = (digits.first_chunk::<8>()?, digits.last_chunk::<8>()?);
        return Some(u64::from(hex8(*high)?) << 32 | u64::from(hex8(*low)?));
    }
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(u64::from);
    digits.iter().try_fold(0, |value, &byte| Some(value << 4 | digit(byte)?))
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Eight digits at once. A byte below 0x80 plus `0x80 - low` has its high bit set from `low` on.
#[inline]
fn hex8(digits: [u8; 8]) -> Option<u32> {
    let word = u64::from_be_bytes(digits);
    // Upper case becomes lower case; what this makes of control characters is sorted out below.
    let lower = word | each(0x20);
    let low_half = lower & each(0x7f);
    let digit = (low_half + each(0x80 - b'0')) & !(low_half + each(0x7f - b'9'));
    let letter = (low_half + each(0x80 - b'a')) & !(low_half + each(0x7f - b'f'));
    let printable = (word & each(0x7f)) + each(0x80 - b'0');
    if (digit | letter) & printable & !word & each(0x80) != each(0x80) {
        return None;
    }
    let nibbles = (lower & each(0x0f)) + ((letter & each(0x80)) >> 7) * 9;
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((quads | quads >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place() {
        for place in 0..16 {
            for byte in 0..=255_u8 {
                let mut digits = *b"0123456789abcdef";
                digits[place] = byte;
                let expected = std::str::from_utf8(&digits)
                    .ok()
                    .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .and_then(|text| u64::from_str_radix(text, 16).ok());
                assert_eq!(hex(&digits), expected, "{digits:?}");
            }
        }
    }

    #[test]
    fn short_and_long_ids() {
        assert_eq!(hex(b"b"), Some(11));
        assert_eq!(hex(b"A2FB4A1D1A96D312"), Some(0xa2fb_4a1d_1a96_d312));
        assert_eq!(hex(b""), None);
        assert_eq!(hex(b"1a2fb4a1d1a96d312"), None);
        assert_eq!(hex(b"+1"), None);
        assert_eq!(trace_id(b"1463ac35c9f6413ad"), Some(TraceId { high: 1, low: 0x463a_c35c_9f64_13ad }));
        assert_eq!(trace_id(b"463ac35c9f6413ad48485a3953bb61241"), None);
        assert_eq!(trace_id(b""), None);
    }
}
