//! F3: a server that is stopped for longer than its lease, a second that takes over, and the first going on.

use std::fs;
use std::path::Path;

use slipway_crash::Story;

use crate::bench::Bench;
use crate::outcome::Outcome;
use crate::process::{End, Server, eventually};

/// The story in which one rollout takes until it is let go, which the uninterrupted telling does at once.
pub(crate) fn held() -> Bench {
    Bench::prepared(Story::HELD, let_go)
}

pub(crate) fn let_go(world: &Path) {
    let place = world.join("let-go/cache");
    fs::create_dir_all(place.parent().expect("it has a folder")).expect("a folder can be made");
    fs::write(place, "").expect("it can be let go");
}

/// Waits until a server waits for the rollout.
pub(crate) fn until_it_is_held(world: &Path, server: &Server) {
    let held = world.join("held/cache");
    eventually(|| held.exists(), || server.said());
    fs::remove_file(held).expect("it is there");
}

/// The second takes over and ends the story; the late first one writes nothing and ends itself. With `environment` the first is deaf:
/// the store alone keeps it from writing.
fn followed(environment: &[(&str, &str)]) {
    let bench = held();
    let (_copied, folder) = bench.begin();
    let world = folder.join("world");
    let mut first = bench.start(&folder, environment);
    until_it_is_held(&world, &first);
    let is_held = world.join("held/cache");
    let mut second = loop {
        first.signal("-STOP");
        let mut second = bench.start(&folder, &[]);
        let hit_a_write = || second.said().contains("the database takes no write");
        eventually(|| hit_a_write() || is_held.exists(), || second.said());
        if is_held.exists() {
            break second;
        }
        // It was stopped while it held SQLite's lock for writing. It goes on: one that renews its lease is seen to live, and is
        // stopped again; a deaf one is followed.
        first.signal("-CONT");
        let mut end = None;
        let mut has_ended = || {
            end = second.ended();
            end.is_some()
        };
        eventually(|| has_ended() || is_held.exists(), || "the second server neither follows nor ends".to_owned());
        match end {
            None => break second,
            Some(end) => assert_eq!(end, End::Lost, "{}", second.said()),
        }
    };
    // Both wait for the rollout now; the first, let go on, hears of its end when the second does.
    first.signal("-CONT");
    let_go(&world);
    assert_eq!(second.end(), End::Told, "{}", second.said());
    assert_eq!(first.end(), End::Followed, "{}", first.said());

    let outcome = Outcome::read(&folder);
    assert_eq!(outcome.lost(&bench.uninterrupted), [""; 0]);
    assert_eq!(outcome.doubled(&bench.uninterrupted, 1), [""; 0]);
}

#[test]
fn b06_a_stopped_server_is_followed_and_nothing_is_done_twice() {
    followed(&[]);
}

#[test]
fn b06_the_late_write_of_a_server_that_hears_of_nothing_is_refused_by_the_store() {
    followed(&[("CRASH_SERVER_IS_DEAF", "1")]);
}
