//! Editing, by example. The laws are in `tests/laws/pipeline_edit_laws.rs`.

use insta::assert_snapshot;

use super::{Edit, Edited, Position, Refusal, edit};
use crate::file::{ApplyOptions, ParseOptions, apply, parse};
use crate::model::{Environment, Name, Pipeline, ServiceType, Stage, StageName};

const HEAD: &str = "apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: test\n";
const DB: &str = "- {name: db, database: {type: redis, version: 7}}\n";
const API: &str = "- {name: api, application: {git: {url: 'https://git.example/a'}}}\n";
const CACHE: &str = "- {name: cache, container: {image: {name: a, tag: b}}}\n";

fn applied(existing: Option<&Environment>, rest: &str) -> Environment {
    let file = parse(&format!("{HEAD}{rest}"), &ParseOptions::default()).unwrap();
    apply(existing, &file, ApplyOptions::default()).unwrap().environment
}

/// `db`, `api` and `cache` in the default stages.
fn shop() -> Environment {
    applied(None, &format!("services:\n{DB}{API}{CACHE}"))
}

fn stage(text: &str) -> StageName {
    StageName::new(text).unwrap()
}

fn service(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn add(name: &str, position: Position) -> Edit {
    Edit::AddStage { name: stage(name), description: String::new(), approval_required: false, position }
}

fn rename(from: &str, to: &str) -> Edit {
    Edit::RenameStage { stage: stage(from), name: stage(to) }
}

fn delete(name: &str, to: Option<&str>) -> Edit {
    Edit::DeleteStage { stage: stage(name), move_services_to: to.map(stage) }
}

fn order(names: &[&str]) -> Edit {
    Edit::OrderStages { stages: names.iter().copied().map(stage).collect() }
}

fn edited(environment: &Environment, edits: &[Edit]) -> Edited {
    edit(environment, edits).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Each stage with its services, and a star when it is a default.
fn shown(environment: &Environment) -> String {
    let line = |stage: &Stage| {
        let services: Vec<_> = environment.services_of(&stage.name).map(|service| service.name.as_str()).collect();
        let star = if stage.default_for.is_some() { "*" } else { "" };
        format!("{}{star}: {}", stage.name, services.join(" ")).trim_end().to_owned()
    };
    environment.pipeline.stages.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn refused(environment: &Environment, edits: &[Edit]) -> String {
    let refusal: Refusal = edit(environment, edits).unwrap_err();
    format!("{} ({})\n{}", refusal, refusal.code(), refusal.hint())
}

#[test]
fn stages_are_added_moved_and_described() {
    let edits = [
        add("edge", Position::Last),
        add("before all", Position::First),
        add("data", Position::After(stage("0.DEFAULT DATABASE"))),
        Edit::MoveStage { stage: stage("edge"), position: Position::Before(stage("data")) },
        Edit::DescribeStage { stage: stage("edge"), description: "what the outside sees".to_owned() },
        Edit::SetApproval { stage: stage("edge"), required: true },
        Edit::MoveStage { stage: stage("2.DEFAULT CONTAINER"), position: Position::Last },
    ];
    let Edited { environment, changes } = edited(&shop(), &edits);
    assert_snapshot!(changes.join("\n"), @"
    stage `edge` is new, after `3.DEFAULT APPLICATION`
    stage `before all` is new, the first
    stage `data` is new, after `0.DEFAULT DATABASE`
    stage `edge` is after `0.DEFAULT DATABASE` now
    stage `edge` has another description
    stage `edge` waits for approval now
    stage `2.DEFAULT CONTAINER` is after `3.DEFAULT APPLICATION` now
    ");
    assert_snapshot!(shown(&environment), @"
    before all:
    0.DEFAULT DATABASE*: db
    edge:
    data:
    1.DEFAULT JOB*:
    3.DEFAULT APPLICATION*: api
    2.DEFAULT CONTAINER*: cache
    ");
    let edge = environment.stage(&stage("edge")).unwrap();
    assert_eq!((edge.description.as_str(), edge.approval_required), ("what the outside sees", true));
}

#[test]
fn c10_a_default_stage_that_is_renamed_or_deleted_is_no_default_any_more_under_whatever_name() {
    let gone = edited(&shop(), &[rename("0.DEFAULT DATABASE", "data"), delete("2.DEFAULT CONTAINER", Some("data"))]);
    assert_snapshot!(gone.changes.join("\n"), @"
    stage `0.DEFAULT DATABASE` is called `data` now
    a new database goes to the last stage, `3.DEFAULT APPLICATION`, from now on
    stage `2.DEFAULT CONTAINER` is deleted
    `cache` moves to stage `data`
    a new container goes to the last stage, `3.DEFAULT APPLICATION`, from now on
    ");
    let back = [
        rename("data", "0.DEFAULT DATABASE"),
        add("2.DEFAULT CONTAINER", Position::Before(stage("3.DEFAULT APPLICATION"))),
        add("last", Position::Last),
    ];
    let back = edited(&gone.environment, &back).environment;
    let one_more_of_each = "- {name: new-db, database: {type: redis, version: 7}}\n\
         - {name: new-job, job: {source: {image: {name: a, tag: b}}}}\n\
         - {name: new-cache, container: {image: {name: a, tag: b}}}\n\
         - {name: new-api, application: {git: {url: 'https://git.example/a'}}}\n";
    let after = applied(Some(&back), &format!("services:\n{DB}{API}{CACHE}{one_more_of_each}"));
    assert_snapshot!(shown(&after), @"
    0.DEFAULT DATABASE: db cache
    1.DEFAULT JOB*: new-job
    2.DEFAULT CONTAINER:
    3.DEFAULT APPLICATION*: api new-api
    last: new-db new-cache
    ");
}

#[test]
fn c10_a_default_stage_that_moves_or_takes_its_own_name_stays_the_default() {
    let edits = [
        rename("0.DEFAULT DATABASE", "0.DEFAULT DATABASE"),
        order(&["3.DEFAULT APPLICATION", "2.DEFAULT CONTAINER", "1.DEFAULT JOB", "0.DEFAULT DATABASE"]),
    ];
    let Edited { environment, changes } = edited(&shop(), &edits);
    assert_eq!(changes, ["the stages are in another order"]);
    let roles: Vec<_> = environment.pipeline.stages.iter().filter_map(|stage| stage.default_for).collect();
    assert_eq!(roles, [ServiceType::Application, ServiceType::Container, ServiceType::Job, ServiceType::Database]);
}

#[test]
fn c11_a_service_moves_and_is_skipped_and_takes_part_again() {
    let edits = [
        Edit::MoveService { service: service("api"), stage: stage("0.DEFAULT DATABASE") },
        Edit::SkipService { service: service("cache") },
    ];
    let Edited { environment, changes } = edited(&shop(), &edits);
    assert_eq!(
        changes,
        ["service `api` moves from stage `3.DEFAULT APPLICATION` to `0.DEFAULT DATABASE`", "service `cache` is skipped now"]
    );
    assert!(environment.service(&service("cache")).unwrap().skipped);
    let names: Vec<_> = environment.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "api", "cache"], "file order stays");
    let again = edited(&environment, &[Edit::UnskipService { service: service("cache") }]);
    assert_eq!(again.changes, ["service `cache` is not skipped any more"]);
}

#[test]
fn a_stage_with_services_is_deleted_only_when_it_is_said_where_they_go() {
    let both = edited(&shop(), &[Edit::MoveService { service: service("cache"), stage: stage("3.DEFAULT APPLICATION") }]);
    let application = "3.DEFAULT APPLICATION";
    assert_snapshot!(refused(&both.environment, &[delete(application, None)]), @"
    the stage `3.DEFAULT APPLICATION` has services: `api`, `cache` (stage-not-empty)
    move them to other stages first, or say with `--move-services-to` (`moveServicesTo`) where all of them go
    ");
    assert_snapshot!(refused(&both.environment, &[delete(application, Some(application))]), @"
    the services of `3.DEFAULT APPLICATION` cannot move to `3.DEFAULT APPLICATION`: it is the stage to delete (stage-order-invalid)
    name another stage
    ");
    let deleted = edited(&both.environment, &[delete(application, Some("1.DEFAULT JOB"))]);
    assert_snapshot!(deleted.changes.join("\n"), @"
    stage `3.DEFAULT APPLICATION` is deleted
    `api`, `cache` move to stage `1.DEFAULT JOB`
    a new application goes to the last stage, `2.DEFAULT CONTAINER`, from now on
    ");
    assert_snapshot!(shown(&deleted.environment), @"
    0.DEFAULT DATABASE*: db
    1.DEFAULT JOB*: api cache
    2.DEFAULT CONTAINER*:
    ");
}

#[test]
fn the_only_stage_is_not_deleted_for_a_new_service_would_have_nowhere_to_go() {
    let one = applied(None, "pipeline: {stages: [{name: one}]}\n");
    assert_snapshot!(refused(&one, &[delete("one", None)]), @"
    `one` is the only stage, and an environment has at least one (stage-last)
    rename it, or add another stage first
    ");
}

#[test]
fn an_order_that_does_not_name_every_stage_once_says_what_is_wrong_with_it() {
    let wrong = order(&["1.DEFAULT JOB", "edge", "1.DEFAULT JOB", "1.DEFAULT JOB", "3.DEFAULT APPLICATION"]);
    assert_snapshot!(refused(&shop(), &[wrong]), @"
    the order must name every stage once: missing: `0.DEFAULT DATABASE`, `2.DEFAULT CONTAINER`; unknown: `edge`; named twice: `1.DEFAULT JOB` (stage-order-invalid)
    name each of them exactly once; `stage list` shows them
    ");
}

#[test]
fn what_is_not_there_or_not_possible_is_refused_with_what_there_is() {
    let shop = shop();
    assert_snapshot!(refused(&shop, &[rename("edge", "data")]), @"
    there is no stage `edge` (stage-not-found)
    the stages are `0.DEFAULT DATABASE`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION`
    ");
    assert_snapshot!(refused(&shop, &[Edit::SkipService { service: service("web") }]), @"
    there is no service `web` (service-not-found)
    the services are `db`, `api`, `cache`
    ");
    assert_snapshot!(refused(&shop, &[rename("1.DEFAULT JOB", "3.DEFAULT APPLICATION")]), @"
    there is a stage `3.DEFAULT APPLICATION` already; a stage's name is unique in its environment (stage-name-taken)
    choose another name, or rename the stage that has it first
    ");
    let beside = Edit::MoveStage { stage: stage("1.DEFAULT JOB"), position: Position::Before(stage("1.DEFAULT JOB")) };
    assert_snapshot!(refused(&shop, &[beside]), @"
    the stage `1.DEFAULT JOB` can stand neither before nor after itself (stage-order-invalid)
    name another stage
    ");
    let long = Edit::DescribeStage { stage: stage("1.DEFAULT JOB"), description: "é".repeat(1001) };
    assert_snapshot!(refused(&shop, &[long]), @"
    the description has 1001 characters; expected at most 1000 (stage-invalid)
    say it in fewer words
    ");
    let names: Vec<_> = (4..Pipeline::MOST_STAGES).map(|number| add(&number.to_string(), Position::Last)).collect();
    let full = edited(&shop, &names).environment;
    assert_snapshot!(refused(&full, &[add("one more", Position::Last)]), @"
    `one more` would be one stage too many: an environment has at most 100 (stage-limit)
    put services that do not depend on each other into one stage
    ");
}

#[test]
fn of_several_edits_all_are_done_or_none() {
    let edits = [rename("0.DEFAULT DATABASE", "data"), rename("0.DEFAULT DATABASE", "more")];
    assert!(matches!(edit(&shop(), &edits), Err(Refusal::StageNotFound { .. })));
}
