//! The page of limits: each limit of the settings stands on it, and each test that it names is there.

#![allow(clippy::expect_used, reason = "a test fails loudly")]

use std::path::Path;

const PAGE: &str = include_str!("../docs/limits.md");
const SETTINGS: &str = include_str!("../docs/settings.md");

/// What stands between backticks.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// All of the sources and the tests.
fn code(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            code(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_limit_of_the_settings_is_on_the_page() {
    let limits = names(SETTINGS).filter(|name| name.starts_with("limits."));
    let limits: std::collections::BTreeSet<_> = limits.collect();
    assert!(limits.len() > 15, "{limits:?}");
    for limit in limits {
        assert!(names(PAGE).any(|name| name.contains(limit)), "{limit} is not in docs/limits.md");
    }
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let mut sources = String::new();
    ["src", "tests"].into_iter().for_each(|folder| code(Path::new(folder), &mut sources));
    let mut count = 0;
    for name in names(PAGE) {
        let last = name.rsplit("::").next().expect("a part");
        // Names of tests are sentences; settings have dots and dashes.
        if last.matches('_').count() >= 2 && last.chars().all(is_word) && last != "spaniel_limits_reached_total" {
            assert!(sources.contains(&format!("fn {last}(")), "there is no test {last}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
