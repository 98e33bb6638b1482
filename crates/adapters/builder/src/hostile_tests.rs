//! Whatever a build writes, what is passed on is bounded, and does nothing to a terminal.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use slipway_core::failure::Code;
use slipway_core::model::Bytes;
use slipway_ports::{Activity, Progress};

use crate::lines::{Line, Lines};
use crate::outcome;
use crate::progress::seconds_between;
use crate::transcript::{Transcribed, Transcript, readable};

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn activity(&self, _: Activity) {}

    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// Takes lines as `buildctl` would write them; every line that is passed on is bounded and readable.
fn law(lines: &[Vec<u8>]) -> Result<Transcribed, TestCaseError> {
    let told = Told::default();
    let mut transcript = Transcript::new(&told);
    for bytes in lines {
        transcript.take(&Line { bytes: bytes.clone(), was_cut: false });
    }
    let transcribed = transcript.finish();
    let told = told.0.into_inner().unwrap();
    for line in &told {
        prop_assert!(line.len() < 17 << 10, "a line of {} bytes", line.len());
        prop_assert!(!line.chars().any(|character| character.is_control() && character != '\t'), "{:?}", line);
    }
    prop_assert!(told.iter().map(String::len).sum::<usize>() < 17 << 20);
    Ok(transcribed)
}

/// A failure goes into the log of facts, which is kept for ever.
fn law_of_failure(transcribed: Transcribed) -> Result<(), TestCaseError> {
    let failure = outcome::failure(transcribed, Bytes::mebi(64), "127.0.0.1:1");
    prop_assert!(failure.message.len() < 8 << 10, "a message of {} bytes", failure.message.len());
    prop_assert!(failure.last_lines.len() <= 60);
    for line in &failure.last_lines {
        prop_assert!(line.len() <= 2000, "a last line of {} bytes", line.len());
    }
    for text in failure.last_lines.iter().chain([&failure.message]) {
        prop_assert!(!text.chars().any(|character| character.is_control() && character != '\t'), "{:?}", text);
    }
    Ok(())
}

/// Text with what terminals, line readers and base64 stumble over.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "\u{1b}[31m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}",
        "\r",
        "\n",
        "\0",
        "\u{9b}31m",
        "\u{2028}",
        "error: ",
        "failed to solve: ",
        "exit code: ",
        "exit code: 137",
        "did not complete successfully",
        "pushing ",
        "{",
        "é",
        "failed to push",
        "Killed",
    ];
    let piece = prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        "\\PC{0,6}",
        (any::<char>(), 0_usize..40_000).prop_map(|(character, count)| character.to_string().repeat(count)),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn digest() -> impl Strategy<Value = String> {
    "sha256:[ab]{1,2}|"
}

fn time() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        "2026-11-2[0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}Z".prop_map(Value::from),
        "[0-9TZ:.+-]{0,12}".prop_map(Value::from),
        Just("T1e400:inf:NaN".into()),
    ]
}

/// One object of the progress: right in its form, or nearly.
fn status() -> impl Strategy<Value = Value> {
    let vertex = (digest(), text(), time(), time(), any::<bool>(), prop_oneof![3 => Just(String::new()), 1 => text()]).prop_map(
        |(digest, name, started, completed, cached, error)| {
            json!({"digest": digest, "name": name, "started": started, "completed": completed, "cached": cached, "error": error})
        },
    );
    let entry = (text(), digest(), time())
        .prop_map(|(id, vertex, completed)| json!({"id": id, "vertex": vertex, "completed": completed}));
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| STANDARD.encode(bytes)),
        text().prop_map(|text| STANDARD.encode(text)),
        text(),
    ];
    let log = (digest(), any::<i64>(), data.clone())
        .prop_map(|(vertex, stream, data)| json!({"vertex": vertex, "stream": stream, "data": data}));
    let warning = data.prop_map(|short| json!({"short": short}));
    let list = |of: BoxedStrategy<Value>| prop::collection::vec(of, 0..3).prop_map(Value::from);
    (list(vertex.boxed()), list(entry.boxed()), list(log.boxed()), list(warning.boxed())).prop_map(|(vertexes, statuses, logs, warnings)| {
        json!({"vertexes": vertexes, "statuses": statuses, "logs": logs, "warnings": warnings})
    })
}

#[test]
fn a_long_program_that_speaks_of_other_failures_ends_with_its_own() {
    let program = format!("echo {}; echo failed to push, Unavailable: context canceled; exit 7", "x".repeat(5000));
    let error = format!("process \"/bin/sh -c {program}\" did not complete successfully: exit code: 7");
    let vertex = json!({"digest": "d", "name": format!("[2/2] RUN {program}"), "started": "", "completed": "", "error": error});
    let lines = [json!({"vertexes": [vertex]}).to_string(), format!("error: failed to solve: {error}")].map(String::into_bytes);
    let failure = outcome::failure(law(&lines).unwrap(), Bytes::mebi(64), "127.0.0.1:1");
    assert_eq!(failure.code, Code::BuildFailed, "{failure}");
    assert!(failure.message.ends_with("failed with exit code 7") && failure.message.len() < 500, "{failure}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_told_as_lines(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
        law_of_failure(law(&lines)?)?;
    }

    #[test]
    fn arbitrary_progress_is_told_as_lines(
        statuses in prop::collection::vec(status(), 0..8),
        plain in prop::collection::vec(text(), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut lines: Vec<Vec<u8>> = statuses.iter().map(|status| status.to_string().into_bytes()).collect();
        lines.extend(plain.into_iter().map(String::into_bytes));
        law_of_failure(law(&lines)?)?;
        // The same, broken off within a line.
        if let Some(last) = lines.last_mut() {
            last.truncate(cut.index(last.len() + 1));
        }
        law_of_failure(law(&lines)?)?;
    }

    #[test]
    fn readable_text_does_nothing_to_a_terminal(text in text()) {
        let shown = readable(text.as_bytes());
        prop_assert!(!shown.chars().any(|character| character.is_control() && character != '\t'), "{:?}", shown);
        prop_assert!(shown.len() <= text.len() * 3);
    }

    #[test]
    fn a_time_is_a_number_of_seconds_within_a_day(one in "\\PC{0,20}|[0-9T:.Z+-]{0,20}", other in "2026-11-24T[0-9]{2}:[0-9]{2}:[0-9]{2}Z") {
        if let Some(seconds) = seconds_between(&one, &other) {
            prop_assert!(format!("{seconds:.1}").len() < 10, "{}", seconds);
        }
    }

    #[test]
    fn lines_are_the_stream_cut_at_its_line_ends(text in "[a\n]{0,60}", longest in 1_usize..8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(async {
            let (mut lines, mut read) = (Lines::new(text.as_bytes(), longest), Vec::new());
            while let Some(line) = lines.next().await.unwrap() {
                read.push((line.bytes.len(), line.was_cut));
            }
            read
        });
        let expected: Vec<_> = text.lines().map(|line| (line.len().min(longest), line.len() > longest)).collect();
        prop_assert_eq!(read, expected);
    }
}
