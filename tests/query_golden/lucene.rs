//! Lucene's regular expressions with all of its optional operators, as the `regexp` query of
//! Elasticsearch reads them: anchored at both ends. A matcher for tests: it computes the set of
//! places where a part of the pattern may end.

use std::collections::BTreeSet;

#[derive(Debug)]
enum Node {
    Empty,
    Nothing,
    Anything,
    AnyCharacter,
    Text(Vec<char>),
    Class { negated: bool, ranges: Vec<(char, char)> },
    Numbers(u64, u64),
    Sequence(Vec<Node>),
    Either(Box<Node>, Box<Node>),
    Both(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Repeat { node: Box<Node>, least: usize, most: usize },
}

/// True if the pattern is one and matches all of the text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parser = Parser { pattern: pattern.chars().collect(), at: 0 };
    let node = if pattern.is_empty() { Some(Node::Empty) } else { parser.union() };
    let text: Vec<char> = text.chars().collect();
    node.filter(|_| parser.at == parser.pattern.len()).is_some_and(|node| node.ends(&text, 0).contains(&text.len()))
}

impl Node {
    fn ends(&self, text: &[char], at: usize) -> BTreeSet<usize> {
        let one = |fits: bool, length: usize| if fits { BTreeSet::from([at + length]) } else { BTreeSet::new() };
        match self {
            Node::Empty => one(true, 0),
            Node::Nothing => BTreeSet::new(),
            Node::Anything => (at..=text.len()).collect(),
            Node::AnyCharacter => one(at < text.len(), 1),
            Node::Text(wanted) => one(text[at..].starts_with(wanted), wanted.len()),
            Node::Class { negated, ranges } => {
                let within = |c: &char| ranges.iter().any(|(low, high)| (low..=high).contains(&c));
                one(text.get(at).is_some_and(|c| within(c) != *negated), 1)
            }
            Node::Numbers(low, high) => (at + 1..=text.len())
                .filter(|&end| {
                    let number: String = text[at..end].iter().collect();
                    number.parse().is_ok_and(|number: u64| (low..=high).contains(&&number))
                })
                .collect(),
            Node::Sequence(nodes) => nodes.iter().fold(one(true, 0), |starts, node| {
                starts.into_iter().flat_map(|start| node.ends(text, start)).collect()
            }),
            Node::Either(left, right) => &left.ends(text, at) | &right.ends(text, at),
            Node::Both(left, right) => &left.ends(text, at) & &right.ends(text, at),
            Node::Not(node) => &(at..=text.len()).collect::<BTreeSet<_>>() - &node.ends(text, at),
            Node::Repeat { node, least, most } => repeat(node, *least, *most, text, at),
        }
    }
}

fn repeat(node: &Node, least: usize, most: usize, text: &[char], at: usize) -> BTreeSet<usize> {
    let mut starts = BTreeSet::from([at]);
    let mut ends = BTreeSet::new();
    for round in 0..=most.min(least.max(text.len() + 1)) {
        if round >= least {
            ends.extend(&starts);
        }
        starts = starts.into_iter().flat_map(|start| node.ends(text, start)).collect();
    }
    ends
}

struct Parser {
    pattern: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.pattern.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += usize::from(taken);
        taken
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn union(&mut self) -> Option<Node> {
        let left = self.intersection()?;
        if self.take('|') { Some(Node::Either(left.into(), self.union()?.into())) } else { Some(left) }
    }

    fn intersection(&mut self) -> Option<Node> {
        let left = self.sequence()?;
        if self.take('&') { Some(Node::Both(left.into(), self.intersection()?.into())) } else { Some(left) }
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut nodes = vec![self.repeated()?];
        while self.peek().is_some_and(|c| !matches!(c, ')' | '|' | '&')) {
            nodes.push(self.repeated()?);
        }
        Some(Node::Sequence(nodes))
    }

    fn repeated(&mut self) -> Option<Node> {
        let mut node = self.complement()?;
        loop {
            let (least, most) = match self.peek() {
                Some('?') => (0, 1),
                Some('*') => (0, usize::MAX),
                Some('+') => (1, usize::MAX),
                Some('{') => self.bounds()?,
                _ => return Some(node),
            };
            self.at += 1;
            node = Node::Repeat { node: node.into(), least, most };
        }
    }

    /// The bounds in `{n}`, `{n,}` or `{n,m}`; stops at the closing brace.
    fn bounds(&mut self) -> Option<(usize, usize)> {
        let end = self.at + self.pattern[self.at..].iter().position(|&c| c == '}')?;
        let text: String = self.pattern[self.at + 1..end].iter().collect();
        self.at = end;
        match text.split_once(',') {
            None => text.parse().ok().map(|count| (count, count)),
            Some((least, "")) => Some((least.parse().ok()?, usize::MAX)),
            Some((least, most)) => Some((least.parse().ok()?, most.parse().ok()?)),
        }
    }

    fn complement(&mut self) -> Option<Node> {
        if self.take('~') { Some(Node::Not(self.complement()?.into())) } else { self.class_or_simple() }
    }

    fn class_or_simple(&mut self) -> Option<Node> {
        if !self.take('[') {
            return self.simple();
        }
        let negated = self.take('^');
        let mut ranges = Vec::new();
        while ranges.is_empty() || self.peek() != Some(']') {
            let low = self.character()?;
            let high = if self.take('-') { self.character()? } else { low };
            ranges.push((low, high));
        }
        self.at += 1;
        Some(Node::Class { negated, ranges })
    }

    fn simple(&mut self) -> Option<Node> {
        match self.peek()? {
            '.' => self.at(Node::AnyCharacter),
            '#' => self.at(Node::Nothing),
            '@' => self.at(Node::Anything),
            '"' => {
                self.at += 1;
                let length = self.pattern[self.at..].iter().position(|&c| c == '"')?;
                let text = self.pattern[self.at..self.at + length].to_vec();
                self.at += length;
                self.at(Node::Text(text))
            }
            '(' => {
                self.at += 1;
                if self.take(')') {
                    return Some(Node::Empty);
                }
                let node = self.union()?;
                self.take(')').then_some(node)
            }
            '<' => {
                let end = self.at + self.pattern[self.at..].iter().position(|&c| c == '>')?;
                let text: String = self.pattern[self.at + 1..end].iter().collect();
                let (low, high) = text.split_once('-')?;
                self.at = end;
                self.at(Node::Numbers(low.parse().ok()?, high.parse().ok()?))
            }
            _ => self.character().map(|c| Node::Text(vec![c])),
        }
    }

    /// The node, one character further.
    fn at(&mut self, node: Node) -> Option<Node> {
        self.at += 1;
        Some(node)
    }

    fn character(&mut self) -> Option<char> {
        self.take('\\');
        self.next()
    }
}

#[test]
fn patterns_match_as_the_manual_of_elasticsearch_says() {
    let matching = [
        ("ab.", "aba"),
        ("abc?", "ab"),
        ("ab+", "abb"),
        ("a{2}", "aa"),
        ("a{2,4}", "aaa"),
        ("abc|xyz", "xyz"),
        ("abc(def)?", "abc"),
        ("[abc]", "c"),
        ("[a-c]", "b"),
        ("[^abc]", "d"),
        ("a~bc", "adc"),
        ("a~bc", "aec"),
        ("foo<1-100>", "foo42"),
        ("aaa.+&.+bbb", "aaabbb"),
        ("@&~(abc.+)", "abd"),
        ("\"<31>\"", "<31>"),
        ("\\<31\\>", "<31>"),
        ("", ""),
    ];
    for (pattern, text) in matching {
        assert!(matches(pattern, text), "{pattern} should match {text}");
    }
    let others = [("ab", "abc"), ("a~bc", "abc"), ("<31>", "<31>"), ("[", "["), ("(", ""), ("a|b", "ab"), ("#", "")];
    for (pattern, text) in others {
        assert!(!matches(pattern, text), "{pattern} should not match {text}");
    }
}
