//! A batch in the parts that the server takes: halved where a request is refused as a whole.
//!
//! A single item that is too large for the server is refused for good. A single item that makes a
//! request malformed is only suspected: it may be our form that this server does not know, or a
//! proxy between us that is ill for a moment. It is refused if the server took others of the same
//! write, and then did not take it alone once more, and right after that took one of those others
//! again: the request was well, the server was well, it was the item. Else it waits.

use crate::item::Verdict;

/// So many malformed parts with none taken: it is not one item that is at fault.
const MOST_MALFORMED: usize = 24;

/// What became of one part.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The server has a verdict for each item of the part.
    Judged(Vec<Verdict>),
    /// The request is larger than the server takes.
    TooLarge,
    /// The server did not understand the request.
    Malformed,
    /// Not this part, not now.
    Later(&'static str),
    /// Nothing answers: no use in sending the other parts.
    Away(&'static str),
}

/// The parts still to be sent, and the verdicts so far.
#[derive(Debug)]
pub(super) struct Parts {
    /// Start and end of parts, the next one last.
    waiting: Vec<(usize, usize)>,
    /// `None`: not decided yet.
    verdicts: Vec<Option<Verdict>>,
    /// What is said of items that are never decided.
    otherwise: &'static str,
    /// Single items that no request could carry.
    suspects: Vec<usize>,
    /// The suspect that is being tried.
    trial: Option<Trial>,
    /// An item that the server had a verdict for.
    known: Option<usize>,
    malformed: usize,
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
        let waiting = if items == 0 { Vec::new() } else { vec![(0, items)] };
        let verdicts = vec![None; items];
        let (suspects, trial, known) = (Vec::new(), None, None);
        Parts { waiting, verdicts, otherwise: "malformed", suspects, trial, known, malformed: 0 }
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

    /// Enters what became of the part.
    pub(super) fn settle(&mut self, start: usize, end: usize, outcome: Outcome) {
        match (self.trial.take(), outcome) {
            (Some(Trial::Suspect(suspect)), Outcome::Malformed) => self.trial = Some(Trial::Server { suspect }),
            (Some(Trial::Server { suspect }), Outcome::Judged(_)) => {
                self.decide(suspect, suspect + 1, Verdict::Refused("malformed"));
            }
            // The server is at fault: nothing is known of the suspects.
            (Some(Trial::Server { .. }), Outcome::Malformed) => self.suspects.clear(),
            (Some(Trial::Server { .. }), Outcome::TooLarge | Outcome::Later(_)) => {}
            (_, outcome) => self.enter(start, end, outcome),
        }
    }

    fn enter(&mut self, start: usize, end: usize, outcome: Outcome) {
        match outcome {
            Outcome::Judged(verdicts) => {
                self.known.get_or_insert(start);
                for (place, verdict) in self.verdicts.iter_mut().skip(start).zip(verdicts) {
                    *place = Some(verdict);
                }
            }
            Outcome::TooLarge if end - start == 1 => self.decide(start, end, Verdict::Refused("too-large")),
            Outcome::TooLarge => self.halve(start, end),
            Outcome::Malformed => self.malformed(start, end),
            Outcome::Later(word) => self.decide(start, end, Verdict::Again(word)),
            Outcome::Away(word) => {
                self.otherwise = word;
                self.waiting.clear();
                self.suspects.clear();
            }
        }
    }

    /// A verdict for each item.
    pub(super) fn into_verdicts(self) -> Vec<Verdict> {
        let otherwise = Verdict::Again(self.otherwise);
        self.verdicts.into_iter().map(|verdict| verdict.unwrap_or(otherwise)).collect()
    }

    fn malformed(&mut self, start: usize, end: usize) {
        self.malformed += 1;
        if self.malformed >= MOST_MALFORMED && self.known.is_none() {
            self.waiting.clear();
        } else if end - start == 1 {
            self.suspects.push(start);
        } else {
            self.halve(start, end);
        }
    }

    fn halve(&mut self, start: usize, end: usize) {
        let middle = start + (end - start) / 2;
        self.waiting.push((middle, end));
        self.waiting.push((start, middle));
    }

    fn decide(&mut self, start: usize, end: usize, verdict: Verdict) {
        for place in self.verdicts.iter_mut().take(end).skip(start) {
            *place = Some(verdict);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a write against a server that says `answer` of each part.
    fn run(items: usize, answer: impl Fn(usize, usize) -> Outcome) -> (Vec<Verdict>, usize) {
        let mut parts = Parts::new(items);
        let mut requests = 0;
        while let Some((start, end)) = parts.next() {
            requests += 1;
            parts.settle(start, end, answer(start, end));
        }
        (parts.into_verdicts(), requests)
    }

    fn stored(count: usize) -> Outcome {
        Outcome::Judged(vec![Verdict::Stored; count])
    }

    #[test]
    fn a_batch_that_is_too_large_is_sent_in_parts() {
        let (verdicts, requests) =
            run(1000, |start, end| if end - start > 300 { Outcome::TooLarge } else { stored(end - start) });
        assert_eq!(verdicts, vec![Verdict::Stored; 1000]);
        assert_eq!(requests, 7);
    }

    #[test]
    fn an_item_that_is_too_large_alone_is_refused_alone() {
        let (verdicts, _) =
            run(5, |start, end| if (start..end).contains(&3) { Outcome::TooLarge } else { stored(end - start) });
        let mut wanted = vec![Verdict::Stored; 5];
        wanted[3] = Verdict::Refused("too-large");
        assert_eq!(verdicts, wanted);
    }

    #[test]
    fn an_item_that_spoils_its_request_is_refused_if_others_are_taken() {
        for bad in [0, 511, 999] {
            let (verdicts, _) =
                run(
                    1000,
                    |start, end| if (start..end).contains(&bad) { Outcome::Malformed } else { stored(end - start) },
                );
            let mut wanted = vec![Verdict::Stored; 1000];
            wanted[bad] = Verdict::Refused("malformed");
            assert_eq!(verdicts, wanted);
        }
    }

    #[test]
    fn a_server_that_understands_nothing_is_asked_a_few_times_and_nothing_is_lost() {
        let (verdicts, requests) = run(100_000, |_, _| Outcome::Malformed);
        assert_eq!(verdicts, vec![Verdict::Again("malformed"); 100_000]);
        assert_eq!(requests, MOST_MALFORMED);
        assert_eq!(run(1, |_, _| Outcome::Malformed).0, [Verdict::Again("malformed")]);
    }

    /// Malformed until the request of this number, and never again.
    fn ill_until(number: usize) -> impl Fn(usize, usize) -> Outcome {
        let requests = std::cell::Cell::new(0);
        move |start, end| {
            requests.set(requests.get() + 1);
            if requests.get() <= number { Outcome::Malformed } else { stored(end - start) }
        }
    }

    #[test]
    fn a_server_that_gets_well_in_between_costs_no_item() {
        for number in 0..20 {
            let (verdicts, _) = run(8, ill_until(number));
            assert!(!verdicts.contains(&Verdict::Refused("malformed")), "{number}: {verdicts:?}");
        }
    }

    #[test]
    fn a_server_that_falls_ill_in_between_costs_no_item() {
        for number in 0..20 {
            let requests = std::cell::Cell::new(0);
            let (verdicts, _) = run(8, |start, end| {
                requests.set(requests.get() + 1);
                match requests.get() {
                    1 => Outcome::TooLarge,
                    asked if asked > number => Outcome::Malformed,
                    _ => stored(end - start),
                }
            });
            assert!(!verdicts.contains(&Verdict::Refused("malformed")), "{number}: {verdicts:?}");
        }
    }

    #[test]
    fn what_was_stored_before_the_server_went_stays_stored() {
        let (verdicts, requests) = run(4, |start, end| match (start, end) {
            (0, 4) => Outcome::TooLarge,
            (0, 2) => stored(2),
            _ => Outcome::Away("unreachable"),
        });
        let again = Verdict::Again("unreachable");
        assert_eq!((verdicts, requests), (vec![Verdict::Stored, Verdict::Stored, again, again], 3));
    }

    #[test]
    fn an_empty_batch_needs_no_request() {
        assert_eq!(run(0, |_, _| Outcome::Malformed), (Vec::new(), 0));
    }
}
