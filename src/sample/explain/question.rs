//! What is asked of a sampler.

use crate::span::TraceId;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    pub trace_id: TraceId,
    pub service: Option<String>,
    pub operation: Option<String>,
    /// When the span began, microseconds since 1970; `None`: now.
    pub at: Option<u64>,
}

impl Question {
    /// From the parameters of a query: `traceID`, `service`, `operation`, `at`. The error says what to
    /// write.
    pub fn read(parameters: &[(String, String)]) -> Result<Self, String> {
        let mut question = Question::default();
        let mut asked = false;
        for (key, value) in parameters {
            match key.as_str() {
                "traceID" => {
                    question.trace_id = trace_id(value)?;
                    asked = true;
                }
                "service" => question.service = Some(value.clone()).filter(|value| !value.is_empty()),
                "operation" => question.operation = Some(value.clone()).filter(|value| !value.is_empty()),
                "at" => question.at = Some(moment(value)?),
                "form" => {}
                _ => return Err(format!("unknown parameter `{key}`: write traceID, service, operation, at, form")),
            }
        }
        if asked { Ok(question) } else { Err("which trace? write traceID=, 1 to 32 hexadecimal digits".into()) }
    }
}

fn trace_id(text: &str) -> Result<TraceId, String> {
    let digits = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|id| digits && *id != 0);
    let id = id.ok_or_else(|| format!("`{text}` is no trace id: write 1 to 32 hexadecimal digits, not all 0"))?;
    Ok(TraceId { high: (id >> 64) as u64, low: id as u64 })
}

/// Microseconds since 1970, or a time as RFC 3339 writes it.
fn moment(text: &str) -> Result<u64, String> {
    use time::format_description::well_known::Rfc3339;
    if let Ok(micros) = text.parse() {
        return Ok(micros);
    }
    let wrong = || format!("`{text}` is no time: write microseconds since 1970, or 2026-11-21T20:00:00Z");
    let moment = time::OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    u64::try_from(moment.unix_timestamp_nanos() / 1000).map_err(|_| wrong())
}
