//! `spaniel sampling explain`: a running Spaniel is asked on its admin port.

use std::io::Write;
use std::time::Duration;

use super::{CommandError, Outcome};
use crate::settings::{Explain, Settings};

/// For connecting, and for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error("the admin port is closed: name that of a running Spaniel by --admin.http.host-port")]
    Closed,
    #[error(
        "the admin port speaks TLS, which this command does not: ask https://{0}/sampling/explain?traceID=… yourself"
    )]
    Secure(String),
    #[error("no answer from {address}: start Spaniel, or name its admin port by --admin.http.host-port ({source})")]
    Unreachable { address: String, source: reqwest::Error },
    #[error("{0}")]
    Refused(String),
}

/// Asks, and writes the answer out.
pub(super) async fn run(settings: &Settings, asked: &Explain, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let host_port = settings.listen.admin.as_deref().ok_or(ExplainError::Closed)?;
    let address = if host_port.starts_with(':') { format!("127.0.0.1{host_port}") } else { host_port.to_string() };
    if settings.tls.admin.enabled {
        return Err(ExplainError::Secure(address).into());
    }
    let (status, text) = ask(&address, asked).await.map_err(|source| ExplainError::Unreachable { address, source })?;
    if status != 200 {
        return Err(ExplainError::Refused(refusal(status, &text)).into());
    }
    writeln!(out, "{}", text.trim_end())?;
    Ok(Outcome::Good)
}

async fn ask(address: &str, asked: &Explain) -> Result<(u16, String), reqwest::Error> {
    let form = if asked.json { "json" } else { "text" };
    let parameters = [
        ("traceID", Some(&asked.trace_id)),
        ("service", asked.service.as_ref()),
        ("operation", asked.operation.as_ref()),
        ("at", asked.at.as_ref()),
    ];
    let given: Vec<_> = parameters.into_iter().filter_map(|(key, value)| Some((key, value?.as_str()))).collect();
    let client = reqwest::Client::builder().http1_only().no_proxy().timeout(PATIENCE).build()?;
    let request = client.get(format!("http://{address}/sampling/explain")).query(&given).query(&[("form", form)]);
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// What the answer says is wrong. A path that an older Spaniel does not know answers as health.
fn refusal(status: u16, text: &str) -> String {
    let said = serde_json::from_str::<serde_json::Value>(text).ok();
    match said.as_ref().and_then(|said| said.get("error")?.as_str()) {
        Some(error) => error.to_string(),
        None => format!("answered with {status}: {}", text.trim()),
    }
}
