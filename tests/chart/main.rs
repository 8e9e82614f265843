//! The Helm chart, held against the real binary: it knows every flag and setting that the chart
//! gives it, finds every file where the chart mounts it, answers the chart's probes, and drains
//! within the chart's grace period.
//!
//! What the chart renders stands in `deploy/helm/golden`; `deploy/helm/check` holds that against
//! Helm, Kubernetes' schemas and a real API server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod known;
mod rendered;
mod running;
