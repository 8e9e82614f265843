//! Sets of documents of one segment, in the order of their numbers, and what several have in
//! common.

use tantivy::postings::SegmentPostings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, InvertedIndexReader, TERMINATED};

/// A set of documents that can be walked once.
pub(super) enum Documents {
    Postings(Box<SegmentPostings>),
    List(Vec<DocId>, usize),
}

impl Documents {
    /// The documents of any of `terms`.
    pub(super) fn of(index: &InvertedIndexReader, terms: &[Vec<u8>]) -> tantivy::Result<Self> {
        let mut found = Vec::new();
        for term in terms {
            found.extend(index.terms().get(term)?);
        }
        if let [only] = &found[..] {
            let postings = index.read_postings_from_terminfo(only, IndexRecordOption::Basic)?;
            return Ok(Documents::Postings(Box::new(postings)));
        }
        let mut documents = Vec::new();
        for term in &found {
            append(index, term, &mut documents)?;
        }
        Ok(Documents::from_list(documents))
    }

    /// A set out of numbers in any order.
    pub(super) fn from_list(mut documents: Vec<DocId>) -> Self {
        documents.sort_unstable();
        documents.dedup();
        Documents::List(documents, 0)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Documents::Postings(postings) => postings.doc_freq() as usize,
            Documents::List(documents, _) => documents.len(),
        }
    }

    /// The first document from `least` on; [`TERMINATED`] if there is none.
    fn seek(&mut self, least: DocId) -> DocId {
        match self {
            Documents::Postings(postings) if postings.doc() >= least => postings.doc(),
            Documents::Postings(postings) => postings.seek(least),
            Documents::List(documents, at) => {
                *at += documents[*at..].partition_point(|&document| document < least);
                documents.get(*at).copied().unwrap_or(TERMINATED)
            }
        }
    }
}

/// Adds the documents of a term.
pub(super) fn append(
    index: &InvertedIndexReader,
    term: &tantivy::postings::TermInfo,
    documents: &mut Vec<DocId>,
) -> tantivy::Result<()> {
    let mut postings = index.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
    while postings.doc() != TERMINATED {
        documents.push(postings.doc());
        postings.advance();
    }
    Ok(())
}

/// Shows `see` every document below `end` that is in all of the sets; all documents if there is no
/// set.
pub(super) fn in_all(mut sets: Vec<Documents>, end: DocId, mut see: impl FnMut(DocId)) {
    sets.sort_by_key(Documents::len);
    let mut document = 0;
    'next: while document < end {
        for set in &mut sets {
            let found = set.seek(document);
            if found != document {
                document = found;
                continue 'next;
            }
        }
        see(document);
        document += 1;
    }
}
