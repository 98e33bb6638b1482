//! The embedded registry beside Debian's `docker-registry`, each a process of its own on the same disk, in turns, with one client.
//!
//! ```console
//! $ dev/bench-registry
//! ```
//!
//! The client is this program, not skopeo or docker: theirs compress, unpack and hash, and would measure themselves. It speaks as
//! they do: an upload is opened, its bytes are sent in one PATCH, and it is closed with its digest; pulled bytes are counted. Before
//! the clock starts the content is hashed. Every round begins with new processes, empty folders and other content.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark tells what it measured, and ends when it can not"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::serve::ListenerExt as _;
use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::{Body, Client, StatusCode};
use sha2::{Digest as _, Sha256};
use slipway_registry::embedded::{Auth, Storage, router};

const MEBI: usize = 1 << 20;
const PIECE: usize = MEBI / 4;

/// What is pushed, and pulled again.
struct Load {
    name: &'static str,
    blobs: usize,
    bytes: usize,
    /// How many blobs are on their way at once.
    at_once: usize,
    repositories: usize,
}

/// As many layers at once as docker pulls.
const LOADS: [Load; 3] = [
    Load { name: "1 GiB in 8 layers, 3 at once", blobs: 8, bytes: 128 * MEBI, at_once: 3, repositories: 1 },
    Load { name: "1,000 blobs of 4 KiB, 7 at once", blobs: 1000, bytes: 4096, at_once: 7, repositories: 1 },
    Load { name: "7 layers of 64 MiB into 7 repositories", blobs: 7, bytes: 64 * MEBI, at_once: 7, repositories: 7 },
];

/// A blob that is made anew wherever its bytes are wanted.
#[derive(Clone)]
struct Blob {
    seed: u64,
    bytes: usize,
    digest: String,
    repository: String,
}

impl Blob {
    fn new(seed: u64, bytes: usize, repository: String) -> Self {
        let mut hash = Sha256::new();
        pieces(seed, bytes).for_each(|piece| hash.update(&piece));
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { seed, bytes, digest: format!("sha256:{hex}"), repository }
    }
}

/// The content of a seed, piece by piece.
fn pieces(seed: u64, bytes: usize) -> impl Iterator<Item = Bytes> + Send {
    let base: Vec<u8> = (0..PIECE.min(bytes)).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect();
    (0..bytes.div_ceil(PIECE)).map(move |index| {
        let mut piece = base[..PIECE.min(bytes - index * PIECE)].to_vec();
        piece[..8].copy_from_slice(&seed.to_be_bytes());
        piece[8..16].copy_from_slice(&(index as u64).to_be_bytes());
        Bytes::from(piece)
    })
}

/// A registry that runs.
struct Server {
    process: Child,
    address: String,
    client: Client,
    _folder: tempfile::TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Slipway,
    Debian,
}

impl Server {
    async fn start(kind: Kind) -> Self {
        let folder = tempfile::tempdir_in(std::env::var("SLIPWAY_BENCH_FOLDER").as_deref().unwrap_or("/var/tmp")).unwrap();
        let (process, address) = match kind {
            Kind::Slipway => slipway(folder.path()),
            Kind::Debian => debian(folder.path()),
        };
        let client = Client::builder().no_proxy().build().unwrap();
        let server = Self { process, address, client, _folder: folder };
        for _ in 0..500 {
            if server.client.get(format!("http://{}/v2/", server.address)).send().await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{kind:?} does not answer at {}", server.address);
    }

    async fn push(&self, blob: &Blob) {
        let uploads = format!("http://{}/v2/{}/blobs/uploads/", self.address, blob.repository);
        let opened = self.client.post(uploads).send().await.unwrap();
        assert_eq!(opened.status(), StatusCode::ACCEPTED);
        let content = futures::stream::iter(pieces(blob.seed, blob.bytes).map(Ok::<_, std::io::Error>));
        let patch = self.client.patch(self.location(&opened)).header("content-type", "application/octet-stream");
        let patched = patch.body(Body::wrap_stream(content)).send().await.unwrap();
        assert_eq!(patched.status(), StatusCode::ACCEPTED);
        let location = self.location(&patched);
        let mark = if location.contains('?') { '&' } else { '?' };
        let closed = self.client.put(format!("{location}{mark}digest={}", blob.digest)).send().await.unwrap();
        assert_eq!(closed.status(), StatusCode::CREATED);
    }

    fn location(&self, response: &reqwest::Response) -> String {
        let location = response.headers()["location"].to_str().unwrap();
        if location.starts_with("http") { location.to_owned() } else { format!("http://{}{location}", self.address) }
    }

    async fn pull(&self, blob: &Blob) {
        let url = format!("http://{}/v2/{}/blobs/{}", self.address, blob.repository, blob.digest);
        let mut response = self.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut received = 0;
        while let Some(chunk) = response.chunk().await.unwrap() {
            received += chunk.len();
        }
        assert_eq!(received, blob.bytes);
    }

    /// The most memory that the registry ever had, in MiB.
    fn memory(&self) -> u128 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u128>().unwrap() / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This program again, as a registry.
fn slipway(folder: &Path) -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut process = command.arg("serve").arg(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    (process, address.trim().to_owned())
}

fn debian(folder: &Path) -> (Child, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let config = folder.join("config.yml");
    let text = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  cache: {{blobdescriptor: inmemory}}\n  \
         filesystem: {{rootdirectory: {}/data}}\nhttp: {{addr: \"{address}\"}}\n",
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    let process = Command::new("docker-registry").arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    (process.expect("docker-registry starts; run dev/tools/install registry"), address)
}

async fn serve(folder: &str) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    // As the server does.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router(Storage::open(folder).unwrap(), Auth::Anonymous)).await.unwrap();
}

#[derive(Default)]
struct Table(BTreeMap<(String, Kind), Vec<u128>>, Vec<String>);

impl Table {
    fn note(&mut self, row: &str, kind: Kind, value: u128) {
        if !self.1.iter().any(|other| other == row) {
            self.1.push(row.to_owned());
        }
        self.0.entry((row.to_owned(), kind)).or_default().push(value);
    }

    fn print(mut self) {
        println!("\n{:<58} {:>8} {:>8} {:>8}", "median of the rounds", "slipway", "debian", "ratio");
        for row in self.1 {
            let mut median = |kind| {
                let values = self.0.get_mut(&(row.clone(), kind)).unwrap();
                values.sort_unstable();
                values[values.len() / 2]
            };
            let (slipway, debian) = (median(Kind::Slipway), median(Kind::Debian));
            #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
            let ratio = debian as f64 / slipway.max(1) as f64;
            println!("{row:<58} {slipway:>8} {debian:>8} {ratio:>8.2}");
        }
        println!("\nratio: how many times as fast, or as sparing, Slipway's is");
    }
}

async fn round(number: u64, kind: Kind, table: &mut Table) {
    let server = Server::start(kind).await;
    for load in &LOADS {
        let blobs: Vec<Blob> = (0..load.blobs)
            .map(|index| Blob::new(number << 32 | index as u64, load.bytes, format!("bench/r{}", index % load.repositories)))
            .collect();
        let began = Instant::now();
        futures::stream::iter(&blobs).for_each_concurrent(load.at_once, |blob| server.push(blob)).await;
        table.note(&format!("push {}, ms", load.name), kind, began.elapsed().as_millis());
        let began = Instant::now();
        futures::stream::iter(&blobs).for_each_concurrent(load.at_once, |blob| server.pull(blob)).await;
        table.note(&format!("pull {}, ms", load.name), kind, began.elapsed().as_millis());
    }
    table.note("most memory in all of the above, MiB", kind, server.memory());
}

/// One layer that is larger than anything else: how much memory does it take?
async fn large(gibibytes: usize, kind: Kind, table: &mut Table) {
    let server = Server::start(kind).await;
    let blob = Blob::new(u64::MAX, gibibytes << 30, "bench/large".to_owned());
    let began = Instant::now();
    server.push(&blob).await;
    table.note(&format!("push a layer of {gibibytes} GiB, ms"), kind, began.elapsed().as_millis());
    let began = Instant::now();
    server.pull(&blob).await;
    table.note(&format!("pull a layer of {gibibytes} GiB, ms"), kind, began.elapsed().as_millis());
    table.note(&format!("most memory with a layer of {gibibytes} GiB, MiB"), kind, server.memory());
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, verb, folder] = &arguments[..]
        && verb == "serve"
    {
        return serve(folder).await;
    }
    let mut table = Table::default();
    for number in 0..number("SLIPWAY_BENCH_ROUNDS", 3) {
        for kind in if number % 2 == 0 { [Kind::Slipway, Kind::Debian] } else { [Kind::Debian, Kind::Slipway] } {
            round(number as u64, kind, &mut table).await;
        }
    }
    let gibibytes = number("SLIPWAY_BENCH_LAYER_GIB", 5);
    if gibibytes > 0 {
        for kind in [Kind::Slipway, Kind::Debian] {
            large(gibibytes, kind, &mut table).await;
        }
    }
    table.print();
}
