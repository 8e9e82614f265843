//! What JSON would escape, and where ASCII ends: many bytes at a time, without any `unsafe` of ours.

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

/// True if none of `length` bytes at `at` is odd. What stands behind them may be looked at, too.
#[inline(always)]
pub(super) fn is_plain(body: &[u8], at: usize, length: usize) -> bool {
    let Some(last) = body.len().checked_sub(STEP) else { return is_plain_short(body, at, length) };
    let end = at + length;
    let mut at = at;
    while at < end {
        // Near the end of the body the last chunk, without what is before.
        let start = at.min(last);
        let Some(chunk) = body.get(start..).and_then(|rest| rest.first_chunk::<STEP>()) else { return false };
        let odd = odd_bits(*chunk) >> (at - start);
        let wanted = if end - at < STEP { (1 << (end - at)) - 1 } else { u32::MAX };
        if odd & wanted != 0 {
            return false;
        }
        at += STEP;
    }
    true
}

#[cold]
fn is_plain_short(body: &[u8], at: usize, length: usize) -> bool {
    let text = body.get(at..).and_then(|rest| rest.get(..length));
    text.is_some_and(|text| !text.iter().any(|&byte| is_odd(byte)))
}

/// How many bytes of ASCII the body begins with.
#[inline]
pub(super) fn ascii_run(body: &[u8]) -> usize {
    let (chunks, tail) = body.as_chunks::<STEP>();
    for (index, chunk) in chunks.iter().enumerate() {
        let beyond = u8x16::new(*chunk).to_bitmask();
        if beyond != 0 {
            return index * STEP + beyond.trailing_zeros() as usize;
        }
    }
    body.len() - tail.len() + tail.iter().take_while(|byte| byte.is_ascii()).count()
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
    fn texts_are_plain_if_each_byte_is() {
        for length in 0..50 {
            let mut body = vec![b'a'; length];
            for place in 0..length {
                body[place] = b'"';
                for at in 0..=length {
                    for end in at..=length {
                        let holds = (at..end).contains(&place);
                        assert_eq!(is_plain(&body, at, end - at), !holds, "{length} {place} {at} {end}");
                    }
                }
                body[place] = 0xc3;
                assert_eq!(ascii_run(&body), place);
                assert!(is_plain(&body, 0, length));
                body[place] = b'a';
            }
            assert_eq!(ascii_run(&body), length);
        }
    }

    #[test]
    fn a_start_behind_the_end_is_the_end() {
        assert_eq!(plain_run(b"abc", 3), 3);
        assert_eq!(plain_run(b"abc", 9), 3);
    }
}
