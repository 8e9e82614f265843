//! `spaniel doctor`: why no spans arrive, or are not stored; `spaniel es doctor`: the cluster alone.
//!
//! It looks and changes nothing. It asks the running Spaniel of the same settings by its admin port,
//! tries its ports, and examines the store. Each file looks at one part: what is asked is kept apart
//! from the pure function that makes findings of the answers, so that every state can be tested
//! without one.
//!
//! | file | what |
//! |---|---|
//! | [`collector`] | what the running Spaniel says of itself: health, room, books, the store, copies |
//! | [`ports`] | whether each of its ports can be reached |
//! | [`spans`] | what came by which protocol, and what was refused before it was spans |
//! | [`senders`] | the clocks of those who send |
//! | [`elasticsearch`] | the cluster: nodes, rights, templates, mappings, dates of indices |

mod collector;
pub(super) mod elasticsearch;
mod finding;
mod metrics;
mod ports;
mod senders;
mod spans;

use std::io::Write;

use super::{AdminPort, CommandError, Outcome};
use crate::clock::Clock;
use crate::settings::{Settings, StorageType};
use collector::Told;
use finding::{Finding, State};

/// `spaniel es doctor`.
pub(super) async fn examine_elasticsearch(
    settings: &Settings,
    clock: &Clock,
    out: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    conclude(&elasticsearch::findings(settings, clock).await?, out)
}

/// `spaniel doctor`.
pub(super) async fn examine(settings: &Settings, clock: &Clock, out: &mut dyn Write) -> Result<Outcome, CommandError> {
    let mut findings = Vec::new();
    let port = AdminPort::new(&settings.admin)?;
    let host = port.address().rsplit_once(':').map_or("127.0.0.1", |(host, _)| host).to_string();
    match Told::ask(port, settings.metrics.route.clone()).await {
        Ok(told) => {
            findings.extend(collector::judge(&told));
            findings.extend(ports::examine(&told.status, settings, &host).await);
            findings.extend(spans::judge(&told));
            findings.extend(senders::judge(&told.status, told.metrics.sum("spaniel_span_age_seconds_count")));
        }
        Err(error) => findings.push(Finding::wrong(
            "collector",
            error.to_string(),
            "run this beside the collector with its own settings (in Kubernetes: kubectl exec), and look into its log",
        )),
    }
    if settings.storage != StorageType::Embedded {
        findings.extend(elasticsearch::findings(settings, clock).await?);
    }
    conclude(&findings, out)
}

fn conclude(findings: &[Finding], out: &mut dyn Write) -> Result<Outcome, CommandError> {
    Ok(match finding::print(findings, out)? {
        State::Wrong => Outcome::Wrong,
        State::Ok | State::Warning => Outcome::Good,
    })
}
