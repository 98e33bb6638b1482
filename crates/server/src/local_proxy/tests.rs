use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::Message;
use axum::routing::{any, get, post};
use futures::{SinkExt as _, StreamExt as _};
use http_body_util::{Full, StreamBody};
use hyper::body::{Bytes, Frame};
use slipway_docker::Route;
use slipway_ports::CancellationToken;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::connections::{answer, answer_http2_also};

type Parts = mpsc::Receiver<Result<Frame<Bytes>, Infallible>>;

/// A container that answers as this router does.
async fn container(router: Router, speaks: Speaks) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    match speaks {
        Speaks::Http1 => tokio::spawn(answer(listener, router, CancellationToken::new())),
        Speaks::Http2 => tokio::spawn(answer_http2_also(listener, router, CancellationToken::new())),
    };
    address
}

/// A proxy to one container, and what it knows.
async fn proxy(router: Router, speaks: Speaks) -> (SocketAddr, Arc<Routes>) {
    let containers = vec![("c".to_owned(), container(router, speaks).await)];
    let routes = Arc::new(Routes::default());
    routes.replace(vec![Route { host: "web.localhost".to_owned(), path: "/".to_owned(), speaks, containers }]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(answer_http2_also(listener, super::router(routes.clone()), CancellationToken::new()));
    (address, routes)
}

fn stream(parts: Parts) -> Body {
    Body::new(StreamBody::new(ReceiverStream::new(parts)))
}

fn data(text: &'static str) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(text.as_bytes()))
}

/// A connection of a client that speaks HTTP/2 from the first byte.
async fn http2_client(proxy: SocketAddr) -> http2::SendRequest<Body> {
    let stream = TokioIo::new(TcpStream::connect(proxy).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn next(body: &mut Incoming) -> Frame<Bytes> {
    tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("a part comes").expect("there is one").unwrap()
}

#[tokio::test]
async fn a_websocket_passes_in_both_directions_until_one_side_ends_it() {
    let echo = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message
                    && socket.send(Message::Text(format!("{text} back").into())).await.is_err()
                {
                    return;
                }
            }
        })
    };
    let (proxy, routes) = proxy(Router::new().route("/socket", any(echo)), Speaks::Http1).await;
    let stream = TcpStream::connect(proxy).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async("ws://web.localhost/socket", stream).await.unwrap();
    for text in ["one", "two"] {
        socket.send(tokio_tungstenite::tungstenite::Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap().as_str(), format!("{text} back"));
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), routes.drain("c")).await.is_err(), "its container is not idle");
    socket.close(None).await.unwrap();
    while socket.next().await.is_some_and(|end| end.is_ok()) {}
    drop(socket);
    tokio::time::timeout(Duration::from_secs(5), routes.drain("c")).await.expect("now it is");
}

#[tokio::test]
async fn each_part_of_a_long_answer_comes_at_once_and_the_container_is_busy_until_the_last() {
    let (tell, parts) = mpsc::channel(1);
    let parts = Arc::new(tokio::sync::Mutex::new(Some(parts)));
    let answers = move || async move { stream(parts.lock().await.take().unwrap()) };
    let (proxy, routes) = proxy(Router::new().route("/", get(answers)), Speaks::Http1).await;
    let stream = TokioIo::new(TcpStream::connect(proxy).await.unwrap());
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("/").header(header::HOST, "web.localhost:8080").body(Body::empty()).unwrap();
    tell.send(Ok(data("first"))).await.unwrap();
    let mut answer = sender.send_request(request).await.unwrap().into_body();
    assert_eq!(next(&mut answer).await.into_data().unwrap(), "first", "before the second is written");
    assert!(tokio::time::timeout(Duration::from_millis(100), routes.drain("c")).await.is_err(), "a request is in flight");
    assert_eq!(routes.passages("web.localhost", "/").unwrap_err(), NoPassage::NotReady, "and no other one comes");
    tell.send(Ok(data("second"))).await.unwrap();
    assert_eq!(next(&mut answer).await.into_data().unwrap(), "second", "also while the container is to go");
    drop(tell);
    assert!(answer.frame().await.is_none());
    tokio::time::timeout(Duration::from_secs(5), routes.drain("c")).await.expect("it has nothing to do any more");
}

#[tokio::test]
async fn a_call_of_grpc_goes_both_ways_at_once_and_ends_with_its_status() {
    // Says back what it is told, message by message, then its trailers.
    let call = |request: Request| async move {
        assert_eq!(request.headers()[header::TE], "trailers");
        assert_eq!(request.headers()["x-forwarded-host"], "web.localhost:8080");
        assert_eq!(request.uri().authority().unwrap().as_str(), "web.localhost:8080");
        let (tell, parts) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut body = request.into_body();
            while let Some(Ok(part)) = body.frame().await {
                tell.send(Ok(part)).await.unwrap();
            }
            let status = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
            tell.send(Ok(Frame::trailers(status))).await.unwrap();
        });
        ([(header::CONTENT_TYPE, "application/grpc")], stream(parts))
    };
    let (proxy, _) = proxy(Router::new().route("/shop.Cart/Watch", post(call)), Speaks::Http2).await;
    let mut sender = http2_client(proxy).await;
    let (tell, parts) = mpsc::channel(1);
    let request = hyper::Request::post("http://web.localhost:8080/shop.Cart/Watch")
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, "application/grpc")
        .body(stream(parts))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()[header::CONTENT_TYPE]),
        (StatusCode::OK, &HeaderValue::from_static("application/grpc"))
    );
    let mut answer = answer.into_body();
    for message in ["one", "two"] {
        tell.send(Ok(data(message))).await.unwrap();
        assert_eq!(next(&mut answer).await.into_data().unwrap(), message, "while the call goes on");
    }
    drop(tell);
    assert_eq!(next(&mut answer).await.into_trailers().unwrap()["grpc-status"], "0");
}

fn told(request: &Request) -> String {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    format!("{:?} {} {} {}", request.version(), host(request), header("cookie"), header("x-forwarded-for"))
}

#[tokio::test]
async fn clients_of_both_versions_reach_containers_of_both() {
    let tells = |request: Request| async move {
        let told = told(&request);
        let body = request.into_body().collect().await.unwrap().to_bytes();
        format!("{told} {}", String::from_utf8_lossy(&body))
    };
    for (speaks, version) in [(Speaks::Http1, "HTTP/1.1"), (Speaks::Http2, "HTTP/2.0")] {
        let (proxy, _) = proxy(Router::new().route("/", post(tells)), speaks).await;
        let mut client = http2_client(proxy).await;
        let request = |uri: &str| hyper::Request::post(uri).header("cookie", "a=1").header("cookie", "b=2");
        let sent = request("http://web.localhost/").body(Body::new(Full::from("hello"))).unwrap();
        let answer = client.send_request(sent).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(answer, format!("{version} web.localhost a=1; b=2 127.0.0.1 hello"));
        let stream = TokioIo::new(TcpStream::connect(proxy).await.unwrap());
        let (mut client, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let sent = request("/").header("host", "web.localhost").body(Body::new(Full::from("hello"))).unwrap();
        let answer = client.send_request(sent).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(answer, format!("{version} web.localhost a=1; b=2 127.0.0.1 hello"));
    }
}

#[tokio::test]
async fn who_speaks_http2_is_told_too_that_nobody_is_there() {
    let (proxy, routes) = proxy(Router::new(), Speaks::Http2).await;
    let mut client = http2_client(proxy).await;
    let get = |uri: &str| hyper::Request::get(uri).body(Body::empty()).unwrap();
    assert_eq!(client.send_request(get("http://other.localhost/")).await.unwrap().status(), StatusCode::NOT_FOUND);
    routes.replace(vec![Route {
        host: "web.localhost".to_owned(),
        path: "/".to_owned(),
        speaks: Speaks::Http2,
        containers: vec![("c".to_owned(), SocketAddr::from(([127, 0, 0, 1], 1)))],
    }]);
    assert_eq!(client.send_request(get("http://web.localhost/")).await.unwrap().status(), StatusCode::BAD_GATEWAY);
}
