//! `slipway service`: where the services of an environment are, whether they take part, and clones of them.

use clap::{Args, Subcommand};
use reqwest::Method;
use slipway_core::model::Name;
use slipway_ports::api::{ClonedView, EnvironmentServiceView, EnvironmentView, ServiceChange, ServiceCloneBody};

use crate::context::Context;
use crate::output::{self, Output};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};
use crate::{cloned, edited};

const AFTER_HELP: &str = "\
An edit counts from the next deployment on: one that runs or is queued keeps the pipeline that it was accepted with.

A skipped service is left out of what is done to the whole environment; what runs of it goes on.";

/// Show the services of an environment, change their stages, and clone them into other environments.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Service {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the services with their stages, in execution order.
    List,
    /// Put a service into another stage.
    Move {
        /// The service.
        #[arg(value_name = "SERVICE")]
        service: String,
        /// Its stage from now on.
        #[arg(value_name = "STAGE")]
        stage: String,
    },
    /// Leave a service out of what is done to the whole environment.
    Skip {
        /// The service.
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Let a skipped service take part again.
    Unskip {
        /// The service.
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Put a service like this one into another environment.
    Clone(CloneService),
}

const AFTER_CLONE_HELP: &str = "\
It goes into the stage of the same name, else where a new service of its type goes. Data and host names of its own stay behind.";

/// Which service is cloned, and where to.
#[derive(Debug, Args)]
#[command(after_help = AFTER_CLONE_HELP)]
struct CloneService {
    /// The service.
    #[arg(value_name = "SERVICE")]
    service: Name,
    /// The environment, `project/name`, or `name` of the same project.
    #[arg(long, value_name = "ENVIRONMENT")]
    to: String,
    /// Its name there; absent: the same.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<Name>,
    /// Copy variables that it takes and that the other environment lacks; without it they are a refusal.
    #[arg(long)]
    with_variables: bool,
    /// Copy the values of its secrets too, where the other environment has none; they are shown nowhere.
    #[arg(long)]
    with_secrets: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Service) -> Result<Exit, Stop> {
    let client = context.client()?;
    let selection = context.selection()?;
    let environment = selection.path();
    let (service, change) = match &arguments.verb {
        Verb::List => {
            let view: EnvironmentView = client.get(&environment).await?;
            return list(context, &view);
        }
        Verb::Move { service, stage } => (service, ServiceChange { stage: Some(stage.clone()), skipped: None }),
        Verb::Skip { service } => (service, ServiceChange { stage: None, skipped: Some(true) }),
        Verb::Unskip { service } => (service, ServiceChange { stage: None, skipped: Some(false) }),
        Verb::Clone(clone) => return clone_service(context, &selection, clone).await,
    };
    let service = Name::new(service).map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    let path = format!("{environment}/services/{service}");
    edited::show(context, &client.change(Method::PATCH, &path, &change).await?)
}

async fn clone_service(context: &Context, selection: &Selection, arguments: &CloneService) -> Result<Exit, Stop> {
    let CloneService { service, to, name, with_variables, with_secrets } = arguments;
    let to = if to.contains('/') { Selection::parse(to)? } else { Selection::parse(&format!("{}/{to}", selection.project()))? };
    let body = ServiceCloneBody {
        environment: to.name().clone(),
        project: Some(to.project().clone()),
        name: name.clone(),
        with_variables: *with_variables,
        with_secrets: *with_secrets,
    };
    let path = format!("{}/services/{service}/clone", selection.path());
    let made: ClonedView = context.client()?.post(&path, &body).await?;
    let stages: Vec<String> =
        made.services.iter().map(|made| format!("{} is in {to} now, in stage `{}`", made.name, made.stage)).collect();
    let variables = if made.variables.is_empty() { String::new() } else { format!(", with {}", made.variables.join(", ")) };
    cloned::show(context, &made, &format!("{}{variables}", stages.join("; ")))?;
    cloned::tell_next(&made);
    Ok(Exit::Done)
}

fn list(context: &Context, environment: &EnvironmentView) -> Result<Exit, Stop> {
    if context.output == Output::Json {
        output::json(&environment.services)?;
        return Ok(Exit::Done);
    }
    if environment.services.is_empty() {
        output::tell(format!(
            "{}/{} has no service; `slipway apply` adds those of a file",
            environment.project, environment.name
        ));
        return Ok(Exit::Done);
    }
    let row = |service: &EnvironmentServiceView| {
        let skipped = if service.skipped { "yes" } else { "" };
        vec![service.stage.clone(), service.name.clone(), service.kind.clone(), skipped.to_owned()]
    };
    let rows: Vec<Vec<String>> = environment.services.iter().map(row).collect();
    output::table(&["STAGE", "SERVICE", "KIND", "SKIPPED"], &rows)?;
    Ok(Exit::Done)
}
