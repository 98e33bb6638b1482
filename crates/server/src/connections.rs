//! Connections, each within bounds: a client that is slow, silent or gone holds up nobody but itself, and not for ever.

use std::io::{self, Cursor};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use slipway_ports::CancellationToken;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How long a client may take to send the head of a request, and how long it may be silent between two requests.
const LONGEST_HEAD: Duration = Duration::from_secs(30);
/// Open files that are asked for: each who follows a deployment keeps one.
const WANTED_FILES: u64 = 65_536;
/// How long a system that gives no more connections is left alone.
const PAUSE: Duration = Duration::from_millis(200);
/// What a client says first that speaks HTTP/2 without TLS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What one listener gives its clients.
struct Bounds {
    spoken: Spoken,
    longest_head: Duration,
    /// Connections at once; what comes beyond them waits in the system's queue.
    most_connections: usize,
}

/// What clients may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    /// HTTP/2 too, by who begins with it.
    Http2Also,
}

/// Answers requests until `shutdown`, then lets those that run end.
pub async fn answer(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    answer_within(Bounds::of(Spoken::Http1), listener, router, shutdown).await;
}

/// The same for clients that may speak HTTP/2, such as those of gRPC.
pub(crate) async fn answer_http2_also(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    answer_within(Bounds::of(Spoken::Http2Also), listener, router, shutdown).await;
}

impl Bounds {
    fn of(spoken: Spoken) -> Self {
        // Three listeners leave a quarter of the files to the database, child processes and blobs.
        Self { spoken, longest_head: LONGEST_HEAD, most_connections: open_files() / 4 }
    }

    /// Serves one connection until its end, which comes soon after `shutdown`.
    async fn serve(&self, mut stream: TcpStream, service: TowerToHyperService<Router>, shutdown: &CancellationToken) {
        if self.spoken == Spoken::Http1 {
            return self.serve_http1(stream, service, shutdown).await;
        }
        let said = tokio::select! {
            said = tokio::time::timeout(self.longest_head, first_words(&mut stream)) => said,
            () = shutdown.cancelled() => return,
        };
        let Ok(Ok(said)) = said else { return };
        let is_http2 = said == PREFACE;
        let (reader, writer) = stream.into_split();
        // As if nothing had been read of it.
        let stream = tokio::io::join(Cursor::new(said).chain(reader), writer);
        if is_http2 {
            self.serve_http2(stream, service, shutdown).await;
        } else {
            self.serve_http1(stream, service, shutdown).await;
        }
    }

    async fn serve_http1<S: Stream>(&self, stream: S, service: TowerToHyperService<Router>, shutdown: &CancellationToken) {
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(self.longest_head);
        // Some become websockets, which the routes serve from then on.
        let connection = protocol.serve_connection(TokioIo::new(stream), service).with_upgrades();
        to_its_end(connection, http1::UpgradeableConnection::graceful_shutdown, shutdown).await;
    }

    async fn serve_http2<S: Stream>(&self, stream: S, service: TowerToHyperService<Router>, shutdown: &CancellationToken) {
        let mut protocol = http2::Builder::new(TokioExecutor::new());
        // Who is still there answers to a ping.
        protocol.timer(TokioTimer::new()).keep_alive_interval(self.longest_head);
        let connection = protocol.serve_connection(TokioIo::new(stream), service);
        to_its_end(connection, http2::Connection::graceful_shutdown, shutdown).await;
    }
}

/// What a connection is read from and written to.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What a client says first: enough to tell whether it is the preface of HTTP/2, and no more than that.
async fn first_words(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut said = Vec::with_capacity(PREFACE.len());
    while said.len() < PREFACE.len() && PREFACE.starts_with(&said) {
        let left = (PREFACE.len() - said.len()) as u64;
        if (&mut *stream).take(left).read_buf(&mut said).await? == 0 {
            break;
        }
    }
    Ok(said)
}

/// Serves until the end; `let_go` tells a connection to take no more requests.
async fn to_its_end<C>(connection: C, let_go: impl FnOnce(Pin<&mut C>), shutdown: &CancellationToken)
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            let_go(connection.as_mut());
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
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
    let bounds = Arc::new(bounds);
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
        let (bounds, service, shutdown) = (bounds.clone(), service.clone(), shutdown.clone());
        open.spawn(async move {
            bounds.serve(stream, service, &shutdown).await;
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

    async fn start(spoken: Spoken) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        // Something every tenth of a second, for ever.
        let stream = || async {
            let ticks = tokio_stream::wrappers::IntervalStream::new(tokio::time::interval(Duration::from_millis(100)));
            Body::from_stream(ticks.map(|_| Ok::<_, io::Error>("tick\n")))
        };
        let router = Router::new().route("/", get(|| async { "answer" })).route("/stream", get(stream));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let bounds = Bounds { spoken, longest_head: HEAD, most_connections: PLACES };
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
        never_finish_their_head(Spoken::Http1).await;
    }

    #[tokio::test]
    async fn nor_do_they_where_http2_is_spoken_also_those_that_stop_in_its_preface() {
        let (address, _, _) = start(Spoken::Http2Also).await;
        let mut stopping = TcpStream::connect(address).await.unwrap();
        stopping.write_all(&PREFACE[..3]).await.unwrap();
        never_finish_their_head(Spoken::Http2Also).await;
        let read = tokio::time::timeout(HEAD * 10, stopping.read(&mut [0])).await.expect("it is left");
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }

    async fn never_finish_their_head(spoken: Spoken) {
        let (address, _, _) = start(spoken).await;
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
        let (address, _, _) = start(Spoken::Http1).await;
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

    /// How many bytes come back for a request. A program that another test begins has this socket too until it runs: a connection may be
    /// taken into its queue, and is reset then.
    async fn answer_to_one_more(address: SocketAddr) -> usize {
        let asked = async {
            let mut connection = TcpStream::connect(address).await?;
            connection.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
            connection.read(&mut [0; 1024]).await
        };
        tokio::time::timeout(HEAD, asked).await.expect("what nobody takes is not left open").unwrap_or(0)
    }

    #[tokio::test]
    async fn at_the_end_requests_that_run_come_to_theirs() {
        let (address, shutdown, serving) = start(Spoken::Http1).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
        shutdown.cancel();
        tokio::time::timeout(HEAD * 5, serving).await.expect("the end").unwrap();
        assert_eq!(answer_to_one_more(address).await, 0, "nobody listens any more");
    }
}
