//! The releases that tests run against, and where Maven has them.

use std::fmt;

/// A release of Elasticsearch or OpenSearch that can be started by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// `elasticsearch` or `opensearch`.
    pub product: &'static str,
    pub version: &'static str,
    /// Of the Maven artefact.
    pub group: &'static str,
    /// First and last major version of Java that runs it.
    pub java: (u32, u32),
    /// Started only with `SPANIEL_ALL_SERVERS=1`.
    pub rare: bool,
}

const ELASTICSEARCH: &str = "org.elasticsearch.distribution.integ-test-zip";
const OPENSEARCH: &str = "org.opensearch.distribution.integ-test-zip";

const fn elasticsearch(version: &'static str, java: (u32, u32), rare: bool) -> Release {
    Release { product: "elasticsearch", version, group: ELASTICSEARCH, java, rare }
}

pub const ES_6_6: Release = elasticsearch("6.6.1", (17, 23), false);
/// The full distribution, with types and life cycles.
pub const ES_6_8: Release =
    Release { group: "org.elasticsearch.distribution.zip", ..elasticsearch("6.8.23", (17, 23), false) };
pub const ES_7_17: Release = elasticsearch("7.17.29", (17, 23), true);
pub const ES_8_19: Release = elasticsearch("8.19.21", (17, 25), false);
pub const ES_9_5: Release = elasticsearch("9.5.3", (21, 25), true);
pub const OS_2_19: Release =
    Release { product: "opensearch", version: "2.19.6", group: OPENSEARCH, java: (17, 23), rare: true };
pub const OS_3_8: Release =
    Release { product: "opensearch", version: "3.8.0", group: OPENSEARCH, java: (21, 25), rare: false };

impl Release {
    pub fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).expect("a major version")
    }

    pub fn is_opensearch(&self) -> bool {
        self.product == "opensearch"
    }

    /// The name of its folder, in the zip and in the cache.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.product, self.version)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.product, self.version)
    }
}
