//! Finding the end of a JSON string, many bytes at a time.

/// True for a byte that ends a run of plain characters: a quote, a backslash, a control character.
#[inline]
pub(super) fn is_odd(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// Offset of the first odd byte at or after `from`; the length of the body if there is none.
#[inline(always)]
pub(super) fn plain_run(body: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(chunk) = body.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(place) = first_odd(chunk) {
            return at + place;
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

/// Bytes looked at in one step.
const STEP: usize = 8;

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; STEP])
}

/// The first odd byte of eight, found with arithmetic on all of them at once.
///
/// A byte minus one, and not the byte, has its high bit set if the byte was zero; so the body's
/// bytes are made zero where they are a quote or a backslash. A borrow can mark only bytes above
/// one that is truly odd, so the lowest mark is exact.
#[inline(always)]
fn first_odd(chunk: &[u8; STEP]) -> Option<usize> {
    let word = u64::from_le_bytes(*chunk);
    let quote = word ^ each(b'"');
    let backslash = word ^ each(b'\\');
    let marks = (quote.wrapping_sub(each(1)) & !quote)
        | (backslash.wrapping_sub(each(1)) & !backslash)
        | (word.wrapping_sub(each(b' ')) & !word);
    let odd = marks & each(0x80);
    (odd != 0).then(|| odd.trailing_zeros() as usize / 8)
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
