//! The loader: what it does when a source changes, fails, and comes back.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use spaniel::sample::strategies::{Loader, StrategiesHandle};
use spaniel::settings::{Secret, Strategies as Settings, StrategiesSource};
use spaniel::telemetry::metrics::{Identity, Metrics};

const SECOND: Duration = Duration::from_secs(1);

/// A document that tells everybody to sample so much.
fn document(rate: &str) -> String {
    format!(r#"{{"default_strategy": {{"type": "probabilistic", "param": {rate}}}}}"#)
}

/// What a service is told now.
fn told(handle: &StrategiesHandle) -> String {
    let text = handle.current().answer("x").by_name();
    let rate =
        text.strip_prefix(r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":"#).unwrap();
    rate.strip_suffix("}}").unwrap().to_string()
}

/// A loader and what can be seen of it.
struct Loading {
    loader: Loader,
    handle: StrategiesHandle,
    metrics: Arc<Metrics>,
}

impl Loading {
    async fn open(source: StrategiesSource, reload_interval: Duration) -> Result<Loading, String> {
        let settings = Settings { source: Some(source), reload_interval, ..Settings::default() };
        let (handle, metrics) = (StrategiesHandle::default(), Arc::new(Metrics::new(&Identity::default(), &[])));
        match Loader::open(&settings, &handle, &metrics).await {
            Ok(loader) => Ok(Loading { loader: loader.unwrap(), handle, metrics }),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn of_file(path: &Path, interval: Duration) -> Result<Loading, String> {
        Loading::open(StrategiesSource::File(path.into()), interval).await
    }

    async fn of_url(url: &str, interval: Duration) -> Loading {
        Loading::open(StrategiesSource::Url(Secret(url.into())), interval).await.unwrap()
    }

    /// How often a look came to each result.
    fn counted(&self) -> HashMap<String, u64> {
        let text = self.metrics.text();
        let series =
            text.lines().filter_map(|line| line.strip_prefix("spaniel_sampling_strategy_reload_total{result=\""));
        let read =
            |line: &str| line.split_once("\"} ").map(|(result, count)| (result.to_string(), count.parse().unwrap()));
        series.map(|line| read(line).unwrap()).collect()
    }

    fn is_good(&self) -> bool {
        self.metrics.text().lines().any(|line| line == "spaniel_sampling_strategies_good 1")
    }
}

/// A place that gives what it is told to.
#[derive(Clone)]
struct Place(Arc<Mutex<Given>>);

#[derive(Clone)]
enum Given {
    Answer(StatusCode, String),
    Nothing,
}

impl Place {
    async fn open() -> (Place, String) {
        let place = Place(Arc::new(Mutex::new(Given::Nothing)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/strategies.json?token=secret", listener.local_addr().unwrap());
        let router = Router::new().fallback(give).with_state(place.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (place, url)
    }

    fn gives(&self, status: u16, text: &str) {
        *self.0.lock().unwrap() = Given::Answer(StatusCode::from_u16(status).unwrap(), text.into());
    }

    fn gives_nothing(&self) {
        *self.0.lock().unwrap() = Given::Nothing;
    }
}

async fn give(State(place): State<Place>) -> (StatusCode, String) {
    let given = place.0.lock().unwrap().clone();
    match given {
        Given::Answer(status, text) => (status, text),
        Given::Nothing => std::future::pending().await,
    }
}

/// Jaeger has every service fall to its default at a 503 and a `null`.
#[tokio::test]
async fn whatever_a_url_gives_the_last_good_document_stays() {
    let (place, url) = Place::open().await;
    place.gives(200, &document("0.25"));
    let mut loading = Loading::of_url(&url, 60 * SECOND).await;
    assert_eq!((told(&loading.handle).as_str(), loading.handle.version(), loading.is_good()), ("0.25", 1, true));
    let broken = [
        (503, "", "unavailable"),
        (503, document("0.5").as_str(), "unavailable"),
        (404, "none", "status"),
        (500, document("0.5").as_str(), "status"),
        (201, document("0.5").as_str(), "status"),
        (200, "null", "empty"),
        (200, " null\n", "empty"),
        (200, "", "empty"),
        (200, "{\"default_strategy\":", "malformed"),
        (200, "<html></html>", "malformed"),
        (200, r#"{"default_strategy": {"param": "0.5"}}"#, "malformed"),
    ]
    .map(|(status, text, result)| (status, text.to_string(), result));
    let mut expected = HashMap::from([("ok".to_string(), 1)]);
    for (status, text, result) in &broken {
        place.gives(*status, text);
        loading.loader.look().await;
        *expected.entry((*result).to_string()).or_default() += 1;
        assert_eq!(loading.counted(), expected, "{status} {text}");
        assert_eq!((told(&loading.handle).as_str(), loading.handle.version()), ("0.25", 1), "{status} {text}");
        assert!(!loading.is_good() && loading.loader.pause().is_some());
    }
    place.gives(200, &document("0.75"));
    loading.loader.look().await;
    assert_eq!((told(&loading.handle).as_str(), loading.handle.version(), loading.is_good()), ("0.75", 2, true));
    loading.loader.look().await;
    assert_eq!((loading.counted()["unchanged"], loading.handle.version()), (1, 2));
}

#[tokio::test]
async fn a_url_that_does_not_answer_in_time_changes_nothing() {
    let (place, url) = Place::open().await;
    place.gives(200, &document("0.25"));
    let mut loading = Loading::of_url(&url, SECOND).await;
    place.gives_nothing();
    // The clock runs on as soon as all wait.
    tokio::time::pause();
    loading.loader.look().await;
    assert_eq!((told(&loading.handle).as_str(), loading.counted()["timeout"]), ("0.25", 1));
}

/// In Jaeger the start fails, or at a 503 nobody ever asks again.
#[tokio::test]
async fn a_url_need_not_be_there_at_the_start() {
    let (place, url) = Place::open().await;
    for (status, text) in [(503, ""), (404, ""), (200, "null"), (200, "{")] {
        place.gives(status, text);
        let mut loading = Loading::of_url(&url, Duration::ZERO).await;
        assert_eq!((told(&loading.handle).as_str(), loading.handle.version()), ("0.001", 0), "{status} {text}");
        assert_eq!(loading.loader.pause(), Some(SECOND));
        place.gives(200, &document("0.5"));
        loading.loader.look().await;
        assert_eq!((told(&loading.handle).as_str(), loading.handle.version()), ("0.5", 1));
        assert_eq!(loading.loader.pause(), None, "without an interval it is asked no more");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let loading = Loading::of_url(&format!("http://{nobody}/"), Duration::ZERO).await;
    assert_eq!((told(&loading.handle).as_str(), loading.counted()["unreachable"]), ("0.001", 1));
}

#[tokio::test]
async fn pauses_grow_while_a_source_fails() {
    let (place, url) = Place::open().await;
    place.gives(503, "");
    let mut loading = Loading::of_url(&url, 10 * SECOND).await;
    for seconds in [1, 2, 4, 8, 10, 10] {
        assert_eq!(loading.loader.pause(), Some(seconds * SECOND));
        loading.loader.look().await;
    }
    place.gives(200, "{}");
    loading.loader.look().await;
    assert_eq!(loading.loader.pause(), Some(10 * SECOND));
}

#[tokio::test]
async fn a_file_must_be_good_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategies.json");
    let error = async |text: &str| {
        std::fs::write(&path, text).unwrap();
        Loading::of_file(&path, SECOND).await.err().unwrap_or_default()
    };
    let said = error("{\n  \"service_strategies\": [\n    {\"service\": \"a\", \"param\": \"0.5\"}\n  ]\n}").await;
    for part in
        ["--sampling.strategies-file=", "strategies.json: line 3, column 31, service_strategies[0].param", "a number"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(error("{").await.contains("line 1, column 2"));
    // As in Jaeger; but it is looked at again.
    assert_eq!(error("null").await, "");
    std::fs::remove_file(&path).unwrap();
    let said = Loading::of_file(&path, SECOND).await.err().unwrap();
    assert!(said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn a_document_may_not_be_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategies.json");
    std::fs::write(&path, " ".repeat((16 << 20) + 1)).unwrap();
    assert!(Loading::of_file(&path, SECOND).await.err().unwrap().contains("larger than 16 MiB"));
    let (place, url) = Place::open().await;
    place.gives(200, &" ".repeat((16 << 20) + 1));
    assert_eq!(Loading::of_url(&url, SECOND).await.counted()["too-large"], 1);
}

/// A hundred changes, a broken file after each, under the eyes of those that ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_ask_see_whole_documents_and_only_good_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategies.json");
    std::fs::write(&path, document("0")).unwrap();
    let mut loading = Loading::of_file(&path, SECOND).await.unwrap();
    let (handle, over) = (loading.handle.clone(), Arc::new(AtomicBool::new(false)));
    let asking = std::thread::spawn({
        let over = over.clone();
        move || {
            let mut last = 0.0;
            while !over.load(Ordering::Acquire) {
                let rate: f64 = told(&handle).parse().unwrap();
                assert!(rate >= last && rate <= 0.1, "{rate} after {last}");
                last = rate;
            }
        }
    });
    for round in 1..=100_u32 {
        let rate = format!("{}", f64::from(round) / 1000.0);
        std::fs::write(&path, document(&rate)).unwrap();
        loading.loader.look().await;
        assert_eq!((told(&loading.handle), loading.is_good()), (rate.clone(), true));
        std::fs::write(&path, r#"{"default_strategy": {"type": "probabilistic", "param": 1},"#).unwrap();
        loading.loader.look().await;
        assert_eq!((told(&loading.handle), loading.is_good()), (rate, false));
    }
    over.store(true, Ordering::Release);
    asking.join().unwrap();
    assert_eq!(loading.handle.version(), 101);
    assert_eq!(loading.counted(), HashMap::from([("ok".to_string(), 101), ("malformed".to_string(), 100)]));
}
