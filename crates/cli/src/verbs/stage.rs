//! `slipway stage`: the stages of an environment's pipeline, and their order.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use slipway_ports::api::{Approval, EditedView, NewStage, PipelineStageView, StageChange, StageOrder, StagePosition};

use crate::client::{Client, encoded};
use crate::context::Context;
use crate::edited;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

const AFTER_HELP: &str = "\
An edit counts from the next deployment on: one that runs or is queued keeps the pipeline that it was accepted with. \
A file that has `pipeline.stages` replaces the stages when it is applied; one without keeps them.

A new environment has four default stages, and a new service goes to that of its type. Renaming or deleting a default \
stage ends that for good: from then on a new service of the type goes to the last stage, whatever stages are called later.

Quote names that have spaces, and write `--` before one that begins with a dash:
  slipway stage rename \"0.DEFAULT DATABASE\" data";

/// Show and edit the stages of an environment's pipeline.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Stage {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the stages with their services, in execution order.
    List,
    /// Add a stage; without a place it is the last.
    Add(Add),
    /// Give a stage another name; its services stay in it.
    Rename {
        /// The stage.
        #[arg(value_name = "STAGE")]
        stage: String,
        /// Its name from now on: 1 to 64 printable characters.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Say what a stage is for, and whether somebody must approve before it starts.
    Describe(Describe),
    /// Give a stage another place; the others keep their order.
    Move(Move),
    /// Delete a stage; one that has services only with `--move-services-to`.
    Delete {
        /// The stage.
        #[arg(value_name = "STAGE")]
        stage: String,
        /// The stage that its services go to.
        #[arg(long, value_name = "STAGE")]
        move_services_to: Option<String>,
    },
    /// Put all stages in an order at once.
    Order {
        /// Every stage once, the first to be executed first.
        #[arg(value_name = "STAGE", required = true)]
        stages: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// Its name: 1 to 64 printable characters, unique in the environment.
    #[arg(value_name = "NAME")]
    name: String,
    /// What a person says about it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Whether somebody must approve before it starts.
    #[arg(long, value_enum, default_value = "none")]
    approval: ApprovalChoice,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Describe {
    /// The stage.
    #[arg(value_name = "STAGE")]
    stage: String,
    /// What a person says about it; `""` takes the description away.
    #[arg(value_name = "TEXT", required_unless_present = "approval")]
    description: Option<String>,
    /// Whether somebody must approve before it starts.
    #[arg(long, value_enum)]
    approval: Option<ApprovalChoice>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("where").required(true).args(["before", "after", "first", "last"])))]
struct Move {
    /// The stage.
    #[arg(value_name = "STAGE")]
    stage: String,
    #[command(flatten)]
    place: Place,
}

/// Where a stage goes; nothing said: the end.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Place {
    /// Right before this stage.
    #[arg(long, value_name = "STAGE")]
    before: Option<String>,
    /// Right after this stage.
    #[arg(long, value_name = "STAGE")]
    after: Option<String>,
    /// Before all others.
    #[arg(long)]
    first: bool,
    /// After all others.
    #[arg(long)]
    last: bool,
}

impl From<&Place> for StagePosition {
    fn from(place: &Place) -> Self {
        match place {
            Place { before: Some(stage), .. } => Self::Before(stage.clone()),
            Place { after: Some(stage), .. } => Self::After(stage.clone()),
            Place { first: true, .. } => Self::First,
            Place { .. } => Self::Last,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ApprovalChoice {
    /// Somebody must.
    Required,
    /// Nobody need.
    None,
}

impl From<ApprovalChoice> for Approval {
    fn from(choice: ApprovalChoice) -> Self {
        match choice {
            ApprovalChoice::Required => Self::Required,
            ApprovalChoice::None => Self::None,
        }
    }
}

pub(crate) async fn run(context: &Context, arguments: &Stage) -> Result<Exit, Stop> {
    let client = context.client()?;
    let stages = format!("{}/stages", context.selection()?.path());
    let edited = match &arguments.verb {
        Verb::List => return list(context, &client.get::<Vec<PipelineStageView>>(&stages).await?),
        Verb::Add(Add { name, description, approval, place }) => {
            let new = NewStage {
                name: name.clone(),
                description: description.clone(),
                approval: (*approval).into(),
                position: place.into(),
            };
            client.post(&stages, &new).await?
        }
        Verb::Rename { stage, name } => {
            change(&client, &stages, stage, StageChange { name: Some(name.clone()), ..StageChange::default() }).await?
        }
        Verb::Describe(Describe { stage, description, approval }) => {
            let approval = approval.map(Approval::from);
            change(&client, &stages, stage, StageChange { description: description.clone(), approval, ..StageChange::default() })
                .await?
        }
        Verb::Move(Move { stage, place }) => {
            change(&client, &stages, stage, StageChange { position: Some(place.into()), ..StageChange::default() }).await?
        }
        Verb::Delete { stage, move_services_to } => {
            let moved = move_services_to.as_ref().map(|to| ("moveServicesTo", to.as_str()));
            client.delete(&path_of(&stages, stage, moved)).await?
        }
        Verb::Order { stages: order } => {
            client.change(Method::PUT, &format!("{stages}:order"), &StageOrder { stages: order.clone() }).await?
        }
    };
    edited::show(context, &edited)
}

async fn change(client: &Client, stages: &str, stage: &str, change: StageChange) -> Result<EditedView, Stop> {
    client.change(Method::PATCH, &path_of(stages, stage, None), &change).await
}

/// The place of a stage in the API. Every URL library takes `.` and `..` out of a path, encoded or not: they go into the query.
fn path_of(stages: &str, stage: &str, more: Option<(&str, &str)>) -> String {
    let mut query: Vec<(&str, &str)> = more.into_iter().collect();
    let mut path = stages.to_owned();
    if matches!(stage, "" | "." | "..") {
        query.push(("stage", stage));
    } else {
        path = format!("{path}/{}", encoded(stage));
    }
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

fn list(context: &Context, stages: &[PipelineStageView]) -> Result<Exit, Stop> {
    if context.output == Output::Json {
        output::json(&stages)?;
        return Ok(Exit::Done);
    }
    let row = |stage: &PipelineStageView| {
        vec![
            stage.order.to_string(),
            stage.name.clone(),
            stage.default_for.clone().unwrap_or_default(),
            if stage.approval == Approval::Required { "required".to_owned() } else { String::new() },
            edited::services(stage),
            one_line(&stage.description),
        ]
    };
    let rows: Vec<Vec<String>> = stages.iter().map(row).collect();
    output::table(&["ORDER", "STAGE", "DEFAULT FOR", "APPROVAL", "SERVICES", "DESCRIPTION"], &rows)?;
    Ok(Exit::Done)
}

/// A description may have lines, and characters that move a terminal's cursor.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn the_place_of_a_stage_survives_every_url_library() {
        for (stage, expected) in [
            ("edge", "/stages/edge"),
            ("a/b c", "/stages/a%2Fb%20c"),
            ("é?#%", "/stages/%C3%A9%3F%23%25"),
            (".", "/stages?stage=."),
            ("..", "/stages?stage=.."),
            ("...", "/stages/..."),
            ("", "/stages?stage="),
        ] {
            let path = path_of("/stages", stage, None);
            assert_eq!(path, expected);
            let url = reqwest::Url::parse(&format!("http://localhost{path}")).unwrap();
            assert_eq!(url.as_str(), format!("http://localhost{expected}"), "{stage}");
        }
        assert_eq!(path_of("/stages", "a", Some(("moveServicesTo", "b&c"))), "/stages/a?moveServicesTo=b%26c");
        assert_eq!(path_of("/stages", "..", Some(("moveServicesTo", "b"))), "/stages?moveServicesTo=b&stage=..");
    }
}
