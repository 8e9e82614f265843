//! Media types, as Go's `mime.ParseMediaType` reads them: Jaeger's answers repeat its errors.

/// The type in lower case, or Go's word for what is wrong. Parameters are checked and left out.
pub(super) fn parse(text: &str) -> Result<String, &'static str> {
    let (base, parameters) = text.find(';').map_or((text, ""), |at| text.split_at(at));
    let media = base.trim().to_lowercase();
    check(&media)?;
    check_parameters(parameters)?;
    Ok(media)
}

fn check(media: &str) -> Result<(), &'static str> {
    let (first, rest) = token(media);
    if first.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let second = rest.strip_prefix('/').ok_or("mime: expected slash after first token")?;
    match token(second) {
        ("", _) => Err("mime: expected token after slash"),
        (_, "") => Ok(()),
        _ => Err("mime: unexpected content after media subtype"),
    }
}

fn check_parameters(mut rest: &str) -> Result<(), &'static str> {
    let mut seen: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.trim() == ";" {
            return Ok(());
        }
        let (name, value, after) = parameter(rest).ok_or("mime: invalid media parameter")?;
        if seen.iter().any(|(other, given)| *other == name && *given != value) {
            return Err("mime: duplicate parameter name");
        }
        seen.push((name, value));
        rest = after;
    }
}

/// `; name=value`, and what follows.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = token(text.strip_prefix(';')?.trim_start());
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let (value, after) = token(rest);
            (value.to_string(), after)
        }
    };
    let is_value = !value.is_empty() || rest.starts_with('"');
    (!name.is_empty() && is_value).then(|| (name.to_lowercase(), value, after))
}

/// A quoted value without its quotes.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(letters.next()?.1),
            '\r' | '\n' => return None,
            _ => value.push(letter),
        }
    }
    None
}

/// The longest token at the start, and the rest.
fn token(text: &str) -> (&str, &str) {
    let is_token = |letter: char| letter.is_ascii_graphic() && !r#"()<>@,;:\"/[]?="#.contains(letter);
    text.split_at(text.find(|letter| !is_token(letter)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_go_reads_them() {
        for (text, media) in [
            ("application/x-thrift", "application/x-thrift"),
            (" Application/X-Thrift ; charset=utf-8", "application/x-thrift"),
            ("application/x-thrift;", "application/x-thrift"),
            ("application/x-thrift; a=\"b;\\\"c\"; d=e", "application/x-thrift"),
            ("text", "text"),
        ] {
            assert_eq!(parse(text), Ok(media.to_string()), "{text}");
        }
    }

    #[test]
    fn errors_are_gos() {
        for (text, error) in [
            ("", "mime: no media type"),
            ("; charset=utf-8", "mime: no media type"),
            ("a b", "mime: expected slash after first token"),
            ("a/", "mime: expected token after slash"),
            ("a/b c", "mime: unexpected content after media subtype"),
            ("a/b; charset", "mime: invalid media parameter"),
            ("a/b; =x", "mime: invalid media parameter"),
            ("a/b; c=\"x", "mime: invalid media parameter"),
            ("a/b; c=d; c=e", "mime: duplicate parameter name"),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
