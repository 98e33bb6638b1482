//! `slipway notification`: who is told of deployments.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use slipway_core::model::Name;
use slipway_core::notification::Event;
use slipway_core::pattern::Pattern;
use slipway_ports::SecretText;
use slipway_ports::api::{MadeNotificationView, MessageView, NewNotification, NotificationView};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// Make, list, try and delete notifications, and see what came of them.
///
/// A notification tells a webhook, or a channel of Slack, of deployments that start, succeed, fail or are canceled. An environment file can
/// name some of its own, under `notifications`; they are listed here too.
#[derive(Debug, Args)]
pub(crate) struct Notification {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(Create),
    /// List the notifications, those of environments too.
    List,
    Deliveries(Deliveries),
    /// Send a ping, once, and tell what came of it.
    Test {
        /// Its name, or its id.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Delete a notification with its messages.
    Delete {
        /// Its name, or its id.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Make a notification. A webhook's secret is told this once: the receiver checks the signature of messages with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  slipway notification create slack team --url https://hooks.slack.com/services/… --event failed
  slipway notification create webhook audit --url https://audit.example.com/slipway --mode production
  slipway notification create webhook shops --url https://hooks.example.com --project 'shop-*'")]
struct Create {
    /// How it is told.
    #[arg(value_name = "KIND")]
    kind: Kind,
    /// What it is called.
    #[arg(value_name = "NAME")]
    name: Name,
    /// Where it is told; `-`: read from the standard input, so that it stands in no history of a shell.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Of which projects, such as `shop-*`; may be repeated; absent: of all.
    #[arg(long = "project", value_name = "PATTERN")]
    projects: Vec<Pattern>,
    /// Of environments of which modes; may be repeated; absent: of all.
    #[arg(long = "mode", value_name = "MODE")]
    modes: Vec<Mode>,
    /// Of which events: `started`, `succeeded`, `failed` or `canceled`; may be repeated; absent: of all.
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<Event>,
}

/// Show the last messages of a notification, and what came of each.
#[derive(Debug, Args)]
struct Deliveries {
    /// Its name, or its id.
    #[arg(value_name = "NAME")]
    name: String,
    /// The most that are shown, 1 to 250.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=250))]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// JSON, signed as Standard Webhooks has it.
    Webhook,
    /// Text, for an incoming webhook of Slack or what understands the same.
    Slack,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Production,
    Staging,
    Development,
    Preview,
}

fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

pub(crate) async fn run(context: &Context, arguments: &Notification) -> Result<Exit, Stop> {
    match &arguments.verb {
        Verb::Create(create) => make(context, create).await?,
        Verb::List => list(context).await?,
        Verb::Deliveries(wanted) => deliveries(context, wanted).await?,
        Verb::Test { name } => return test(context, name).await,
        Verb::Delete { name } => {
            let id = id_of(context, name).await?;
            context.client()?.send(Method::DELETE, &format!("/notifications/{id}"), &()).await?;
            output::tell(format!("notification {name} is deleted"));
        }
    }
    Ok(Exit::Done)
}

async fn make(context: &Context, create: &Create) -> Result<(), Stop> {
    let new = NewNotification {
        kind: word(&create.kind),
        name: create.name.to_string(),
        url: url(&create.url)?,
        projects: create.projects.iter().map(ToString::to_string).collect(),
        modes: create.modes.iter().map(word).collect(),
        events: create.events.iter().map(|event| event.as_str().to_owned()).collect(),
    };
    let made: MadeNotificationView = context.client()?.change(Method::POST, "/notifications", &new).await?;
    if context.output == Output::Json {
        return output::json(&made);
    }
    let name = &create.name;
    let told = format!("notification {name} is made: {} is told of {}", made.notification.url, covers(&made.notification));
    let next = format!("`slipway notification test {name}` tries it");
    match &made.secret {
        None => output::tell(format!("{told}. {next}")),
        Some(secret) => {
            output::line(format_args!("secret  {}", secret.expose()))?;
            output::tell(format!("{told}. Enter the secret at the receiver; it is not shown again. {next}"));
        }
    }
    Ok(())
}

fn url(argument: &str) -> Result<SecretText, Stop> {
    if argument != "-" {
        return Ok(SecretText::new(argument));
    }
    let read = std::io::read_to_string(std::io::stdin());
    let text = read.map_err(|error| Stop::new(Exit::Refused, format!("the standard input does not read: {error}")))?;
    Ok(SecretText::new(text.trim()))
}

/// Of what it is told, in words.
fn covers(view: &NotificationView) -> String {
    let some = |what: &str, all: &[String], none: &str| {
        if all.is_empty() { none.to_owned() } else { format!("{what}{}", all.join(", ")) }
    };
    let events = some("", &view.events, "all events");
    let projects = some(" of ", &view.projects, "");
    let modes = some(" in ", &view.modes, "");
    format!("{events}{projects}{modes}")
}

async fn list(context: &Context) -> Result<(), Stop> {
    let all: Vec<NotificationView> = context.client()?.list("/notifications").await?;
    match context.output {
        Output::Json => output::json(&all),
        Output::Text if all.is_empty() => {
            output::tell(
                "nobody is told of deployments; `slipway notification create slack NAME --url URL` makes a notification"
                    .to_owned(),
            );
            Ok(())
        }
        Output::Text => {
            let rows: Vec<Vec<String>> = all.into_iter().map(row).collect();
            output::table(&["NAME", "KIND", "URL", "TELLS", "STATE"], &rows)
        }
    }
}

fn row(view: NotificationView) -> Vec<String> {
    let (tells, state) = (covers(&view), state(&view));
    // What an environment names has no name of its own.
    vec![view.name.unwrap_or(view.id), view.kind, view.url, tells, state]
}

fn state(view: &NotificationView) -> String {
    match (view.gone_at, view.failing_since) {
        (Some(at), _) => format!("wants no more, since {}", elapsed::age(at)),
        (None, Some(since)) => format!("failing, since {}", elapsed::age(since)),
        (None, None) => "ok".to_owned(),
    }
}

async fn deliveries(context: &Context, wanted: &Deliveries) -> Result<(), Stop> {
    let id = id_of(context, &wanted.name).await?;
    let path = format!("/notifications/{id}/deliveries?limit={}", wanted.limit);
    let messages: Vec<MessageView> = context.client()?.get(&path).await?;
    match context.output {
        Output::Json => output::json(&messages),
        Output::Text if messages.is_empty() => {
            output::tell(format!("nothing was told yet; `slipway notification test {}` tries it", wanted.name));
            Ok(())
        }
        Output::Text => messages.iter().try_for_each(|message| output::line(format_args!("{}", words(message)))),
    }
}

/// A message and what came of it, in a line.
fn words(message: &MessageView) -> String {
    let status = message.status.map(|status| format!(" {status}")).unwrap_or_default();
    let answer = message.answer.as_deref().filter(|line| !line.is_empty()).map(|line| format!(": {line}")).unwrap_or_default();
    let attempts = if message.attempts > 1 { format!(" after {} attempts", message.attempts) } else { String::new() };
    format!("{}  {}  {}{attempts}{status}{answer}", elapsed::age(message.at), message.tells, message.state)
}

async fn test(context: &Context, name: &str) -> Result<Exit, Stop> {
    let id = id_of(context, name).await?;
    let message: MessageView = context.client()?.change(Method::POST, &format!("/notifications/{id}/ping"), &()).await?;
    if context.output == Output::Json {
        output::json(&message)?;
    } else {
        output::line(format_args!("{}", words(&message)))?;
    }
    Ok(if message.state == "delivered" { Exit::Done } else { Exit::Unreachable })
}

/// The id of a notification that is named by its name or its id.
async fn id_of(context: &Context, name: &str) -> Result<String, Stop> {
    let all: Vec<NotificationView> = context.client()?.list("/notifications").await?;
    let found = all.into_iter().find(|view| view.name.as_deref() == Some(name) || view.id == name);
    found.map(|view| view.id).ok_or_else(|| {
        Stop::new(Exit::NotFound, format!("there is no notification `{name}`"))
            .with_hint("`slipway notification list` shows them")
    })
}
