use std::io::Write;
use std::sync::Arc;

use super::*;

/// Keeps what is written.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `say` writes, at one and a half seconds after 2024 began.
fn lines(level: &str, encoding: LogEncoding, say: impl FnOnce(&LogLevel)) -> Vec<String> {
    let paper = Paper::default();
    let to = paper.clone();
    let settings = Log { level: level.into(), encoding };
    let (subscriber, level) = subscriber(&settings, Clock::at(1_704_067_201_500_000), move || to.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || say(&level));
    let written = paper.0.lock().unwrap().clone();
    String::from_utf8(written).unwrap().lines().map(str::to_string).collect()
}

#[test]
fn lines_are_json_as_jaegers() {
    let error = std::io::Error::other("gone\n\"away\"");
    let lines = lines("info", LogEncoding::Json, |_| {
        tracing::info!(url = %"http://es", count = 3_u64, ok = true, ratio = 0.5, msg = "own", "Elasticsearch detected");
        tracing::error!(error = &error as &dyn std::error::Error, "cannot write");
    });
    let first: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(first["level"], "info");
    assert_eq!(first["ts"].as_f64(), Some(1_704_067_201.5));
    assert_eq!(first["msg"], "Elasticsearch detected");
    assert_eq!((&first["url"], &first["count"], &first["ok"]), (&"http://es".into(), &3.into(), &true.into()));
    assert_eq!((&first["ratio"], &first["msg_"]), (&0.5.into(), &"own".into()));
    assert!(first["caller"].as_str().unwrap().starts_with("telemetry/log/tests.rs:"), "{first}");
    let second: Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!((&second["level"], &second["error"]), (&"error".into(), &"gone\n\"away\"".into()));
}

#[test]
fn lines_are_text_for_people() {
    let lines = lines("info", LogEncoding::Console, |_| {
        tracing::warn!(held = 7, "cannot write");
        tracing::info!("done");
    });
    let parts: Vec<_> = lines[0].split('\t').collect();
    assert_eq!((parts[0], parts[1]), ("2024-01-01T00:00:01.500Z", "WARN"));
    assert_eq!((parts[3], parts[4]), ("cannot write", r#"{"held":7}"#));
    assert!(lines[1].ends_with("\tdone"));
}

#[test]
fn the_level_changes_while_running() {
    let lines = lines("warn", LogEncoding::Json, |level| {
        assert_eq!(level.get(), "warn");
        tracing::info!("not heard");
        level.set("debug").unwrap();
        assert_eq!(level.get(), "debug");
        tracing::debug!("heard");
        assert_eq!(level.set("loud"), Err(LogError::UnknownLevel("loud".into())));
        level.set("fatal").unwrap();
        assert_eq!(level.get(), "error");
        tracing::warn!("not heard");
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\"msg\":\"heard\""));
}

#[test]
fn libraries_are_heard_from_one_level_above() {
    let lines = lines("info", LogEncoding::Json, |_| {
        tracing::info!(target: "tantivy", "committed");
        tracing::warn!(target: "tantivy", "slow");
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("slow"));
}

#[test]
fn a_wrong_level_does_not_start() {
    let settings = Log { level: "loud".into(), encoding: LogEncoding::Json };
    let error = subscriber(&settings, Clock::System, std::io::stderr).err();
    assert_eq!(error, Some(LogError::UnknownLevel("loud".into())));
}

#[test]
fn one_line_per_key_and_interval() {
    let clock = Clock::at(0);
    let limited = RateLimited::new(Duration::from_secs(10), clock.clone());
    assert_eq!(limited.permit("mapping"), Some(0));
    assert_eq!(limited.permit("mapping"), None);
    assert_eq!(limited.permit("timeout"), Some(0));
    clock.turn_to(9_999_999);
    assert_eq!(limited.permit("mapping"), None);
    clock.turn_to(10_000_000);
    assert_eq!(limited.permit("mapping"), Some(2));
    clock.turn_to(20_000_000);
    assert_eq!(limited.permit("mapping"), Some(0));
}

#[test]
fn keys_do_not_pile_up() {
    let clock = Clock::at(0);
    let limited = RateLimited::new(Duration::from_secs(10), clock.clone());
    let permitted = (0..2 * KEYS).filter(|key| limited.permit(*key).is_some()).count();
    assert_eq!(permitted, KEYS);
    clock.turn_to(10_000_000);
    assert_eq!(limited.permit(2 * KEYS), Some(0));
    assert_eq!(limited.keys.lock().unwrap().len(), 1);
}
