//! Finding the end of a JSON string, many bytes at a time, without any `unsafe` of ours.

use wide::u8x16;

/// True for a byte that ends a run of plain characters: a quote, a backslash, a control character.
#[inline]
pub(super) fn is_odd(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// Bytes looked at in one step.
const STEP: usize = 16;

/// Offset of the first odd byte at or after `from`; the length of the body if there is none.
#[inline(always)]
pub(super) fn plain_run(body: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = body.get(at..).and_then(|rest| rest.first_chunk::<STEP>()) {
        let odd = odd_bits(*chunk);
        if odd != 0 {
            return at + odd.trailing_zeros() as usize;
        }
        at += STEP;
    }
    plain_tail(body, at)
}

#[cold]
fn plain_tail(body: &[u8], from: usize) -> usize {
    let rest = body.get(from..).unwrap_or(&[]);
    rest.iter().position(|&byte| is_odd(byte)).map_or(body.len(), |place| from + place)
}

/// A bit for each odd byte of sixteen: SSE2 or NEON where there is one, plain code elsewhere.
#[inline(always)]
fn odd_bits(chunk: [u8; STEP]) -> u32 {
    let bytes = u8x16::new(chunk);
    let quote = bytes.simd_eq(u8x16::splat(b'"'));
    let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (quote | backslash | control).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_look_at_each_byte() {
        let odd = [b'"', b'\\', 0, 0x1f, b'\n'];
        let plain = [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff];
        for length in 0..50 {
            for (turn, place) in (0..length).enumerate() {
                let mut body: Vec<u8> = (0..length).map(|index| plain[(index + turn) % plain.len()]).collect();
                assert_eq!(plain_run(&body, 0), length);
                body[place] = odd[turn % odd.len()];
                for from in 0..=place {
                    assert_eq!(plain_run(&body, from), place, "{body:?} from {from}");
                }
            }
        }
    }

    #[test]
    fn a_start_behind_the_end_is_the_end() {
        assert_eq!(plain_run(b"abc", 3), 3);
        assert_eq!(plain_run(b"abc", 9), 3);
    }
}
