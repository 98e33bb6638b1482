//! Messages as a receiver gets them, and receivers of every kind.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use slipway_core::address::AddressRule;
use slipway_core::deployment::Timestamp;
use slipway_notifier::HttpNotifier;
use slipway_ports::{Addresses, Answer, Names, Notifier as _, Post, ReceiverAddress, SecretText};
use tokio::net::TcpListener;

type Answering = Arc<dyn Fn() -> Response + Send + Sync>;

/// A receiver on loopback, and what it was told.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    told: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answer: Answering,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    receiver.told.lock().unwrap().push((headers, body));
    (receiver.answer)()
}

impl Receiver {
    async fn answering(answer: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Self { address, told: Arc::default(), answer: Arc::new(answer) };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    fn url(&self) -> String {
        format!("http://{}/hook?key=hunter2", self.address)
    }

    fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }
}

fn local() -> HttpNotifier {
    HttpNotifier::new(Addresses::default()).unwrap()
}

fn message(url: &str, secret: Option<&str>) -> Post {
    Post {
        address: ReceiverAddress { url: SecretText::new(url), secret: secret.map(SecretText::new) },
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
        at: Timestamp(1_614_265_330_999),
        body: r#"{"test": 2432232314}"#.to_owned(),
    }
}

async fn post_to(receiver: &Receiver) -> Answer {
    local().post(&message(&receiver.url(), None)).await
}

/// HMAC as RFC 2104 says it, by other means than the program's.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().to_vec()
}

#[tokio::test]
async fn a_message_is_signed_over_its_id_its_time_and_its_body() {
    let receiver = Receiver::answering(|| StatusCode::NO_CONTENT.into_response()).await;
    let encoded = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let long = "a secret of more than sixty-four bytes, which is hashed before it becomes a key";
    let secrets = [(format!("whsec_{encoded}"), STANDARD.decode(encoded).unwrap()), (long.to_owned(), long.as_bytes().to_vec())];
    for (secret, key) in secrets {
        let answer = local().post(&message(&receiver.url(), Some(&secret))).await;
        assert_eq!(answer, Answer { status: Some(204), line: String::new(), retry_after: None });
        let (headers, body) = receiver.told.lock().unwrap().pop().unwrap();
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!((header("content-type").as_str(), header("webhook-timestamp").as_str()), ("application/json", "1614265330"));
        assert!(header("user-agent").starts_with("slipway/"));
        let signed = [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", &body].concat();
        assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed))));
    }
    let vector = message(&receiver.url(), Some(&format!("whsec_{encoded}")));
    assert!(local().post(&vector).await.is_success());
    let signature = receiver.told.lock().unwrap().pop().unwrap().0["webhook-signature"].clone();
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "the vector of the standard");
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed_and_with_a_broken_one_nothing_is_sent() {
    let receiver = Receiver::answering(|| "ok".into_response()).await;
    assert!(post_to(&receiver).await.is_success());
    assert!(!receiver.told.lock().unwrap()[0].0.contains_key("webhook-signature"));
    for secret in ["whsec_", "whsec_no base64", ""] {
        let answer = local().post(&message(&receiver.url(), Some(secret))).await;
        assert!(answer.status.is_none() && answer.line.contains("its secret is none"), "{answer:?}");
    }
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_redirect_is_no_success_and_is_not_followed() {
    let elsewhere = Receiver::answering(|| "ok".into_response()).await;
    let to = elsewhere.url();
    let receiver = Receiver::answering(move || (StatusCode::FOUND, [("location", to.clone())]).into_response()).await;
    let answer = post_to(&receiver).await;
    assert!(
        answer.status == Some(302) && !answer.is_success() && answer.line.contains("redirects are not followed"),
        "{answer:?}"
    );
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn what_a_receiver_wishes_is_heard() {
    let gone = Receiver::answering(|| (StatusCode::GONE, "unsubscribed").into_response()).await;
    let answer = post_to(&gone).await;
    assert!(answer.is_gone() && answer.line == "unsubscribed", "{answer:?}");
    let busy = Receiver::answering(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")], "slower").into_response()).await;
    let answer = post_to(&busy).await;
    assert_eq!(answer, Answer { status: Some(429), line: "slower".to_owned(), retry_after: Some(Duration::from_secs(120)) });
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_as_far_as_it_is_kept() {
    let endless = || {
        let pieces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1_000])));
        (StatusCode::BAD_REQUEST, Body::from_stream(pieces)).into_response()
    };
    let answer = post_to(&Receiver::answering(endless).await).await;
    assert_eq!(answer, Answer { status: Some(400), line: format!("{}…", "x".repeat(200)), retry_after: None });
}

/// The clock of the runtime goes on as soon as nothing else does, so what waits for a silent receiver ends.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hunter2", listener.local_addr().unwrap());
    let answer = local().post(&message(&url, None)).await;
    assert_eq!(answer, Answer::none("it did not answer in time"));
}

#[tokio::test]
async fn a_connection_that_closes_and_one_that_is_refused_are_no_answers_and_tell_no_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/hunter2");
    let closing = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let closed = local().post(&message(&url, None)).await;
    closing.await.unwrap();
    let refused = local().post(&message(&url, None)).await;
    assert!(closed.status.is_none() && closed.line.starts_with("the connection broke: "), "{closed:?}");
    assert!(refused.status.is_none() && refused.line.starts_with("it can not be reached: "), "{refused:?}");
    for answer in [closed, refused] {
        assert!(!answer.line.contains("hunter2"), "{answer:?}");
    }
}

#[tokio::test]
async fn places_that_are_not_allowed_are_not_asked() {
    let receiver = Receiver::answering(|| "ok".into_response()).await;
    let anywhere = HttpNotifier::new(Addresses::new(AddressRule::default())).unwrap();
    let port = receiver.address.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://localhost.:{port}/"),
    ] {
        let answer = anywhere.post(&message(&url, None)).await;
        assert!(answer.status.is_none() && answer.line.starts_with("it is not asked: "), "{url}: {answer:?}");
    }
    assert_eq!(receiver.count(), 0);
    let local = local();
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/",
        "http://user:hunter2@hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "hooks.example",
        "",
    ] {
        let answer = local.post(&message(url, None)).await;
        assert!(answer.status.is_none() && answer.line.starts_with("it is not asked: "), "{url}: {answer:?}");
        assert!(local.check(url).is_err() && !answer.line.contains("hunter2"), "{url}: {answer:?}");
    }
    assert_eq!(local.check("https://hooks.example/x?y"), Ok(()));
}

/// Names that stand for other addresses with every look-up.
struct Moving {
    addresses: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Moving {
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        assert_eq!(name, "hooks.internal");
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.addresses.len() - 1);
        Ok(self.addresses[turn].iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn moving(rule: AddressRule, addresses: &[&[&'static str]]) -> (HttpNotifier, Arc<Moving>) {
    let addresses = addresses.iter().map(|addresses| addresses.to_vec()).collect();
    let names = Arc::new(Moving { addresses, asked: AtomicUsize::new(0) });
    (HttpNotifier::new(Addresses::with_names(rule, names.clone())).unwrap(), names)
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    let receiver = Receiver::answering(|| "ok".into_response()).await;
    let url = format!("http://hooks.internal:{}/", receiver.address.port());
    let rule = || AddressRule { is_local: false, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
    // The name moves to metadata as soon as it was looked up.
    let (notifier, names) = moving(rule(), &[&["127.0.0.1"], &["169.254.169.254"]]);
    assert!(notifier.post(&message(&url, None)).await.is_success());
    assert_eq!((names.asked.load(Ordering::SeqCst), receiver.count()), (1, 1), "one look-up, which was judged");
    let refused = notifier.post(&message(&url, None)).await;
    let why = "it is not asked: hooks.internal is 169.254.169.254, which is a metadata address, and those are never asked";
    assert_eq!(refused, Answer::none(why));

    // One address of several that may not be asked is enough.
    let (notifier, _) = moving(rule(), &[&["127.0.0.1", "10.0.0.1"]]);
    let refused = notifier.post(&message(&url, None)).await;
    assert!(refused.line.contains("hooks.internal is 10.0.0.1, which is not of the open internet"), "{refused:?}");
    // A host that is named is allowed whatever it stands for, but metadata.
    let (notifier, _) =
        moving(AddressRule { is_local: false, allowed: vec!["hooks.internal".parse().unwrap()] }, &[&["127.0.0.1"]]);
    assert!(notifier.post(&message(&url, None)).await.is_success());
    let (notifier, _) = moving(rule(), &[&[]]);
    assert!(notifier.post(&message(&url, None)).await.line.contains("stands for no address"));
    assert_eq!(receiver.count(), 2);
}
