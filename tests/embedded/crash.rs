//! What was stored survives whatever ends the process; what is damaged is set aside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use spaniel::item::Verdict;
use spaniel::span::TraceId;
use spaniel::store::{Reader, Writer};

use crate::support::*;

const DIRECTORY: &str = "EMBEDDED_TEST_DIRECTORY";
const BATCH: u64 = 40;

/// The `number`th batch of the child: two days, a span a trace.
fn child_batch(number: u64) -> Vec<Document> {
    let spans = (0..BATCH).map(|index| {
        let trace = number * BATCH + index + 1;
        span(u128::from(trace), trace, NOON - index % 2 * DAY + number * 1000)
    });
    spans.map(|value| Document::span(&value)).collect()
}

/// Not a test: what the test below starts and kills. It writes and tells what is stored, for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is started by the test of kill -9"]
async fn child_that_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = open(Path::new(&directory));
    for number in 0.. {
        let verdicts = write(&store, &child_batch(number)).await;
        assert_eq!(verdicts, vec![Verdict::Stored; BATCH as usize]);
        eprintln!("stored {number}");
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_stored_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for (round, kill_after) in [3u64, 11].into_iter().enumerate() {
        let path = directory.path().join(round.to_string());
        let stored = kill_the_child_after(&path, kill_after);
        let store = open(&path);
        assert_eq!(store.status().trouble, None);
        // All that was told, and of the rest at most what one commit held.
        let sent = (0..stored + 5).flat_map(child_batch).collect::<Vec<_>>();
        let told = stored * BATCH;
        let there = read_back(&store, &sent).await;
        assert!(there.len() as u64 >= told, "{} of {told}", there.len());
        assert!(there.iter().filter(|span| span.trace_id.low <= told).count() as u64 == told);
        // What is left in a spool is sent again: what is there is not stored once more.
        let verdicts = write(&store, &sent).await;
        assert_eq!(verdicts[..told as usize], vec![Verdict::AlreadyThere; told as usize]);
        let again = read_back(&store, &sent).await;
        assert_eq!(again.len(), sent.len());
        assert_eq!(store.figures().documents, sent.len() as u64);
    }
}

/// Returns how many batches the child told to be stored before it was killed.
fn kill_the_child_after(path: &Path, batches: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, path)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut stored = 0;
    while stored < batches {
        let line = lines.next().expect("the child ended by itself").unwrap();
        stored += u64::from(line.starts_with("stored "));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    stored + lines.map_while(Result::ok).filter(|line| line.starts_with("stored ")).count() as u64
}

/// The directory while the store is open, and nothing was closed: what a loss of power leaves.
#[tokio::test]
async fn a_copy_of_an_open_store_is_a_whole_one() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    // Fewer commits than begin a merge, which would change files while they are copied.
    for number in 0..5 {
        write(&store, &child_batch(number)).await;
    }
    let copy = directory.path().join("copy");
    copy_directory(&directory.path().join("store"), &copy);
    let sent = (0..5).flat_map(child_batch).collect::<Vec<_>>();
    let copied = open(&copy);
    assert_eq!(copied.status().trouble, None);
    let all = read_back(&store, &sent).await;
    assert_eq!(all.len(), sent.len());
    assert_eq!(read_back(&copied, &sent).await, all);
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_damaged_day_is_set_aside_and_the_others_go_on() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("no day.json", |day| std::fs::remove_file(day.join("day.json")).unwrap()),
        ("no meta.json", |day| std::fs::remove_file(day.join("meta.json")).unwrap()),
        ("meta.json cut", |day| std::fs::write(day.join("meta.json"), "{\"segm").unwrap()),
        ("a file lost", |day| std::fs::remove_file(file_of(day, "term")).unwrap()),
        ("a file cut", |day| {
            let file = file_of(day, "fast");
            let length = std::fs::metadata(&file).unwrap().len();
            std::fs::File::options().write(true).open(file).unwrap().set_len(length / 2).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let values = [span(1, 1, NOON), span(1, 2, NOON - DAY)];
        store.write(&spans(&values)).await;
        drop(store);
        damage(&directory.path().join("jaeger-span-2026-11-20"));

        let store = open(directory.path());
        let expected = ["jaeger-span-2026-11-21", "unreadable-jaeger-span-2026-11-20"];
        assert_eq!(directories(directory.path()), expected, "{what}");
        let trouble = store.status().trouble.unwrap();
        assert!(trouble.contains("unreadable-jaeger-span-2026-11-20"), "{what}: {trouble}");
        let one = TraceId { high: 0, low: 1 };
        assert_eq!(store.traces(&[one]).await.unwrap()[0].len(), 1, "{what}");
        // The day is begun anew, and may be set aside again.
        assert_eq!(store.write(&spans(&values)).await.verdicts, [Verdict::AlreadyThere, Verdict::Stored], "{what}");
        assert_eq!(store.traces(&[one]).await.unwrap()[0].len(), 2, "{what}");
    }
}

#[tokio::test]
async fn a_day_that_is_damaged_while_the_store_is_open_is_set_aside_and_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let values = [span(1, 1, NOON), span(1, 2, NOON - DAY)];
    open(directory.path()).write(&spans(&values)).await;
    let store = open(directory.path());
    std::fs::remove_file(file_of(&directory.path().join("jaeger-span-2026-11-20"), "store")).unwrap();
    let one = [TraceId { high: 0, low: 1 }];
    // The other day answers, and the trouble is told.
    assert_eq!(store.traces(&one).await.unwrap()[0].len(), 1);
    assert!(store.status().trouble.unwrap().contains("jaeger-span-2026-11-20"));
    assert_eq!(store.write(&spans(&values)).await.verdicts, [Verdict::AlreadyThere, Verdict::Stored]);
    assert!(directories(directory.path()).contains(&"unreadable-jaeger-span-2026-11-20".to_string()));
    assert_eq!(store.traces(&one).await.unwrap()[0].len(), 2);
}

fn file_of(day: &Path, extension: &str) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(day).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

#[tokio::test]
async fn days_half_made_and_half_deleted_are_cleared_away() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    for name in [".new-jaeger-span-2026-11-21", ".deleted-jaeger-span-2026-11-01"] {
        std::fs::create_dir(directory.path().join(name)).unwrap();
        std::fs::write(directory.path().join(name).join("meta.json"), "{").unwrap();
    }
    // Somebody else's is left alone.
    std::fs::create_dir(directory.path().join("lost+found")).unwrap();
    let store = open(directory.path());
    assert_eq!(directories(directory.path()), ["lost+found"]);
    assert_eq!(store.status().trouble, None);
}
