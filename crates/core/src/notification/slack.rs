//! What Slack is told: text in its own notation, `mrkdwn`.

use super::{DeploymentMessage, Event, Message};
use crate::deployment::{Phase, Timestamp};

/// Most characters of a text; Slack cuts what is much longer.
const LONGEST: usize = 3_000;

/// The text of a message.
pub(super) fn text(message: &Message) -> String {
    match message {
        Message::Ping { by, .. } => format!("{} tries whether Slipway is heard here.", escaped(by)),
        Message::Deployment(told) => of_deployment(told),
    }
}

fn of_deployment(told: &DeploymentMessage) -> String {
    let place = &told.place;
    let mut text = format!(
        "{} *{}/{}* ({}): <{}|{} #{}> {}, asked for by {} ({})",
        sign(told.event),
        place.project,
        place.environment,
        place.mode.as_str(),
        link(&place.url),
        escaped(&told.action),
        place.number,
        went(told),
        escaped(&told.asker.actor),
        escaped(&told.asker.source),
    );
    let mut untold = told.more_failures;
    for failure in &told.failures {
        let phase = if failure.phase == Phase::Build { "build" } else { "release" };
        let line = format!("\n• *{}* {phase}: {} (`{}`)", failure.service, escaped(&failure.reason), failure.code);
        if text.chars().count() + line.chars().count() <= LONGEST {
            text.push_str(&line);
        } else {
            untold += 1;
        }
    }
    if untold > 0 {
        text.push_str(&format!("\n… and {untold} more"));
    }
    text
}

fn sign(event: Event) -> &'static str {
    match event {
        Event::Started => ":arrow_forward:",
        Event::Succeeded => ":white_check_mark:",
        Event::Failed => ":x:",
        Event::Canceled => ":no_entry_sign:",
    }
}

fn went(told: &DeploymentMessage) -> String {
    let ended = |word: &str| match told.started_at.map(|started| seconds(started, told.at)) {
        None => word.to_owned(),
        Some(seconds) if seconds < 60 => format!("{word} after {seconds} s"),
        Some(seconds) => format!("{word} after {} min {} s", seconds / 60, seconds % 60),
    };
    match told.event {
        Event::Started => "started".to_owned(),
        Event::Succeeded | Event::Failed | Event::Canceled => ended(told.event.as_str()),
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    (to.0.saturating_sub(from.0) / 1_000).max(0)
}

/// A text in which nothing is notation: no mention, no link.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // A line of its own would look like one of ours.
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A URL in a link, which a bar would end.
fn link(url: &str) -> String {
    escaped(url).replace('|', "%7C")
}
