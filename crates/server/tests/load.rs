//! Many deployments at once, with many who follow them, over real connections.
//!
//! `make test-long` sets `SLIPWAY_TEST_ENVIRONMENTS`, `SLIPWAY_TEST_WATCHERS` and `SLIPWAY_TEST_LINES`; by default there are few.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "server/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use slipway_ports::CancellationToken;
use support::fakes::Said;
use support::{FILE, HOST, Server, TARGET, TOKEN};
use tokio::net::TcpListener;

/// Memory is that of the process: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`; expected a number")))
}

/// A server behind a real port, and a client of it.
struct Loaded {
    server: Server,
    http: Client,
    base: String,
    stop: CancellationToken,
}

impl Loaded {
    async fn start(said: Said) -> Self {
        slipway_server::install_crypto_provider();
        let server = Server::saying(said).await;
        assert_eq!(server.ask("POST", "/targets", TARGET).await.0, 201);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(slipway_server::answer(listener, server.router.clone(), stop.clone()));
        Self { server, http: Client::builder().no_proxy().build().unwrap(), base, stop }
    }

    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("host", HOST).bearer_auth(TOKEN)
    }

    /// An environment of its own, whose build shares nothing with the others.
    async fn apply(&self, index: usize) {
        let file = FILE.replace("name: test", &format!("name: e{index}")).replace("shop.git", &format!("shop-{index}.git"));
        let response = self.at(Method::POST, "/environments:apply").body(file).send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    }

    async fn deploy(&self, index: usize) -> String {
        let response = self.at(Method::POST, &format!("/environments/shop/e{index}/deployments")).send().await.unwrap();
        assert_eq!(response.status(), 202);
        response.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn follow(&self, id: &str) -> Watcher {
        let response = self.at(Method::GET, &format!("/deployments/{id}/events")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Watcher { response, rest: String::new() }
    }

    /// The numbers of all lines of a deployment, as they are stored.
    async fn stored_lines(&self, id: &str) -> Vec<u64> {
        let (mut numbers, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/deployments/{id}/logs?limit=1000{cursor}");
            let page: Value = self.at(Method::GET, &path).send().await.unwrap().json().await.unwrap();
            numbers.extend(page["items"].as_array().unwrap().iter().map(|line| line["number"].as_u64().unwrap()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return numbers,
            }
        }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One who follows a deployment.
struct Watcher {
    response: Response,
    rest: String,
}

/// What a watcher learned, in the order in which it did.
#[derive(Debug, Default, PartialEq)]
struct Learned {
    facts: Vec<u64>,
    lines: Vec<u64>,
    outcome: String,
    ended: bool,
}

impl Watcher {
    /// Reads to the end of the stream.
    async fn read(mut self) -> Learned {
        let mut learned = Learned::default();
        while let Some(bytes) = self.response.chunk().await.unwrap() {
            self.rest.push_str(std::str::from_utf8(&bytes).unwrap());
            while let Some(end) = self.rest.find("\n\n") {
                let block: String = self.rest.drain(..end + 2).collect();
                learned.take(&block);
            }
        }
        learned
    }
}

impl Learned {
    fn take(&mut self, block: &str) {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let version = || field("id:").and_then(|id| id.split_once('-')).map(|(version, _)| version.parse::<u64>().unwrap());
        match field("event:") {
            Some("log") => {
                let line: Value = serde_json::from_str(field("data:").unwrap()).unwrap();
                self.lines.push(line["number"].as_u64().unwrap());
            }
            Some("end") => self.ended = true,
            Some("deployment") => {
                let view: Value = serde_json::from_str(field("data:").unwrap()).unwrap();
                view["state"].as_str().unwrap().clone_into(&mut self.outcome);
                self.facts.extend(version());
            }
            // Without an id it tells what a step does right now, which is no fact.
            _ => self.facts.extend(version()),
        }
    }

    /// Each fact and each line once, in order, up to the end.
    fn check(&self, stored: &[u64]) {
        assert!(self.ended && self.outcome == "succeeded", "{} after {} facts", self.outcome, self.facts.len());
        assert!(self.facts.windows(2).all(|pair| pair[1] == pair[0] + 1), "{:?}", self.facts);
        assert!(self.lines == stored, "{} lines of {}, or another order", self.lines.len(), stored.len());
    }
}

/// The most memory that this process ever had, in MiB: the server, its clients and the test.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// Begins counting [`most_memory`] anew, and returns what there is now.
fn memory_from_now() -> usize {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    most_memory()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_deployments_at_once_are_told_whole_to_all_who_follow_them() {
    let _alone = ALONE.lock().await;
    let environments = number("SLIPWAY_TEST_ENVIRONMENTS", 5);
    let watchers = number("SLIPWAY_TEST_WATCHERS", 50) / environments;
    let said = Said { lines: 100, width: 0 };
    let loaded = Loaded::start(said).await;
    for index in 0..environments {
        loaded.apply(index).await;
    }
    let (before, started) = (memory_from_now(), Instant::now());
    let ids = join_all((0..environments).map(|index| loaded.deploy(index))).await;
    let accepted = started.elapsed();
    let mut reading = Vec::new();
    for id in &ids {
        // They come together, while the builds say what they say.
        for watcher in join_all((0..watchers).map(|_| loaded.follow(id))).await {
            reading.push((id, tokio::spawn(watcher.read())));
        }
    }
    loaded.server.gate.add_permits(environments);
    let mut learned = Vec::new();
    for (id, watcher) in reading {
        learned.push((id, watcher.await.unwrap()));
    }
    let (took, grown) = (started.elapsed(), most_memory() - before);
    for id in &ids {
        let stored = loaded.stored_lines(id).await;
        assert!(stored.len() >= 2 * said.lines);
        learned.iter().filter(|(of, _)| of == &id).for_each(|(_, learned)| learned.check(&stored));
    }
    let events: usize = learned.iter().map(|(_, learned)| learned.facts.len() + learned.lines.len()).sum();
    println!(
        "{environments} deployments, {} watchers: accepted in {accepted:?}, all told in {took:?}, {events} events, {grown} MiB",
        learned.len()
    );
    assert!(grown < 400, "{grown} MiB for the server and its clients");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_do_not_read_hold_up_nobody_and_miss_nothing() {
    let _alone = ALONE.lock().await;
    // More than the sockets in between hold.
    let said = Said { lines: number("SLIPWAY_TEST_LINES", 600), width: 10_000 };
    let loaded = Loaded::start(said).await;
    loaded.apply(0).await;
    let before = memory_from_now();
    let id = loaded.deploy(0).await;
    let slow = join_all((0..20).map(|_| loaded.follow(&id))).await;
    let fast: Vec<_> =
        join_all((0..5).map(|_| loaded.follow(&id))).await.into_iter().map(|fast| tokio::spawn(fast.read())).collect();
    loaded.server.gate.add_permits(1);
    let started = Instant::now();
    let mut learned = Vec::new();
    for fast in fast {
        let read = tokio::time::timeout(Duration::from_secs(300), fast).await;
        learned.push(read.expect("who reads comes to the end, whoever does not").unwrap());
    }
    let (took, grown) = (started.elapsed(), most_memory() - before);
    let stored = loaded.stored_lines(&id).await;
    assert!(stored.len() >= 2 * said.lines);
    // Only now do they read what waited for them all the time.
    learned.extend(join_all(slow.into_iter().map(Watcher::read)).await);
    for learned in &learned {
        learned.check(&stored);
    }
    let whole = (said.lines * said.width * 2) >> 20;
    println!("a log of {whole} MiB, 5 who read and 20 who do not: told in {took:?}, {grown} MiB");
    // What is not stored yet waits in memory; what is stored does not, whoever has not read it.
    assert!(grown < whole + 100, "{grown} MiB for the server and its clients, {whole} MiB of log");
}
