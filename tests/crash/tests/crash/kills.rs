//! F1: a kill before and after every append and every outside call, in the middle of each, and at any moment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use slipway_crash::Story;

use crate::bench::{Bench, Kill, Telling};
use crate::table::Table;

/// Servers at a time: enough to keep the machine busy, few enough to be killed where it was meant.
const AT_A_TIME: usize = 2;
/// From the start of a server to its going on.
const GOAL: Duration = Duration::from_secs(2);

/// Tells every telling of every bench, and enters how it went.
fn tell_all(tellings: &[(&Bench, Telling)]) -> Table {
    let (next, table) = (AtomicUsize::new(0), Mutex::new(Table::default()));
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                while let Some((bench, telling)) = tellings.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let told = bench.tell(telling);
                    table.lock().expect("no thread panicked").enter(telling, told);
                }
            });
        }
    });
    table.into_inner().expect("no thread panicked")
}

fn check(table: &Table, least: usize) {
    println!("{table}");
    assert!(
        table.wrong.is_empty(),
        "{} are wrong, such as:\n{}",
        table.wrong.len(),
        table.wrong[..table.wrong.len().min(3)].join("\n")
    );
    assert!(table.kills() >= least, "{} kills", table.kills());
    let (_, longest) = table.resumed_after().expect("some server went on");
    assert!(longest < GOAL, "it took {longest:?} to go on");
}

/// Kills at so many moments from the beginning to the end of a story, whatever the server does then.
fn moments(bench: &Bench, count: u32) -> impl Iterator<Item = Telling> {
    (1..=count).map(move |moment| Telling { kills: vec![Kill::After(bench.took * moment / (count + 1))] })
}

/// The calls that no server was killed at.
fn missing(table: &Table, calls: &[&'static str]) -> Vec<&'static str> {
    calls.iter().filter(|call| !table.points().any(|point| point.starts_with(**call))).copied().collect()
}

/// The quick form: every point of the story in which all goes well, once, and a few moments.
#[test]
fn b06_a_server_may_be_killed_at_every_point() {
    let bench = Bench::of(Story::SUCCESS);
    let firsts = bench.every_point().into_iter().filter(|(_, time)| *time == 1);
    let mut tellings: Vec<_> = firsts.map(|(point, time)| (&bench, Telling { kills: vec![Kill::At(point, time)] })).collect();
    let points = tellings.len();
    tellings.extend(moments(&bench, 5).map(|telling| (&bench, telling)));
    let table = tell_all(&tellings);
    check(&table, points);
    assert_eq!(missing(&table, &["store.append.", "builder.build.", "releases.upgrade.", "cluster.await-rollout."]), [""; 0]);
}

/// Every time of every point of every story; pairs of points, so that recovery dies too; and moments that are no point.
#[cfg(feature = "every-kill")]
#[test]
fn b06_a_server_may_be_killed_at_any_instant_of_every_story() {
    let benches: Vec<Bench> = Story::KILLED.into_iter().map(Bench::of).collect();
    let mut tellings = Vec::new();
    for bench in &benches {
        let points = bench.every_point();
        println!("{}: {} points, {:.3} s", bench.story.name, points.len(), bench.took.as_secs_f32());
        for (index, (point, time)) in points.iter().enumerate() {
            let first = Kill::At(point.clone(), *time);
            tellings.push((bench, Telling { kills: vec![first.clone()] }));
            if index % 5 == 0 {
                // What is still ahead is what recovery comes to.
                let (again, _) = &points[index + (points.len() - index) / 2];
                tellings.push((
                    bench,
                    Telling { kills: vec![first, Kill::At(again.clone(), 1), Kill::At("store.append.after".to_owned(), 2)] },
                ));
            }
        }
        tellings.extend(moments(bench, 20).map(|telling| (bench, telling)));
    }
    let table = tell_all(&tellings);
    check(&table, 500);
    assert_eq!(missing(&table, &CALLS), [""; 0], "no story comes to these");
}

/// Everything that the engine asks of the outside world, and what the world does in between.
#[cfg(feature = "every-kill")]
const CALLS: [&str; 26] = [
    "store.create-deployment.",
    "store.append.",
    "store.append-log.",
    "store.secret-or-insert.",
    "repositories.fetch.",
    "repositories.resolve.",
    "repositories.facts.",
    "repositories.export.",
    "builder.build.",
    "registry.presence.",
    "registry.resolve.",
    "registry.mirror.",
    "releases.upgrade.",
    "releases.rollback.",
    "releases.uninstall.",
    "releases.status.",
    "cluster.ensure-namespace.",
    "cluster.put-secret.",
    "cluster.await-rollout.",
    "cluster.restart.",
    "cluster.remove-leftovers.",
    "cluster.remove-namespace.",
    "world.build.",
    "world.release.pending",
    "world.release.uninstalling",
    "world.namespace.emptied",
];
