//! No mistake hides another, and none is told twice.

use super::refused;
use crate::file::{ParseOptions, parse};

/// What is at a service whatever it is, with three mistakes.
const REST: &str = "  ports: [{internal: 70000}]\n  variables: {A-B: x}\n  colour: blue\n";

/// The places and beginnings of messages must be these, and no others.
#[track_caller]
fn assert_refused(text: &str, expected: &[&str]) {
    let problems = refused(text);
    let lines: Vec<_> = problems.lines().collect();
    let is_same = lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, start)| line.starts_with(start));
    assert!(is_same, "{text}\nexpected:\n{}\nfound:\n{problems}", expected.join("\n"));
}

const REST_PROBLEMS: [&str; 3] = [
    "7:22: services[0].ports[0].internal: expected a number from 1 to 65535, found `70000`",
    "8:15: services[0].variables.A-B: `A-B` is not the name of a variable",
    "9:3: services[0].colour: unknown key `colour`; expected one of",
];

#[test]
fn a_misspelt_kind_hides_nothing_at_the_service_nor_in_itself_and_is_one_problem() {
    for (kind, mistakes) in [
        (
            "aplication: {git: {url: 'https://git.example/a', branch: '-x'}}",
            vec!["aplication", "aplication.git.branch: `-x` is not"],
        ),
        ("aplication: {git: {url: 'https://git.example/a'}}", vec!["aplication"]),
        ("Container: {image: {name: nginx, tag: '1'}}", vec!["Container"]),
        ("databse: {type: redis, version: '7'}", vec!["databse"]),
        ("hel: {chart: {oci: 'oci://a.example/b', version: '1'}}", vec!["hel"]),
        ("jobs: nothing", vec!["jobs"]),
    ] {
        let problems = refused(&format!("services:\n- name: a\n  {kind}\n{REST}"));
        let lines: Vec<_> = problems.lines().collect();
        assert_eq!(lines.len(), mistakes.len() + REST_PROBLEMS.len(), "{kind}\n{problems}");
        assert!(lines[0].contains(": unknown key `") && lines[0].contains("; did you mean `"), "{problems}");
        for mistake in mistakes {
            assert!(problems.contains(&format!("services[0].{mistake}")), "{mistake}\n{problems}");
        }
        for expected in REST_PROBLEMS {
            assert!(problems.contains(expected), "{kind}\n{problems}");
        }
    }
}

#[test]
fn a_service_without_a_kind_is_checked_all_the_same() {
    let none = "5:3: services[0]: the service has no kind; expected one of";
    let text = format!("services:\n- name: a\n  skipped: false\n{REST}");
    assert_refused(&text, &[none, REST_PROBLEMS[0], REST_PROBLEMS[1], REST_PROBLEMS[2]]);
}

#[test]
fn two_kinds_are_one_problem_at_the_second_in_file_order_and_both_are_checked() {
    let text = "services:
- name: a
  database: {type: redis, version: 7.2}
  ports: [{internal: 70000}]
  container: {image: {name: nginx}}
  variables: {A-B: x}
";
    assert_refused(
        text,
        &[
            "6:36: services[0].database.version: `7.2` is a number",
            "7:22: services[0].ports[0].internal: expected a number",
            "8:3: services[0].container: the service is `database` already; expected exactly one kind",
            "8:22: services[0].container.image: the image has no version",
            "9:15: services[0].variables.A-B: `A-B` is not the name",
        ],
    );
    let three = "services:\n- name: a\n  helm: {chart: {}}\n  job: {source: {}}\n  application: {}\n";
    assert_refused(
        three,
        &[
            "6:17: services[0].helm.chart: expected exactly one of `repository`",
            "7:3: services[0].job: the service is `helm` already",
            "7:17: services[0].job.source: expected exactly one of `git` or `image`",
            "8:3: services[0].application: the service is `helm` already",
            "8:16: services[0].application: `git` is missing",
        ],
    );
}

#[test]
fn a_build_is_checked_without_its_source() {
    let text = "services:\n- name: a\n  application: {build: {timeout: 10}}\n";
    assert_refused(text, &["6:16: services[0].application: `git` is missing", "6:34: services[0].application.build.timeout: "]);
}

#[test]
fn a_misspelt_key_is_not_missing_as_well() {
    let text = "services:\n- nam: a\n  container: {imag: {name: nginx, tagg: '1'}}\n";
    assert_refused(
        text,
        &[
            "5:3: services[0].nam: unknown key `nam`; did you mean `name`?",
            "6:15: services[0].container.imag: unknown key `imag`; did you mean `image`?",
            "6:35: services[0].container.imag.tagg: unknown key `tagg`; did you mean `tag`?",
        ],
    );
}

#[test]
fn a_name_is_unique_whatever_else_is_wrong_with_its_service() {
    let text = "services:\n- name: a\n  container: {}\n- name: a\n  container: {}\n";
    assert_refused(
        text,
        &[
            "6:14: services[0].container: `image` is missing",
            "7:3: services[1].name: there are two services `a`",
            "8:14: services[1].container: `image` is missing",
        ],
    );
}

#[test]
fn unknown_names_circles_and_stages_are_told_with_everything_else() {
    let text = "modee: staging
pipeline: {stages: [{name: edge, approval: perhaps}]}
variables:
  ONE: '{{TWO}}'
  TWO: '{{ONE}}'
  BAD: 1.5
  FINE: '{{BAD}}'
services:
- name: a
  stage: egde
  databse: {type: redis, version: '7'}
- name: b
  stage: edge
  container: {image: {name: nginx}}
  database: {type: redis, version: '7'}
  variables: {A: '{{NOTHING}}', B: '{{SLIPWAY_DATABASE_A_URL}} {{SLIPWAY_DATABASE_B_URL}}'}
- name: c
  aplication: {git: {url: 'https://git.example/a'}, build: {args: {X: '{{NOWHERE}}'}}}
";
    assert_refused(
        text,
        &[
            "4:1: modee: unknown key `modee`; did you mean `mode`?",
            "5:44: pipeline.stages[0].approval: `perhaps` is not allowed",
            "7:8: variables.ONE: variables need each other in a circle: ONE -> TWO -> ONE",
            "9:8: variables.BAD: `1.5` is a number",
            "13:10: services[0].stage: `egde` is not in `pipeline.stages`; did you mean `edge`?",
            "14:3: services[0].databse: unknown key `databse`; did you mean `database`?",
            "17:22: services[1].container.image: the image has no version",
            "18:3: services[1].database: the service is `container` already",
            "19:18: services[1].variables.A: nothing defines `{{NOTHING}}`",
            "21:3: services[2].aplication: unknown key `aplication`; did you mean `application`?",
            "21:71: services[2].aplication.build.args.X: nothing defines `{{NOWHERE}}`",
        ],
    );
}

#[test]
fn what_could_not_be_read_may_define_anything() {
    let web = "services:\n- name: web\n  container: {image: {name: nginx, tag: '1'}}\n";
    let uses = "  variables: {A: '{{B}}', C: '{{SLIPWAY_DATABASE_DB_URL}}', D: {secret: KEY}}\n  stage: edge\n";
    let sound = "variables: {B: b}\nsecrets: [KEY]\npipeline: {stages: [{name: edge}]}\n";
    let database = "- name: db\n  database: {type: redis, version: '7'}\n";
    super::accepted(&format!("{sound}{web}{uses}{database}"));
    for (right, wrong) in [
        ("variables: {B: b}", "variables: [B]"),
        ("variables: {B: b}", "variabels: {B: b}"),
        ("secrets: [KEY]", "secrets: KEY"),
        ("secrets: [KEY]", "secrets: {KEY: x}"),
        ("secrets: [KEY]", "secret: [KEY]"),
        ("secrets: [KEY]", "secrets: [[KEY]]"),
        ("pipeline: {stages: [{name: edge}]}", "pipeline: {stages: [edge]}"),
        ("pipeline: {stages: [{name: edge}]}", "pipeline: {stages: []}"),
        ("pipeline: {stages: [{name: edge}]}", "pipeline: {stagse: [{name: edge}]}"),
        ("pipeline: {stages: [{name: edge}]}", "pipeline: {stages: [{nmae: edge}]}"),
        ("pipeline: {stages: [{name: edge}]}", "pipelin: {stages: [{name: edge}]}"),
        ("pipeline: {stages: [{name: edge}]}", "pipeline: edge"),
        ("- name: db\n", "- nmae: db\n"),
        ("- name: db\n", "- name: Db\n"),
        ("- name: db\n", "- name: [db]\n"),
        ("  database: {type: redis, version: '7'}", "  databse: {type: redis, version: '7'}"),
        ("  database: {type: redis, version: '7'}", "  skipped: false"),
        ("- name: db\n  database: {type: redis, version: '7'}", "- db"),
        ("services:", "servics:"),
    ] {
        let text = format!("{sound}{web}{uses}{database}");
        assert!(text.contains(right), "{right}");
        let text = super::file_of(&text.replace(right, wrong));
        let options = ParseOptions { is_first: true, ..ParseOptions::default() };
        let problems = parse(&text, &options).unwrap_err();
        assert_eq!(problems.len(), 1, "{wrong}\n{}", super::shown(&problems));
    }
}

#[test]
fn a_mapping_too_long_to_be_read_does_not_silence_the_rest() {
    let many = (0..2001).map(|index| format!("  V{index}: x\n")).collect::<Vec<_>>().concat();
    let text = format!("variables:\n{many}services:\n- name: a\n  container: {{image: {{name: nginx, tag: '1'}}}}\n");
    let own = "  variables: {A: '{{V7}}', B: '{{SLIPWAY_SERVICE_X_HOST}}', C: '{{D}}', D: '{{C}}'}\n";
    assert_refused(
        &format!("{text}{own}"),
        &[
            "5:3: variables: 2001 keys; expected at most 2000",
            "2009:31: services[0].variables.B: nothing defines `{{SLIPWAY_SERVICE_X_HOST}}`",
            "2009:64: services[0].variables.C: variables need each other in a circle: C -> D -> C",
        ],
    );
}
