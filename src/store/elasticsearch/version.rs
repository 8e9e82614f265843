//! Which product and version answers, and what it wants to be told differently for that.

use serde::Deserialize;

use super::{Cluster, Method, TransportError};

/// What differs between servers for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Elasticsearch 6: documents have a type, in action lines and in templates.
    Six,
    /// Elasticsearch 7: no types; legacy templates, as Jaeger.
    Seven,
    /// OpenSearch, every version: as Elasticsearch 7, but other settings for index life cycles.
    OpenSearch,
    /// Elasticsearch 8 and later: composable templates.
    Eight,
}

/// The server as it said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `elasticsearch` or `opensearch`.
    pub product: &'static str,
    /// As it writes it, such as `8.19.21`; of `--es.version` only the number that was set.
    pub version: String,
    pub dialect: Dialect,
}

/// Why it is not known who answers.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("GET / was answered with {status}, check the credentials: {excerpt}")]
    Unauthorized { status: u16, excerpt: String },
    #[error("GET / was answered with {status}, it is not ready: {excerpt}")]
    NotReady { status: u16, excerpt: String },
    #[error("GET / was answered with {status}, set --es.version if that cannot be allowed: {excerpt}")]
    Status { status: u16, excerpt: String },
    #[error("the answer to GET / tells no version, set --es.version: {excerpt}")]
    Unreadable { excerpt: String },
    #[error("version {0} is neither Elasticsearch 6 or later nor OpenSearch")]
    Unsupported(String),
}

#[derive(Deserialize)]
struct Greeting {
    version: Version,
    #[serde(default)]
    tagline: String,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    distribution: Option<String>,
}

impl Server {
    /// Asks the cluster; `given` is `--es.version`, which if not 0 is believed without asking: the
    /// user may lack the right to ask. As in Jaeger 1 to 3 there mean OpenSearch, and so do
    /// Jaeger 2's 101 to 103.
    pub async fn ask(cluster: &Cluster, given: u32) -> Result<Self, VersionError> {
        if given > 0 {
            return Server::given(given);
        }
        let answer = cluster.call(Method::Get, "", &[], None).await?;
        let (status, excerpt) = (answer.status, answer.excerpt());
        match status {
            200..=299 => {}
            401 | 403 => return Err(VersionError::Unauthorized { status, excerpt }),
            429 | 500..=599 => return Err(VersionError::NotReady { status, excerpt }),
            _ => return Err(VersionError::Status { status, excerpt }),
        }
        let greeting = serde_json::from_slice(&answer.body).map_err(|_| VersionError::Unreadable { excerpt })?;
        Server::greeted(greeting)
    }

    /// What `--es.version` says.
    pub fn given(version: u32) -> Result<Self, VersionError> {
        let dialect = match version {
            1..=3 | 101..=103 => Dialect::OpenSearch,
            _ => elasticsearch(version).ok_or_else(|| VersionError::Unsupported(version.to_string()))?,
        };
        Ok(Server { product: product(dialect), version: version.to_string(), dialect })
    }

    /// True if a bulk request may demand that it goes to an alias and to nothing else.
    pub fn knows_require_alias(&self) -> bool {
        let minor = self.version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        match self.dialect {
            Dialect::Eight | Dialect::OpenSearch => true,
            Dialect::Seven => minor.is_some_and(|minor| minor >= 10),
            Dialect::Six => false,
        }
    }

    fn greeted(greeting: Greeting) -> Result<Self, VersionError> {
        let Version { number, distribution } = greeting.version;
        let open = distribution.is_some_and(|name| name == "opensearch") || greeting.tagline.contains("OpenSearch");
        let major = number.split('.').next().and_then(|major| major.parse().ok());
        let dialect = if open { Some(Dialect::OpenSearch) } else { major.and_then(elasticsearch) };
        let Some(dialect) = dialect else { return Err(VersionError::Unsupported(number)) };
        Ok(Server { product: product(dialect), version: number, dialect })
    }
}

fn elasticsearch(major: u32) -> Option<Dialect> {
    match major {
        6 => Some(Dialect::Six),
        7 => Some(Dialect::Seven),
        8..100 => Some(Dialect::Eight),
        _ => None,
    }
}

fn product(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenSearch => "opensearch",
        Dialect::Six | Dialect::Seven | Dialect::Eight => "elasticsearch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(body: &str) -> Option<(Dialect, String)> {
        let server = Server::greeted(serde_json::from_str(body).expect("a greeting")).ok()?;
        Some((server.dialect, server.version))
    }

    #[test]
    fn greetings_of_real_servers() {
        // Cut from the answers of the servers named.
        let of = |text: &str| greeted(text).map(|(dialect, _)| dialect);
        let six =
            r#"{"name":"n","version":{"number":"6.6.1","lucene_version":"7.6.0"},"tagline":"You Know, for Search"}"#;
        let nine = r#"{"version":{"number":"9.5.3","build_flavor":"default"},"tagline":"You Know, for Search"}"#;
        let open = r#"{"version":{"distribution":"opensearch","number":"3.8.0"},"tagline":"The OpenSearch Project: https://opensearch.org/"}"#;
        // OpenSearch 1 with compatibility.override_main_response_version.
        let mask = r#"{"version":{"number":"7.10.2"},"tagline":"The OpenSearch Project: https://opensearch.org/"}"#;
        assert_eq!(of(six), Some(Dialect::Six));
        assert_eq!(of(nine), Some(Dialect::Eight));
        assert_eq!(of(open), Some(Dialect::OpenSearch));
        assert_eq!(of(mask), Some(Dialect::OpenSearch));
        assert_eq!(greeted(open).map(|(_, version)| version).as_deref(), Some("3.8.0"));
    }

    #[test]
    fn a_version_of_two_digits_is_not_its_first_digit() {
        assert_eq!(greeted(r#"{"version":{"number":"10.1.0"}}"#).map(|(dialect, _)| dialect), Some(Dialect::Eight));
        assert_eq!(greeted(r#"{"version":{"number":"5.6.16"}}"#), None);
        assert_eq!(greeted(r#"{"version":{"number":"unknown"}}"#), None);
    }

    #[test]
    fn the_setting_is_believed() {
        let dialect = |version| Server::given(version).ok().map(|server| server.dialect);
        assert_eq!(dialect(6), Some(Dialect::Six));
        assert_eq!(dialect(7), Some(Dialect::Seven));
        assert_eq!(dialect(9), Some(Dialect::Eight));
        assert_eq!((dialect(2), dialect(103)), (Some(Dialect::OpenSearch), Some(Dialect::OpenSearch)));
        assert_eq!((dialect(5), dialect(200)), (None, None));
    }
}
