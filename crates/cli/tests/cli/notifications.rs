//! `slipway notification` against a server of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::Home;
use serde_json::Value;

/// Takes one request, and answers with a status.
fn answer_once(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&request).contains("\r\n\r\n{") {
        let read = stream.read(&mut piece).unwrap();
        request.extend_from_slice(&piece[..read]);
    }
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nheard").unwrap();
    String::from_utf8(request).unwrap()
}

#[test]
fn a_notification_is_made_with_a_secret_that_is_told_once_tried_listed_and_deleted() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    let (code, _, said) = home.slipway(&["notification", "list"]);
    assert_eq!((code, said.contains("nobody is told of deployments")), (0, true), "{said}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?key=hunter2", listener.local_addr().unwrap());
    let (code, made, said) = home.slipway(&[
        "notification",
        "create",
        "webhook",
        "audit",
        "--url",
        &url,
        "--project",
        "sh*",
        "--mode",
        "production",
        "--event",
        "failed",
        "--event",
        "canceled",
    ]);
    assert_eq!(code, 0, "{said}");
    let secret = made.trim().strip_prefix("secret  ").unwrap();
    assert!(secret.starts_with("whsec_") && !said.contains(secret), "data is on standard output alone: {made}");
    assert!(said.contains("is told of failed, canceled of sh* in production. Enter the secret"), "{said}");
    let (_, listed, _) = home.slipway(&["notification", "list"]);
    assert!(
        listed.contains("audit") && listed.contains("ok") && !listed.contains("hunter2") && !listed.contains(secret),
        "{listed}"
    );

    let answering = std::thread::spawn(move || [answer_once(&listener, "200 OK"), answer_once(&listener, "500 Oops")]);
    let (code, tried, said) = home.slipway(&["notification", "test", "audit"]);
    assert_eq!((code, tried.contains("delivered 200: heard")), (0, true), "{tried}{said}");
    let (code, tried, said) = home.slipway(&["notification", "test", "audit", "--output", "json"]);
    let tried: Value = serde_json::from_str(&tried).unwrap();
    assert_eq!((code, &tried["state"], &tried["status"]), (7, &Value::from("failed"), &Value::from(500)), "{tried}{said}");
    let [heard, _] = answering.join().unwrap();
    assert!(heard.starts_with("POST /hook?key=hunter2 ") && heard.contains("webhook-signature: v1,"), "{heard}");
    let (_, shown, _) = home.slipway(&["notification", "deliveries", "audit"]);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.lines().next().unwrap().ends_with("failed 500: heard"), "the newest first: {shown}");

    let (code, _, said) = home.slipway(&["notification", "create", "slack", "audit", "--url", &url]);
    assert_eq!((code != 0, said.contains("there is a notification `audit` already")), (true, true), "{said}");
    let (code, _, said) = home.slipway(&["notification", "create", "slack", "chat", "--url", "http://169.254.169.254/"]);
    assert_eq!((code != 0, said.contains("is a metadata address")), (true, true), "{said}");
    for bad in [["--event", "ended"], ["--mode", "prod"], ["--project", "a b"]] {
        assert_eq!(
            home.slipway(&[&["notification", "create", "slack", "chat", "--url", &url][..], &bad[..]].concat()).0,
            2,
            "{bad:?}"
        );
    }
    assert_eq!(home.slipway(&["notification", "delete", "audit"]).0, 0);
    assert_eq!(home.slipway(&["notification", "delete", "audit"]).0, 6);
}
