//! The captured bodies as their clients send them, and what must become of each.

use std::collections::BTreeMap;
use std::io::Cursor;

use reqwest::Method;
use serde_json::Value as Json;
use spaniel::document::StoredSpan;
use spaniel::item::Id;
use spaniel::span::repair::Family;

use crate::jaeger_golden::Difference::{NoNumber, NotTheBody, Refused, WrongPath};
use crate::jaeger_golden::written::{written, written_by, zipkin_decoder};
use crate::jaeger_golden::{Compared, change, data, difference_of, golden, is_v1, is_v2_json, sources};
use crate::spaniel::Spaniel;

/// A captured body.
#[derive(Debug)]
pub(crate) struct Body {
    /// Its path below the test data.
    pub(crate) input: String,
    pub(crate) family: Family,
    method: Method,
    path: String,
    content_type: Option<String>,
    /// Others that were captured with it.
    headers: Vec<(String, String)>,
    chunked: bool,
    bytes: Vec<u8>,
    /// How many spans its manifest says it has.
    spans: Option<u64>,
    pub(crate) expected: Expected,
    /// The service documents of Jaeger.
    pub(crate) services: Vec<Json>,
}

/// What must become of a body.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) status: u64,
    /// By the names that we give the documents: Jaeger's documents, but for the differences that
    /// the table of golden files names.
    pub(crate) documents: Vec<(Id, Document)>,
    pub(crate) refused: BTreeMap<&'static str, u64>,
}

/// A document of a span, and the index that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Without prefix: `jaeger-span-2026-11-21`.
    pub(crate) index: String,
    pub(crate) source: Json,
    pub(crate) family: Family,
}

impl Document {
    /// As read by the one reader; tags of Zipkin's in one order, as Jaeger's have none.
    pub(crate) fn stored(&self) -> StoredSpan {
        in_order(StoredSpan::parse(self.source.to_string().as_bytes()).unwrap())
    }
}

/// Tags of Zipkin spans sorted; native ones are told by their tag.
pub(crate) fn in_order(mut span: StoredSpan) -> StoredSpan {
    if !span.tags.iter().any(|tag| tag.key == "@jaeger@format") {
        span.tags.sort_by_cached_key(|tag| format!("{tag:?}"));
        span.process.tags.sort_by_cached_key(|tag| format!("{tag:?}"));
    }
    span
}

/// All bodies: Envoy's in Zipkin v2 JSON, and those of Jaeger Thrift over HTTP.
pub(crate) fn all() -> Vec<Body> {
    let mut bodies = bodies("envoy/manifest.json", "envoy/", "envoy.ndjson", Family::Otel);
    bodies.extend(self::bodies("jaeger/manifest.json", "jaeger/", "thrift-http.ndjson", Family::Native));
    assert_eq!(bodies.len(), 84 + 65);
    bodies
}

/// The bodies of Zipkin's other formats, by the pages that they are entered in.
pub(crate) fn of_other_formats() -> BTreeMap<&'static str, Vec<Body>> {
    let mut pages: BTreeMap<&'static str, Vec<Body>> = BTreeMap::new();
    for folder in ["envoy", "zipkin/clients", "jaeger"] {
        let manifest: Json = serde_json::from_slice(&data(&format!("{folder}/manifest.json"))).unwrap();
        for entry in manifest["bodies"].as_array().unwrap() {
            let input = format!("{folder}/{}", entry["file"].as_str().unwrap());
            let is_zipkin = folder != "jaeger" || input.starts_with("jaeger/zipkin/");
            let page = match input.rsplit_once('.').unwrap().1 {
                "pb" => "zipkin-proto",
                "thrift" => "zipkin-thrift",
                _ if is_v1(&input) || is_on_the_path_of_v1(&input) => "zipkin-json-v1",
                _ => continue,
            };
            if is_zipkin {
                let mut body = body(input.clone(), entry, &Json::Null, Family::Otel);
                // One span of v1 may be several.
                body.spans = body.spans.filter(|_| page == "zipkin-proto");
                pages.entry(page).or_default().push(body);
            }
        }
    }
    pages
}

/// True for the body of v2 that an Envoy was told to send to the path of v1.
fn is_on_the_path_of_v1(input: &str) -> bool {
    difference_of(input) == Some(WrongPath)
}

fn bodies(manifest: &str, folder: &str, golden_file: &str, family: Family) -> Vec<Body> {
    let manifest: Json = serde_json::from_slice(&data(manifest)).unwrap();
    let golden = golden(golden_file);
    let entries = manifest["bodies"].as_array().unwrap().iter();
    let named = entries.map(|entry| (format!("{folder}{}", entry["file"].as_str().unwrap()), entry));
    let is_wanted = |input: &str| match family {
        Family::Otel => is_v2_json(input) && !is_on_the_path_of_v1(input),
        Family::Native => input.ends_with(".thrift"),
    };
    let wanted = named.filter(|(input, _)| is_wanted(input) && golden.contains_key(input));
    wanted.map(|(input, entry)| body(input.clone(), entry, &golden[&input], family)).collect()
}

fn body(input: String, entry: &Json, golden: &Json, family: Family) -> Body {
    let text = |name: &str| entry[name].as_str().map(str::to_string);
    // Some manifests have the request's line and its headers alone.
    let in_line = |word| entry["request_line"].as_str()?.split(' ').nth(word).map(str::to_string);
    let content_type = headers(entry).find(|(name, _)| name == "content-type").map(|(_, value)| value);
    let bytes = data(&input);
    Body {
        expected: if golden.is_null() { as_ours(&input, &bytes) } else { expected(&input, &bytes, golden, family) },
        services: golden["services"].as_array().cloned().unwrap_or_default(),
        family,
        method: text("method").or(in_line(0)).unwrap().parse().unwrap(),
        path: text("path").or(in_line(1)).unwrap(),
        content_type: text("content_type").or(content_type),
        chunked: headers(entry).any(|(name, _)| name == "transfer-encoding"),
        headers: headers(entry).filter(|(name, _)| !of_connection(name)).collect(),
        spans: entry["spans"].as_u64(),
        bytes,
        input,
    }
}

/// The captured headers of a request, names in small letters.
fn headers(entry: &Json) -> impl Iterator<Item = (String, String)> {
    let pair = |pair: &Json| (pair[0].as_str().unwrap().to_lowercase(), pair[1].as_str().unwrap().to_string());
    entry["headers"].as_array().into_iter().flatten().map(pair)
}

/// True for headers that our client sets itself.
fn of_connection(name: &str) -> bool {
    ["host", "content-type", "content-length", "transfer-encoding", "connection", "accept-encoding"].contains(&name)
}

fn expected(input: &str, bytes: &[u8], golden: &Json, family: Family) -> Expected {
    let difference = difference_of(input);
    let golden_status = golden["status"].as_u64().unwrap();
    // Refused before the body is looked at, as Jaeger does.
    if difference == Some(NotTheBody) {
        return Expected { status: golden_status, documents: Vec::new(), refused: BTreeMap::new() };
    }
    let ours = written(bytes, family);
    let mut refused = BTreeMap::new();
    if !ours.readable {
        return Expected { status: 400, documents: Vec::new(), refused };
    }
    for refusal in &ours.refusals {
        *refused.entry(refusal.reason.label()).or_default() += 1;
    }
    let indices = golden["spans"].as_array().unwrap().iter().map(|span| span["_index"].as_str().unwrap().to_string());
    let mut theirs: Vec<_> = indices.zip(sources(golden)).collect();
    theirs.iter_mut().for_each(|(_, document)| difference.into_iter().for_each(|kind| change(document, kind)));
    // What Jaeger lost we have; that it is right is the business of the golden test.
    let lost = matches!(difference, Some(NoNumber | Refused(_)));
    if lost {
        theirs = ours.documents.iter().map(|document| (index_of(document), document.clone())).collect();
    }
    assert!(lost || golden_status == ours.status, "{input}");
    let documents = named(ours.ids, ours.documents, theirs, family);
    Expected { status: ours.status, documents, refused }
}

/// What must become of a body whose documents the golden test has held against Jaeger's: the same,
/// but that ids of Envoy's protobuf are turned round.
fn as_ours(input: &str, bytes: &[u8]) -> Expected {
    let mut ours = written_by(zipkin_decoder(input), bytes, Family::Otel);
    let mut refused = BTreeMap::new();
    ours.refusals.iter().for_each(|refusal| *refused.entry(refusal.reason.label()).or_default() += 1);
    if input.ends_with(".pb") {
        ours.documents.iter_mut().for_each(turn_ids);
    }
    let document = |source: Json| Document { index: index_of(&source), source, family: Family::Otel };
    let documents = ours.ids.into_iter().zip(ours.documents.into_iter().map(document)).collect();
    Expected { status: ours.status, documents, refused }
}

/// Reverses the bytes of the ids of a span that is Envoy's.
fn turn_ids(document: &mut Json) {
    let has = |key: &str| document["tags"].as_array().unwrap().iter().any(|tag| tag["key"] == key);
    if !has("response_flags") {
        return;
    }
    let turned = |id: &Json| {
        let text = id.as_str().unwrap();
        let bytes: Vec<&str> = (0..8).rev().map(|byte| &text[2 * byte..2 * byte + 2]).collect();
        Json::String(bytes.concat())
    };
    document["spanID"] = turned(&document["spanID"]);
    for reference in document["references"].as_array_mut().unwrap() {
        reference["spanID"] = turned(&reference["spanID"]);
    }
}

/// Jaeger's documents with their indices, each under the name that we give ours: both sorted, they
/// are equal.
fn named(ids: Vec<Id>, ours: Vec<Json>, theirs: Vec<(String, Json)>, family: Family) -> Vec<(Id, Document)> {
    assert_eq!(ours.len(), theirs.len());
    let in_order = |document| Compared::new(vec![document], family == Family::Otel).0.remove(0);
    let mut ours: Vec<_> = ours.into_iter().map(|document| in_order(document).to_string()).zip(ids).collect();
    let mut theirs: Vec<_> = theirs.into_iter().map(|(index, document)| (in_order(document), index)).collect();
    ours.sort();
    theirs.sort_by_cached_key(|(document, _)| document.to_string());
    let pair = |((ours, id), (source, index)): ((String, Id), (Json, String))| {
        assert_eq!(ours, source.to_string());
        (id, Document { index, source, family })
    };
    ours.into_iter().zip(theirs).map(pair).collect()
}

/// The index of the day on which a span started.
fn index_of(source: &Json) -> String {
    let seconds = source["startTime"].as_u64().unwrap() / 1_000_000;
    format!("jaeger-span-{}", time::OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap().date())
}

/// Sends all of them one after the other and checks the answers.
pub(crate) fn send(spaniel: &Spaniel, bodies: &[Body]) {
    for body in bodies {
        let listener = if body.family == Family::Otel { "zipkin" } else { "jaeger-thrift-http" };
        let request = || {
            let mut request = spaniel.client().request(body.method.clone(), spaniel.url(listener, &body.path));
            if let Some(content_type) = &body.content_type {
                request = request.header("content-type", content_type);
            }
            for (name, value) in &body.headers {
                request = request.header(name, value);
            }
            // A server that answers before it has read the body may close without saying so, and the
            // close would cross our next request.
            if body.expected.status != 202 {
                request = request.header("connection", "close");
            }
            // Of unknown length, which is sent in chunks.
            let chunks = || reqwest::blocking::Body::new(Cursor::new(body.bytes.clone()));
            request.body(if body.chunked { chunks() } else { body.bytes.clone().into() })
        };
        // The client takes an answer that comes before its body was sent for a failure to send it:
        // what is refused may be sent again.
        let early = |error: &reqwest::Error| error.is_body() && body.expected.status != 202;
        let answer = std::iter::repeat_with(|| request().send()).find(|sent| !sent.as_ref().is_err_and(early));
        let answer = answer.unwrap().unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().unwrap());
        assert_eq!(u64::from(status), body.expected.status, "{}: {text}", body.input);
    }
}

/// What the books say of a protocol's spans when bodies were sent, and all is settled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) received: u64,
    pub(crate) stored: u64,
    pub(crate) already_there: u64,
    pub(crate) refused: BTreeMap<String, u64>,
}

impl Sums {
    /// From a page of the books, of which nothing else may be left.
    pub(crate) fn of_page(page: &Json) -> Self {
        for empty in ["opening", "held"] {
            assert_eq!(page[empty], 0, "{empty}: {page}");
        }
        for empty in ["dropped", "sampled_out"] {
            assert_eq!(page[empty].to_string(), "{}", "{empty}: {page}");
        }
        let number = |name: &str| page[name].as_u64().unwrap();
        // What the store refused is refused too, and lies with the dead letters.
        let refused = ["refused", "dead_lettered"].into_iter().flat_map(|row| page[row].as_object().unwrap());
        Sums {
            received: number("received"),
            stored: number("stored"),
            already_there: number("already_there"),
            refused: refused.map(|(reason, count)| (reason.clone(), count.as_u64().unwrap())).collect(),
        }
    }
}

/// All that must be in a store, each document once.
pub(crate) fn documents(bodies: &[Body]) -> BTreeMap<Id, Document> {
    bodies.iter().flat_map(|body| body.expected.documents.iter().cloned()).collect()
}

/// The page of a protocol after these bodies came in once; `refuses` gives the reason if the store
/// refuses a document.
pub(crate) fn sums(bodies: &[Body], family: Family, refuses: impl Fn(&Document) -> Option<&'static str>) -> Sums {
    let mut sums = Sums::default();
    let mut seen = BTreeMap::new();
    for body in bodies.iter().filter(|body| body.family == family) {
        let Expected { documents, refused, .. } = &body.expected;
        let received = documents.len() as u64 + refused.values().sum::<u64>();
        // The manifest counts what is in a body that is taken.
        let counted = body.spans.filter(|_| body.expected.status == 202).unwrap_or(received);
        assert_eq!(received, counted, "{}", body.input);
        sums.received += received;
        for (reason, count) in refused {
            *sums.refused.entry((*reason).into()).or_default() += count;
        }
        for (id, document) in documents {
            match refuses(document) {
                Some(reason) => *sums.refused.entry(reason.into()).or_default() += 1,
                None if seen.insert(*id, ()).is_none() => sums.stored += 1,
                None => sums.already_there += 1,
            }
        }
    }
    sums
}
