//! The file of a project, and what environments take from it.

use super::{accepted, file_of, shown};
use crate::file::{Notation, Outer, ParseOptions, parse_in, parse_project, project_changes, project_of, write_project};
use crate::model::{EnvironmentMode, FromProject, Name, Project};

pub(super) const PROJECT: &str = "apiVersion: slipway.dev/v1
kind: Project
name: shop
variables:
  LEVEL: info
  GREETING: '{{LEVEL}} in {{SLIPWAY_ENVIRONMENT_NAME}}'
  KEY: {secret: STRIPE_KEY}
  SAME: {alias: GREETING}
  CONF: {file: 'level {{LEVEL}}', mount: /etc/shop.conf}
secrets: [STRIPE_KEY, SMTP]
schedules:
- environments: preview-keep
- environments: preview-*
  timezone: Europe/Paris
  start: {weekdays: [monday], time: '08:00'}
  stop: {weekdays: [monday, friday], time: '19:30'}
- {environments: '*', mode: staging, stop: {weekdays: [sunday], time: '00:00'}}
previewLimit: 5
";

fn project(text: &str) -> Project {
    parse_project(text).unwrap_or_else(|problems| panic!("refused:\n{}", shown(&problems)))
}

fn with_variables(variables: &str) -> Project {
    project(&format!("apiVersion: slipway.dev/v1\nkind: Project\nname: shop\nvariables: {{{variables}}}\nsecrets: [SMTP]\n"))
}

fn with_schedules(schedules: &str) -> Project {
    project(&format!("apiVersion: slipway.dev/v1\nkind: Project\nname: shop\nschedules: [{schedules}]\n"))
}

fn refused_project(more: &str) -> String {
    let text = format!("apiVersion: slipway.dev/v1\nkind: Project\nname: shop\n{more}");
    shown(&parse_project(&text).expect_err("it is wrong"))
}

/// What is wrong with an environment's file when its project gives it this; empty when nothing is.
fn problems(more: &str, outer: Outer<'_>) -> String {
    parse_in(&file_of(more), &ParseOptions::default(), outer).map_or_else(|problems| shown(&problems), |_| String::new())
}

#[test]
fn what_is_written_of_a_project_reads_back_as_it_was() {
    let read = project(PROJECT);
    assert_eq!(
        (read.gives.variables.len(), read.gives.secrets.as_slice()),
        (5, &["STRIPE_KEY".to_owned(), "SMTP".to_owned()][..])
    );
    for notation in [Notation::Yaml, Notation::Json] {
        assert_eq!(project(&write_project(&read, notation).unwrap()), read);
    }
    let empty = project("apiVersion: slipway.dev/v1\nkind: Project\nname: shop\n");
    assert_eq!(project(&write_project(&empty, Notation::Yaml).unwrap()), empty);
}

#[test]
fn a_service_takes_from_the_variables_and_secrets_of_the_project() {
    let given = project(PROJECT).gives;
    let takes = "variables:
  LEVEL: {override: debug}
  OWN: '{{GREETING}}'
  OTHER: {secret: SMTP}
services:
- name: web
  container: {image: {name: nginx, tag: '1'}}
  variables: {A: {alias: KEY}, GREETING: {override: hello}, LEVEL: {override: warn}}
  secrets: [STRIPE_KEY]
";
    assert_eq!(problems(takes, Outer::Known(&given)), "");
    assert_eq!(problems(takes, Outer::Unknown), "", "only the server knows the project");
    let alone = problems(takes, Outer::Known(&FromProject::default()));
    for missing in
        ["`LEVEL` to override; expected one of the project", "nothing defines `{{GREETING}}`", "`SMTP` is not declared", "`KEY`"]
    {
        assert!(alone.contains(missing), "{missing}\n{alone}");
    }
    let typo = problems("variables: {OWN: '{{GREETNG}}'}", Outer::Known(&given));
    assert!(typo.contains("did you mean `GREETING`?"), "{typo}");
}

#[test]
fn even_of_an_unknown_project_no_variable_is_slipways_own() {
    let problems = problems("variables: {OWN: '{{SLIPWAY_NONE}}'}", Outer::Unknown);
    assert!(problems.contains("nothing defines `{{SLIPWAY_NONE}}`"), "{problems}");
}

#[test]
fn a_circle_through_the_project_is_told_at_the_environment() {
    let given = with_variables("A: '{{B}}', B: x").gives;
    let problems = problems("variables: {B: '{{A}}'}", Outer::Known(&given));
    assert_eq!(problems, "4:16: variables.B: variables need each other in a circle: B -> A -> B");
}

#[test]
fn a_project_takes_from_no_service_and_overrides_nothing() {
    for (more, message) in [
        (
            "variables: {A: '{{SLIPWAY_SERVICE_API_URL}}'}",
            "4:16: variables.A: nothing defines `{{SLIPWAY_SERVICE_API_URL}}`: the variables of a project are the same in all its environments, \
             whose services differ; of what is built in, expected `SLIPWAY_ENVIRONMENT_NAME` or `SLIPWAY_PROJECT_NAME`",
        ),
        ("variables: {A: '{{SLIPWAY_JOB_MIGRATE_ID}}'}", "whose services differ"),
        ("variables: {A: {override: x}}", "no wider scope has a variable `A` to override; a project's scope is the widest"),
        ("variables: {A: '{{NOTHING}}'}", "nothing defines `{{NOTHING}}`; expected a variable of the project, or a built-in one"),
        ("variables: {A: '{{B}}', B: '{{A}}'}", "in a circle: A -> B -> A"),
        ("variables: {A: {secret: NONE}}", "the secret `NONE` is not declared"),
        ("variables: {SLIPWAY_A: x}", "are Slipway's own"),
        ("services: []", "unknown key `services`"),
        ("secrets: [A, A]", "declared twice"),
    ] {
        let problems = refused_project(more);
        assert!(problems.contains(message), "{more}\n{problems}");
    }
}

#[test]
fn changes_of_a_project_are_told_by_name_and_without_values() {
    let old = with_variables("A: secretive, B: x");
    assert_eq!(project_changes(&old, &old), Vec::<String>::new());
    let mut new = with_variables("B: y, C: z");
    new.gives.secrets = vec!["OTHER".to_owned()];
    assert_eq!(
        project_changes(&old, &new),
        [
            "variable `B` is changed",
            "variable `C` is new",
            "variable `A` is removed",
            "secret `OTHER` is new",
            "secret `SMTP` is removed"
        ]
    );
    assert_eq!(
        project_changes(&with_variables("A: x, B: y"), &with_variables("B: y, A: x")),
        ["`variables` are in another order"]
    );
}

#[test]
fn rules_of_schedules_are_read_as_they_are_written() {
    let read = project(PROJECT).schedules;
    let rules: Vec<_> = read.iter().map(|rule| (rule.environments.as_str(), rule.mode, &*rule.schedule.timezone)).collect();
    assert_eq!(
        rules,
        [("preview-keep", None, "UTC"), ("preview-*", None, "Europe/Paris"), ("*", Some(EnvironmentMode::Staging), "UTC")]
    );
    let times = |place: usize| (read[place].schedule.start.is_some(), read[place].schedule.stop.is_some());
    assert_eq!([times(0), times(1), times(2)], [(false, false), (true, true), (false, true)]);
}

#[test]
fn rules_that_are_not_right_are_refused_where_they_stand() {
    for (more, message) in [
        ("schedules: [{timezone: UTC}]", "4:13: schedules[0]: `environments` is missing"),
        (
            "schedules: [{environments: 'a b'}]",
            "4:28: schedules[0].environments: `a b` is not allowed; expected a pattern such as `preview-*`",
        ),
        ("schedules: [{environments: *}]", "4:28: this is not YAML"),
        ("schedules: [{environments: x, timezone: Mars/Olympus}]", "schedules[0].timezone: `Mars/Olympus` is not allowed"),
        ("schedules: [{environments: x, stop: {time: '08:00'}}]", "schedules[0].stop"),
        ("schedules: [{environments: x, mode: prod}]", "schedules[0].mode: `prod` is not allowed"),
        ("schedules: [{environments: x, environment: y}]", "unknown key `environment`"),
        (
            "schedules: [{environments: x-?}, {environments: x-?, mode: staging}, {environments: x-?}]",
            "4:70: schedules[2]: a rule before it is for the same environments, `x-?`",
        ),
    ] {
        let problems = refused_project(more);
        assert!(problems.contains(message), "{more}\n{problems}");
    }
}

#[test]
fn changes_of_rules_are_told_by_their_environments() {
    let old = with_schedules("{environments: a}, {environments: b}, {environments: c}");
    assert_eq!(project_changes(&old, &old), Vec::<String>::new());
    let new = with_schedules("{environments: b, timezone: Europe/Paris}, {environments: a, mode: staging}, {environments: c}");
    assert_eq!(
        project_changes(&old, &new),
        ["schedule of `b` is changed", "schedule of `a` in mode `staging` is new", "schedule of `a` is removed"]
    );
    let turned = with_schedules("{environments: b}, {environments: a}, {environments: c}");
    assert_eq!(project_changes(&old, &turned), ["`schedules` are in another order"], "the first counts");
}

#[test]
fn the_project_of_a_file_is_known_before_the_file_is_right() {
    for (text, expected) in [
        ("project: shop\nservices: 7", Some("shop")),
        ("name: staging", Some("default")),
        ("project: [shop]", None),
        ("project: Shop", None),
        ("[", None),
    ] {
        assert_eq!(project_of(text).as_ref().map(Name::as_str), expected, "{text}");
    }
    assert_eq!(accepted("").project.as_str(), "default", "what `project_of` says of a file that names none");
}
