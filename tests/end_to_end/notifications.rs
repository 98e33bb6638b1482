//! Somebody is told of real deployments, by messages that prove who sent them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use slipway_ports::{SecretText, signature, signing_key};

use crate::cluster::Cleared;
use crate::process::eventually;
use crate::server::Server;

const PROJECT: &str = "told";

/// A message as it came.
#[derive(Clone)]
struct Message {
    id: String,
    time: String,
    signature: Option<String>,
    body: String,
}

/// A receiver on loopback that refuses the first message with 503.
#[derive(Clone)]
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}/hook", listener.local_addr().expect("it listens"));
        let receiver = Self { url, heard: Arc::default() };
        let hears = receiver.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| hears.take(&stream)));
        receiver
    }

    fn take(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if line.trim().is_empty() {
                break;
            }
            headers.extend(line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())));
        }
        let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let length = header("content-length").and_then(|length| length.parse().ok()).expect("a length");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let mut heard = self.heard.lock().expect("nobody panics with it");
        let status = if heard.is_empty() { "503 Service Unavailable" } else { "204 No Content" };
        heard.push(Message {
            id: header("webhook-id").expect("an id"),
            time: header("webhook-timestamp").expect("a time"),
            signature: header("webhook-signature"),
            body: String::from_utf8(body).expect("text"),
        });
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("it reads");
    }

    /// The messages, once there are so many.
    fn hears(&self, count: usize) -> Vec<Message> {
        eventually(&format!("{count} messages came"), Duration::from_secs(60), || {
            let heard = self.heard.lock().expect("nobody panics with it").clone();
            (heard.len() >= count).then_some(heard)
        })
    }
}

fn file(url: &str, name: &str, tag: &str) -> String {
    format!(
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: {PROJECT}\nname: {name}\nsecrets: [KEY]\nnotifications:\n\
         - {{kind: webhook, url: \"{url}\", secret: KEY, events: [failed]}}\nservices:\n\
         - name: cache\n  container: {{image: {{name: docker.io/library/redis, tag: \"{tag}\"}}}}\n"
    )
}

#[test]
fn deployments_that_succeed_and_fail_are_told_with_signatures() {
    let cleared = Cleared(PROJECT, "test");
    cleared.now();
    let server = Server::start();
    let (own, named) = (Receiver::new(), Receiver::new());
    let created = ["notification", "create", "webhook", "all", "--url", &own.url, "--project", "to?d", "--output", "json"];
    let made = server.slipway(created).expect_code(0).json();
    let key = signing_key(&SecretText::new(made["secret"].as_str().expect("a secret"))).expect("a key");

    let apply = |tag: &str| server.slipway(["apply", "--file", &server.file(&file(&named.url, "test", tag))]).expect_code(0);
    apply("7.2");
    server.set_secret("told/test", "KEY", "hunter2-told");
    server.slipway(["deploy", "--environment", "told/test", "--progress", "plain"]).expect_code(0);
    // Started, refused; succeeded, and started again after a few seconds, whichever comes first.
    let mut heard = own.hears(3);
    for message in &heard {
        let signed = signature(&key, &message.id, &message.time, message.body.as_bytes());
        assert_eq!(message.signature.as_ref(), Some(&signed), "{}", message.body);
    }
    let first = heard.remove(0);
    let kind = |message: &Message| serde_json::from_str::<Value>(&message.body).expect("JSON")["type"].clone();
    heard.sort_by_key(|message| kind(message).to_string());
    assert_eq!([&first, &heard[0], &heard[1]].map(kind), ["deployment.started", "deployment.started", "deployment.succeeded"]);
    assert_eq!((&first.id, &first.body), (&heard[0].id, &heard[0].body), "told again, it is the same");

    apply("no-such-tag");
    server.slipway(["deploy", "--environment", "told/test", "--progress", "plain"]).expect_code(4);
    let message = named.hears(2).remove(1);
    let told: Value = serde_json::from_str(&message.body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["number"]), (&"deployment.failed".into(), &2.into()), "{told:#}");
    assert_eq!(
        (&told["data"]["failures"][0]["service"], &told["data"]["failures"][0]["code"]),
        (&"cache".into(), &"image-not-found".into())
    );
    let signed = signature(b"hunter2-told", &message.id, &message.time, message.body.as_bytes());
    assert_eq!(message.signature, Some(signed));
    assert!(!message.body.contains("hunter2"), "{}", message.body);

    let all = server.slipway(["notification", "list", "--output", "json"]).expect_code(0).json();
    let of_environment =
        all.as_array().expect("a list").iter().find(|each| each["environment"] == "told/test").expect("it is listed");
    let id = of_environment["id"].as_str().expect("an id");
    let messages = server.slipway(["notification", "deliveries", id, "--output", "json"]).expect_code(0).json();
    assert_eq!((&messages[0]["state"], &messages[0]["attempts"]), (&"delivered".into(), &2.into()), "{messages:#}");
}
