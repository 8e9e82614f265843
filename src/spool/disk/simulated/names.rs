//! The names of files: as they are seen, as they are on the platter, and the changes between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(usize),
    Directory,
}

/// A change of names, which happens whole or not at all.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Create { path: PathBuf, inode: usize },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
}

type Tree = BTreeMap<PathBuf, Node>;

#[derive(Debug, Default)]
pub(super) struct Names {
    seen: Tree,
    platter: Tree,
    /// Not synced, in the order in which they were made.
    pending: Vec<Change>,
}

impl Change {
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let (one, two) = match self {
            Change::Create { path, .. } | Change::Remove { path } => (path, None),
            Change::Rename { from, to } => (from, Some(to)),
        };
        std::iter::once(one).chain(two)
    }

    /// A change whose file is not there, for an earlier one was lost, changes nothing.
    fn apply(&self, tree: &mut Tree) {
        match self {
            Change::Create { path, inode } => {
                tree.insert(path.clone(), Node::File(*inode));
            }
            Change::Rename { from, to } => {
                if let Some(node) = tree.remove(from) {
                    tree.insert(to.clone(), node);
                }
            }
            Change::Remove { path } => {
                tree.remove(path);
            }
        }
    }
}

impl Names {
    pub(super) fn new() -> Self {
        let mut names = Names::default();
        names.create_directory(Path::new("/"));
        names
    }

    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        self.seen.get(path).copied()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = usize> {
        self.seen.values().filter_map(|node| match node {
            Node::File(inode) => Some(*inode),
            Node::Directory => None,
        })
    }

    pub(super) fn below<'a>(&'a self, directory: &'a Path) -> impl Iterator<Item = (&'a PathBuf, Node)> {
        let is_below = move |path: &Path| path.parent() == Some(directory);
        self.seen.iter().filter(move |(path, _)| is_below(path)).map(|(path, node)| (path, *node))
    }

    /// Makes a directory, durably, and those above it.
    pub(super) fn create_directory(&mut self, path: &Path) {
        for path in path.ancestors() {
            self.seen.entry(path.to_path_buf()).or_insert(Node::Directory);
            self.platter.entry(path.to_path_buf()).or_insert(Node::Directory);
        }
    }

    /// Puts a file there durably.
    pub(super) fn put(&mut self, path: &Path, inode: usize) {
        self.seen.insert(path.to_path_buf(), Node::File(inode));
        self.platter.insert(path.to_path_buf(), Node::File(inode));
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.pending.push(change);
    }

    /// Makes the changes in a directory durable, with those before them to the same files.
    pub(super) fn sync(&mut self, directory: &Path) {
        let mut wanted: BTreeSet<PathBuf> = BTreeSet::new();
        let mut is_synced = vec![false; self.pending.len()];
        for (change, is_synced) in self.pending.iter().zip(&mut is_synced).rev() {
            if change.paths().any(|path| path.parent() == Some(directory) || wanted.contains(path)) {
                wanted.extend(change.paths().cloned());
                *is_synced = true;
            }
        }
        let mut is_synced = is_synced.into_iter();
        self.pending.retain(|change| {
            let is_synced = is_synced.next().unwrap_or(false);
            if is_synced {
                change.apply(&mut self.platter);
            }
            !is_synced
        });
    }

    pub(super) fn crash(&self, is_kept: &mut dyn FnMut(&Change) -> bool) -> Self {
        let mut platter = self.platter.clone();
        self.pending.iter().filter(|change| is_kept(change)).for_each(|change| change.apply(&mut platter));
        Names { seen: platter.clone(), platter, pending: Vec::new() }
    }
}
