//! The table of distinct expressions, and their derivatives.

use std::collections::HashMap;

use super::BadExpression;
use super::ranges::Ranges;

/// As many states as Elasticsearch allows an expression (`max_determinized_states`).
const MAX_NODES: usize = 10_000;

/// Derivatives within derivatives: bounds the stack.
const MAX_DEPTH: usize = 2000;

/// An expression's place in the table; the same expression has the same place.
pub(super) type NodeId = u32;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Node {
    Nothing,
    Empty,
    Character(Ranges),
    Sequence(NodeId, NodeId),
    /// More than one, sorted, none of them an `Either`.
    Either(Vec<NodeId>),
    /// More than one, sorted, none of them a `Both`.
    Both(Vec<NodeId>),
    Not(NodeId),
    Many(NodeId),
}

/// The table.
#[derive(Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    /// For each node, whether the empty text is in its language.
    takes_empty: Vec<bool>,
    places: HashMap<Node, NodeId, foldhash::fast::FixedState>,
    derivatives: HashMap<(NodeId, char), NodeId, foldhash::fast::FixedState>,
    depth: usize,
}

impl Nodes {
    /// The language without any text.
    pub(super) const NOTHING: NodeId = 0;
    /// The language of the empty text.
    pub(super) const EMPTY: NodeId = 1;
    /// The language of every text.
    pub(super) const EVERYTHING: NodeId = 2;

    pub(super) fn new() -> Self {
        let nodes = vec![Node::Nothing, Node::Empty, Node::Not(Self::NOTHING)];
        let places = nodes.iter().cloned().zip(0..).collect();
        Nodes { nodes, takes_empty: vec![false, true, true], places, derivatives: HashMap::default(), depth: 0 }
    }

    pub(super) fn takes_empty(&self, node: NodeId) -> bool {
        self.takes_empty[node as usize]
    }

    /// One character out of `ranges`.
    pub(super) fn character(&mut self, ranges: Ranges) -> Result<NodeId, BadExpression> {
        if ranges.is_empty() { Ok(Self::NOTHING) } else { self.place(Node::Character(ranges), false) }
    }

    pub(super) fn text(&mut self, text: &str) -> Result<NodeId, BadExpression> {
        let mut node = Self::EMPTY;
        for character in text.chars().rev() {
            let first = self.character(vec![(character.into(), character.into())])?;
            node = self.sequence(first, node)?;
        }
        Ok(node)
    }

    pub(super) fn sequence(&mut self, first: NodeId, second: NodeId) -> Result<NodeId, BadExpression> {
        match (first, second) {
            (Self::NOTHING, _) | (_, Self::NOTHING) => Ok(Self::NOTHING),
            (Self::EMPTY, other) | (other, Self::EMPTY) => Ok(other),
            _ => {
                let empty = self.takes_empty(first) && self.takes_empty(second);
                self.place(Node::Sequence(first, second), empty)
            }
        }
    }

    pub(super) fn either(&mut self, one: NodeId, two: NodeId) -> Result<NodeId, BadExpression> {
        let mut members =
            self.members(one, two, |node| if let Node::Either(members) = node { Some(members) } else { None });
        members.retain(|&member| member != Self::NOTHING);
        match members[..] {
            [] => Ok(Self::NOTHING),
            [only] => Ok(only),
            _ if members.contains(&Self::EVERYTHING) => Ok(Self::EVERYTHING),
            _ => {
                let empty = members.iter().any(|&member| self.takes_empty(member));
                self.place(Node::Either(members), empty)
            }
        }
    }

    pub(super) fn both(&mut self, one: NodeId, two: NodeId) -> Result<NodeId, BadExpression> {
        let mut members =
            self.members(one, two, |node| if let Node::Both(members) = node { Some(members) } else { None });
        members.retain(|&member| member != Self::EVERYTHING);
        match members[..] {
            [] => Ok(Self::EVERYTHING),
            [only] => Ok(only),
            _ if members.contains(&Self::NOTHING) => Ok(Self::NOTHING),
            _ => {
                let empty = members.iter().all(|&member| self.takes_empty(member));
                self.place(Node::Both(members), empty)
            }
        }
    }

    /// The members of two nodes, sorted, each once: without this the derivatives of a repetition
    /// would never come round.
    fn members(&self, one: NodeId, two: NodeId, open: impl Fn(&Node) -> Option<&Vec<NodeId>>) -> Vec<NodeId> {
        let mut members = Vec::new();
        for node in [one, two] {
            match open(&self.nodes[node as usize]) {
                Some(inner) => members.extend_from_slice(inner),
                None => members.push(node),
            }
        }
        members.sort_unstable();
        members.dedup();
        members
    }

    pub(super) fn not(&mut self, node: NodeId) -> Result<NodeId, BadExpression> {
        if let Node::Not(inner) = self.nodes[node as usize] {
            return Ok(inner);
        }
        let empty = !self.takes_empty(node);
        self.place(Node::Not(node), empty)
    }

    pub(super) fn many(&mut self, node: NodeId) -> Result<NodeId, BadExpression> {
        match self.nodes[node as usize] {
            Node::Nothing | Node::Empty => Ok(Self::EMPTY),
            Node::Many(_) => Ok(node),
            _ => self.place(Node::Many(node), true),
        }
    }

    /// `node` from `least` to `most` times; `None`: any number of times.
    pub(super) fn repeat(&mut self, node: NodeId, least: usize, most: Option<usize>) -> Result<NodeId, BadExpression> {
        if least.max(most.unwrap_or(0)) > MAX_NODES {
            return Err(BadExpression::TooComplex);
        }
        let mut result = match most {
            None => self.many(node)?,
            Some(_) => Self::EMPTY,
        };
        for _ in least..most.unwrap_or(least) {
            let once_more = self.sequence(node, result)?;
            result = self.either(Self::EMPTY, once_more)?;
        }
        for _ in 0..least {
            result = self.sequence(node, result)?;
        }
        Ok(result)
    }

    /// What is left of `node`'s language after `character` was read.
    pub(super) fn derive(&mut self, node: NodeId, character: char) -> Result<NodeId, BadExpression> {
        if let Some(&known) = self.derivatives.get(&(node, character)) {
            return Ok(known);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(BadExpression::TooComplex);
        }
        let derivative = self.derive_anew(node, character)?;
        self.depth -= 1;
        // The alphabet is large: what is remembered is bounded like the table itself.
        if self.derivatives.len() < 16 * MAX_NODES {
            self.derivatives.insert((node, character), derivative);
        }
        Ok(derivative)
    }

    fn derive_anew(&mut self, node: NodeId, character: char) -> Result<NodeId, BadExpression> {
        match self.nodes[node as usize].clone() {
            Node::Nothing | Node::Empty => Ok(Self::NOTHING),
            Node::Character(ranges) => Ok(if within(&ranges, character) { Self::EMPTY } else { Self::NOTHING }),
            Node::Sequence(first, second) => {
                let left = self.derive(first, character)?;
                let through_first = self.sequence(left, second)?;
                if !self.takes_empty(first) {
                    return Ok(through_first);
                }
                let past_first = self.derive(second, character)?;
                self.either(through_first, past_first)
            }
            Node::Either(members) => {
                let mut result = Self::NOTHING;
                for member in members {
                    let left = self.derive(member, character)?;
                    result = self.either(result, left)?;
                }
                Ok(result)
            }
            Node::Both(members) => {
                let mut result = Self::EVERYTHING;
                for member in members {
                    let left = self.derive(member, character)?;
                    result = self.both(result, left)?;
                }
                Ok(result)
            }
            Node::Not(inner) => {
                let inner = self.derive(inner, character)?;
                self.not(inner)
            }
            Node::Many(inner) => {
                let left = self.derive(inner, character)?;
                self.sequence(left, node)
            }
        }
    }

    fn place(&mut self, node: Node, takes_empty: bool) -> Result<NodeId, BadExpression> {
        if let Some(&place) = self.places.get(&node) {
            return Ok(place);
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(BadExpression::TooComplex);
        }
        let place = self.nodes.len() as NodeId;
        self.nodes.push(node.clone());
        self.takes_empty.push(takes_empty);
        self.places.insert(node, place);
        Ok(place)
    }
}

fn within(ranges: &Ranges, character: char) -> bool {
    let point = u32::from(character);
    ranges.iter().any(|&(first, last)| first <= point && point <= last)
}
