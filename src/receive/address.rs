//! Addresses to listen on, as Go writes them, because the settings are jaeger-collector's.
//!
//! `:9411`, `0.0.0.0:9411` and `[::]:9411` all mean every address of both families, a bare `9411`
//! means `:9411`, and a name means the first of its addresses, of IPv4 if it has one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("{0:?} is no address to listen on: write host:port, :port, or [IPv6 address]:port")]
    Malformed(String),
    #[error("the host of {0:?} has no address: {1}")]
    NoAddress(String, std::io::Error),
}

/// The address that `text` names; the unspecified one of IPv6 for every address of both families.
pub fn parse(text: &str) -> Result<SocketAddr, AddressError> {
    let malformed = || AddressError::Malformed(text.into());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None => ("", text),
    };
    let port: u16 = port.parse().map_err(|_| malformed())?;
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(malformed)?,
        None if host.contains(':') => return Err(malformed()),
        None => host,
    };
    let everywhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
    if bare.is_empty() && !host.starts_with('[') {
        return Ok(everywhere);
    }
    let address = resolve(bare, port).map_err(|error| AddressError::NoAddress(text.into(), error))?;
    Ok(if address.ip().is_unspecified() { everywhere } else { address })
}

fn resolve(host: &str, port: u16) -> std::io::Result<SocketAddr> {
    let mut all: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    all.sort_by_key(SocketAddr::is_ipv6);
    all.into_iter().next().ok_or_else(|| std::io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        for (text, address) in [
            (":9411", "[::]:9411"),
            ("9411", "[::]:9411"),
            ("0.0.0.0:9411", "[::]:9411"),
            ("[::]:9411", "[::]:9411"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:14268", "[::1]:14268"),
            ("localhost:80", "127.0.0.1:80"),
        ] {
            assert_eq!(parse(text).unwrap(), address.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_mend() {
        for text in ["", ":", "localhost", ":70000", "::1:9411", "[::1:9411", ":http", "[]:1"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
