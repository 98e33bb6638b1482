//! A webhook of a server, told as Gitea tells.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_hosts::{Host as Kind, sign};
use slipway_ports::SecretText;

use crate::process::eventually;
use crate::server::Server;

/// A webhook of a kind, made: its `id`, `url` and `secret`.
pub(crate) fn made(server: &Server, kind: &str) -> Value {
    server.slipway(["webhook", "create", kind, "--output", "json"]).expect_code(0).json()
}

/// A webhook for Gitea, for the environments of all projects.
pub(crate) struct Hook<'a> {
    server: &'a Server,
    id: String,
    pub(crate) secret: SecretText,
}

impl<'a> Hook<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        let made = made(server, "gitea");
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        Self { server, id: text("id"), secret: SecretText::new(text("secret")) }
    }

    /// Posts a delivery, signed by a secret, and returns the status and the answer.
    pub(crate) fn post(&self, event: &str, delivery: &str, secret: &SecretText, body: &str) -> (u16, Value) {
        let (header, signature) = sign(Kind::Gitea, secret, body.as_bytes());
        let address = self.server.address();
        let head = format!(
            "POST /hooks/{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nX-Gitea-Event: {event}\r\n\
             X-Gitea-Delivery: {delivery}\r\n{header}: {signature}\r\nContent-Length: {}\r\n\r\n",
            self.id,
            body.len()
        );
        let mut stream = TcpStream::connect(&address).expect("the server listens");
        stream.write_all((head + body).as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let json = answer.find('{').zip(answer.rfind('}')).map_or("null", |(from, to)| &answer[from..=to]);
        (status, serde_json::from_str(json).expect("the answer is JSON"))
    }

    /// Tells something new, and waits until that is settled.
    pub(crate) fn tell(&self, event: &str, delivery: &str, body: &str) -> Value {
        let (status, answer) = self.post(event, delivery, &self.secret, body);
        assert_eq!((status, &answer["known"]), (202, &json!(false)), "{answer:#}");
        eventually(&format!("delivery {delivery} is settled"), Duration::from_secs(60), || {
            let all = self.server.slipway(["webhook", "deliveries", "--output", "json"]).expect_code(0).json();
            let found = all.as_array()?.iter().find(|known| known["id"] == delivery)?.clone();
            found["settledAt"].is_string().then_some(found)
        })
    }
}
