//! The command `status`: asks a running Spaniel's admin port for its health.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For connecting, and for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the health is not good.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error("no answer from {address}: start Spaniel, or name its admin port by --status.http.host-port")]
    Unreachable { address: String, source: std::io::Error },
    #[error("not healthy: {answer}")]
    Unhealthy { answer: String },
}

/// Gets `/` and gives the body of a 200; all else is an error.
pub fn status(host_port: &str) -> Result<String, StatusError> {
    let address = if host_port.starts_with(':') { format!("127.0.0.1{host_port}") } else { host_port.to_string() };
    let answer = get(&address).map_err(|source| StatusError::Unreachable { address, source })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.trim().to_string()),
        _ => Err(StatusError::Unhealthy { answer: if body.is_empty() { head.into() } else { body.trim().into() } }),
    }
}

/// HTTP 1.0, so that the answer ends with the connection and is never chunked.
fn get(address: &str) -> std::io::Result<String> {
    let resolved = address.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&resolved, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answered(answer: &'static str) -> Result<String, StatusError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!(":{}", listener.local_addr().unwrap().port());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 5];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"GET /");
            stream.write_all(answer.as_bytes()).unwrap();
            // Closing with bytes unread would reset the connection and could lose the answer.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let result = status(&address);
        server.join().unwrap();
        result
    }

    #[test]
    fn healthy_is_a_200() {
        assert_eq!(
            answered("HTTP/1.0 200 OK\r\n\r\n{\"status\":\"Server available\"}").unwrap(),
            "{\"status\":\"Server available\"}"
        );
    }

    #[test]
    fn all_else_is_not() {
        let error = answered("HTTP/1.0 503 Service Unavailable\r\n\r\n{}").unwrap_err();
        assert!(matches!(error, StatusError::Unhealthy { answer } if answer == "{}"));
    }

    #[test]
    fn nobody_there_says_what_to_do() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = status(&format!("127.0.0.1:{port}")).unwrap_err();
        assert!(error.to_string().contains("--status.http.host-port"), "{error}");
    }
}
