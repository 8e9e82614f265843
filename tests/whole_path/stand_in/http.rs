//! Requests and answers, as far as a client of Elasticsearch sends them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A request whose body is not read yet.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    /// Without the first slash.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) length: usize,
    pub(super) content_type: String,
    pub(super) gzip: bool,
}

impl Head {
    /// `None`: the client has closed the connection.
    pub(super) fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Head>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default().to_string();
        let (method, target) = (word(), word());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut head = Head {
            method,
            path: path.trim_start_matches('/').to_string(),
            query: query.split('&').filter_map(|pair| pair.split_once('=')).map(decoded).collect(),
            length: 0,
            content_type: String::new(),
            gzip: false,
        };
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some(head)) };
            let value = value.trim();
            match name.to_lowercase().as_str() {
                "content-length" => head.length = value.parse().map_err(io::Error::other)?,
                "content-type" => head.content_type = value.to_string(),
                "content-encoding" => head.gzip = value == "gzip",
                "transfer-encoding" => return Err(io::Error::other("the stand-in reads no chunks")),
                _ => {}
            }
        }
    }

    /// The body, inflated if it was packed.
    pub(super) fn body(&self, stream: &mut BufReader<TcpStream>) -> io::Result<String> {
        let mut body = vec![0; self.length];
        stream.read_exact(&mut body)?;
        let mut text = String::new();
        match self.gzip {
            true => flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text)?,
            false => (&body[..]).read_to_string(&mut text)?,
        };
        Ok(text)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn decoded((name, value): (&str, &str)) -> (String, String) {
    (name.to_string(), value.replace("%2C", ",").replace("%2A", "*").replace("%2F", "/"))
}

/// A JSON answer, and whether the connection stays open after it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) close: bool,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Answer { status, body: body.to_string(), close: false }
    }

    /// An error of the whole request.
    pub(super) fn error(status: u16, kind: &str, reason: &str) -> Self {
        let cause = serde_json::json!({ "type": kind, "reason": reason });
        Answer::json(
            status,
            &serde_json::json!({ "error": { "root_cause": [cause], "type": kind, "reason": reason }, "status": status }),
        )
    }

    pub(super) fn head(&self, length: Option<usize>) -> String {
        let length = length.map(|length| format!("content-length: {length}\r\n")).unwrap_or_default();
        let close = if self.close { "connection: close\r\n" } else { "" };
        format!(
            "HTTP/1.1 {} Said\r\nx-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n{close}{length}\r\n",
            self.status
        )
    }

    /// In one piece. `head_only`: the answer to a HEAD.
    pub(super) fn write(&self, mut stream: &TcpStream, head_only: bool) -> io::Result<()> {
        let body = if head_only { "" } else { &self.body };
        stream.write_all(format!("{}{body}", self.head(Some(self.body.len()))).as_bytes())
    }
}
