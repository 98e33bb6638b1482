//! What tells of images: a pipeline of the user's own, and a registry.
//!
//! Both show the webhook's secret itself, as `Authorization: Bearer`. A registry posts the envelope of the notifications of CNCF
//! Distribution (<https://distribution.github.io/distribution/about/notifications/>); a pipeline names an image, as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use slipway_core::auto_deploy::{Notice, Teller, What};
use slipway_core::model::ImageReference;
use slipway_ports::SecretText;

use crate::content::parse;
use crate::receive::{Headers, LARGEST, Received, is_id};
use crate::refusal::Refusal;
use crate::signature::verify_bearer;

/// The media type of a registry's envelope.
const ENVELOPE: &str = "application/vnd.docker.distribution.events.v1+json";
/// An envelope of more events is refused.
const MOST_EVENTS: usize = 1000;

/// An image that a pipeline has pushed: `image` with its tag, or both apart.
#[derive(Deserialize)]
struct Named {
    image: String,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    action: String,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    request: Request,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    tag: String,
}

#[derive(Default, Deserialize)]
struct Request {
    #[serde(default)]
    host: String,
}

/// Reads what tells of an image. `unique` is the id of a call of a pipeline that gives it none.
pub(crate) fn receive(
    teller: Teller,
    secret: &SecretText,
    headers: &Headers<'_>,
    body: &[u8],
    unique: &str,
) -> Result<Received, Refusal> {
    if body.len() > LARGEST {
        return Err(Refusal::TooLarge);
    }
    verify_bearer(secret, headers)?;
    let kind = headers("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let expected = match teller {
        Teller::Pipeline => "application/json",
        Teller::Registry => ENVELOPE,
    };
    if !kind.eq_ignore_ascii_case(expected) {
        return Err(Refusal::ContentType { expected });
    }
    match teller {
        Teller::Pipeline => pipeline(headers, body, unique),
        Teller::Registry => registry(body),
    }
}

fn pipeline(headers: &Headers<'_>, body: &[u8], unique: &str) -> Result<Received, Refusal> {
    let header = "idempotency-key";
    let delivery = match headers(header) {
        Some(key) if is_id(key) => key.to_owned(),
        Some(_) => return Err(Refusal::DeliveryMissing { header }),
        None => unique.to_owned(),
    };
    let Named { image, tag } = parse(body)?;
    let text = tag.as_ref().map_or_else(|| image.clone(), |tag| format!("{image}:{tag}"));
    let reference = ImageReference::parse(&text).map_err(|_| Refusal::malformed("image", "is no image"))?;
    if reference.tag().is_none() {
        return Err(Refusal::malformed("tag", "is missing: the image is named with it, or beside it"));
    }
    let notices = vec![notice(&reference, Teller::Pipeline)];
    Ok(Received { delivery, event: "image".to_owned(), notices })
}

fn registry(body: &[u8]) -> Result<Received, Refusal> {
    let Envelope { events } = parse(body)?;
    if events.len() > MOST_EVENTS {
        return Err(Refusal::malformed("events", "are more than 1,000"));
    }
    let ids: Vec<_> = events.iter().map(|event| event.id.as_str()).collect();
    let digest: String = Sha256::digest(ids.join("\n")).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let pushed = events.iter().filter(|event| event.action == "push" && !event.target.tag.is_empty());
    let images = pushed.filter_map(|Event { target, request, .. }| {
        ImageReference::parse(&format!("{}/{}:{}", request.host, target.repository, target.tag)).ok()
    });
    // The layers of an image are pushed one by one, and several platforms under one tag: it counts once.
    let images: BTreeMap<_, _> = images.map(|image| (image.to_string(), image)).collect();
    let notices = images.values().map(|image| notice(image, Teller::Registry)).collect();
    Ok(Received { delivery: digest, event: "push".to_owned(), notices })
}

fn notice(image: &ImageReference, teller: Teller) -> Notice {
    Notice {
        repository: Vec::new(),
        repository_name: format!("{}/{}", image.host(), image.path()),
        sender: None,
        what: What::Image { image: image.to_string(), teller },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(teller: Teller, kind: &'static str, token: &'static str, body: &str) -> Result<Received, Refusal> {
        let headers = |name: &str| match name {
            "content-type" => Some(kind),
            "authorization" => Some(token),
            _ => None,
        };
        receive(teller, &SecretText::new("hunter2"), &headers, body.as_bytes(), "unique")
    }

    fn images(received: &Received) -> Vec<&str> {
        let told = received.notices.iter().map(|notice| match &notice.what {
            What::Image { image, .. } => image.as_str(),
            other => panic!("an image, not {other:?}"),
        });
        told.collect()
    }

    #[test]
    fn a_pipeline_names_an_image_with_its_tag_or_beside_it() {
        for body in [r#"{"image": "registry.example/shop/api:1.5"}"#, r#"{"image": "registry.example/shop/api", "tag": "1.5"}"#] {
            let received = told(Teller::Pipeline, "application/json", "Bearer hunter2", body).unwrap();
            assert_eq!((received.delivery.as_str(), images(&received)), ("unique", vec!["registry.example/shop/api:1.5"]));
            assert_eq!(received.notices[0].repository_name, "registry.example/shop/api");
        }
        for body in [r#"{"image": "registry.example/shop/api"}"#, r#"{"image": "-x"}"#, r#"{"image": ""}"#, "{}", "[]"] {
            let refused = told(Teller::Pipeline, "application/json", "Bearer hunter2", body).unwrap_err();
            assert_eq!(refused.code(), "malformed", "{body}");
        }
    }

    /// As the documentation of the notifications has it, shortened.
    #[test]
    fn a_registry_tells_of_many_pushes_and_those_without_a_tag_do_not_count() {
        let event = |id: &str, action: &str, tag: &str| {
            format!(
                r#"{{"id": "{id}", "timestamp": "2016-03-09T14:44:26.402973972-08:00", "action": "{action}", "target": {{"mediaType":
                "application/vnd.docker.distribution.manifest.v2+json", "size": 708, "digest": "sha256:fea8", "length": 708,
                "repository": "hello-world", "url": "http://192.168.100.227:5000/v2/hello-world/manifests/sha256:fea8", "tag": "{tag}"}},
                "request": {{"id": "6df2", "addr": "192.168.64.11:42961", "host": "192.168.100.227:5000", "method": "PUT"}},
                "actor": {{}}, "source": {{"addr": "xtal.local:5000"}}}}"#
            )
        };
        let body = |events: &[String]| format!(r#"{{"events": [{}]}}"#, events.join(","));
        let all = body(&[
            event("1", "push", "latest"),
            event("2", "push", ""),
            event("3", "pull", "old"),
            event("5", "push", "latest"),
        ]);
        let received = told(Teller::Registry, ENVELOPE, "Bearer hunter2", &all).unwrap();
        assert_eq!(images(&received), ["192.168.100.227:5000/hello-world:latest"]);
        let again = told(Teller::Registry, ENVELOPE, "Bearer hunter2", &all).unwrap();
        let other = told(Teller::Registry, ENVELOPE, "Bearer hunter2", &body(&[event("4", "push", "latest")])).unwrap();
        assert!(received.delivery == again.delivery && received.delivery != other.delivery, "its ids tell deliveries apart");
    }

    #[test]
    fn who_does_not_know_the_secret_is_not_read() {
        for token in ["", "Bearer", "Bearer hunter3", "hunter2", "Basic hunter2"] {
            let refused = told(Teller::Pipeline, "application/json", token, "no JSON").unwrap_err();
            assert!(matches!(refused.code(), "signature-missing" | "signature-wrong"), "{token}: {refused}");
        }
        assert_eq!(told(Teller::Pipeline, "text/plain", "Bearer hunter2", "{}").unwrap_err().code(), "content-type");
        assert_eq!(told(Teller::Registry, ENVELOPE, "bearer hunter2", "no JSON").unwrap_err().code(), "not-json");
    }
}
