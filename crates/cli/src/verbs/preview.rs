//! `slipway preview`: environments that were made for pull requests.

use clap::{Args, Subcommand};
use slipway_core::model::Name;
use slipway_ports::api::{EnvironmentView, PreviewOfView};

use crate::context::Context;
use crate::elapsed;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// See the environments that were made for pull and merge requests.
///
/// `previews: {enabled: true}` in the file of an environment makes one for each request against a branch that it takes. It is deleted when
/// the request is closed; `slipway delete` does it before that.
#[derive(Debug, Args)]
pub(crate) struct Preview {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
}

/// List the previews, each with its request and where it is reached.
#[derive(Debug, Args)]
struct List {
    /// Those of one project; absent: all.
    #[arg(long, value_name = "PROJECT")]
    project: Option<Name>,
}

pub(crate) async fn run(context: &Context, arguments: &Preview) -> Result<Exit, Stop> {
    let Verb::List(List { project }) = &arguments.verb;
    let mut previews: Vec<EnvironmentView> = context.client()?.list("/environments").await?;
    let is_asked = |view: &EnvironmentView| project.as_ref().is_none_or(|project| view.project == project.as_str());
    previews.retain(|view| view.preview.is_some() && is_asked(view));
    if context.output == Output::Json {
        output::json(&previews)?;
        return Ok(Exit::Done);
    }
    if previews.is_empty() {
        output::tell(
            "no preview now; `previews: {enabled: true}` in an environment's file makes one for each request against it",
        );
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = previews.iter().filter_map(|environment| Some(row(environment, environment.preview.as_ref()?))).collect();
    output::table(&["PREVIEW", "OF", "REQUEST", "BRANCH", "DEPLOYMENT", "AGE", "URL"], &rows)?;
    Ok(Exit::Done)
}

fn row(environment: &EnvironmentView, preview: &PreviewOfView) -> Vec<String> {
    let last = environment.last_deployment.as_ref();
    let state = match (&preview.over, last) {
        (Some(_), _) => "being deleted".to_owned(),
        (None, Some(head)) => format!("{} {}", head.number, head.state.as_str()),
        (None, None) => "never deployed".to_owned(),
    };
    let url = environment.services.iter().find_map(|service| service.urls.first().cloned());
    vec![
        format!("{}/{}", environment.project, environment.name),
        preview.of.clone(),
        preview.request.clone(),
        preview.branch.clone(),
        state,
        last.map_or(String::new(), |head| elapsed::age(head.accepted_at)),
        url.unwrap_or_default(),
    ]
}
