//! What is sent, to the letter.

use slipway_ports::{CommitState, CommitStatus, RequestHosts as _};

use crate::cases::never;
use crate::comment_cases::comment;
use crate::server::{Sent, Server};
use crate::world::{HEAD, STRANGER};

/// Headers that say nothing of a host.
const PLAIN: [&str; 3] = ["host", "user-agent", "content-length"];

pub(crate) async fn what_is_sent(server: &Server) {
    let (api, at) = (&server.api, server.at());
    server.world(|world| world.comment(STRANGER, "Nice!"));
    api.request(&at, 7, &never()).await.unwrap();
    // A host that does not tell it is not asked.
    assert_eq!(api.may_write(&at, "ada", &never()).await.is_ok(), server.host.tells_rights);
    let status = CommitStatus {
        state: CommitState::Failure,
        context: "slipway/shop/preview-of-request-7/storefront".into(),
        description: format!("`api` failed: {}", "x".repeat(200)),
        link: None,
    };
    api.set_status(&at, HEAD, &status, &never()).await.unwrap();
    let linked = CommitStatus { state: CommitState::Success, link: Some("https://slipway.example.com/d/1".into()), ..status };
    api.set_status(&at, HEAD, &CommitStatus { description: "Up".into(), ..linked }, &never()).await.unwrap();
    api.put_comment(&at, 7, &comment("Building."), &never()).await.unwrap();
    api.put_comment(&at, 7, &comment("Up."), &never()).await.unwrap();

    let sent: Vec<String> = server.sent().iter().map(|sent| shown(server, sent)).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(server.host.kind, sent.join("\n\n"));
    });
}

fn shown(server: &Server, sent: &Sent) -> String {
    assert_eq!(sent.headers["user-agent"], concat!("slipway/", env!("CARGO_PKG_VERSION")));
    let mut lines = vec![format!("{} {}", sent.method, sent.path)];
    for (name, value) in sent.headers.iter().filter(|(name, _)| !PLAIN.contains(&name.as_str())) {
        let value = server.host.secrets().iter().fold(value.clone(), |value, secret| value.replace(secret, "***"));
        lines.push(format!("{name}: {value}"));
    }
    if !sent.body.is_null() {
        lines.push(sent.body.to_string());
    }
    lines.join("\n").replace(server.root(), "http://HOST")
}
