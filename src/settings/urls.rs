//! `--es.server-urls`: nodes, and credentials that must not be printed with them.

/// The nodes, and the user and password that stood in a URL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Nodes {
    /// Without credentials and without a slash at the end.
    pub(crate) urls: Vec<String>,
    pub(crate) credentials: Option<(String, String)>,
}

/// Whether a text is a URL and no path: it has a scheme and a host, as Jaeger asks.
pub(crate) fn is_url(text: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.split_once("://").is_some_and(|(before, rest)| scheme(before) && !rest.is_empty() && !rest.starts_with('/'))
}

/// Whether a URL, which may have a query, is one of HTTP.
pub(crate) fn can_be_asked(url: &str) -> bool {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    url.get(..end).is_some_and(|url| one(url).is_ok())
}

/// Reads a list of URLs. The error never shows them.
pub(crate) fn read(text: &str) -> Result<Nodes, String> {
    let mut nodes = Nodes::default();
    for url in text.split(',').filter(|url| !url.is_empty()) {
        let (url, credentials) = one(url)?;
        nodes.urls.push(url);
        if credentials.is_some() && nodes.credentials.is_some() && credentials != nodes.credentials {
            return Err(
                "the URLs hold different credentials: write them once, by --es.username and --es.password".into()
            );
        }
        nodes.credentials = credentials.or(nodes.credentials);
    }
    if nodes.urls.is_empty() {
        return Err("no URL: write for example http://127.0.0.1:9200".into());
    }
    Ok(nodes)
}

/// One base URL without a slash at its end, and without credentials; empty: none.
pub(crate) fn base(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    match one(text) {
        Ok((url, None)) if !text.contains(',') => Ok(url),
        Ok((_, Some(_))) => Err("credentials are not sent there: write the URL without user and password".into()),
        _ => Err("not a URL: write one, for example http://zipkin:9411".into()),
    }
}

fn one(url: &str) -> Result<(String, Option<(String, String)>), String> {
    let wrong = || "not a URL: write for example http://elasticsearch:9200, several with commas".to_string();
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, authority),
    };
    let clean = format!("{}://{host}{}", scheme.to_ascii_lowercase(), path.trim_end_matches('/'));
    let parsed: http::Uri = clean.parse().map_err(|_| wrong())?;
    let known = matches!(parsed.scheme_str(), Some("http" | "https")) && parsed.query().is_none();
    // `Uri` takes any word for a port, and a path with an `@` is half of a password.
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if !known || !port || path.contains('@') || parsed.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    let credentials = credentials.map(|credentials| {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        (percent_decoded(user), percent_decoded(password))
    });
    Ok((clean, credentials))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
