//! What may be done to bulk requests, and when.

/// A fault of a server or of the way to it. Bulk requests meet it; those of [`Fault::everything`]
/// every request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The connection is reset when the head of the request is there.
    ResetBeforeBody,
    /// It is reset when a part of the body is there.
    ResetInBody,
    /// It is reset when all of the body is there; nothing was done.
    ResetAfterBody,
    /// All is done, and the connection reset.
    CommitThenReset,
    /// All is done, and no answer comes.
    CommitThenSilence,
    /// Nothing is done, and no answer comes.
    Silence,
    /// The whole request is answered with this status and type of error.
    Whole(u16, &'static str),
    /// Every request, of any kind, is answered so.
    Everything(u16, &'static str),
    /// Bodies over so many bytes are answered with 413, with no body, and the connection closed.
    TooLarge(usize),
    /// Every so-many-th item fails with this status, type and reason.
    Items { every: usize, status: u16, kind: &'static str, reason: &'static str },
    /// Items whose document holds this text fail so; not lifted: it is the document that is bad.
    Poison { text: &'static str, status: u16, kind: &'static str, reason: &'static str },
    /// The whole request is 400 while an item with this text is in it.
    PoisonRequest { text: &'static str },
    /// No index can be made.
    ShardLimit,
    /// All is done; the answer is cut short, its length announced.
    CutAnswer,
    /// All is done; the answer is cut short, and its length not announced.
    CutAnswerUnannounced,
    /// All is done; the answer never ends.
    EndlessAnswer,
    /// All is done; the answer has one item more than was sent, or fewer.
    WrongCount(isize),
    /// All is done; the answer is 200 and no JSON, as of a proxy.
    NotJson,
    /// All is done; the answer is 200, and says nothing.
    EmptyAnswer,
    /// All is done; the answer is small, and gigabytes when inflated.
    GzipBomb,
    /// All is done; the answer comes byte by byte with these pauses, in milliseconds.
    Drip(u64),
}

impl Fault {
    /// True for those that are met by requests of any kind.
    pub(super) fn everything(&self) -> bool {
        matches!(self, Fault::Everything(..))
    }
}

/// The fault of now.
#[derive(Debug, Default)]
pub(super) struct Script {
    fault: Option<Fault>,
    pub(super) hits: usize,
}

impl Script {
    pub(super) fn begin(&mut self, fault: Fault) {
        *self = Script { fault: Some(fault), hits: 0 };
    }

    pub(super) fn lift(&mut self) {
        self.fault = None;
    }

    /// The fault that this request meets, if any, which is counted.
    pub(super) fn meet(&mut self, applies: impl FnOnce(&Fault) -> bool) -> Option<Fault> {
        let fault = self.fault.as_ref().filter(|fault| applies(fault))?.clone();
        self.hits += 1;
        Some(fault)
    }
}
