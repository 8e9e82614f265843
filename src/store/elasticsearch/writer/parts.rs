//! A load in the parts that the server takes: halved where a request is refused as a whole, where
//! the connection breaks under a large one, and where its answer is longer than we read.
//!
//! A single item that is too large for the server is to be mended. A single item that makes a request
//! malformed is only suspected: it may be our form that this server does not know, or something
//! between us that is ill for a moment. It is refused if the server took others of the same write,
//! and then did not take it alone once more, and right after that took one of those others again:
//! so the server is well, and it is the item. Else it waits. A broken connection refuses nothing,
//! ever.

use super::super::verdict::{Mending, Ruling};

/// So many malformed parts with none taken: it is not one item that is at fault.
const MOST_MALFORMED: usize = 24;

/// So many broken connections with none taken: it is not the size. Enough to come from the largest
/// request that is sent down to one that breaks nothing by its size.
const MOST_BROKEN: usize = 8;

/// What became of one part.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The server has a ruling for each item of the part.
    Judged(Vec<Ruling>),
    /// The request is larger than the server takes.
    TooLarge,
    /// The server did not understand the request; true if it says that it is a document's fault.
    Malformed(bool),
    /// The connection broke while a large request was under way, or there was no memory for its
    /// answer: nothing is known, and a smaller one may get through.
    Broken(&'static str),
    /// The answer cannot be read for its length: fewer items, a shorter one.
    LongAnswer,
    /// Not this part, not now.
    Later(&'static str),
    /// Nothing answers: no use in sending the other parts.
    Away(&'static str),
}

/// The parts still to be sent, and the rulings so far.
#[derive(Debug)]
pub(super) struct Parts {
    /// Start and end of parts, the next one last.
    waiting: Vec<(usize, usize)>,
    /// `None`: not decided yet.
    rulings: Vec<Option<Ruling>>,
    /// What is said of items that are never decided.
    otherwise: &'static str,
    /// Single items that no request could carry.
    suspects: Vec<usize>,
    /// The suspect that is being tried.
    trial: Option<Trial>,
    /// An item that the server has judged.
    known: Option<usize>,
    malformed: usize,
    broken: usize,
}

/// What the request that is under way is to show of a suspect.
#[derive(Debug, Clone, Copy)]
enum Trial {
    /// Whether the server takes it now.
    Suspect(usize),
    /// Whether the server is well: it is asked to take what it took before. (With
    /// `--es.document-ids=none` that doubles one span, as every repetition does then.)
    Server { suspect: usize },
}

impl Parts {
    pub(super) fn new(items: usize) -> Self {
        Parts {
            waiting: if items == 0 { Vec::new() } else { vec![(0, items)] },
            rulings: vec![None; items],
            otherwise: "malformed",
            suspects: Vec::new(),
            trial: None,
            known: None,
            malformed: 0,
            broken: 0,
        }
    }

    /// The next part to send; it must be settled before the next one is asked for.
    pub(super) fn next(&mut self) -> Option<(usize, usize)> {
        self.waiting.pop().or_else(|| self.next_trial())
    }

    fn next_trial(&mut self) -> Option<(usize, usize)> {
        let known = self.known?;
        if let Some(Trial::Server { .. }) = self.trial {
            return Some((known, known + 1));
        }
        let suspect = self.suspects.pop()?;
        self.trial = Some(Trial::Suspect(suspect));
        Some((suspect, suspect + 1))
    }

    /// True if the server judged any item.
    pub(super) fn taken(&self) -> bool {
        self.known.is_some()
    }

    /// Enters what became of the part.
    pub(super) fn settle(&mut self, start: usize, end: usize, outcome: Outcome) {
        match (self.trial.take(), outcome) {
            (Some(Trial::Suspect(suspect)), Outcome::Malformed(true)) => self.trial = Some(Trial::Server { suspect }),
            (Some(Trial::Server { suspect }), Outcome::Judged(_)) => {
                self.decide(suspect, suspect + 1, Ruling::Never("malformed"));
            }
            (Some(Trial::Server { .. }), Outcome::Away(word)) => self.give_up(word),
            // The server is not well: nothing is known of the suspects.
            (Some(Trial::Server { .. }), _) => self.suspects.clear(),
            (_, outcome) => self.enter(start, end, outcome),
        }
    }

    fn enter(&mut self, start: usize, end: usize, outcome: Outcome) {
        let alone = end - start == 1;
        match outcome {
            Outcome::Judged(rulings) => {
                self.known.get_or_insert(start);
                for (place, ruling) in self.rulings.iter_mut().skip(start).zip(rulings) {
                    *place = Some(ruling);
                }
            }
            Outcome::TooLarge if alone => self.decide(start, end, Ruling::Mend(Mending::Shorter, "too-large")),
            Outcome::LongAnswer if alone => self.decide(start, end, Ruling::Again("unreadable-answer")),
            Outcome::TooLarge | Outcome::LongAnswer => self.halve(start, end),
            Outcome::Malformed(of_document) => self.malformed(start, end, of_document),
            Outcome::Broken(word) => self.broken(start, end, word),
            Outcome::Later(word) => self.decide(start, end, Ruling::Again(word)),
            Outcome::Away(word) => self.give_up(word),
        }
    }

    /// A ruling for each item.
    pub(super) fn into_rulings(self) -> Vec<Ruling> {
        let otherwise = Ruling::Again(self.otherwise);
        self.rulings.into_iter().map(|ruling| ruling.unwrap_or(otherwise)).collect()
    }

    fn give_up(&mut self, word: &'static str) {
        self.otherwise = word;
        self.waiting.clear();
        self.suspects.clear();
    }

    fn malformed(&mut self, start: usize, end: usize, of_document: bool) {
        self.malformed += 1;
        if self.malformed >= MOST_MALFORMED && self.known.is_none() {
            self.waiting.clear();
        } else if end - start > 1 {
            self.halve(start, end);
        } else if of_document {
            self.suspects.push(start);
        } else {
            self.decide(start, end, Ruling::Unknown("malformed"));
        }
    }

    fn broken(&mut self, start: usize, end: usize, word: &'static str) {
        self.broken += 1;
        if self.broken >= MOST_BROKEN && self.known.is_none() {
            self.give_up(word);
        } else if end - start > 1 {
            self.halve(start, end);
        } else {
            self.decide(start, end, Ruling::Again(word));
        }
    }

    fn halve(&mut self, start: usize, end: usize) {
        let middle = start + (end - start) / 2;
        self.waiting.push((middle, end));
        self.waiting.push((start, middle));
    }

    fn decide(&mut self, start: usize, end: usize, ruling: Ruling) {
        for place in self.rulings.iter_mut().take(end).skip(start) {
            *place = Some(ruling);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a write against a server that says `answer` of each part.
    fn run(items: usize, answer: impl Fn(usize, usize) -> Outcome) -> (Vec<Ruling>, usize) {
        let mut parts = Parts::new(items);
        let mut requests = 0;
        while let Some((start, end)) = parts.next() {
            requests += 1;
            parts.settle(start, end, answer(start, end));
        }
        (parts.into_rulings(), requests)
    }

    fn stored(count: usize) -> Outcome {
        Outcome::Judged(vec![Ruling::Stored; count])
    }

    #[test]
    fn a_batch_that_is_too_large_is_sent_in_parts() {
        let (rulings, requests) =
            run(1000, |start, end| if end - start > 300 { Outcome::TooLarge } else { stored(end - start) });
        assert_eq!(rulings, vec![Ruling::Stored; 1000]);
        assert_eq!(requests, 7);
    }

    #[test]
    fn an_item_that_is_too_large_alone_is_to_be_mended() {
        let (rulings, _) =
            run(5, |start, end| if (start..end).contains(&3) { Outcome::TooLarge } else { stored(end - start) });
        let mut wanted = vec![Ruling::Stored; 5];
        wanted[3] = Ruling::Mend(Mending::Shorter, "too-large");
        assert_eq!(rulings, wanted);
    }

    #[test]
    fn an_item_that_spoils_its_request_is_refused_if_others_are_taken() {
        for bad in [0, 511, 999] {
            let (rulings, _) =
                run(
                    1000,
                    |start, end| {
                        if (start..end).contains(&bad) { Outcome::Malformed(true) } else { stored(end - start) }
                    },
                );
            let mut wanted = vec![Ruling::Stored; 1000];
            wanted[bad] = Ruling::Never("malformed");
            assert_eq!(rulings, wanted);
        }
    }

    #[test]
    fn a_server_that_understands_nothing_is_asked_a_few_times_and_nothing_is_lost() {
        let (rulings, requests) = run(100_000, |_, _| Outcome::Malformed(true));
        assert_eq!(rulings, vec![Ruling::Again("malformed"); 100_000]);
        assert_eq!(requests, MOST_MALFORMED);
        assert_eq!(run(1, |_, _| Outcome::Malformed(true)).0, [Ruling::Again("malformed")]);
    }

    #[test]
    fn a_request_that_is_not_understood_for_no_documents_sake_is_sent_again() {
        let (rulings, _) = run(4, |start, end| match (start..end).contains(&2) {
            true => Outcome::Malformed(false),
            false => stored(end - start),
        });
        assert_eq!(rulings, [Ruling::Stored, Ruling::Stored, Ruling::Unknown("malformed"), Ruling::Stored]);
    }

    #[test]
    fn connections_that_break_under_large_requests_refuse_nothing() {
        let (rulings, _) =
            run(
                1000,
                |start, end| if end - start > 30 { Outcome::Broken("connection-reset") } else { stored(end - start) },
            );
        assert_eq!(rulings, vec![Ruling::Stored; 1000]);
        let (rulings, _) =
            run(
                8,
                |start, end| {
                    if (start..end).contains(&5) { Outcome::Broken("connection-reset") } else { stored(end - start) }
                },
            );
        let mut wanted = vec![Ruling::Stored; 8];
        wanted[5] = Ruling::Again("connection-reset");
        assert_eq!(rulings, wanted);
        let (rulings, requests) = run(100_000, |_, _| Outcome::Broken("connection-reset"));
        assert_eq!(rulings, vec![Ruling::Again("connection-reset"); 100_000]);
        assert_eq!(requests, MOST_BROKEN);
    }

    #[test]
    fn an_answer_that_is_too_long_is_asked_for_in_parts() {
        let (rulings, requests) =
            run(64, |start, end| if end - start > 16 { Outcome::LongAnswer } else { stored(end - start) });
        assert_eq!((rulings, requests), (vec![Ruling::Stored; 64], 7));
        assert_eq!(run(1, |_, _| Outcome::LongAnswer).0, [Ruling::Again("unreadable-answer")]);
    }

    #[test]
    fn a_server_that_gets_well_in_between_costs_no_item() {
        for number in 0..20 {
            let requests = std::cell::Cell::new(0);
            let (rulings, _) = run(8, |start, end| {
                requests.set(requests.get() + 1);
                if requests.get() <= number { Outcome::Malformed(true) } else { stored(end - start) }
            });
            assert!(!rulings.contains(&Ruling::Never("malformed")), "{number}: {rulings:?}");
        }
    }

    #[test]
    fn a_server_that_falls_ill_in_between_costs_no_item() {
        for number in 0..20 {
            let requests = std::cell::Cell::new(0);
            let (rulings, _) = run(8, |start, end| {
                requests.set(requests.get() + 1);
                match requests.get() {
                    1 => Outcome::TooLarge,
                    asked if asked > number => Outcome::Malformed(true),
                    _ => stored(end - start),
                }
            });
            assert!(!rulings.contains(&Ruling::Never("malformed")), "{number}: {rulings:?}");
        }
    }

    #[test]
    fn what_was_stored_before_the_server_went_stays_stored() {
        let (rulings, requests) = run(4, |start, end| match (start, end) {
            (0, 4) => Outcome::TooLarge,
            (0, 2) => stored(2),
            _ => Outcome::Away("unreachable"),
        });
        let again = Ruling::Again("unreachable");
        assert_eq!((rulings, requests), (vec![Ruling::Stored, Ruling::Stored, again, again], 3));
    }

    #[test]
    fn an_empty_batch_needs_no_request() {
        assert_eq!(run(0, |_, _| Outcome::Malformed(true)), (Vec::new(), 0));
    }
}
