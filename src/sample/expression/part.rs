//! A text that is looked for in others.

use memchr::memmem::Finder;

/// How to look for it is worked out once (`benches/verdict.rs`).
#[derive(Debug, Clone)]
pub struct Part {
    pub text: Box<str>,
    finder: Finder<'static>,
}

impl Part {
    #[inline]
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }
}

impl From<Box<str>> for Part {
    fn from(text: Box<str>) -> Self {
        Part { finder: Finder::new(text.as_bytes()).into_owned(), text }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_found_as_strings_find_them(text in "[abc/]{0,70}", part in "[abc/]{0,5}") {
            let looked_for = Part::from(Box::from(part.as_str()));
            prop_assert_eq!(looked_for.is_in(&text), text.contains(&part));
        }
    }
}
