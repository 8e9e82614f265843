//! Names of indices and the form of documents.

/// Names of indices, in both stores.
#[derive(Debug, Clone)]
pub struct Indices {
    /// Without trailing dash; empty: none.
    pub prefix: String,
    pub date_separator: String,
    pub spans: Rotation,
    pub services: Rotation,
    pub use_aliases: bool,
}

impl Default for Indices {
    fn default() -> Self {
        Indices {
            prefix: String::new(),
            date_separator: "-".into(),
            spans: Rotation::Day,
            services: Rotation::Day,
            use_aliases: false,
        }
    }
}

/// How often a new index begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rotation {
    #[default]
    Day,
    Hour,
}

/// The form of documents.
#[derive(Debug, Clone)]
pub struct Document {
    /// `--es.trace-id-digits=16|32`: digits of a 64-bit trace id, 16 as Jaeger 1 or 32 as Jaeger 2.
    pub trace_id_digits: usize,
    pub tags_as_fields: TagsAsFields,
    /// `--es.layout=lean`: all tags become fields, within limits.
    pub lean: Option<LeanFields>,
}

impl Default for Document {
    fn default() -> Self {
        Document { trace_id_digits: 16, tags_as_fields: TagsAsFields::default(), lean: None }
    }
}

/// How many names of tags become fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeanFields {
    /// `--es.lean.max-fields`; at most 4096.
    pub most: usize,
    /// Hours of an index, after which names are counted anew; 0: never, for nobody tells when an
    /// alias gets another index.
    pub period_hours: u64,
}

/// `--es.tags-as-fields.*`; `include` is the list and the file merged.
#[derive(Debug, Clone)]
pub struct TagsAsFields {
    pub all: bool,
    pub include: Vec<String>,
    pub dot_replacement: String,
}

impl Default for TagsAsFields {
    fn default() -> Self {
        TagsAsFields { all: false, include: Vec::new(), dot_replacement: "@".into() }
    }
}
