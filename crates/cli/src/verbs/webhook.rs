//! `slipway webhook`: how git hosts tell the server of pushes.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use slipway_core::model::Name;
use slipway_ports::api::{DeliveryView, EffectView, MadeWebhookView, NewWebhook, WebhookView};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// Make, list and delete webhooks, and see what they told.
///
/// A push that a git host tells of deploys the services that follow the branch, have `autoDeploy: true`, and are concerned by its files.
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(Create),
    /// List the webhooks with their URLs.
    List,
    Deliveries(Deliveries),
    /// Delete a webhook with its deliveries; what its host posts then is refused.
    Delete {
        /// Its id, as `slipway webhook list` has it.
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Make a webhook, and print its URL and its secret: both are entered at the git host. The secret is told this once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  slipway webhook create github
  slipway webhook create gitea --project shop")]
struct Create {
    /// Who will tell.
    #[arg(value_name = "HOST")]
    host: Host,
    /// The project whose environments follow; absent: those of all projects.
    #[arg(long, value_name = "PROJECT")]
    project: Option<Name>,
}

/// Show the last deliveries of a webhook: what each told, what it did, and why.
#[derive(Debug, Args)]
struct Deliveries {
    /// The webhook's id; absent: the only one that there is.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// The most that are shown, 1 to 250.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=250))]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Host {
    /// GitHub, also GitHub Enterprise Server.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea, Forgejo and Gogs.
    Gitea,
    /// bitbucket.org.
    BitbucketCloud,
    /// Bitbucket Data Center.
    BitbucketDataCenter,
    /// A pipeline of your own, which names the image that it has pushed.
    Pipeline,
    /// A registry that sends notifications, as CNCF Distribution does.
    Registry,
}

impl Host {
    /// What is done with URL and secret.
    fn next(self) -> &'static str {
        match self {
            Self::Pipeline => {
                "After a push the pipeline calls it:\n  curl --fail --json '{\"image\": \"REGISTRY/PATH:TAG\"}' --header \"Authorization: \
                 Bearer $SECRET\" \"$URL\""
            }
            Self::Registry => {
                "Enter them as an endpoint of the registry's notifications: the URL, and the header `Authorization: Bearer SECRET`."
            }
            _ => "Enter URL and secret at the git host, with the content type application/json.",
        }
    }
}

pub(crate) async fn run(context: &Context, arguments: &Webhook) -> Result<Exit, Stop> {
    match &arguments.verb {
        Verb::Create(create) => make(context, create).await?,
        Verb::List => list(context).await?,
        Verb::Deliveries(wanted) => deliveries(context, wanted).await?,
        Verb::Delete { id } => {
            context.client()?.send(Method::DELETE, &format!("/webhooks/{id}"), &()).await?;
            output::tell(format!("webhook {id} is deleted; what its host posts is refused from now on"));
        }
    }
    Ok(Exit::Done)
}

async fn make(context: &Context, create: &Create) -> Result<(), Stop> {
    let project = create.project.as_ref().map(ToString::to_string);
    let host = create.host.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    let new = NewWebhook { host, project };
    let made: MadeWebhookView = context.client()?.change(Method::POST, "/webhooks", &new).await?;
    if context.output == Output::Json {
        return output::json(&made);
    }
    output::line(format_args!("URL     {}", made.webhook.url))?;
    output::line(format_args!("secret  {}", made.secret.expose()))?;
    let follow = made.webhook.project.map_or_else(|| "all projects".to_owned(), |project| format!("project {project}"));
    output::tell(format!(
        "webhook {} for {} is made, for environments of {follow}. The secret is not shown again. {}",
        made.webhook.id,
        made.webhook.host,
        create.host.next()
    ));
    Ok(())
}

async fn list(context: &Context) -> Result<(), Stop> {
    let webhooks: Vec<WebhookView> = context.client()?.list("/webhooks").await?;
    match context.output {
        Output::Json => output::json(&webhooks),
        Output::Text if webhooks.is_empty() => {
            output::tell("there is no webhook; `slipway webhook create github` makes one".to_owned());
            Ok(())
        }
        Output::Text => {
            let row = |webhook: WebhookView| {
                vec![webhook.id, webhook.host, webhook.project.unwrap_or_else(|| "all".to_owned()), webhook.url]
            };
            let rows: Vec<Vec<String>> = webhooks.into_iter().map(row).collect();
            output::table(&["ID", "HOST", "PROJECT", "URL"], &rows)
        }
    }
}

async fn deliveries(context: &Context, wanted: &Deliveries) -> Result<(), Stop> {
    let client = context.client()?;
    let id = match &wanted.id {
        Some(id) => id.clone(),
        None => only(client.list("/webhooks").await?)?,
    };
    let deliveries: Vec<DeliveryView> = client.get(&format!("/webhooks/{id}/deliveries?limit={}", wanted.limit)).await?;
    match context.output {
        Output::Json => output::json(&deliveries),
        Output::Text if deliveries.is_empty() => {
            output::tell("nothing was delivered yet; the git host's page of the webhook can try it".to_owned());
            Ok(())
        }
        Output::Text => {
            for delivery in deliveries {
                show(&delivery)?;
            }
            Ok(())
        }
    }
}

fn only(mut webhooks: Vec<WebhookView>) -> Result<String, Stop> {
    match (webhooks.pop(), webhooks.len()) {
        (Some(only), 0) => Ok(only.id),
        (None, _) => Err(Stop::new(Exit::NotFound, "there is no webhook").with_hint("`slipway webhook create github` makes one")),
        (Some(_), others) => Err(Stop::new(Exit::Refused, format!("there are {} webhooks", others + 1))
            .with_hint("name one by its id; `slipway webhook list` shows them")),
    }
}

fn show(delivery: &DeliveryView) -> Result<(), Stop> {
    let told = if delivery.tells.is_empty() { delivery.event.clone() } else { delivery.tells.join("; ") };
    output::line(format_args!("{}  {told}  ({})", elapsed::age(delivery.at), delivery.id))?;
    if delivery.settled_at.is_none() {
        output::line(format_args!("    is worked on"))?;
    }
    for effect in &delivery.effects {
        output::line(format_args!("    {}", words(effect)))?;
    }
    Ok(())
}

/// What came of a delivery, in a line.
fn words(effect: &EffectView) -> String {
    let place = effect.environment.as_ref().map(|environment| format!(" {environment}")).unwrap_or_default();
    let number = effect.number.map(|number| format!(" #{number}")).unwrap_or_default();
    format!("{}{place}{number}: {}", effect.kind, effect.why)
}
