//! What the kernel says of our sockets, in `/proc/net/udp` and `/proc/net/udp6`: how many datagrams
//! it dropped because a buffer was full. A socket is found there by its inode.

use super::BoundUdp;
use crate::telemetry::metrics::SocketState;

/// A socket that is asked for.
#[derive(Debug)]
pub(super) struct Kernel {
    protocol: &'static str,
    inode: Option<u64>,
    table: &'static str,
    buffer: u64,
}

impl Kernel {
    pub(super) fn of(protocol: &'static str, socket: &BoundUdp) -> Self {
        let table = if socket.address().is_ipv6() { "/proc/net/udp6" } else { "/proc/net/udp" };
        let inode = rustix::fs::fstat(&socket.inner).ok().map(|state| state.st_ino);
        Kernel { protocol, inode, table, buffer: socket.buffer as u64 }
    }

    pub(super) fn state(&self) -> SocketState {
        let table = std::fs::read_to_string(self.table).unwrap_or_default();
        let dropped = self.inode.and_then(|inode| dropped(&table, inode));
        SocketState { protocol: self.protocol, dropped, buffer: self.buffer }
    }
}

/// The last column of the line whose tenth is this inode.
fn dropped(table: &str, inode: u64) -> Option<u64> {
    let of_line = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        let is_ours = columns.nth(9)?.parse() == Ok(inode);
        columns.next_back().filter(|_| is_ours)?.parse().ok()
    };
    table.lines().skip(1).find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_in_the_line_of_the_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode \
                     ref pointer drops\n\
                     19191: 00000000:1AAF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 65187 2 \
                     0000000000000000 12\n\
                     19192: 00000000:1AB0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 65188 2 \
                     0000000000000000 0\n";
        assert_eq!([65187, 65188, 65189].map(|inode| dropped(table, inode)), [Some(12), Some(0), None]);
        assert_eq!(dropped("", 1), None);
    }
}
