//! What a server keeps, and what it answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::http::{Answer, Head};

/// The trace id and the span id of a document.
pub(crate) type Identity = (String, String);

/// A version, and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Version {
    number: String,
    major: u32,
    open: bool,
}

impl Version {
    pub(super) fn new(text: &str) -> Self {
        let (open, number) = text.strip_prefix("opensearch ").map_or((false, text), |number| (true, number));
        let major = number.split('.').next().unwrap().parse().unwrap();
        Version { number: number.into(), major, open }
    }

    fn greeting(&self) -> Value {
        let tagline =
            if self.open { "The OpenSearch Project: https://opensearch.org/" } else { "You Know, for Search" };
        let mut greeting = json!({ "name": "stand-in", "version": { "number": self.number }, "tagline": tagline });
        if self.open {
            greeting["version"]["distribution"] = "opensearch".into();
        }
        greeting
    }

    /// What the server says of an action line with a type, or without.
    fn complaint(&self, has_type: bool) -> Option<Answer> {
        let unknown = "Action/metadata line [1] contains an unknown parameter [_type]";
        match (self.open, self.major) {
            (false, 6) if !has_type => Some(Answer::error(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: type is missing;",
            )),
            (false, 6 | 7) => None,
            _ => has_type.then(|| Answer::error(400, "illegal_argument_exception", unknown)),
        }
    }
}

impl Default for Version {
    fn default() -> Self {
        Version::new("7.17.29")
    }
}

/// Documents by their names.
type Index = BTreeMap<String, Value>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) version: Version,
    indices: BTreeMap<String, Index>,
    /// The indices of an alias, the one that is written to last.
    aliases: BTreeMap<String, Vec<String>>,
    /// By endpoint and name: `_template/jaeger-span`.
    pub(super) templates: BTreeMap<String, Value>,
    /// How often a span was made new, in any index.
    pub(super) made: BTreeMap<Identity, usize>,
    pub(super) bulks: usize,
    /// Questions for an alias.
    pub(super) alias_questions: usize,
    pub(super) complaints: Vec<String>,
}

/// What an action line asks for.
struct Action<'a> {
    verb: &'a str,
    place: &'a Map<String, Value>,
}

impl Action<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.place.get(name).and_then(Value::as_str)
    }
}

impl Cluster {
    pub(super) fn spans(&self) -> impl Iterator<Item = (&str, &Value)> {
        let indices = self.indices.iter().filter(|(name, _)| name.contains("jaeger-span-"));
        indices.flat_map(|(name, documents)| documents.values().map(|source| (name.as_str(), source)))
    }

    pub(super) fn roll_over(&mut self, alias: &str, index: &str) {
        self.indices.entry(index.into()).or_default();
        self.aliases.entry(alias.into()).or_default().push(index.into());
    }

    /// A bulk request; `fault`: what becomes of some of its items.
    pub(super) fn bulk(&mut self, head: &Head, body: &str, fault: Option<&Fault>) -> Answer {
        self.bulks += 1;
        if !head.content_type.starts_with("application/x-ndjson") && !head.content_type.starts_with("application/json")
        {
            return self.complain(Answer::error(406, "media_type_header_exception", &head.content_type));
        }
        if !body.ends_with('\n') {
            let answer = Answer::error(
                400,
                "illegal_argument_exception",
                "The bulk request must be terminated by a newline [\\n]",
            );
            return self.complain(answer);
        }
        let mut items = Vec::new();
        let mut lines = body.lines();
        while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
            let action: Value = serde_json::from_str(action).unwrap();
            let (verb, place) = action.as_object().unwrap().iter().next().unwrap();
            let action = Action { verb, place: place.as_object().unwrap() };
            if let Some(answer) = self.version.complaint(action.place.contains_key("_type")) {
                return answer;
            }
            let planned = fault.and_then(|fault| self.planned(fault, items.len(), &action, source));
            let outcome = planned.unwrap_or_else(|| self.item(head, &action, source));
            items.push(json!({ verb: outcome }));
        }
        let failed = |item: &Value| item.as_object().unwrap().values().any(|outcome| outcome.get("error").is_some());
        let errors = items.iter().any(failed);
        let mut answer = json!({ "errors": errors, "items": items });
        if head.parameter("filter_path").is_none() {
            answer["took"] = 1.into();
        }
        filter(&mut answer, head.parameter("filter_path"));
        Answer::json(200, &answer)
    }

    /// Remembers what only a defect of ours can bring about.
    fn complain(&mut self, answer: Answer) -> Answer {
        self.complaints.push(answer.body.clone());
        answer
    }

    /// What the fault says of an item.
    fn planned(&self, fault: &Fault, position: usize, action: &Action<'_>, source: &str) -> Option<Value> {
        match *fault {
            Fault::Items { every, status, kind, reason } if position.is_multiple_of(every) => {
                Some(failure(status, kind, reason))
            }
            Fault::Poison { text, status, kind, reason } if source.contains(text) => {
                Some(failure(status, kind, reason))
            }
            Fault::ShardLimit if !self.indices.contains_key(self.resolve(action.text("_index")?)) => {
                let reason = "Validation Failed: 1: this action would add [2] total shards, but this cluster currently \
                              has [1000]/[1000] maximum shards open;";
                Some(failure(400, "validation_exception", reason))
            }
            _ => None,
        }
    }

    /// Where a document goes that is sent to this name.
    fn resolve<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).and_then(|indices| indices.last()).map_or(name, String::as_str)
    }

    fn item(&mut self, head: &Head, action: &Action<'_>, source: &str) -> Value {
        let Some(target) = action.text("_index") else { return failure(400, "index_not_specified", "no index") };
        let aliased =
            head.parameter("require_alias") == Some("true") || action.place.get("require_alias") == Some(&true.into());
        if aliased && !self.aliases.contains_key(target) {
            let reason = format!(
                "no such index [{target}] and [require_alias] request flag is [true] and [{target}] is not an alias"
            );
            return failure(404, "index_not_found_exception", &reason);
        }
        let index = self.resolve(target).to_string();
        let Ok(source) = serde_json::from_str::<Value>(source) else {
            self.complaints.push(format!("no JSON: {source}"));
            return failure(400, "mapper_parsing_exception", "failed to parse");
        };
        let id = action.text("_id").map_or_else(|| format!("made-{}-{}", self.bulks, self.made.len()), str::to_string);
        let identity = identity(&source);
        let documents = self.indices.entry(index.clone()).or_default();
        let is_new = !documents.contains_key(&id);
        if action.verb == "create" && !is_new {
            let reason = format!("[{id}]: version conflict, document already exists (current version [1])");
            return failure(409, "version_conflict_engine_exception", &reason);
        }
        documents.insert(id.clone(), source);
        if let (true, Some(identity)) = (is_new, identity) {
            *self.made.entry(identity).or_default() += 1;
        }
        json!({ "_index": index, "_id": id, "status": if is_new { 201 } else { 200 } })
    }

    /// Any other request.
    pub(super) fn other(&mut self, head: &Head, body: &str) -> Answer {
        let parts: Vec<&str> = head.path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        match (head.method.as_str(), &parts[..]) {
            ("GET" | "HEAD", []) => Answer::json(200, &self.version.greeting()),
            ("PUT", ["_template" | "_index_template", name]) => self.put_template(parts[0], name, body),
            ("GET" | "HEAD", ["_template" | "_index_template", name]) => self.template(parts[0], name),
            ("GET" | "HEAD", ["_alias", names] | [_, "_alias", names]) => self.alias(names),
            ("GET" | "HEAD", [name]) if self.indices.contains_key(self.resolve(name)) => Answer::json(200, &json!({})),
            ("GET" | "HEAD", [name]) if !name.starts_with('_') => {
                Answer::error(404, "index_not_found_exception", &format!("no such index [{name}]"))
            }
            _ => Answer::json(200, &json!({ "acknowledged": true })),
        }
    }

    fn put_template(&mut self, endpoint: &str, name: &str, body: &str) -> Answer {
        let body: Value = serde_json::from_str(body).unwrap();
        let old = self.version.major == 6 && !self.version.open;
        if old && endpoint == "_index_template" || !old && body.get("template").is_some_and(Value::is_string) {
            let reason = format!("{endpoint} is not known in this form");
            return self.complain(Answer::error(400, "illegal_argument_exception", &reason));
        }
        self.templates.insert(format!("{endpoint}/{name}"), body);
        Answer::json(200, &json!({ "acknowledged": true }))
    }

    fn template(&self, endpoint: &str, name: &str) -> Answer {
        match self.templates.get(&format!("{endpoint}/{name}")) {
            Some(body) if endpoint == "_template" => Answer::json(200, &json!({ name: body })),
            Some(body) => Answer::json(200, &json!({ "index_templates": [{ "name": name, "index_template": body }] })),
            None if endpoint == "_template" => Answer::json(404, &json!({})),
            None => Answer::error(404, "resource_not_found_exception", "index template matching not found"),
        }
    }

    /// What is there stands in the answer, though another one is missing.
    fn alias(&mut self, names: &str) -> Answer {
        self.alias_questions += 1;
        let (mut answer, mut missing) = (Map::new(), Vec::new());
        for name in names.split(',') {
            let Some(indices) = self.aliases.get(name) else {
                missing.push(name);
                continue;
            };
            for index in indices {
                let last = Some(index) == indices.last();
                answer.insert(index.clone(), json!({ "aliases": { name: { "is_write_index": last } } }));
            }
        }
        if missing.is_empty() {
            return Answer::json(200, &Value::Object(answer));
        }
        answer.insert("error".into(), format!("alias [{}] missing", missing.join(",")).into());
        answer.insert("status".into(), 404.into());
        Answer::json(404, &Value::Object(answer))
    }
}

fn failure(status: u16, kind: &str, reason: &str) -> Value {
    json!({ "status": status, "error": { "type": kind, "reason": reason } })
}

/// `None` for service documents.
fn identity(source: &Value) -> Option<Identity> {
    let text = |name: &str| source[name].as_str().map(str::to_string);
    Some((text("traceID")?, text("spanID")?))
}

/// Leaves of an answer what was asked for, as far as we ask.
fn filter(answer: &mut Value, paths: Option<&str>) {
    let Some(paths) = paths else { return };
    let members: BTreeSet<&str> = paths
        .split(',')
        .filter_map(|path| path.strip_prefix("items.*."))
        .filter_map(|path| path.split('.').next())
        .collect();
    for item in answer["items"].as_array_mut().unwrap() {
        for outcome in item.as_object_mut().unwrap().values_mut() {
            outcome.as_object_mut().unwrap().retain(|name, _| members.contains(name.as_str()));
        }
    }
}
