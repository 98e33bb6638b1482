//! Builds that write far more than anybody reads.
//!
//! `make test-long` sets `SLIPWAY_TEST_FLOOD_MIB`; by default a flood is small.

use std::time::{Duration, Instant};

use crate::cluster::Cleared;
use crate::git::Repository;
use crate::server::{Server, build, service};

/// What each step writes: lines, bytes that are no text, one line without an end, what does something to a terminal; the last
/// one fails after it.
const FLOODS: [(&str, &str); 5] = [
    ("lines", "yes 'a line of a log that nobody reads' | head -c {bytes}"),
    ("bytes", "head -c {bytes} /dev/urandom"),
    ("endless", "head -c {bytes} /dev/zero | tr '\\0' x"),
    ("colours", "yes \"$(printf '\\033[31mred\\033[2J\\033]0;title\\007 over\\rwritten')\" | head -c {bytes}"),
    ("fails", "yes flood | head -c {bytes}; echo; echo the reason; exit 3"),
];

fn mebibytes() -> usize {
    std::env::var("SLIPWAY_TEST_FLOOD_MIB").map_or(16, |text| text.parse().expect("SLIPWAY_TEST_FLOOD_MIB is a number"))
}

fn environment(url: &str) -> String {
    let services = FLOODS
        .map(|(name, _)| format!("  - {{name: {name}, application: {{git: {{url: \"{url}\", branch: main, root: {name}}}}}}}\n"));
    format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: flood\nname: test\nservices:\n{}", services.concat())
}

/// Bytes of the database, with what is not merged into it yet.
fn stored(server: &Server) -> u64 {
    let files = std::fs::read_dir(server.home()).expect("the home is there").flatten();
    let of_database = files.filter(|entry| entry.file_name().to_string_lossy().starts_with("slipway.db"));
    of_database.map(|entry| entry.metadata().expect("the file is there").len()).sum()
}

#[test]
fn builds_that_flood_their_log_end_with_their_own_verdict_in_bounded_memory() {
    let cleared = Cleared("flood", "test");
    cleared.now();
    let server = Server::start();
    let repository = Repository::new();
    for (name, flood) in FLOODS {
        let flood = flood.replace("{bytes}", &(mebibytes() << 20).to_string());
        let script = format!("#!/bin/sh\n{flood}\n");
        let dockerfile = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\nCOPY flood.sh /\nRUN sh /flood.sh\nCMD [\"sleep\", \"infinity\"]\n";
        repository.commit(&[(&format!("{name}/Dockerfile"), dockerfile), (&format!("{name}/flood.sh"), &script)]);
    }
    let file = server.file(&environment(&repository.url()));
    let (before, stored_before, started) = (server.most_memory(), stored(&server), Instant::now());
    // The default policy lets the others of the stage be released.
    server.slipway(["deploy", "--file", &file]).expect_code(3);
    let (took, grown, kept) = (started.elapsed(), server.most_memory() - before, stored(&server) - stored_before);
    let deployment = server.deployment("flood/test");
    let whole = server.slipway(["logs", "--environment", "flood/test"]).expect_code(0).stdout;
    for (name, _) in FLOODS {
        let (state, _) = build(&deployment, name);
        let failure = &service(&deployment, name)["build"]["failure"];
        let of_build = format!("{name} build | ");
        let log: String = whole.lines().filter_map(|line| line.strip_prefix(&of_build)).map(|line| format!("{line}\n")).collect();
        let cut = ["[output clipped, log limit 8MiB reached]", "[log cut: "].iter().any(|words| log.contains(words));
        assert!(cut, "{name}: the log does not say that it is cut");
        assert!(log.len() < 18 << 20, "{name}: a log of {} bytes", log.len());
        assert!(!log.chars().any(|character| character.is_control() && !"\n\t".contains(character)), "{name}");
        if name == "fails" {
            assert_eq!((state, failure["code"].as_str()), ("failed", Some("build-failed")), "{failure:#}");
            assert!(failure.to_string().contains("exit code 3") && failure.to_string().contains("the reason"), "{failure:#}");
            assert!(log.contains("the reason"), "the end of a step that fails is told");
        } else {
            assert_eq!((state, &service(&deployment, name)["release"]["state"]), ("succeeded", &"succeeded".into()), "{name}");
        }
    }
    println!("5 builds of {} MiB of log: {took:?}, {grown} MiB of memory, {} KiB stored", mebibytes(), kept >> 10);
    assert!(grown < 256, "the server took {grown} MiB more");
    assert!(kept < 100 << 20, "{kept} bytes are stored");
    assert!(took < Duration::from_secs(1200), "{took:?}");
}
