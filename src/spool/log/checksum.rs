//! CRC-32C, as RFC 3720 (iSCSI) defines it, of bytes that lie in pieces.

/// The checksum of what `before` is the checksum of (0: of nothing), followed by `bytes`.
pub(super) fn append(before: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(before, bytes)
}

#[cfg(test)]
mod tests {
    use super::append;
    use crc_fast::{CrcAlgorithm, checksum};

    proptest::proptest! {
        #[test]
        fn pieces_have_the_checksum_that_another_crate_computes(pieces: Vec<Vec<u8>>) {
            let ours = pieces.iter().fold(0, |before, piece| append(before, piece));
            proptest::prop_assert_eq!(u64::from(ours), checksum(CrcAlgorithm::Crc32Iscsi, &pieces.concat()));
        }
    }
}
