//! Outputs of jobs: who may take from them.

use super::{accepted, refused, shown};
use crate::file::{ApplyOptions, apply};

/// A job, an application and what takes from outputs.
fn file(job: &str, stage: &str, variables: &str) -> String {
    let job = format!("- {{name: seed, {stage}, job: {{{job}, source: {{image: {{name: seed, tag: '1'}}}}}}}}");
    let api = format!("- {{name: api, stage: two, container: {{image: {{name: api, tag: '1'}}}}, variables: {{{variables}}}}}");
    format!("pipeline: {{stages: [{{name: one}}, {{name: two}}, {{name: three}}]}}\nservices:\n{job}\n{api}\n")
}

#[test]
fn a_service_takes_from_jobs_of_earlier_stages_only() {
    let of = |stage: &str| file("on: [start]", stage, "URL: 'x{{SLIPWAY_JOB_SEED_URL}}', COPY: {alias: SLIPWAY_JOB_SEED_PORT}");
    assert!(apply(None, &accepted(&of("stage: one")), ApplyOptions::default()).is_ok());
    for later in ["two", "three"] {
        let problems = apply(None, &accepted(&of(&format!("stage: {later}"))), ApplyOptions::default()).unwrap_err();
        let expected = format!(
            "7:87: services[1].variables.URL: `SLIPWAY_JOB_SEED_URL` is written by the job `seed`, in the stage `{later}`; expected the job in an earlier stage than `api`, which is in `two`"
        );
        assert!(shown(&problems).contains(&expected), "{}\n{expected}", shown(&problems));
        assert_eq!(problems.len(), 2);
    }
}

#[test]
fn an_output_of_no_job_of_a_cron_or_in_other_letters_is_refused() {
    let refused_with = |job: &str, name: &str| refused(&file(job, "stage: one", &format!("URL: '{{{{{name}}}}}'")));
    let known = "expected `SLIPWAY_JOB_SEED_…`";
    assert!(refused_with("on: [start]", "SLIPWAY_JOB_SEDE_URL").contains(known));
    assert!(refused_with("on: [start]", "SLIPWAY_JOB_SEED_url").contains(known));
    assert!(refused_with("schedule: {cron: '0 3 * * *'}", "SLIPWAY_JOB_SEED_URL").contains("the file has no such job"));
}

#[test]
fn no_variable_of_the_environment_and_no_build_takes_from_an_output() {
    let problems =
        refused(&format!("variables: {{URL: '{{{{SLIPWAY_JOB_SEED_URL}}}}'}}\n{}", file("on: [start]", "stage: one", "")));
    assert!(
        problems.contains("4:18: variables.URL: `{{SLIPWAY_JOB_SEED_URL}}` is an output of a job, and the job itself"),
        "{problems}"
    );
    let build =
        "- {name: web, application: {git: {url: 'https://git.test/a'}, build: {args: {URL: '{{SLIPWAY_JOB_SEED_URL}}'}}}}";
    let problems = refused(&format!("{}{build}\n", file("on: [start]", "stage: one", "")));
    assert!(
        problems.contains("services[2].application.build.args.URL: `SLIPWAY_JOB_SEED_URL` is an output of a job"),
        "{problems}"
    );
}
