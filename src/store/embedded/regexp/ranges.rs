//! Sets of characters, as ranges of code points.

/// Code points, first and last included; sorted, apart from each other.
pub(super) type Ranges = Vec<(u32, u32)>;

/// The last code point.
pub(super) const LAST_POINT: u32 = char::MAX as u32;

/// The characters of `\d`, `\s`, `\w` and of their opposites in capitals.
pub(super) fn class_of(name: char) -> Option<Ranges> {
    let points = |ranges: &[(char, char)]| ranges.iter().map(|&(first, last)| (first.into(), last.into())).collect();
    let ranges: Ranges = match name.to_ascii_lowercase() {
        'd' => points(&[('0', '9')]),
        's' => points(&[('\t', '\n'), ('\r', '\r'), (' ', ' ')]),
        'w' => points(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    };
    Some(if name.is_ascii_uppercase() { others(&ranges) } else { ranges })
}

/// Sorted, with what overlaps or touches joined.
pub(super) fn tidy(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut tidied: Ranges = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match tidied.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => tidied.push((first, last)),
        }
    }
    tidied
}

/// All other characters.
pub(super) fn others(ranges: &Ranges) -> Ranges {
    let mut others = Vec::with_capacity(ranges.len() + 1);
    let mut next = 0;
    for &(first, last) in ranges {
        if first > next {
            others.push((next, first - 1));
        }
        next = last + 1;
    }
    if next <= LAST_POINT {
        others.push((next, LAST_POINT));
    }
    others
}
