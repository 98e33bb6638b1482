//! `slipway service`: where the services of an environment are, and whether they take part.

use clap::{Args, Subcommand};
use reqwest::Method;
use slipway_core::model::Name;
use slipway_ports::api::{EnvironmentServiceView, EnvironmentView, ServiceChange};

use crate::context::Context;
use crate::edited;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

const AFTER_HELP: &str = "\
An edit counts from the next deployment on: one that runs or is queued keeps the pipeline that it was accepted with.

A skipped service is left out of what is done to the whole environment; what runs of it goes on.";

/// Show the services of an environment, and change their stages.
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
}

pub(crate) async fn run(context: &Context, arguments: &Service) -> Result<Exit, Stop> {
    let client = context.client()?;
    let environment = context.selection()?.path();
    let (service, change) = match &arguments.verb {
        Verb::List => {
            let view: EnvironmentView = client.get(&environment).await?;
            return list(context, &view);
        }
        Verb::Move { service, stage } => (service, ServiceChange { stage: Some(stage.clone()), skipped: None }),
        Verb::Skip { service } => (service, ServiceChange { stage: None, skipped: Some(true) }),
        Verb::Unskip { service } => (service, ServiceChange { stage: None, skipped: Some(false) }),
    };
    let service = Name::new(service).map_err(|error| Stop::new(Exit::Refused, error.to_string()))?;
    let path = format!("{environment}/services/{service}");
    edited::show(context, &client.change(Method::PATCH, &path, &change).await?)
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
