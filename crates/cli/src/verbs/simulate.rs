//! `slipway simulate`: what a deployment would take, on a virtual clock.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use slipway_core::model::{Environment, PipelineMode};
use slipway_core::simulation::{Durations, simulate};

use crate::context::Context;
use crate::last_durations;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::project_file::ProjectFile;
use crate::stop::{Exit, Stop};
use crate::waterfall::Waterfall;
use crate::{environment_file, problems, selection};

/// The word that stands for the durations of earlier deployments.
const LAST: &str = "last";

/// Show how long a deployment would take, step by step, without doing any of it.
///
/// The pipeline of the file is executed on a virtual clock by the same rules as a real deployment: stages, windows, shared
/// builds, failure policy. Services whose `git` and `build` are equal share one build; nothing is built already; skipped services
/// take no part; a stage with `approval: required` counts as approved at once.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The environment file; `-` is standard input.
    #[arg(long, short, value_name = "FILE", default_value = selection::FILE_NAME)]
    file: PathBuf,
    #[command(flatten)]
    project: ProjectFile,
    /// How long the steps take: a JSON file, or `last` for the newest real ones.
    ///
    /// The file holds `{"SERVICE": {"build": SECONDS, "release": SECONDS, "build_fails": BOOL, "release_fails": BOOL}}`; what it
    /// leaves out takes no time and succeeds. `last` asks the server for each service's newest build that was not skipped, and its
    /// newest release, of the environment that the file names or `--environment`; only this needs a server.
    #[arg(long, value_name = "FILE|last")]
    durations: PathBuf,
    /// Execute the pipeline in this mode, whatever the file says: `eager` begins the builds of later stages early.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// At most so many builds at a time, whatever the file says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_parallel_builds: Option<u32>,
    /// At most so many releases at a time, whatever the file says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_parallel_deploys: Option<u32>,
}

/// How a pipeline is executed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// Stage after stage, builds before releases.
    Phased,
    /// Builds run ahead; releases keep their order.
    Eager,
}

impl From<Mode> for PipelineMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Phased => Self::Phased,
            Mode::Eager => Self::Eager,
        }
    }
}

pub(crate) async fn run(context: &Context, arguments: &Simulate) -> Result<Exit, Stop> {
    let text = environment_file::read(&arguments.file)?;
    let shown = arguments.file.display().to_string();
    let refuse = |found: Vec<_>| problems::refuse(&shown, &text, &found, context.output);
    let mut environment = environment_file::environment(&text, arguments.project.read(context)?).map_err(refuse)?;
    let durations = if arguments.durations == Path::new(LAST) {
        last_durations::ask(context, &environment).await?
    } else {
        read(context, arguments, &environment)?
    };
    arguments.override_pipeline(&mut environment);
    let simulation = simulate(&environment, &durations);
    match context.output {
        Output::Json => output::json(&simulation)?,
        Output::Text => {
            let other_mode = in_other_mode(environment.clone());
            let other = simulate(&other_mode, &durations);
            let waterfall = Waterfall { environment: &environment, simulation: &simulation, other: &other };
            let lines = waterfall.lines(output::width(), Paint::of(&std::io::stdout()));
            lines.iter().try_for_each(output::line)?;
        }
    }
    Ok(Exit::Done)
}

impl Simulate {
    fn override_pipeline(&self, environment: &mut Environment) {
        let pipeline = &mut environment.pipeline;
        pipeline.mode = self.mode.map_or(pipeline.mode, PipelineMode::from);
        pipeline.max_parallel_builds = self.max_parallel_builds.unwrap_or(pipeline.max_parallel_builds);
        pipeline.max_parallel_deploys = self.max_parallel_deploys.unwrap_or(pipeline.max_parallel_deploys);
    }
}

fn read(context: &Context, arguments: &Simulate, environment: &Environment) -> Result<Durations, Stop> {
    let path = &arguments.durations;
    if path == Path::new("-") && arguments.file == path.as_path() {
        return Err(Stop::new(Exit::Refused, "standard input cannot be both the environment file and the durations")
            .with_hint("give one of them as a file"));
    }
    let text = environment_file::read(path)?;
    let parsed = Durations::parse(&text, environment).map_err(environment_file::views);
    parsed.map_err(|found| problems::refuse(&path.display().to_string(), &text, &found, context.output))
}

fn in_other_mode(mut environment: Environment) -> Environment {
    environment.pipeline.mode = match environment.pipeline.mode {
        PipelineMode::Phased => PipelineMode::Eager,
        PipelineMode::Eager => PipelineMode::Phased,
    };
    environment
}
