//! Whether two texts are the same, for texts of the length of a tag's key.

/// As `==` says it, without a call and without a loop: the first and the last bytes of both, which
/// overlap in the middle (`benches/verdict.rs`).
#[inline]
pub(super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0 => true,
        1..4 => one[0] == other[0] && one[one.len() / 2] == other[one.len() / 2] && one.last() == other.last(),
        4..8 => ends::<4>(one) == ends::<4>(other),
        8..16 => ends::<8>(one) == ends::<8>(other),
        16..=32 => ends::<16>(one) == ends::<16>(other),
        _ => one == other,
    }
}

#[inline]
fn ends<const BYTES: usize>(text: &[u8]) -> (Option<&[u8; BYTES]>, Option<&[u8; BYTES]>) {
    (text.first_chunk(), text.last_chunk())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_the_same_is_equal(one in "[ab]{0,40}", other in "[ab]{0,40}", place in 0..40usize) {
            prop_assert_eq!(same(&one, &other), one == other);
            prop_assert!(same(&one, &one.clone()));
            let mut changed = one.clone();
            if place < one.len() {
                changed.replace_range(place..=place, "c");
                prop_assert!(!same(&one, &changed));
            }
        }
    }
}
