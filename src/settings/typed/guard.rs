//! Who may send, and for whom.

use std::path::PathBuf;
use std::time::Duration;

/// `--collector.auth.*`.
#[derive(Debug, Clone)]
pub struct Auth {
    pub bearer_token_file: Option<PathBuf>,
    /// Zero: read at start only.
    pub bearer_token_reload_interval: Duration,
}

impl Default for Auth {
    fn default() -> Self {
        Auth { bearer_token_file: None, bearer_token_reload_interval: Duration::from_secs(10) }
    }
}

/// `--multi-tenancy.*`.
#[derive(Debug, Clone)]
pub struct Tenancy {
    pub enabled: bool,
    pub header: String,
    /// Empty: any.
    pub tenants: Vec<String>,
}

impl Default for Tenancy {
    fn default() -> Self {
        Tenancy { enabled: false, header: "x-tenant".into(), tenants: Vec::new() }
    }
}
