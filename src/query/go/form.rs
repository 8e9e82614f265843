//! The query of a URL, as `net/url` reads it.

/// Parameters in order, decoded. What cannot be decoded is left out, as Go does.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        Form(pairs.filter_map(parse_pair).collect())
    }

    /// The first value of a parameter; empty if there is none.
    pub(crate) fn first(&self, key: &str) -> &str {
        self.0.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// All values of a parameter, in order.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn parse_pair(pair: &str) -> Option<(String, String)> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((unescape(key)?, unescape(value)?))
}

/// `url.QueryUnescape`: `+` is a blank, `%XX` a byte. `None` for a bad escape. Bytes that are not
/// UTF-8 become U+FFFD, one for each.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            _ => byte,
        });
    }
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    Some(decoded)
}

/// True if every `%` is followed by two hex digits.
pub(crate) fn is_escaped_well(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        hex_digit(digits.next()).is_some() && hex_digit(digits.next()).is_some()
    })
}

fn hex_digit(byte: Option<u8>) -> Option<u8> {
    char::from(byte?).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_bad_ones_left_out() {
        let form = Form::parse("a=1&a=2&b=x+y%2Fz&c&=e&d=%zz&s=1;t=2&&f=%ff");
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.first("b"), "x y/z");
        assert_eq!(form.first(""), "e");
        assert_eq!(form.first("f"), "\u{fffd}");
        assert_eq!(form.all("c").count(), 1);
        assert_eq!(form.all("d").count() + form.all("s").count() + form.all("t").count(), 0);
    }

    #[test]
    fn escapes_are_checked() {
        assert!(is_escaped_well("/a%2Fb%20"));
        assert!(!is_escaped_well("/%zz"));
        assert!(!is_escaped_well("/a%2"));
    }
}
