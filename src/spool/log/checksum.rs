//! CRC-32C, as RFC 3720 (iSCSI) defines it, of bytes that lie in pieces.
//!
//! The crate uses the widest multiplication that the processor has (`benches/checksum.rs`).

use crc_fast::{CrcAlgorithm, Digest};

/// The checksum of what `before` is the checksum of (0: of nothing), followed by `bytes`.
pub(super) fn append(before: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, u64::from(!before));
    digest.update(bytes);
    digest.finalize() as u32
}

#[cfg(test)]
mod tests {
    use super::append;

    proptest::proptest! {
        #[test]
        fn pieces_have_the_checksum_that_another_crate_computes(pieces: Vec<Vec<u8>>) {
            let ours = pieces.iter().fold(0, |before, piece| append(before, piece));
            proptest::prop_assert_eq!(ours, crc32c::crc32c(&pieces.concat()));
        }
    }
}
