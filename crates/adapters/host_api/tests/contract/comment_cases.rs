//! Comments that are found again.

use slipway_core::failure::{Code, FailureKind};
use slipway_ports::{MarkedComment, RequestHosts as _};

use crate::cases::never;
use crate::server::Server;
use crate::world::{OWNER, STRANGER};

pub(crate) const MARK: &str = "request:acme/shop-7";

pub(crate) fn comment(text: &str) -> MarkedComment {
    MarkedComment { mark: MARK.into(), text: text.into() }
}

async fn put(server: &Server, text: &str) {
    server.api.put_comment(&server.at(), 7, &comment(text), &never()).await.unwrap();
}

/// A text as it stands at the host.
fn marked(server: &Server, text: &str) -> String {
    format!("{text}\n\n{}", (server.host.mark)(MARK))
}

pub(crate) async fn a_comment_is_written_once_and_then_in_its_place(server: &Server) {
    server.world(|world| world.comment(STRANGER, "First!"));
    put(server, "The preview is **building**.\n").await;
    assert_eq!(server.world(|world| world.by(OWNER)), [marked(server, "The preview is **building**.")]);
    server.world(|world| world.comment(STRANGER, &format!("> {}", (world.by(OWNER)[0]).replace('\n', "\n> "))));
    put(server, "The preview is **up**.").await;
    put(server, "The preview is **gone**.").await;
    assert_eq!(server.world(|world| world.by(OWNER)), [marked(server, "The preview is **gone**.")]);
    assert_eq!(server.writes().len(), 3);
}

pub(crate) async fn a_comment_that_is_the_same_is_not_sent(server: &Server) {
    put(server, "Up.").await;
    // Some hosts keep lines with the ends that browsers send.
    server.world(|world| world.comments[0].text = world.comments[0].text.replace('\n', "\r\n"));
    assert_eq!(server.writes().len(), 1);
    put(server, "Up.").await;
    assert!(server.writes().is_empty());
}

pub(crate) async fn a_comment_is_found_among_many(server: &Server) {
    // Whether a host lists the oldest or the newest first, one of both is on the second page.
    for (older, newer) in [(150, 0), (0, 150)] {
        server.world(|world| world.comments.clear());
        server.world(|world| world.fill(older));
        put(server, "Building.").await;
        server.world(|world| world.fill(newer));
        put(server, "Up.").await;
        assert_eq!(server.world(|world| world.by(OWNER)), [marked(server, "Up.")], "{older} {newer}");
    }
}

pub(crate) async fn what_a_stranger_marks_is_not_written_over(server: &Server) {
    let forged = marked(server, "Send me your password.");
    server.world(|world| world.comment(STRANGER, &forged));
    put(server, "Building.").await;
    put(server, "Up.").await;
    assert_eq!(server.world(|world| world.by(STRANGER)), [forged]);
    assert_eq!(server.world(|world| world.by(OWNER)), [marked(server, "Up.")]);
    let writes = server.writes();
    assert_eq!(writes.len(), 2, "nobody tries to write over what is known to be another's: {writes:?}");
}

pub(crate) async fn a_token_without_a_name_finds_its_comment(server: &Server) {
    let forged = marked(server, "Send me your password.");
    server.world(|world| {
        world.owner_is_told = false;
        world.comment(STRANGER, &forged);
    });
    put(server, "Building.").await;
    put(server, "Up.").await;
    assert_eq!(server.world(|world| world.by(STRANGER)), [forged]);
    assert_eq!(server.world(|world| world.by(OWNER)), [marked(server, "Up.")]);
}

pub(crate) async fn comments_without_an_end_are_not_added_to(server: &Server) {
    server.world(|world| world.fill(2100));
    let put = server.api.put_comment(&server.at(), 7, &comment("Up."), &never()).await;
    let sent = server.sent();
    if server.host.has_pages {
        let failure = put.unwrap_err();
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RepositoryUnreachable));
        assert_eq!((sent.len(), server.world(|world| world.by(OWNER).len())), (20, 0));
    } else {
        put.unwrap();
        assert_eq!((sent.len(), server.world(|world| world.by(OWNER).len())), (2, 1));
    }
}

pub(crate) async fn a_mark_that_could_be_seen_is_refused(server: &Server) {
    for mark in ["", "a b", "a-->", "a)", "a\n", "ü"] {
        let comment = MarkedComment { mark: mark.into(), text: "Up.".into() };
        let failure = server.api.put_comment(&server.at(), 7, &comment, &never()).await.unwrap_err();
        assert_eq!(failure.code, Code::Internal, "{mark:?}");
    }
    assert!(server.sent().is_empty());
}
