//! The page at `/`: what is there.

use std::fmt::Write;

/// A small page without scripts: links to the API, and what listens where.
pub(super) fn front(base_path: &str, listening: &[(String, String)]) -> String {
    let base = escape(base_path);
    let mut listeners = String::new();
    for (name, address) in listening {
        // Writing into a string cannot fail.
        _ = write!(listeners, "<tr><td>{}</td><td><code>{}</code></td></tr>", escape(name), escape(address));
    }
    let table = if listeners.is_empty() { listeners } else { format!("<h2>Listening</h2><table>{listeners}</table>") };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spaniel</title>
<style>body{{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}}td{{padding-right:2em}}</style>
</head>
<body>
<h1>Spaniel</h1>
<p>This is the query API of a tracing collector, in the JSON of Jaeger. Point jaeger-ui, Kiali or Grafana here.</p>
<ul>
<li><a href="{base}/api/services"><code>/api/services</code></a>: services that sent spans</li>
<li><code>/api/services/{{service}}/operations</code>, <code>/api/operations?service=</code>: their operations</li>
<li><code>/api/traces?service=&amp;operation=&amp;tag=key:value&amp;start=&amp;end=&amp;limit=</code>: a search,
times in microseconds since 1970</li>
<li><code>/api/traces/{{trace id}}</code>: one trace</li>
</ul>
{table}
</body>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
