//! One connection: requests, the faults that they meet, answers.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Shared;
use super::fault::Fault;
use super::http::{Answer, Head};

/// Blanks in a bomb.
const BOMB: usize = 1 << 30;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Reset,
}

/// What becomes of a connection after a request.
type Next = io::Result<Option<End>>;

/// It stays open.
const ON: Next = Ok(None);
const CLOSED: Next = Ok(Some(End::Closed));
const RESET: Next = Ok(Some(End::Reset));

/// Answers until the client goes, or a fault ends the connection.
pub(super) fn talk(stream: &TcpStream, shared: &Shared) -> End {
    let mut talk = Talk { reader: BufReader::new(stream.try_clone().unwrap()), stream, shared };
    loop {
        match talk.one() {
            Ok(None) => {}
            Ok(Some(end)) => return end,
            Err(_) => return End::Closed,
        }
    }
}

struct Talk<'a> {
    reader: BufReader<TcpStream>,
    stream: &'a TcpStream,
    shared: &'a Shared,
}

impl Talk<'_> {
    /// One request.
    fn one(&mut self) -> Next {
        let Some(head) = Head::read(&mut self.reader)? else { return CLOSED };
        let is_bulk = head.path.ends_with("_bulk");
        let early = self.meet(|fault| match fault {
            Fault::Everything(..) => true,
            Fault::ResetBeforeBody | Fault::ResetInBody => is_bulk,
            Fault::TooLarge(most) => is_bulk && head.length > *most,
            _ => false,
        });
        match early {
            Some(Fault::ResetBeforeBody) => return RESET,
            Some(Fault::ResetInBody) => {
                self.reader.read_exact(&mut vec![0; head.length / 2])?;
                return RESET;
            }
            Some(Fault::TooLarge(_)) => return self.too_large(&head),
            Some(Fault::Everything(status, kind)) => {
                head.body(&mut self.reader)?;
                return self.answer(&head, &Answer::error(status, kind, "so the script says"));
            }
            _ => {}
        }
        let body = head.body(&mut self.reader)?;
        if is_bulk { self.bulk(&head, &body) } else { self.other(&head, &body) }
    }

    fn meet(&self, applies: impl FnOnce(&Fault) -> bool) -> Option<Fault> {
        self.shared.script.lock().unwrap().meet(applies)
    }

    fn other(&mut self, head: &Head, body: &str) -> Next {
        let answer = self.shared.cluster.lock().unwrap().other(head, body);
        self.answer(head, &answer)
    }

    fn bulk(&mut self, head: &Head, body: &str) -> Next {
        let fault = self.meet(|fault| match fault {
            Fault::PoisonRequest { text } | Fault::Poison { text, .. } => body.contains(text),
            Fault::TooLarge(_) | Fault::ResetBeforeBody | Fault::ResetInBody => false,
            fault => !fault.everything(),
        });
        match &fault {
            Some(Fault::ResetAfterBody) => return RESET,
            Some(Fault::Silence) => return self.silence(),
            Some(Fault::Whole(status, kind)) => {
                return self.answer(head, &Answer::error(*status, kind, "so the script says"));
            }
            Some(Fault::PoisonRequest { .. }) => {
                let answer = Answer::error(400, "illegal_argument_exception", "the request cannot be understood");
                return self.answer(head, &answer);
            }
            _ => {}
        }
        let answer = self.shared.cluster.lock().unwrap().bulk(head, body, fault.as_ref());
        match fault {
            Some(fault) => self.answer_badly(head, answer, &fault),
            None => self.answer(head, &answer),
        }
    }

    /// All is done; the answer is what the fault makes of it.
    fn answer_badly(&mut self, head: &Head, mut answer: Answer, fault: &Fault) -> Next {
        let half = answer.body.len() / 2;
        match fault {
            Fault::CommitThenReset => return RESET,
            Fault::CommitThenSilence => return self.silence(),
            Fault::CutAnswer => {
                let whole = answer.head(Some(answer.body.len()));
                self.stream.write_all(format!("{whole}{}", &answer.body[..half]).as_bytes())?;
                return CLOSED;
            }
            Fault::CutAnswerUnannounced => {
                answer.close = true;
                let whole = answer.head(None);
                self.stream.write_all(format!("{whole}{}", &answer.body[..half]).as_bytes())?;
                return CLOSED;
            }
            Fault::EndlessAnswer => return self.endless(&answer),
            Fault::GzipBomb => return self.bomb(),
            Fault::Drip(pause) => return self.drip(&answer, Duration::from_millis(*pause)),
            Fault::NotJson => answer.body = "<html><body>Welcome to our proxy</body></html>".into(),
            Fault::EmptyAnswer => answer.body.clear(),
            Fault::WrongCount(more) => answer.body = of_another_count(&answer.body, *more),
            _ => {}
        }
        self.answer(head, &answer)
    }

    fn answer(&mut self, head: &Head, answer: &Answer) -> Next {
        answer.write(self.stream, head.method == "HEAD")?;
        if answer.close { CLOSED } else { ON }
    }

    /// Says so before it has read the body, and reads it, as a real one does.
    fn too_large(&mut self, head: &Head) -> Next {
        let answer = Answer { status: 413, body: String::new(), close: true };
        answer.write(self.stream, false)?;
        let _ = io::copy(&mut (&mut self.reader).take(head.length as u64), &mut io::sink());
        CLOSED
    }

    /// Nothing, until the client goes.
    fn silence(&mut self) -> Next {
        let _ = self.reader.read(&mut [0]);
        CLOSED
    }

    /// As fast as a slow link, so that only a limit in bytes or in time ends it.
    fn endless(&mut self, answer: &Answer) -> Next {
        let head = answer.head(None);
        self.stream.write_all(format!("{head}{{\"errors\":false,\"items\":[").as_bytes())?;
        let piece = r#"{"create":{"status":201}},"#.repeat(1_000);
        loop {
            self.stream.write_all(piece.as_bytes())?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn bomb(&mut self) -> Next {
        static PACKED: LazyLock<Vec<u8>> = LazyLock::new(bomb);
        let (packed, length) = (&*PACKED, PACKED.len());
        let head = "HTTP/1.1 200 Said\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n";
        self.stream.write_all(format!("{head}content-length: {length}\r\n\r\n").as_bytes())?;
        self.stream.write_all(packed)?;
        ON
    }

    fn drip(&mut self, answer: &Answer, pause: Duration) -> Next {
        let whole = format!("{}{}", answer.head(Some(answer.body.len())), answer.body);
        for byte in whole.as_bytes() {
            self.stream.write_all(std::slice::from_ref(byte))?;
            std::thread::sleep(pause);
        }
        ON
    }
}

/// Blanks, packed.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..BOMB / blanks.len() {
        encoder.write_all(&blanks).unwrap();
    }
    encoder.finish().unwrap()
}

/// The same answer with more items or fewer.
fn of_another_count(body: &str, more: isize) -> String {
    let mut answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let items = answer["items"].as_array_mut().unwrap();
    for _ in 0..more {
        items.push(items[0].clone());
    }
    items.truncate((items.len() as isize).saturating_add(more.min(0)).max(0) as usize);
    answer.to_string()
}
