//! `slipway history`: the deployments of an environment, newest first, or the steps of one of them.

use clap::Args;
use slipway_ports::api::{DeploymentView, HistoryPage, HistoryView, ServiceView, State, VersionChangeView};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::reporters::headline;
use crate::stop::{Exit, Stop};
use crate::verbs::cancel;

/// Services that are named in the row of a deployment.
const MOST_CHANGES: usize = 3;

/// List the deployments of an environment, newest first, or the steps of one of them.
///
/// The server keeps the newest 20 deployments of an environment (`slipway up --keep-deployments`), the last one that failed, and
/// those that released what runs.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The steps of this deployment, by number or id.
    #[arg(value_name = "DEPLOYMENT", conflicts_with = "limit")]
    deployment: Option<String>,
    /// At most so many deployments.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

pub(crate) async fn run(context: &Context, arguments: &History) -> Result<Exit, Stop> {
    match &arguments.deployment {
        Some(named) => one(context, named).await,
        None => all(context, arguments.limit).await,
    }
}

async fn all(context: &Context, limit: u32) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    let client = context.client()?;
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let left = limit as usize - items.len();
        let page: HistoryPage = client.get(&format!("{}/deployments?limit={}{cursor}", selection.path(), left.min(100))).await?;
        items.extend(page.items);
        match page.next_cursor {
            Some(next) if items.len() < limit as usize => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    if context.output == Output::Json {
        output::json(&items)?;
        return Ok(Exit::Done);
    }
    if items.is_empty() {
        output::tell(format!("{selection} was never deployed; `slipway deploy` does it"));
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    output::table(&["NUMBER", "ACTION", "STATE", "BY", "TOOK", "AGE", "CHANGED", "ID"], &rows)?;
    Ok(Exit::Done)
}

fn row(item: &HistoryView) -> Vec<String> {
    let head = &item.head;
    let took = match item.started_at {
        Some(started) => elapsed::between(started, head.finished_at),
        None => "-".to_owned(),
    };
    vec![
        head.number.to_string(),
        head.action.clone(),
        head.state.as_str().to_owned(),
        format!("{} ({})", item.trigger.actor, item.trigger.source),
        took,
        elapsed::age(head.accepted_at),
        changes(&item.changes),
        head.id.clone(),
    ]
}

/// `api c0ffee0 -> deadbee, web 1.2, and 3 more`.
fn changes(changes: &[VersionChangeView]) -> String {
    let one = |change: &VersionChangeView| match &change.from {
        Some(from) => format!("{} {from} -> {}", change.service, change.to),
        None => format!("{} {}", change.service, change.to),
    };
    // `and 1 more` is no shorter than the one.
    let shown = if changes.len() == MOST_CHANGES + 1 { changes.len() } else { MOST_CHANGES };
    let mut words: Vec<String> = changes.iter().take(shown).map(one).collect();
    if changes.len() > shown {
        words.push(format!("and {} more", changes.len() - shown));
    }
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

async fn one(context: &Context, named: &str) -> Result<Exit, Stop> {
    let head = cancel::find(context, Some(named)).await?;
    let view: DeploymentView = context.client()?.get(&format!("/deployments/{}", head.id)).await?;
    if context.output == Output::Json {
        output::json(&view)?;
        return Ok(Exit::Done);
    }
    output::line(headline(&view, Paint::of(&std::io::stdout())))?;
    let trigger = &view.trigger;
    output::line(format!("{} by {} ({}) at {}", view.head.action, trigger.actor, trigger.source, view.head.accepted_at))?;
    let rows: Vec<Vec<String>> = view.services().flat_map(|service| steps(&view, service)).collect();
    output::table(&["STAGE", "SERVICE", "VERSION", "STEP", "STATE", "BEGAN", "TOOK", "REASON"], &rows)?;
    output::tell(format!("why so, and what waited for what: `slipway explain {}`", view.head.number));
    Ok(Exit::Done)
}

/// The rows of a service: its build, if it has one, and its release.
fn steps(view: &DeploymentView, service: &ServiceView) -> Vec<Vec<String>> {
    let row = |step: &str, state: State, began: Option<jiff::Timestamp>, ended: Option<jiff::Timestamp>, reason: String| {
        vec![
            view.stages.get(service.stage).map_or(String::new(), |stage| stage.name.clone()),
            service.name.clone(),
            service.version.clone(),
            step.to_owned(),
            state.as_str().to_owned(),
            began.map_or("-".to_owned(), |began| format!("+{}", elapsed::between(view.head.accepted_at, Some(began)))),
            began.map_or("-".to_owned(), |began| elapsed::between(began, ended)),
            reason,
        ]
    };
    let why = |failure: &Option<slipway_core::failure::Failure>, explanation: &Option<String>| {
        failure.as_ref().map(ToString::to_string).or(explanation.clone()).unwrap_or_default()
    };
    let build = service
        .build
        .as_ref()
        .map(|build| row("build", build.state, build.started_at, build.ended_at, why(&build.failure, &build.explanation)));
    let release = &service.release;
    let release =
        row("release", release.state, release.started_at, release.ended_at, why(&release.failure, &release.explanation));
    build.into_iter().chain([release]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_some_changes_and_counts_the_others() {
        let change = |service: &str, from: Option<&str>| VersionChangeView {
            service: service.to_owned(),
            from: from.map(str::to_owned),
            to: "2".to_owned(),
        };
        let all = [change("a", Some("1")), change("b", None), change("c", None), change("d", None), change("e", None)];
        assert_eq!(changes(&all), "a 1 -> 2, b 2, c 2, and 2 more");
        assert_eq!(changes(&all[..4]), "a 1 -> 2, b 2, c 2, d 2");
        assert_eq!(changes(&[]), "-");
    }
}
