//! `deploy/kibana/import`, against what the Kibanas of its two forms answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use crate::deploy;

/// Paths that were asked, and the bodies that came with them.
type Asked = Arc<Mutex<Vec<(String, Json)>>>;

/// A Kibana that knows data views, or one that knows index patterns only.
fn kibana(knows_data_views: bool) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let noted = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), knows_data_views, &noted);
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, knows_data_views: bool, asked: &Asked) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (Vec::new(), 0);
    for line in reader.by_ref().lines() {
        let line = line.unwrap().to_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
        head.push(line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = head[0].split(' ').nth(1).unwrap().to_string();
    let known = path == "/api/status"
        || path == "/api/data_views/data_view" && knows_data_views
        || path.starts_with("/api/saved_objects/index-pattern/");
    if path != "/api/status" && known {
        // Kibana demands both of whoever changes anything.
        assert!(head.iter().any(|line| line.starts_with("kbn-xsrf: ")), "{head:?}");
        assert!(head.contains(&"content-type: application/json".to_string()), "{head:?}");
        asked.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
    }
    let status = if known { "200 OK" } else { "404 Not Found" };
    stream
        .write_all(format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}").as_bytes())
        .unwrap();
}

fn import(arguments: &[&str]) {
    let output = Command::new("sh").arg(deploy("kibana/import")).args(arguments).env("no_proxy", "*").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn data_views_are_put_into_a_kibana_of_today() {
    let (address, asked) = kibana(true);
    import(&[&address]);
    let asked = asked.lock().unwrap();
    let view = |place: usize, name: &str| asked[place].1["data_view"][name].as_str().map(str::to_string);
    assert_eq!(asked.len(), 2);
    assert_eq!(view(0, "title").as_deref(), Some("jaeger-span-*"));
    assert_eq!(view(0, "timeFieldName").as_deref(), Some("startTimeMillis"));
    assert_eq!(view(1, "title").as_deref(), Some("jaeger-service-*"));
    assert!(asked.iter().all(|(_, body)| body["override"] == true));
}

#[test]
fn index_patterns_are_put_into_an_old_one_under_a_prefix() {
    let (address, asked) = kibana(false);
    import(&[&address, "prod"]);
    let asked = asked.lock().unwrap();
    let places: Vec<_> =
        asked.iter().map(|(path, body)| (path.as_str(), body["attributes"]["title"].as_str().unwrap())).collect();
    assert_eq!(
        places,
        [
            ("/api/saved_objects/index-pattern/prod-jaeger-span?overwrite=true", "prod-jaeger-span-*"),
            ("/api/saved_objects/index-pattern/prod-jaeger-service?overwrite=true", "prod-jaeger-service-*"),
        ]
    );
}
