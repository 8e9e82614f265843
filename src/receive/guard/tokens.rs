//! The tokens of a file, one a line, read again when it changes; several, so that a new one can be
//! handed out before the old one is taken away. They are never printed, and compared in a time
//! that tells nothing of where they differ.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use subtle::{Choice, ConstantTimeEq};

use crate::receive::reload;

/// A file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("--collector.auth.bearer-token-file={path} cannot be read ({error}): write the path of a file that can")]
    File { path: String, error: std::io::Error },
    #[error("--collector.auth.bearer-token-file={path} holds no token: write one into it, or several, one a line")]
    Empty { path: String },
}

/// The tokens that are known.
pub(super) struct Tokens {
    path: PathBuf,
    known: ArcSwap<Vec<Vec<u8>>>,
    /// Whether it was said that the file cannot be used.
    said: Mutex<bool>,
}

/// Nothing of the tokens.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokens").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn open(path: &Path, interval: Duration) -> Result<Arc<Self>, TokenError> {
        let known = ArcSwap::from_pointee(read(path)?);
        let tokens = Arc::new(Tokens { path: path.into(), known, said: Mutex::new(false) });
        reload::every(interval, &tokens, Tokens::look);
        Ok(tokens)
    }

    /// Whether this is one of them. All are compared, whichever fits.
    pub(super) fn know(&self, shown: &[u8]) -> bool {
        let known = self.known.load();
        known.iter().fold(Choice::from(0), |fits, token| fits | token.as_slice().ct_eq(shown)).into()
    }

    /// Takes what the file holds now, unless that cannot be used.
    fn look(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.path) {
            Ok(tokens) => {
                *said = false;
                if tokens != **self.known.load() {
                    tracing::info!(tokens = tokens.len(), "--collector.auth.bearer-token-file was read again");
                    self.known.store(Arc::new(tokens));
                }
            }
            Err(error) if !std::mem::replace(&mut *said, true) => {
                tracing::warn!("{error}. Until then the tokens that were read before stay in force");
            }
            Err(_) => {}
        }
    }
}

fn read(path: &Path) -> Result<Vec<Vec<u8>>, TokenError> {
    let name = || path.display().to_string();
    let text = std::fs::read(path).map_err(|error| TokenError::File { path: name(), error })?;
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let tokens: Vec<_> = lines.map(<[u8]>::to_vec).collect();
    if tokens.is_empty() { Err(TokenError::Empty { path: name() }) } else { Ok(tokens) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[tokio::test]
    async fn each_line_is_a_token_and_nothing_else_is() {
        let file = file("first\r\n\n  second \n");
        let tokens = Tokens::open(file.path(), Duration::ZERO).unwrap();
        for (shown, known) in
            [("first", true), ("second", true), ("", false), ("firs", false), ("first\r", false), ("Second", false)]
        {
            assert_eq!(tokens.know(shown.as_bytes()), known, "{shown}");
        }
        assert!(!format!("{tokens:?}").contains("first"));
    }

    #[tokio::test]
    async fn what_cannot_be_used_later_changes_nothing() {
        let file = file("first");
        let tokens = Tokens::open(file.path(), Duration::ZERO).unwrap();
        std::fs::write(file.path(), "\n").unwrap();
        tokens.look();
        assert!(tokens.know(b"first"));
        std::fs::write(file.path(), "second").unwrap();
        tokens.look();
        assert!(tokens.know(b"second") && !tokens.know(b"first"));
        assert!(Tokens::open(Path::new("gone"), Duration::ZERO).unwrap_err().to_string().contains("gone"));
    }
}
