//! `slipway plan`: what a deployment would do, and why.

use std::path::PathBuf;

use clap::Args;
use slipway_core::outline;
use slipway_ports::api::{BaseView, PlanStepView, PlanView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::project_file::ProjectFile;
use crate::selection::{self, Selection};
use crate::stop::{Exit, Stop};
use crate::verbs::{apply, deploy};
use crate::{environment_file, problems};

/// Show what a deployment would do, and why.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The environment file; with a server, the stored environment unless `--offline`.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Ask no server and no cluster: the pipeline that a first deployment of the file would execute.
    #[arg(long, conflicts_with_all = ["services", "current", "rebuild"])]
    offline: bool,
    #[command(flatten)]
    project: ProjectFile,
    #[command(flatten)]
    options: deploy::Options,
}

pub(crate) async fn run(context: &Context, arguments: &Plan) -> Result<Exit, Stop> {
    if arguments.offline {
        return offline(context, arguments);
    }
    let selection = match &arguments.file {
        Some(path) => apply::check_unchanged(context, path).await?,
        None => context.selection()?,
    };
    let plan: PlanView = context.client()?.post(&format!("{}/plan", selection.path()), &arguments.options.body()).await?;
    match context.output {
        Output::Json => output::json(&plan)?,
        Output::Text => print(&selection, &plan)?,
    }
    Ok(Exit::Done)
}

fn offline(context: &Context, arguments: &Plan) -> Result<Exit, Stop> {
    let path = arguments.file.clone().unwrap_or_else(|| PathBuf::from(selection::FILE_NAME));
    let text = environment_file::read(&path)?;
    let shown = path.display().to_string();
    let environment = environment_file::environment(&text, arguments.project.read(context)?)
        .map_err(|found| problems::refuse(&shown, &text, &found, context.output))?;
    let outline = outline::outline(&environment);
    match context.output {
        Output::Json => output::json(&outline)?,
        Output::Text => print_outline(&environment)?,
    }
    Ok(Exit::Done)
}

fn print_outline(environment: &slipway_core::model::Environment) -> Result<(), Stop> {
    let paint = Paint::of(&std::io::stdout());
    output::line(format!("{}/{}", environment.project, environment.name))?;
    for (order, stage) in environment.pipeline.stages.iter().enumerate() {
        output::line(format!("{} {}", paint.dim(order), paint.bold(&stage.name)))?;
        let mut empty = true;
        for service in environment.services_of(&stage.name) {
            empty = false;
            let does = match (service.skipped, service.build()) {
                (true, _) => "left out".to_owned(),
                (false, Some((git, build))) => {
                    let dockerfile =
                        if build.dockerfile_inline.is_some() { "an inline Dockerfile" } else { build.dockerfile.as_str() };
                    format!("build {} with {dockerfile}, then release", git.url)
                }
                (false, None) => "release".to_owned(),
            };
            output::line(format!("    {:24} {:12} {does}", service.name.to_string(), service.service_type().to_string()))?;
        }
        if empty {
            output::line(paint.dim("    no service"))?;
        }
    }
    Ok(())
}

fn print(selection: &Selection, plan: &PlanView) -> Result<(), Stop> {
    lines(selection, plan, Paint::of(&std::io::stdout())).into_iter().try_for_each(output::line)
}

fn lines(selection: &Selection, plan: &PlanView, paint: Paint) -> Vec<String> {
    let mut lines = vec![format!("{} of {selection}", plan.action)];
    for stage in &plan.stages {
        lines.push(format!("{} {}", paint.dim(stage.order), paint.bold(&stage.name)));
        for service in &stage.services {
            lines.push(format!("    {} {}", service.name, paint.dim(&service.version)));
            lines.extend(service.steps.iter().flat_map(|step| step_lines(step, paint)));
        }
        if stage.services.is_empty() {
            lines.push(paint.dim("    no service"));
        }
    }
    lines.push(summary(plan));
    lines
}

fn step_lines(step: &PlanStepView, paint: Paint) -> Vec<String> {
    let does = match step.does.as_str() {
        "build" | "release" | "stop" | "restart" | "remove" => paint.green(format!("{:8}", step.does)),
        "fail" => paint.red(format!("{:8}", step.does)),
        other => paint.dim(format!("{other:8}")),
    };
    let mut lines = vec![format!("        {:8} {does} {}", step.phase, step.reason)];
    let hint = step.failure.as_ref().and_then(|failure| failure.hint.as_ref());
    lines.extend(hint.map(|hint| format!("        {} {hint}", paint.cyan("hint:"))));
    lines.extend(step.bases.iter().filter_map(|base| base_line(base, paint)).map(|line| format!("        {line}")));
    lines
}

/// What there is to say of a base image, if anything.
fn base_line(base: &BaseView, paint: Paint) -> Option<String> {
    let image = &base.image;
    match (base.state.as_str(), &base.now) {
        ("moved", Some(now)) => {
            let (before, now) = (short(&base.built_on), short(now));
            let says = format!("base {image} moved: {before} → {now}; `slipway deploy --rebuild` builds on it");
            Some(format!("{} {says}", paint.yellow("warning:")))
        }
        ("unknown", _) => Some(paint.dim(format!("base {image}: it is not known whether it moved"))),
        _ => None,
    }
}

/// A digest as a person compares it.
fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

/// `2 builds, 1 skipped; 3 releases, 1 remove`, and what would fail.
fn summary(plan: &PlanView) -> String {
    let steps = || plan.stages.iter().flat_map(|stage| &stage.services).flat_map(|service| &service.steps);
    let count = |phase: &str, does: &str| steps().filter(|step| step.phase == phase && step.does == does).count();
    let of = |phase: &str| {
        let done = count(phase, phase);
        let others = ["stop", "restart", "remove", "skip"].map(|does| (does, count(phase, does)));
        let others = others.iter().filter(|(_, count)| *count > 0).map(|(does, count)| match *does {
            "skip" => format!(", {count} skipped"),
            does => format!(", {count} {does}"),
        });
        format!("{done} {phase}{}{}", if done == 1 { "" } else { "s" }, others.collect::<String>())
    };
    let failures = steps().filter(|step| step.does == "fail").count();
    let failures = if failures == 0 { String::new() } else { format!("; {failures} would fail") };
    format!("{}; {}{failures}", of("build"), of("release"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_base_image_that_moved_is_told_with_what_builds_on_it() {
        let base = |state: &str, now: Option<&str>| BaseView {
            image: "debian:12".to_owned(),
            built_on: format!("sha256:{}", "a".repeat(64)),
            state: state.to_owned(),
            now: now.map(str::to_owned),
            failure: None,
        };
        let moved = format!("sha256:{}", "b".repeat(64));
        let bases = [base("moved", Some(&moved)), base("same", None), base("unknown", None)];
        let lines: Vec<String> = bases.iter().filter_map(|base| base_line(base, Paint::when(false))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        warning: base debian:12 moved: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb; `slipway deploy --rebuild` builds on it
        base debian:12: it is not known whether it moved
        ");
    }

    #[test]
    fn b07_a_plan_says_of_each_step_why_and_what_would_mend_a_failure() {
        let step = |phase: &str, does: &str, reason: &str| json!({"phase": phase, "does": does, "reason": reason});
        let mut fail = step("build", "fail", "`web/Dockerfile` is not there");
        fail["failure"] =
            json!({"kind": "permanent", "code": "dockerfile-not-found", "message": "x", "hint": "name it with `dockerfile`"});
        let service = |name: &str, steps: serde_json::Value| json!({"name": name, "kind": "application", "version": "1a2b3c4", "steps": steps});
        let plan = json!({"project": "shop", "environment": "test", "action": "deploy", "stages": [
            {"order": 0, "name": "data", "services": []},
            {"order": 1, "name": "apps", "services": [
                service("api", json!([
                    step("build", "build", "context changed; ARG API_URL differs from staging"),
                    step("release", "release", "version 0c1d2e3 -> 1a2b3c4")])),
                service("worker", json!([
                    step("build", "skip", "image present, built for staging"), step("release", "release", "first release")])),
                service("web", json!([fail]))]}]});
        let plan: PlanView = serde_json::from_value(plan).unwrap();
        let lines = lines(&Selection::parse("shop/test").unwrap(), &plan, Paint::when(false));
        insta::assert_snapshot!(lines.join("\n"), @"
        deploy of shop/test
        0 data
            no service
        1 apps
            api 1a2b3c4
                build    build    context changed; ARG API_URL differs from staging
                release  release  version 0c1d2e3 -> 1a2b3c4
            worker 1a2b3c4
                build    skip     image present, built for staging
                release  release  first release
            web 1a2b3c4
                build    fail     `web/Dockerfile` is not there
                hint: name it with `dockerfile`
        1 build, 1 skipped; 2 releases; 1 would fail
        ");
    }

    #[test]
    fn b07_a_plan_ends_with_what_it_comes_to() {
        let step = |phase: &str, does: &str| json!({"phase": phase, "does": does, "reason": "so"});
        let service =
            |name: &str, steps: serde_json::Value| json!({"name": name, "kind": "application", "version": "1", "steps": steps});
        let plan = json!({"project": "shop", "environment": "staging", "action": "deploy", "stages": [
            {"order": 0, "name": "first", "services": [service("db", json!([step("release", "release")]))]},
            {"order": 1, "name": "second", "services": [
                service("api", json!([step("build", "build"), step("release", "release")])),
                service("web", json!([step("build", "skip"), step("release", "release")])),
                service("old", json!([step("release", "remove")])),
                service("bad", json!([step("build", "fail")]))]}]});
        let plan: PlanView = serde_json::from_value(plan).unwrap();
        assert_eq!(summary(&plan), "1 build, 1 skipped; 3 releases, 1 remove; 1 would fail");
    }
}
