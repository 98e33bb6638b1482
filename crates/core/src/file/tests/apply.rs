//! Laws of applying: C9, C10, C11, and that a second time changes nothing.

use super::{SAMPLE, accepted, shown};
use crate::file::{Applied, ApplyOptions, EnvironmentFile, ParseOptions, apply, parse};
use crate::model::{Environment, ServiceType};

const KEEP: ApplyOptions = ApplyOptions { prune: false };

fn applied(existing: Option<&Environment>, file: &EnvironmentFile) -> Applied {
    apply(existing, file, KEEP).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn services(lines: &[(&str, &str, &str)]) -> String {
    let kind = |kind: &str| match kind {
        "database" => "database: {type: redis, version: 7}",
        "job" => "job: {source: {image: {name: a, tag: b}}}",
        "container" => "container: {image: {name: a, tag: b}}",
        "application" => "application: {git: {url: 'https://git.example/a'}}",
        _ => "helm: {chart: {oci: 'oci://a.example/b', version: '1'}}",
    };
    let line = |(name, of, more): &(&str, &str, &str)| format!("- {{name: {name}, {}{more}}}\n", kind(of));
    format!("services:\n{}", lines.iter().map(line).collect::<String>())
}

const ALL: [(&str, &str, &str); 5] =
    [("d", "database", ""), ("j", "job", ""), ("c", "container", ""), ("a", "application", ""), ("h", "helm", "")];

fn stages_of(environment: &Environment) -> Vec<(&str, &str)> {
    environment.services.iter().map(|service| (service.name.as_str(), service.stage.as_str())).collect()
}

fn roles_of(environment: &Environment) -> Vec<(&str, Option<ServiceType>)> {
    environment.pipeline.stages.iter().map(|stage| (stage.name.as_str(), stage.default_for)).collect()
}

#[test]
fn c09_new_services_go_to_the_default_stage_of_their_type_and_charts_to_the_last() {
    let environment = applied(None, &accepted(&services(&ALL))).environment;
    assert_eq!(
        stages_of(&environment),
        [
            ("d", "0.DEFAULT DATABASE"),
            ("j", "1.DEFAULT JOB"),
            ("c", "2.DEFAULT CONTAINER"),
            ("a", "3.DEFAULT APPLICATION"),
            ("h", "3.DEFAULT APPLICATION")
        ]
    );
}

#[test]
fn c09_applied_to_nothing_a_default_name_is_the_default_stage() {
    let stages = "pipeline: {stages: [{name: 3.DEFAULT APPLICATION}, {name: 0.DEFAULT DATABASE}, {name: edge}]}\n";
    let environment = applied(None, &accepted(&(stages.to_owned() + &services(&ALL)))).environment;
    assert_eq!(
        stages_of(&environment),
        [("d", "0.DEFAULT DATABASE"), ("j", "edge"), ("c", "edge"), ("a", "3.DEFAULT APPLICATION"), ("h", "edge")]
    );
    let none = "pipeline: {stages: [{name: 0.DEFAULT DATABASE, defaultFor: null}, {name: x, defaultFor: job}]}\n";
    let environment = applied(None, &accepted(none)).environment;
    assert_eq!(roles_of(&environment), [("0.DEFAULT DATABASE", None), ("x", Some(ServiceType::Job))]);
}

#[test]
fn c10_a_default_stage_that_is_renamed_or_gone_does_not_come_back() {
    let first = applied(None, &accepted("")).environment;
    let renamed = "pipeline: {stages: [{name: data}, {name: 1.DEFAULT JOB}, {name: last}]}\n";
    let second = applied(Some(&first), &accepted(renamed)).environment;
    assert_eq!(roles_of(&second), [("data", None), ("1.DEFAULT JOB", Some(ServiceType::Job)), ("last", None)]);
    let back = "pipeline: {stages: [{name: 0.DEFAULT DATABASE}, {name: 1.DEFAULT JOB}, {name: last}]}\n";
    let third = applied(Some(&second), &accepted(&(back.to_owned() + &services(&ALL)))).environment;
    assert_eq!(roles_of(&third), [("0.DEFAULT DATABASE", None), ("1.DEFAULT JOB", Some(ServiceType::Job)), ("last", None)]);
    assert_eq!(stages_of(&third), [("d", "last"), ("j", "1.DEFAULT JOB"), ("c", "last"), ("a", "last"), ("h", "last")]);
    let given = "pipeline: {stages: [{name: 0.DEFAULT DATABASE, defaultFor: job}, {name: 1.DEFAULT JOB}, {name: last}]}\n";
    let fourth = applied(Some(&third), &accepted(&(given.to_owned() + &services(&ALL)))).environment;
    assert_eq!(roles_of(&fourth)[..2], [("0.DEFAULT DATABASE", Some(ServiceType::Job)), ("1.DEFAULT JOB", None)]);
}

#[test]
fn c11_a_service_moves_and_what_the_file_leaves_out_stays() {
    let stages = "pipeline: {stages: [{name: one}, {name: two, defaultFor: container}]}\n";
    let one = accepted(&(stages.to_owned() + &services(&[("c", "container", ", stage: one, skipped: true")])));
    let first = applied(None, &one).environment;
    assert_eq!((stages_of(&first), first.services[0].skipped), (vec![("c", "one")], true));
    let silent = applied(Some(&first), &accepted(&services(&[("c", "container", "")])));
    assert_eq!((silent.environment.clone(), silent.changes), (first.clone(), Vec::<String>::new()));
    let moved = applied(Some(&first), &accepted(&services(&[("c", "container", ", stage: two, skipped: false")])));
    assert_eq!(moved.changes, ["service `c` moves from stage `one` to `two`", "service `c` is not skipped any more"]);
    assert_eq!(roles_of(&moved.environment), roles_of(&first));
    let reordered = "pipeline: {stages: [{name: two}, {name: one}]}\n".to_owned() + &services(&[("c", "container", "")]);
    let reordered = applied(Some(&first), &accepted(&reordered));
    assert_eq!(reordered.changes, ["stages are in another order"]);
    assert_eq!(roles_of(&reordered.environment), [("two", Some(ServiceType::Container)), ("one", None)]);
}

#[test]
fn a_stage_that_is_unknown_or_removed_under_a_service_is_a_problem() {
    let unknown = apply(None, &accepted(&services(&[("c", "container", ", stage: edge")])), KEEP).unwrap_err();
    assert_eq!(unknown[0].path, "services[0].stage");
    assert!(unknown[0].message.starts_with("there is no stage `edge`; expected one of `0.DEFAULT DATABASE`"), "{}", unknown[0]);
    let stages = "pipeline: {stages: [{name: one}, {name: two}]}\n";
    let first = accepted(&(stages.to_owned() + &services(&[("c", "container", ", stage: one")])));
    let first = applied(None, &first).environment;
    let second = accepted(&("pipeline: {stages: [{name: two}]}\n".to_owned() + &services(&[("c", "container", "")])));
    assert_eq!(
        shown(&apply(Some(&first), &second, KEEP).unwrap_err()),
        "6:10: services[0].name: the service `c` is in the stage `one`, which `pipeline.stages` leaves out; \
         say with `stage` where it goes"
    );
}

#[test]
fn a_service_left_out_is_refused_by_name_without_prune() {
    let first = applied(None, &accepted(&services(&ALL))).environment;
    let shorter = accepted(&services(&ALL[..3]));
    let problems = apply(Some(&first), &shorter, KEEP).unwrap_err();
    assert_eq!(
        shown(&problems),
        "4:1: services: the service `a` is in the environment and not in the file; add it, or remove it with `--prune`\n\
         4:1: services: the service `h` is in the environment and not in the file; add it, or remove it with `--prune`"
    );
    let pruned = apply(Some(&first), &shorter, ApplyOptions { prune: true }).unwrap();
    assert_eq!(pruned.removed.iter().map(crate::model::Name::as_str).collect::<Vec<_>>(), ["a", "h"]);
    assert_eq!(pruned.changes, ["service `a` is removed", "service `h` is removed"]);
    assert_eq!(pruned.environment.services.len(), 3);
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let file = parse(SAMPLE, &ParseOptions::default()).unwrap();
    let first = applied(None, &file);
    assert_eq!(first.changes.len(), 6, "{:?}", first.changes);
    let second = applied(Some(&first.environment), &file);
    assert_eq!((second.changes, second.removed), (Vec::new(), Vec::new()));
    assert_eq!(second.environment, first.environment);
}

#[test]
fn a_change_is_told_by_its_key_and_without_its_value() {
    let file = parse(SAMPLE, &ParseOptions::default()).unwrap();
    let first = applied(None, &file).environment;
    let edited = SAMPLE.replace("cpu: 500m", "cpu: 700m").replace("LOG_LEVEL: info", "LOG_LEVEL: hush");
    let edited = parse(&edited, &ParseOptions::default()).unwrap();
    let changes = applied(Some(&first), &edited).changes;
    assert_eq!(changes, ["`variables` is changed", "service `api`: `application.workload.cpu` changed"]);
}
