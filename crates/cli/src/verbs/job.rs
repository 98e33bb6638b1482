//! `slipway job`: cron jobs, run now.

use clap::{Args, Subcommand};
use slipway_core::model::Name;
use slipway_ports::api::{JobRunBody, JobStartedView, PodLineView, ProblemDetails};

use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};
use crate::stream::{Arrival, Stream, read};

/// Run a cron job now.
#[derive(Debug, Args)]
pub(crate) struct Job {
    #[command(subcommand)]
    verb: JobVerb,
}

#[derive(Debug, Subcommand)]
enum JobVerb {
    /// Run a cron job now, as it would run by the clock.
    Run(Run),
}

#[derive(Debug, Args)]
struct Run {
    /// The job.
    #[arg(value_name = "NAME")]
    job: Name,
    /// Show its lines, and end with its success (0) or failure (4).
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(context: &Context, arguments: &Job) -> Result<Exit, Stop> {
    let JobVerb::Run(Run { job, follow }) = &arguments.verb;
    let path = format!("{}/services/{job}/runs", context.selection()?.path());
    let started: JobStartedView = context.client()?.post(&path, &JobRunBody::default()).await?;
    if !follow {
        match context.output {
            Output::Text => output::line(&started.name)?,
            Output::Json => output::json(&started)?,
        }
        output::tell(format!("job {} was begun; `slipway logs {job} --follow` shows its lines", started.name));
        return Ok(Exit::Done);
    }
    output::tell(format!("job {} was begun", started.name));
    let hint = "the job goes on; `slipway status` shows how it ended";
    let mut stream = Stream::new(context.home.clone(), format!("{path}/{}/events", started.name), hint);
    loop {
        for arrival in stream.next().await? {
            let Arrival::Event(event) = arrival else { continue };
            match event.name.as_str() {
                "line" => {
                    let line: PodLineView = read(&event)?;
                    match context.output {
                        Output::Text => output::line(line.text)?,
                        Output::Json => output::line(serde_json::json!(line))?,
                    }
                }
                "problem" => return Err(read::<ProblemDetails>(&event)?.into()),
                "end" => {
                    output::tell(format!("job {} has succeeded", started.name));
                    return Ok(Exit::Done);
                }
                _ => {}
            }
        }
    }
}
