//! What proves who sent a delivery, and in which order it is looked at.

use proptest::prelude::*;
use slipway_hosts::{Host, LARGEST, Refusal, sign, sign_standard};
use slipway_ports::SecretText;

use crate::posted::{DELIVERY, Posted, SECRET};

/// A delivery of each host from which nothing follows, and the header that proves it.
fn of_each_host() -> impl Iterator<Item = (Posted, &'static str)> {
    Host::ALL.into_iter().map(|host| {
        let posted = Posted::new(host, "unknown", r#"{"some":"thing"}"#);
        let (header, _) = sign(host, &SecretText::new(SECRET), &posted.body);
        (posted, header)
    })
}

/// A delivery of GitLab that is signed as Standard Webhooks has it.
fn signed_by_gitlab(secret: &str, id: &str, time: &str, body: &str) -> Posted {
    let mut posted = Posted::new(Host::GitLab, "Pipeline Hook", body);
    posted.headers.remove("x-gitlab-token");
    let (header, value) = sign_standard(&SecretText::new(secret), id, time, body.as_bytes()).unwrap();
    posted.set(header, &value);
    posted.set("webhook-id", id);
    posted.set("webhook-timestamp", time);
    posted
}

#[test]
fn the_signature_that_github_documents_is_made_and_taken() {
    let secret = "It's a Secret to Everybody";
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let made = sign(Host::GitHub, &SecretText::new(secret), b"Hello, World!");
    assert_eq!(made, ("x-hub-signature-256", signature.to_owned()));
    let mut posted = Posted::new(Host::GitHub, "ping", "Hello, World!");
    posted.set("x-hub-signature-256", signature);
    // The signature is good; that the body is no JSON comes after it.
    assert_eq!(posted.receive_with(secret), Err(Refusal::NotJson));
}

#[test]
fn the_signature_that_standard_webhooks_documents_is_made_and_taken() {
    let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
    let mut posted = signed_by_gitlab(SECRET, id, time, body);
    assert_eq!(posted.headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(posted.receive().unwrap().delivery, id);
    let several = format!("v1a,xxx v1,AAAA {}", posted.headers["webhook-signature"]);
    posted.set("webhook-signature", &several);
    assert!(posted.receive().is_ok());
}

#[test]
fn a_signature_of_gitlab_covers_id_time_and_body_and_no_token_stands_in_for_it() {
    let good = signed_by_gitlab(SECRET, DELIVERY, "1614265330", "{}");
    for (header, value) in [("webhook-id", "other"), ("webhook-timestamp", "1614265331"), ("webhook-signature", "v1,AAAA")] {
        let mut changed = good.clone();
        changed.set(header, value);
        changed.set("x-gitlab-token", SECRET);
        assert_eq!(changed.receive(), Err(Refusal::SignatureWrong { header: "webhook-signature" }), "{header}");
    }
    for header in ["webhook-id", "webhook-timestamp"] {
        let mut without = good.clone();
        without.headers.remove(header);
        assert_eq!(without.receive(), Err(Refusal::SignatureMissing { header }));
    }
}

#[test]
fn with_a_secret_that_is_no_signing_token_gitlab_is_known_by_its_token_alone() {
    let secret = "a secret of its own";
    let mut posted = signed_by_gitlab(SECRET, DELIVERY, "1614265330", "{}");
    assert_eq!(posted.receive_with(secret), Err(Refusal::SignatureMissing { header: "x-gitlab-token" }));
    posted.set("x-gitlab-token", secret);
    assert!(posted.receive_with(secret).is_ok());
    assert_eq!(sign_standard(&SecretText::new(secret), "a", "1", b""), None);
    assert_eq!(sign_standard(&SecretText::new("whsec_"), "a", "1", b""), None);
}

#[test]
fn nothing_is_taken_without_a_proof_with_an_empty_one_or_with_that_of_another_secret() {
    for (posted, header) in of_each_host() {
        assert!(posted.receive().is_ok(), "{}", posted.host);
        assert_eq!(posted.receive_with("another"), Err(Refusal::SignatureWrong { header }));
        let (mut without, mut empty) = (posted.clone(), posted);
        without.headers.remove(header);
        assert_eq!(without.receive(), Err(Refusal::SignatureMissing { header }));
        empty.set(header, "");
        assert_eq!(empty.receive(), Err(Refusal::SignatureMissing { header }));
    }
}

#[test]
fn an_empty_secret_proves_nothing() {
    for (mut posted, header) in of_each_host() {
        let (_, value) = sign(posted.host, &SecretText::new(""), &posted.body);
        posted.set(header, &value);
        assert!(posted.receive_with("").is_err(), "{}", posted.host);
    }
}

#[test]
fn a_signature_by_sha1_is_none() {
    let mut posted = Posted::new(Host::GitHub, "ping", "{}");
    posted.headers.remove("x-hub-signature-256");
    posted.set("x-hub-signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59");
    assert_eq!(posted.receive(), Err(Refusal::SignatureMissing { header: "x-hub-signature-256" }));
}

#[test]
fn a_signature_has_one_spelling() {
    for (posted, header) in of_each_host().filter(|(posted, _)| posted.host != Host::GitLab) {
        let good = posted.headers[header].clone();
        for bad in [
            good.to_uppercase(),
            format!("{good}0"),
            format!(" {good}"),
            good.replace("sha256=", "SHA256="),
            good[1..].to_owned(),
        ] {
            if bad != good {
                let mut changed = posted.clone();
                changed.set(header, &bad);
                assert_eq!(changed.receive(), Err(Refusal::SignatureWrong { header }), "{bad}");
            }
        }
    }
}

#[test]
fn of_several_signatures_of_gitea_the_first_counts() {
    let mut posted = Posted::new(Host::Gitea, "unknown", "{}");
    let digits = posted.headers["x-gitea-signature"].clone();
    posted.set("x-hub-signature-256", &format!("sha256={digits}"));
    posted.set("x-gitea-signature", &"0".repeat(64));
    assert_eq!(posted.receive(), Err(Refusal::SignatureWrong { header: "x-gitea-signature" }));
    posted.headers.remove("x-gitea-signature");
    assert!(posted.receive().is_ok());
}

#[test]
fn what_is_wrong_is_told_in_order_and_nothing_of_an_unproven_body_is_read() {
    let mut posted = Posted::new(Host::GitHub, "", "no JSON");
    let signature = posted.headers["x-hub-signature-256"].clone();
    posted.headers.remove("x-github-delivery");
    posted.set("content-type", "text/plain");
    posted.set("x-hub-signature-256", "sha256=0");
    assert_eq!(posted.receive().unwrap_err().code(), "signature-wrong");
    posted.set("x-hub-signature-256", &signature);
    assert_eq!(posted.receive(), Err(Refusal::DeliveryMissing { header: "x-github-delivery" }));
    posted.set("x-github-delivery", DELIVERY);
    assert_eq!(posted.receive(), Err(Refusal::ContentType { expected: "application/json" }));
    posted.set("content-type", "Application/JSON;charset=utf-8");
    assert_eq!(posted.receive(), Err(Refusal::NotJson));
    posted.body = b"{}".to_vec();
    posted.sign();
    assert_eq!(posted.receive().unwrap_err().to_string(), "`x-github-event` is missing, or is no name of an event");
    posted.set("x-github-event", "push");
    assert_eq!(posted.receive().unwrap_err().to_string(), "`ref` is missing");
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_hashed() {
    let mut posted = Posted::new(Host::GitHub, "ping", "{}");
    posted.body = vec![b' '; LARGEST + 1];
    assert_eq!(posted.receive(), Err(Refusal::TooLarge));
    posted.body.truncate(LARGEST);
    assert_eq!(posted.receive().unwrap_err().code(), "signature-wrong");
}

#[test]
fn an_id_of_a_delivery_is_short_and_printable() {
    for bad in ["", "a b", "a\nb", "é", &"a".repeat(129)] {
        for (mut posted, _) in of_each_host() {
            let header = posted.headers.iter().find(|(_, value)| *value == DELIVERY).unwrap().0.clone();
            posted.set(&header, bad);
            assert_eq!(posted.receive().unwrap_err().code(), "delivery-missing", "{} {bad:?}", posted.host);
        }
    }
}

#[test]
fn an_older_gitlab_has_an_id_for_each_body_of_one_chain_of_events() {
    let id_of = |body: &str| {
        let mut posted = Posted::new(Host::GitLab, "Pipeline Hook", body);
        posted.headers.remove("idempotency-key");
        posted.set("x-gitlab-event-uuid", "13792a34");
        posted.receive().unwrap().delivery
    };
    assert_eq!(id_of("{}"), "13792a34-44136fa355b3678a");
    assert_ne!(id_of("{}"), id_of("{ }"));
}

#[test]
fn the_form_of_github_is_read_and_its_signature_covers_the_form() {
    let form = "payload=%7B%22zen%22%3A%22a+b%22%2C%22repository%22%3Anull%7D";
    let mut posted = Posted::new(Host::GitHub, "ping", form);
    posted.set("content-type", "application/x-www-form-urlencoded");
    assert!(posted.receive().is_ok());
    posted.body = b"other=1".to_vec();
    posted.sign();
    assert_eq!(posted.receive().unwrap_err().to_string(), "`payload` is missing in the form");
    posted.host = Host::Gitea;
    posted.set("x-gitea-delivery", DELIVERY);
    posted.sign();
    assert_eq!(posted.receive().unwrap_err().code(), "content-type");
}

#[test]
fn no_refusal_shows_the_secret_or_what_was_sent_in_its_place() {
    for (posted, header) in of_each_host() {
        let refused = posted.receive_with("a secret that stays one").unwrap_err();
        let shown = format!("{refused} {refused:?}");
        assert!(!shown.contains("a secret that stays one") && !shown.contains(&posted.headers[header]), "{shown}");
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_of_body_or_proof_is_refused(host in prop::sample::select(Host::ALL.to_vec()), at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let posted = Posted::new(host, "unknown", r#"{"some":["thing",1]}"#);
        let (header, proof) = sign(host, &SecretText::new(SECRET), &posted.body);
        let mut bytes = proof.into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let mut changed = posted.clone();
        // Seven bits of ASCII stay ASCII.
        changed.set(header, &String::from_utf8(bytes).unwrap());
        prop_assert_eq!(changed.receive(), Err(Refusal::SignatureWrong { header }));
        // GitLab's token says nothing of the body.
        let mut changed = if host == Host::GitLab { signed_by_gitlab(SECRET, DELIVERY, "1", "{\"a\":1}") } else { posted };
        let place = at.index(changed.body.len());
        changed.body[place] ^= 1 << bit;
        prop_assert_eq!(changed.receive().unwrap_err().code(), "signature-wrong");
    }

    #[test]
    fn one_flipped_bit_of_a_signature_of_gitlab_is_refused(at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let mut posted = signed_by_gitlab(SECRET, DELIVERY, "1614265330", "{}");
        let mut bytes = posted.headers["webhook-signature"].clone().into_bytes();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        posted.set("webhook-signature", &String::from_utf8(bytes).unwrap());
        prop_assert_eq!(posted.receive().unwrap_err().code(), "signature-wrong");
    }
}
