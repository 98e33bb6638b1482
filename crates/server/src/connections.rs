//! Connections, each within bounds: a client that is slow, silent or gone holds up nobody but itself, and not for ever.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use slipway_ports::CancellationToken;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How long a client may take to send the head of a request, and how long it may be silent between two requests.
const LONGEST_HEAD: Duration = Duration::from_secs(30);
/// Open files that are asked for: each who follows a deployment keeps one.
const WANTED_FILES: u64 = 65_536;
/// How long a system that gives no more connections is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// What one listener gives its clients.
struct Bounds {
    longest_head: Duration,
    /// Connections at once; what comes beyond them waits in the system's queue.
    most_connections: usize,
}

/// Answers requests until `shutdown`, then lets those that run end.
pub async fn answer(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    // Two listeners leave half of the files to the database, child processes and blobs.
    let bounds = Bounds { longest_head: LONGEST_HEAD, most_connections: open_files() / 4 };
    answer_within(bounds, listener, router, shutdown).await;
}

/// How many files this process may have open, after asking for enough.
fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED_FILES, |most| most.min(WANTED_FILES));
    let had = limit.current.unwrap_or(WANTED_FILES);
    if had < wanted && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).is_ok() {
        return usize::try_from(wanted).unwrap_or(usize::MAX);
    }
    usize::try_from(had.min(WANTED_FILES)).unwrap_or(usize::MAX)
}

async fn answer_within(bounds: Bounds, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(bounds.most_connections));
    let open = TaskTracker::new();
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(bounds.longest_head);
    let service = TowerToHyperService::new(router);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            (accept(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            accepted = next => accepted,
            () = shutdown.cancelled() => break,
        };
        // Events are small, and each is wanted now. A socket that refuses is closing.
        let _ = stream.set_nodelay(true);
        // Some become websockets, which the routes serve from then on.
        let connection = protocol.serve_connection(TokioIo::new(stream), service.clone()).with_upgrades();
        let shutdown = shutdown.clone();
        open.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(place);
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// The next connection. A client that is gone already is passed over; a system that has no more is asked again.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use axum::body::Body;
    use axum::routing::get;
    use futures::StreamExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const HEAD: Duration = Duration::from_secs(2);
    const PLACES: usize = 150;

    async fn start() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        // Something every tenth of a second, for ever.
        let stream = || async {
            let ticks = tokio_stream::wrappers::IntervalStream::new(tokio::time::interval(Duration::from_millis(100)));
            Body::from_stream(ticks.map(|_| Ok::<_, io::Error>("tick\n")))
        };
        let router = Router::new().route("/", get(|| async { "answer" })).route("/stream", get(stream));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let bounds = Bounds { longest_head: HEAD, most_connections: PLACES };
        (address, shutdown.clone(), tokio::spawn(answer_within(bounds, listener, router, shutdown)))
    }

    async fn ask(address: SocketAddr) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Sends a head byte by byte until the server has enough of it; returns how long that took.
    async fn drip(address: SocketAddr) -> Duration {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        let mut byte = [0];
        loop {
            tokio::select! {
                read = connection.read(&mut byte) => {
                    assert!(matches!(read, Ok(0) | Err(_)), "nothing was asked");
                    return started.elapsed();
                }
                () = tokio::time::sleep(Duration::from_millis(50)) => {
                    if connection.write_all(b"a").await.is_err() {
                        return started.elapsed();
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn clients_that_never_finish_their_head_are_left_and_hold_up_nobody() {
        let (address, _, _) = start().await;
        let mut streaming = TcpStream::connect(address).await.unwrap();
        streaming.write_all(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let silent = TcpStream::connect(address).await.unwrap();
        let dripping: Vec<_> = (0..100).map(|_| tokio::spawn(drip(address))).collect();
        for _ in 0..20 {
            assert!(ask(address).await.ends_with("answer"));
        }
        for client in dripping {
            let took = client.await.unwrap();
            assert!(took >= HEAD / 2 && took < HEAD * 10, "{took:?}");
        }
        let mut silent = silent;
        assert!(matches!(silent.read(&mut [0]).await, Ok(0) | Err(_)), "a client that says nothing is left too");
        // An answer that goes on has no such bound.
        let mut buffer = vec![0; 64 << 10];
        while streaming.try_read(&mut buffer).is_ok() {}
        let read = tokio::time::timeout(Duration::from_secs(10), streaming.read(&mut buffer)).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&buffer[..read]).contains("tick"));
    }

    #[tokio::test]
    async fn more_clients_than_places_wait_for_one() {
        let (address, _, _) = start().await;
        let mut held = Vec::new();
        for _ in 0..PLACES {
            held.push(TcpStream::connect(address).await.unwrap());
        }
        // Its turn comes when those who say nothing are left.
        let answer = tokio::time::timeout(HEAD * 10, ask(address)).await.expect("an answer");
        assert!(answer.ends_with("answer"));
        drop(held);
    }

    #[test]
    fn more_files_are_asked_for_than_the_least() {
        let files = open_files();
        assert_eq!(files, open_files(), "asking again changes nothing");
        let limit = getrlimit(Resource::Nofile);
        assert!(limit.current.is_none_or(|current| current >= files as u64));
        assert!(limit.maximum.is_none_or(|most| files as u64 == most.min(WANTED_FILES)), "{limit:?} {files}");
    }

    #[tokio::test]
    async fn at_the_end_requests_that_run_come_to_theirs() {
        let (address, shutdown, serving) = start().await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
        shutdown.cancel();
        tokio::time::timeout(HEAD * 5, serving).await.expect("the end").unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
