//! Questions to a cluster that are answered with JSON.

use bytes::Bytes;
use serde_json::Value;

use crate::store::elasticsearch::{Answer, Cluster, Method, TransportError};

/// A question has no answer that helps.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("{method} /{path} was answered with {status}{}: {excerpt}", mend(*.status))]
    Refused { method: String, path: String, status: u16, excerpt: String },
    #[error("the answer to {method} /{path} is not JSON: {excerpt}")]
    Unreadable { method: String, path: String, excerpt: String },
}

fn mend(status: u16) -> &'static str {
    match status {
        401 => ", check the credentials",
        403 => ", the user lacks the right to ask",
        _ => "",
    }
}

impl QuestionError {
    /// The status of an answer, if one came.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            QuestionError::Refused { status, .. } => Some(*status),
            QuestionError::Transport(_) | QuestionError::Unreadable { .. } => None,
        }
    }
}

/// Asks; the answer must be good.
pub(super) async fn get(cluster: &Cluster, path: &str, query: &[(&str, &str)]) -> Result<Value, QuestionError> {
    let answer = cluster.call(Method::Get, path, query, None).await?;
    read("GET", path, &answer)
}

/// Asks for what may not be there: `None` for a 404.
pub(super) async fn find(
    cluster: &Cluster,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Option<Value>, QuestionError> {
    match get(cluster, path, query).await {
        Err(error) if error.status() == Some(404) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Sends JSON, or nothing, which must be taken.
pub(super) async fn send(
    cluster: &Cluster,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, QuestionError> {
    let body = body.map(|body| Bytes::from(body.to_string()));
    let answer = cluster.call(method, path, &[], body).await?;
    let word = match method {
        Method::Put => "PUT",
        Method::Post => "POST",
        _ => "GET",
    };
    read(word, path, &answer)
}

fn read(method: &str, path: &str, answer: &Answer) -> Result<Value, QuestionError> {
    let (method, path, excerpt) = (method.to_string(), path.to_string(), answer.excerpt());
    if !answer.is_good() {
        return Err(QuestionError::Refused { method, path, status: answer.status, excerpt });
    }
    serde_json::from_slice(&answer.body).map_err(|_| QuestionError::Unreadable { method, path, excerpt })
}
