//! What 1,000 watchers of one deployment cost a server: memory, and the time from a line of the log to all who follow it.
//!
//! `dev/bench-events` builds the simulated server and runs this. The server is a process of its own; the watchers are connections of
//! this one, on the same cores. *Plain sockets* is the physical limit: as many bytes, written to as many sockets of the loopback
//! interface by one process, with nothing made of them.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark tells what it measured, and ends when it can not"
)]

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Of so many watchers one reads the times; the others only read.
const ONE_IN: usize = 10;
const ROUNDS_OF_PLAIN: usize = 200;

/// The simulated server, and how it is spoken to.
struct Server {
    child: Child,
    url: String,
    token: String,
    client: reqwest::Client,
}

impl Server {
    async fn start() -> Self {
        let program = std::env::var("SLIPWAY_BENCH_SIMULATED").expect("dev/bench-events says where the simulated server is");
        let of_all = ["--services", "30", "--stages", "3", "--build", "8000", "--rollout", "3000", "--lines", "20"];
        let mut child = Command::new(program)
            .args(of_all.into_iter().chain(["--until-input-ends"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the simulated server starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        let (url, token) = line.split_once(' ').unwrap();
        Self { child, url: url.to_owned(), token: token.to_owned(), client: reqwest::Client::new() }
    }

    async fn ask(&self, post: bool, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.url);
        let request = if post { self.client.post(url).json(&serde_json::json!({})) } else { self.client.get(url) };
        let answer = request.bearer_auth(&self.token).send().await.expect("the server answers");
        serde_json::from_str(&answer.text().await.unwrap()).expect("the answer is JSON")
    }

    /// Resident memory now, and the most of it so far; in MiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let of = |key: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// A connection that has asked for the events of a deployment.
    async fn follow(&self, deployment: &str) -> TcpStream {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.expect("the server takes it");
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "GET /api/v1/deployments/{deployment}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            self.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// What all watchers share.
struct Shared {
    /// Whether all are connected: only lines that are written from then on count.
    counts: AtomicBool,
    bytes: AtomicU64,
    /// One for each watcher that the server has answered.
    answered: Semaphore,
}

/// Reads a stream to its end; returns how late each line of the log came, in microseconds, if it is to look.
async fn watch(mut stream: TcpStream, shared: Arc<Shared>, looks: bool) -> Vec<u128> {
    let mut late = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut rest = String::new();
    let mut is_answered = false;
    loop {
        let count = stream.read(&mut buffer).await.expect("a stream does not break off");
        shared.bytes.fetch_add(count as u64, Ordering::Relaxed);
        if !std::mem::replace(&mut is_answered, true) {
            shared.answered.add_permits(1);
        }
        let now = Timestamp::now();
        let text = String::from_utf8_lossy(&buffer[..count]);
        let counts = shared.counts.load(Ordering::Relaxed);
        if looks {
            rest.push_str(&text);
            while let Some(end) = rest.find('\n') {
                let line: String = rest.drain(..=end).collect();
                let Some(at) = line.strip_prefix("data: {\"number\":").and_then(time_of).filter(|_| counts) else { continue };
                late.push(now.duration_since(at).unsigned_abs().as_micros());
            }
        }
        if count == 0 {
            return late;
        }
    }
}

/// When a line of the log was written.
fn time_of(data: &str) -> Option<Timestamp> {
    data.split_once("\"at\":\"")?.1.split_once('"')?.0.parse().ok()
}

/// Prints how many microseconds half, all but a hundredth, and all of them came late at most.
fn row(what: &str, times: &mut [u128]) {
    times.sort_unstable();
    let at = |percent: usize| {
        let microseconds = times[(times.len() - 1) * percent / 100];
        format!("{}.{}", microseconds / 1000, microseconds % 1000 / 100)
    };
    println!("{what:<38} {:>9} {:>9} {:>9} {:>9}", times.len(), at(50), at(99), at(100));
}

#[tokio::main]
async fn main() {
    slipway_server::install_crypto_provider();
    let watchers: usize = std::env::var("SLIPWAY_BENCH_WATCHERS").map_or(1000, |text| text.parse().expect("a number"));
    let server = Server::start().await;
    let deployment = server.ask(true, "/environments/demo/simulated/deployments").await;
    let id = deployment["id"].as_str().expect("a deployment is accepted").to_owned();
    let (before, _) = server.memory();
    let shared = Arc::new(Shared { counts: AtomicBool::new(false), bytes: AtomicU64::new(0), answered: Semaphore::new(0) });
    let mut all = JoinSet::new();
    let began = Instant::now();
    for index in 0..watchers {
        all.spawn(watch(server.follow(&id).await, shared.clone(), index % ONE_IN == 0));
    }
    println!("{watchers} watchers connected in {} ms", began.elapsed().as_millis());
    let all_answered = shared.answered.acquire_many(u32::try_from(watchers).expect("not that many"));
    all_answered.await.expect("it stays open").forget();
    shared.counts.store(true, Ordering::Relaxed);
    let (connected, _) = server.memory();
    let mut late: Vec<u128> = all.join_all().await.into_iter().flatten().collect();
    let (_, most) = server.memory();
    let bytes = shared.bytes.load(Ordering::Relaxed) / watchers as u64;
    println!("memory of the server: {before} MiB before, {connected} MiB with all, {most} MiB at most; {bytes} bytes to each\n");
    println!("{:<38} {:>9} {:>9} {:>9} {:>9}", "late, ms", "samples", "p50", "p99", "most");
    row("a line, from the server to a watcher", &mut late);
    row("plain sockets, to a reader", &mut plain(watchers).await);
}

/// How late a line comes that one process writes to as many sockets as there are watchers.
async fn plain(watchers: usize) -> Vec<u128> {
    let line = format!("event: log\ndata: {}\n\n", "x".repeat(180)).into_bytes();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = Vec::new();
    for index in 0..watchers {
        let (reader, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut reader, writer) = (reader.unwrap(), accepted.unwrap().0);
        writer.set_nodelay(true).unwrap();
        writers.push(writer);
        let (told, length) = (told.clone(), line.len());
        tokio::spawn(async move {
            let mut buffer = vec![0; length];
            while reader.read_exact(&mut buffer).await.is_ok() {
                if index % ONE_IN == 0 {
                    told.send(Instant::now()).unwrap();
                }
            }
        });
    }
    let mut late = Vec::new();
    for _ in 0..ROUNDS_OF_PLAIN {
        let began = Instant::now();
        for writer in &mut writers {
            writer.write_all(&line).await.unwrap();
        }
        for _ in 0..watchers.div_ceil(ONE_IN) {
            late.push((heard.recv().await.unwrap() - began).as_micros());
        }
    }
    late
}
