//! Kills at named points and in the middle of calls, on real BuildKit, registry and Helm, until there have been enough.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cleared, helm, namespace};
use crate::git::Repository;
use crate::server::{Server, build};

/// How many servers die.
const KILLS: usize = 30;
/// From the start of a server that finds work to its first call.
const GOAL: Duration = Duration::from_secs(2);
/// What does not come within this time never comes.
const BOUND: Duration = Duration::from_secs(180);

/// When a server dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// When it reaches a point for the n-th time.
    At(&'static str),
    /// So long after a call has begun.
    Within(&'static str, u64),
}

/// Before and after each kind of call, and in the middle of those that take long.
const MOMENTS: [Moment; 24] = [
    Moment::At("store.create-deployment.after:1"),
    Moment::At("repositories.export.after:1"),
    Moment::Within("builder.build.before", 60),
    Moment::Within("builder.build.before", 400),
    Moment::At("builder.build.after:1"),
    Moment::At("registry.presence.after:1"),
    Moment::At("store.append.before:2"),
    Moment::At("store.append.after:2"),
    Moment::At("registry.mirror.after:1"),
    Moment::At("cluster.ensure-namespace.after:1"),
    Moment::At("releases.upgrade.before:1"),
    Moment::Within("releases.upgrade.before", 20),
    Moment::Within("releases.upgrade.before", 80),
    Moment::Within("releases.upgrade.before", 200),
    Moment::At("releases.upgrade.after:1"),
    Moment::At("cluster.await-rollout.before:1"),
    Moment::Within("cluster.await-rollout.before", 300),
    Moment::At("cluster.await-rollout.after:1"),
    Moment::At("store.append-log.after:1"),
    Moment::At("builder.build.before:1"),
    Moment::At("cluster.put-secret.after:1"),
    Moment::At("releases.upgrade.after:2"),
    Moment::At("store.append.after:3"),
    Moment::At("cluster.await-rollout.after:2"),
];

fn environment(url: &str) -> String {
    format!(
        r#"apiVersion: slipway.dev/v1
kind: Environment
project: crashed
name: test
pipeline: {{stages: [{{name: first}}, {{name: second}}]}}
services:
  - {{name: cache, stage: first, container: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}}}
  - {{name: one, stage: first, application: {{git: {{url: "{url}", branch: main, root: one}}}}}}
  - name: prepare
    stage: second
    job:
      on: [start]
      source: {{image: {{name: docker.io/library/redis, tag: "7.2"}}}}
      command: [/bin/sh, -c, "true"]
      maxDuration: 2m
  - {{name: two, stage: second, application: {{git: {{url: "{url}", branch: main, root: two}}}}}}
"#
    )
}

/// A Dockerfile whose build takes a moment, and whose pods end at once when they are told to.
fn dockerfile(word: &str) -> String {
    let base = "ARG BASE=docker.io/library/debian:bookworm-slim\nFROM ${BASE}\n";
    format!("{base}RUN sleep 0.5 && echo {word} > /word\nSTOPSIGNAL SIGKILL\nCMD [\"sleep\", \"infinity\"]\n")
}

/// The server that dies again and again, and what was seen of it.
struct Dying {
    server: Server,
    record: PathBuf,
    kills: BTreeMap<String, usize>,
    /// Who wants the next deployment: when the server dies before it answers, it asks the next one.
    asking: Option<Child>,
    /// From the start of each server that found work to its first call.
    resumed_after: Vec<Duration>,
}

impl Dying {
    /// Starts the next server, which dies at that moment unless its deployment ends before. Returns whether it died.
    fn live_until(&mut self, moment: Moment) -> bool {
        let before = self.reached().len();
        let since = Instant::now();
        let record = self.record.display().to_string();
        let at = match moment {
            Moment::At(point) => point,
            Moment::Within(..) => "never:1",
        };
        // One that dies at once does not come to answer.
        self.server.try_up(&[("SLIPWAY_CRASH_AT", at), ("SLIPWAY_CRASH_RECORD", &record)]);
        let Some(mut is_first) = self.has_work() else { return self.died(moment) };
        if !is_first && self.asking.is_none() {
            let mut ask = self.server.command(["deploy", "--environment", "crashed/test", "--detach"]);
            self.asking = Some(ask.spawn().expect("the program starts"));
        }
        loop {
            assert!(since.elapsed() < BOUND, "{moment:?}: neither a kill nor an end");
            let reached = self.reached();
            if is_first && reached.len() > before {
                is_first = false;
                self.resumed_after.push(since.elapsed());
            }
            if let Moment::Within(call, time) = moment
                && reached[before..].iter().any(|point| point == call)
            {
                std::thread::sleep(Duration::from_millis(time));
                self.server.kill();
                return self.died(moment);
            }
            let has_answer = self.has_answer();
            let status = self.server.slipway(["status", "crashed/test", "--output", "json"]);
            match status.code {
                Some(7) => return self.died(moment),
                Some(0) if has_answer && status.json()["deployment"]["finishedAt"].is_string() => return self.last_kill(moment),
                _ => {}
            }
        }
    }

    /// Whether a deployment goes on; `None` without a server that could be asked.
    fn has_work(&self) -> Option<bool> {
        let status = self.server.slipway(["status", "crashed/test", "--output", "json"]);
        if status.code != Some(0) {
            return None;
        }
        let deployment = &status.json()["deployment"];
        Some(deployment["id"].is_string() && !deployment["finishedAt"].is_string())
    }

    /// Whether who asked for a deployment was told that it is made, by whichever server.
    fn has_answer(&mut self) -> bool {
        let Some(asking) = &mut self.asking else { return true };
        let Some(status) = asking.try_wait().expect("the program runs") else { return false };
        assert!(status.success(), "the request was lost: {status}");
        self.asking = None;
        true
    }

    /// The deployment has ended, and the server may die of its end.
    fn last_kill(&mut self, moment: Moment) -> bool {
        let alive = self.server.slipway(["target", "list"]).code == Some(0);
        if alive {
            self.server.slipway(["down"]).expect_code(0);
            return false;
        }
        self.died(moment)
    }

    fn died(&mut self, moment: Moment) -> bool {
        let name = match moment {
            Moment::At(point) => point.to_owned(),
            Moment::Within(call, _) => format!("in the middle of {}", call.trim_end_matches(".before")),
        };
        *self.kills.entry(name).or_default() += 1;
        true
    }

    fn reached(&self) -> Vec<String> {
        std::fs::read_to_string(&self.record).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    fn deployments(&self) -> Vec<Value> {
        let history = self.server.slipway(["history", "--environment", "crashed/test", "--output", "json"]).expect_code(0).json();
        history.as_array().expect("a list").clone()
    }
}

#[test]
fn b06_thirty_kills_at_any_point_lose_nothing_and_double_nothing() {
    let cleared = Cleared("crashed", "test");
    cleared.now();
    let repository = Repository::new();
    let commit = |one: &str, two: &str| {
        repository.commit(&[("one/Dockerfile", &dockerfile(one)), ("two/Dockerfile", &dockerfile(two))]);
    };
    commit("one", "two");
    let server = Server::start_killable();
    let file = server.file(&environment(&repository.url()));
    server.slipway(["apply", "--file", &file]).expect_code(0);
    server.slipway(["down"]).expect_code(0);
    let record = server.home().join("points");
    let mut dying = Dying { server, record, kills: BTreeMap::new(), asking: None, resumed_after: Vec::new() };
    let mut commits = 1;
    for (index, moment) in MOMENTS.iter().cycle().enumerate() {
        if dying.killed() >= KILLS {
            break;
        }
        assert!(index < 4 * KILLS, "only {} kills", dying.killed());
        if !dying.live_until(*moment) {
            // The next deployment has something to build.
            commits += 1;
            commit(&format!("one of {commits}"), "two");
        }
    }
    calm_end(&mut dying, commits);
    println!("{} kills: {:#?}", dying.killed(), dying.kills);
    dying.resumed_after.sort();
    let (middle, longest) = (dying.resumed_after[dying.resumed_after.len() / 2], dying.resumed_after.last());
    assert!(longest.is_some_and(|longest| *longest < GOAL), "it took {longest:?} to go on");
    println!("from restart to going on: p50 {middle:?}, longest {longest:?}");
}

/// The last server is left alone: everything ends well, and nothing was done twice.
fn calm_end(dying: &mut Dying, commits: usize) {
    let record = dying.record.display().to_string();
    dying.server.try_up(&[("SLIPWAY_CRASH_RECORD", &record)]).expect_code(0);
    if let Some(mut asking) = dying.asking.take() {
        assert!(asking.wait().expect("the program runs").success(), "the request was lost");
    }
    let server = &dying.server;
    server.slipway(["deploy", "--environment", "crashed/test", "--progress", "plain"]).expect_code(0);
    let deployments = dying.deployments();
    for deployment in &deployments {
        let number = deployment["number"].to_string();
        let log = || server.slipway(["logs", "--environment", "crashed/test", "--deployment", &number]).stdout;
        assert_eq!(deployment["state"], "succeeded", "{deployment:#}\n{}", log());
    }
    let newest = server.deployment("crashed/test");
    for name in ["one", "two"] {
        let (state, reason) = build(&newest, name);
        assert!(state == "succeeded" || reason == "image-present", "{name}: {state} {reason}");
    }
    // Each commit has one image of its own at most, and `two` never changed.
    let completed = dying.reached().iter().filter(|point| *point == "builder.build.after").count();
    assert!(completed <= commits + 1, "{completed} builds were completed, and there were {commits} commits");

    let namespace = namespace("crashed", "test").expect("the environment has a namespace");
    let list = helm(["list", "--namespace", &namespace, "--output", "json"]).expect_code(0).json();
    assert_eq!(list.as_array().map(Vec::len), Some(4), "{list:#}");
    for release in list.as_array().expect("a list") {
        assert_eq!(release["status"], "deployed", "{list:#}");
        let name = release["name"].as_str().expect("a name");
        let revision: usize = release["revision"].as_str().and_then(|text| text.parse().ok()).expect("a number");
        let most = deployments.len() + dying.killed();
        assert!(revision <= most, "{name} has {revision} revisions, {} deployments, {} kills", deployments.len(), dying.killed());
    }
    let manifests = || ["cache", "one", "two"].map(|release| manifest(&namespace, release));
    let after_the_kills = manifests();
    server.slipway(["deploy", "--environment", "crashed/test", "--progress", "plain"]).expect_code(0);
    assert_eq!(after_the_kills, manifests(), "the same as an uninterrupted deployment leaves");
}

/// The manifest of a release without the deployment that made it.
fn manifest(namespace: &str, release: &str) -> Vec<String> {
    let text = helm(["get", "manifest", release, "--namespace", namespace]).expect_code(0).stdout;
    text.lines().filter(|line| !line.contains("slipway.dev/deployment")).map(str::to_owned).collect()
}
