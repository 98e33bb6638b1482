//! Webhooks and deliveries, for the wire.

use slipway_core::auto_deploy::{Notice, What};
use slipway_ports::api::{DeliveryView, EffectView, WebhookView};
use slipway_ports::{Delivery, Effect, Webhook};

use crate::site::Site;
use crate::views::time;

/// The path that hosts post to, without the webhook's id.
pub(crate) const HOOKS: &str = "hooks/";

pub(crate) fn view(site: &Site, webhook: &Webhook) -> WebhookView {
    WebhookView {
        id: webhook.id.clone(),
        host: webhook.host.clone(),
        project: webhook.project.as_ref().map(ToString::to_string),
        url: format!("{}{HOOKS}{}", site.page_url(), webhook.id),
        made_by: webhook.made_by.0.clone(),
        made_at: time(webhook.made_at),
    }
}

pub(crate) fn delivery_view(delivery: &Delivery) -> DeliveryView {
    let (settled_at, effects) = match &delivery.settled {
        Some((at, effects)) => (Some(time(*at)), effects.iter().map(effect_view).collect()),
        None => (None, Vec::new()),
    };
    DeliveryView {
        number: delivery.number,
        id: delivery.told.id.clone(),
        event: delivery.told.event.clone(),
        tells: delivery.told.notices.iter().map(words).collect(),
        at: time(delivery.told.at),
        settled_at,
        effects,
    }
}

fn effect_view(effect: &Effect) -> EffectView {
    let (deployment, number) = effect.deployment.clone().unzip();
    EffectView {
        kind: effect.kind.as_str().to_owned(),
        environment: effect.environment.as_ref().map(|(project, name)| format!("{project}/{name}")),
        services: effect.services.iter().map(ToString::to_string).collect(),
        why: effect.why.clone(),
        deployment,
        number,
    }
}

/// What a notice tells, in a line.
fn words(notice: &Notice) -> String {
    let of = &notice.repository_name;
    match &notice.what {
        What::Push { branch, after: None, .. } => format!("branch {branch} of {of} is deleted"),
        What::Push { branch, after: Some(after), forced, .. } => {
            let push = if *forced { "forced push" } else { "push" };
            format!("{push} to {branch} of {of}: {}", after.get(..7).unwrap_or(after))
        }
        What::Tag { tag, .. } => format!("tag {tag} of {of}"),
        What::Request { number, title, .. } => format!("request {number} of {of}: {title}"),
        What::Comment { number, by, .. } => format!("{by} commented on request {number} of {of}"),
        What::Image { image, .. } => format!("image {image}"),
        What::Ping if of.is_empty() => "a try".to_owned(),
        What::Ping => format!("a try from {of}"),
        What::Ignored { event, .. } => format!("{event} of {of}"),
    }
}
