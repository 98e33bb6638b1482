//! F5: a database that has lost its newest pages, and one that somebody else locks.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use slipway_crash::Story;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::bench::Bench;
use crate::outcome::Outcome;
use crate::process::{End, copy};
use crate::takeover::{held, let_go, until_it_is_held};

async fn connect(folder: &Path) -> SqliteConnection {
    let database = folder.join("home/slipway.db");
    SqliteConnectOptions::new().filename(database).connect().await.expect("the database opens")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn say(connection: &mut SqliteConnection, statement: &'static str) {
    sqlx::query(statement).execute(connection).await.expect(statement);
}

/// SQLite goes back to a prefix of what was written; the facts that it lost are made again.
#[test]
fn b06_a_log_that_was_cut_anywhere_is_gone_on_with_from_a_prefix() {
    let bench = Bench::of(Story::SUCCESS);
    for point in ["store.append.after:4", "builder.build.after:1", "store.append.after:12"] {
        let (copied, folder) = bench.begin();
        // What was there before the story is in the database itself: only the story is lost.
        runtime().block_on(async {
            let mut connection = connect(&folder).await;
            say(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
            connection.close().await.expect("it closes");
        });
        let mut server = bench.start(&folder, &[("SLIPWAY_CRASH_AT", point)]);
        assert_eq!(server.end(), End::Killed, "{}", server.said());
        let written = std::fs::metadata(folder.join("home/slipway.db-wal")).expect("it was written").len();
        // Nothing, the middle of a frame, a whole number of frames less one byte, all but the last byte: often the same.
        for left in BTreeSet::from([0, written / 3, written / 2 + 7, 32 + (written - 32) / 4120 * 4120 - 1, written - 1]) {
            let cut = copied.path().join(format!("{point}-{left}"));
            copy(&folder, &cut);
            let log = OpenOptions::new().write(true).open(cut.join("home/slipway.db-wal")).expect("it is there");
            log.set_len(left).expect("it can be cut");
            let mut next = bench.start(&cut, &[]);
            assert_eq!(next.end(), End::Told, "{point}, {left} of {written} bytes left: {}", next.said());
            let outcome = Outcome::read(&cut);
            assert_eq!(outcome.lost(&bench.uninterrupted), [""; 0], "{point}, {left} of {written} bytes left");
            assert!(outcome.left.images.values().all(|completed| *completed == 1), "{:?}", outcome.left.images);
        }
    }
}

/// The server waits, goes on when the lock is free, and does not take its own lease for lost.
#[test]
fn b06_a_database_that_somebody_else_locks_for_longer_than_the_lease_is_waited_for() {
    let bench = held();
    let (_copied, folder) = bench.begin();
    let world = folder.join("world");
    let mut server = bench.start(&folder, &[]);
    until_it_is_held(&world, &server);
    runtime().block_on(async {
        let mut other = connect(&folder).await;
        say(&mut other, "BEGIN IMMEDIATE").await;
        let_go(&world);
        server.until_it_says("the lease can not be renewed");
        tokio::time::sleep(Duration::from_secs(3)).await;
        say(&mut other, "COMMIT").await;
    });
    assert_eq!(server.end(), End::Told, "{}", server.said());
    let outcome = Outcome::read(&folder);
    assert_eq!(outcome.lost(&bench.uninterrupted), [""; 0]);
    assert_eq!(outcome.doubled(&bench.uninterrupted, 0), [""; 0]);
}
