//! Numbers and bytes as Jaeger's documents write them: hexadecimal, decimal, and floats in Go's
//! form.

/// The two lower-case digits of every byte.
const PAIRS: [[u8; 2]; 256] = pairs();

const fn pairs() -> [[u8; 2]; 256] {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
}

/// A byte as two lower-case hexadecimal digits.
#[inline]
pub(super) fn hex_pair(byte: u8) -> [u8; 2] {
    PAIRS[usize::from(byte)]
}

/// 64 bits as 16 lower-case hexadecimal digits.
#[inline]
pub(super) fn hex_u64(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(number.to_be_bytes()) {
        *pair = hex_pair(byte);
    }
    text
}

/// Appends bytes as lower-case hexadecimal digits.
pub(super) fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.extend_from_slice(&hex_pair(*byte));
    }
}

/// Appends an integer in decimal digits.
#[inline]
pub(super) fn write_integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a finite float as Go's JSON encoder does: the shortest digits that read back as the
/// same number, with an exponent below 1e-6 and from 1e21, and whole numbers without a point.
pub(super) fn write_finite(out: &mut Vec<u8>, number: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    let (sign, magnitude) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    out.extend_from_slice(sign.as_bytes());
    let (digits, length, point) = decimal(magnitude);
    let digits = digits.get(..length).unwrap_or_default();
    let small_or_large = number != 0.0 && (number.abs() < 1e-6 || number.abs() >= 1e21);
    if small_or_large { write_scientific(out, digits, point) } else { write_positional(out, digits, point) }
}

/// The significant digits of a number as text, how many they are, and where its point stands:
/// the number is `0.digits × 10^point`.
fn decimal(text: &str) -> ([u8; 32], usize, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut point = whole.len() as i32 + exponent.parse::<i32>().unwrap_or(0);
    let (mut digits, mut length) = ([0; 32], 0);
    for byte in whole.bytes().chain(fraction.bytes()) {
        if length == 0 && byte == b'0' {
            point -= 1;
        } else if let Some(place) = digits.get_mut(length) {
            *place = byte;
            length += 1;
        }
    }
    while length > 0 && digits[length - 1] == b'0' {
        length -= 1;
    }
    (digits, length, point)
}

fn write_scientific(out: &mut Vec<u8>, digits: &[u8], point: i32) {
    let Some((first, rest)) = digits.split_first() else { return };
    out.push(*first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    let exponent = point - 1;
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    write_integer(out, exponent.unsigned_abs());
}

fn write_positional(out: &mut Vec<u8>, digits: &[u8], point: i32) {
    if digits.is_empty() {
        return out.push(b'0');
    }
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        return out.extend_from_slice(digits);
    }
    let whole = digits.len().min(point as usize);
    let (before, after) = digits.split_at(whole);
    out.extend_from_slice(before);
    out.extend(std::iter::repeat_n(b'0', point as usize - whole));
    if !after.is_empty() {
        out.push(b'.');
        out.extend_from_slice(after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn float(number: f64) -> String {
        let mut out = Vec::new();
        write_finite(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_have_the_form_of_gos_encoder() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100.0, "100"),
            (123456.789, "123456.789"),
            (1e-6, "0.000001"),
            (9.99e-7, "9.99e-7"),
            (1e-7, "1e-7"),
            (1e20, "100000000000000000000"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.25e22, "-1.25e+22"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (number, expected) in cases {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn ids_are_sixteen_digits() {
        assert_eq!(&hex_u64(0x1f), b"000000000000001f");
        assert_eq!(&hex_u64(0xfedc_ba98_7654_3210), b"fedcba9876543210");
    }

    proptest! {
        #[test]
        fn any_float_reads_back_as_itself(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(float(number).parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
