//! Notifications and their messages, for the wire.

use std::collections::BTreeMap;

use slipway_core::model::EnvironmentMode;
use slipway_core::notification::{Filter, Message};
use slipway_engine::{EnvironmentReceiver, Told};
use slipway_ports::api::{MessageView, NewNotification, NotificationView};
use slipway_ports::{MessageDelivery, Receiver, ReceiverStanding};

use crate::problem::Problem;
use crate::views::time;

const MODES: [EnvironmentMode; 4] =
    [EnvironmentMode::Production, EnvironmentMode::Staging, EnvironmentMode::Development, EnvironmentMode::Preview];

/// What a request says of what is to be told.
pub(crate) fn filter(new: &NewNotification) -> Result<Filter, Problem> {
    fn all<T, E: ToString>(texts: &[String], read: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, Problem> {
        texts.iter().map(|text| read(text).map_err(|error| Problem::bad_request(error.to_string()))).collect()
    }
    let mode = |text: &str| {
        let known = MODES.into_iter().find(|mode| mode.as_str() == text);
        let shown: String = text.chars().take(100).collect();
        known.ok_or_else(|| format!("`{shown}` is no mode; expected `production`, `staging`, `development` or `preview`"))
    };
    Ok(Filter { projects: all(&new.projects, str::parse)?, modes: all(&new.modes, mode)?, events: all(&new.events, str::parse)? })
}

pub(crate) fn view(told: &Told, standings: &BTreeMap<String, ReceiverStanding>) -> NotificationView {
    let standing = standings.get(&told.id()).copied().unwrap_or_default();
    let view = match told {
        Told::Own(receiver) => own_view(receiver),
        Told::Environment(receiver) => environment_view(receiver),
    };
    NotificationView { failing_since: standing.failing_since.map(time), gone_at: standing.gone_at.map(time), ..view }
}

fn own_view(receiver: &Receiver) -> NotificationView {
    let Filter { projects, modes, events } = &receiver.filter;
    NotificationView {
        id: receiver.id.clone(),
        name: Some(receiver.name.to_string()),
        environment: None,
        kind: receiver.kind.to_string(),
        url: receiver.shown.clone(),
        projects: projects.iter().map(ToString::to_string).collect(),
        modes: modes.iter().map(|mode| mode.as_str().to_owned()).collect(),
        events: events.iter().map(|event| event.as_str().to_owned()).collect(),
        made_by: Some(receiver.made_by.0.clone()),
        made_at: Some(time(receiver.made_at)),
        failing_since: None,
        gone_at: None,
    }
}

fn environment_view(receiver: &EnvironmentReceiver) -> NotificationView {
    let said = &receiver.notification;
    let secret = || format!("the secret {}", said.secret.as_deref().unwrap_or_default());
    NotificationView {
        id: receiver.id(),
        name: None,
        environment: Some(format!("{}/{}", receiver.project, receiver.environment)),
        kind: said.kind.clone(),
        url: said.url.as_deref().map_or_else(secret, |url| receiver.kind().shown(url)),
        projects: Vec::new(),
        modes: Vec::new(),
        events: said.events.clone(),
        made_by: None,
        made_at: None,
        failing_since: None,
        gone_at: None,
    }
}

pub(crate) fn message_view(delivery: &MessageDelivery) -> MessageView {
    let (tells, deployment) = match &delivery.message {
        Message::Ping { by, .. } => (format!("a try of {by}"), None),
        Message::Deployment(told) => {
            let place = &told.place;
            let event = told.event.as_str();
            let tells = format!("{} of {}/{} #{} {event}", told.action, place.project, place.environment, place.number);
            (tells, Some(place.deployment.clone()))
        }
    };
    MessageView {
        id: delivery.id.clone(),
        event: delivery.message.kind(),
        tells,
        deployment,
        at: time(delivery.at),
        attempts: delivery.attempts,
        state: delivery.state.as_str().to_owned(),
        state_at: time(delivery.state.when()),
        status: delivery.last.as_ref().and_then(|answer| answer.status),
        answer: delivery.last.as_ref().map(|answer| answer.line.clone()),
    }
}
