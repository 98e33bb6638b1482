//! The pipeline edited from the command line.

use crate::support::Home;
use insta::assert_snapshot;
use serde_json::{Value, json};

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
services:
  - {name: db, database: {type: postgresql, version: \"15\"}}
  - {name: cache, container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}}
  - {name: api, application: {git: {url: \"https://git.example/shop.git\"}}}
";

/// A server with the environment of the file.
fn shop() -> Home {
    Home::with(FILE)
}

/// What an edit that is done says.
fn done(home: &Home, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = home.slipway(arguments);
    assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
    assert_eq!(stdout.lines().count(), 1, "one sentence: {stdout}");
    stdout
}

fn refused(home: &Home, arguments: &[&str], expected: i32) -> String {
    let (code, stdout, stderr) = home.slipway(arguments);
    assert_eq!((code, stdout.as_str()), (expected, ""), "{arguments:?}: {stderr}");
    stderr
}

#[test]
fn each_edit_says_what_it_did_and_what_the_pipeline_is_now() {
    let home = shop();
    let edits: [&[&str]; 12] = [
        &["stage", "add", "edge", "--description", "what the outside sees", "--approval", "required"],
        &["stage", "add", "data", "--after", "0.DEFAULT DATABASE"],
        &["stage", "rename", "0.DEFAULT DATABASE", "databases"],
        &["stage", "describe", "edge", "--approval", "none"],
        &["stage", "describe", "edge", ""],
        &["stage", "move", "edge", "--before", "databases"],
        &["stage", "move", "edge", "--last"],
        &["service", "move", "cache", "data"],
        &["service", "skip", "cache"],
        &["service", "unskip", "api"],
        &["stage", "delete", "data", "--move-services-to", "edge"],
        &["stage", "order", "edge", "3.DEFAULT APPLICATION", "2.DEFAULT CONTAINER", "1.DEFAULT JOB", "databases"],
    ];
    let said: String = edits.iter().map(|arguments| done(&home, arguments)).collect();
    assert_snapshot!(said, @"
    stage `edge` is new, after `3.DEFAULT APPLICATION`, and waits for approval; the pipeline of shop/test is now `0.DEFAULT DATABASE` (db), `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    stage `data` is new, after `0.DEFAULT DATABASE`; the pipeline of shop/test is now `0.DEFAULT DATABASE` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    stage `0.DEFAULT DATABASE` is called `databases` now; a new database goes to the last stage, `edge`, from now on; the pipeline of shop/test is now `databases` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    stage `edge` waits for no approval any more; the pipeline of shop/test is now `databases` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    stage `edge` has no description any more; the pipeline of shop/test is now `databases` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    stage `edge` is the first now; the pipeline of shop/test is now `edge`, `databases` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api)
    stage `edge` is after `3.DEFAULT APPLICATION` now; the pipeline of shop/test is now `databases` (db), `data`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER` (cache), `3.DEFAULT APPLICATION` (api), `edge`
    service `cache` moves from stage `2.DEFAULT CONTAINER` to `data`; the pipeline of shop/test is now `databases` (db), `data` (cache), `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION` (api), `edge`
    service `cache` is skipped now; the pipeline of shop/test is now `databases` (db), `data` (cache skipped), `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION` (api), `edge`
    nothing changed; the pipeline of shop/test is `databases` (db), `data` (cache skipped), `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION` (api), `edge`
    stage `data` is deleted; `cache` moves to stage `edge`; the pipeline of shop/test is now `databases` (db), `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION` (api), `edge` (cache skipped)
    the stages are in another order; the pipeline of shop/test is now `edge` (cache skipped), `3.DEFAULT APPLICATION` (api), `2.DEFAULT CONTAINER`, `1.DEFAULT JOB`, `databases` (db)
    ");
    let (_, listed, _) = home.slipway(&["stage", "list"]);
    assert_snapshot!(listed, @"
    ORDER  STAGE                  DEFAULT FOR  APPROVAL  SERVICES       DESCRIPTION
    0      edge                                          cache skipped
    1      3.DEFAULT APPLICATION  application            api
    2      2.DEFAULT CONTAINER    container
    3      1.DEFAULT JOB          job
    4      databases                                     db
    ");
    let (_, listed, _) = home.slipway(&["service", "list"]);
    assert_snapshot!(listed, @"
    STAGE                  SERVICE  KIND         SKIPPED
    edge                   cache    container    yes
    3.DEFAULT APPLICATION  api      application
    databases              db       database
    ");
}

#[test]
fn what_is_refused_says_why_and_what_to_do_next() {
    let home = shop();
    assert_snapshot!(refused(&home, &["stage", "delete", "0.DEFAULT DATABASE"], 2), @"
    error: the stage `0.DEFAULT DATABASE` has services: `db`
    hint: move them to other stages first, or say with `--move-services-to` (`moveServicesTo`) where all of them go
    code: stage-not-empty
    ");
    assert_snapshot!(refused(&home, &["stage", "rename", "edge", "data"], 6), @"
    error: there is no stage `edge`
    hint: the stages are `0.DEFAULT DATABASE`, `1.DEFAULT JOB`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION`
    code: stage-not-found
    ");
    assert_snapshot!(refused(&home, &["service", "skip", "web"], 6), @"
    error: there is no service `web`
    hint: the services are `db`, `cache`, `api`
    code: service-not-found
    ");
    assert_snapshot!(refused(&home, &["stage", "order", "1.DEFAULT JOB", "1.DEFAULT JOB", "edge"], 2), @"
    error: the order must name every stage once: missing: `0.DEFAULT DATABASE`, `2.DEFAULT CONTAINER`, `3.DEFAULT APPLICATION`; unknown: `edge`; named twice: `1.DEFAULT JOB`
    hint: name each of them exactly once; `stage list` shows them
    code: stage-order-invalid
    ");
    for usage in [
        &["stage"][..],
        &["stage", "move", "1.DEFAULT JOB"],
        &["stage", "move", "1.DEFAULT JOB", "--first", "--last"],
        &["stage", "add", "edge", "--before", "1.DEFAULT JOB", "--after", "2.DEFAULT CONTAINER"],
        &["stage", "describe", "1.DEFAULT JOB"],
        &["stage", "order"],
        &["service", "move", "api"],
        &["service", "skip", "../x"],
    ] {
        assert!(refused(&home, usage, 2).len() > 20, "{usage:?}");
    }
}

#[test]
fn stages_with_names_that_urls_and_shells_dislike_are_edited_like_others() {
    let home = shop();
    for name in ["a/b", ".", "..", "100% & ?#", "-x", "ünï", "\"q\"", "--", "$(x)"] {
        done(&home, &["stage", "add", "--", name]);
        done(&home, &["stage", "move", "--first", "--", name]);
        done(&home, &["stage", "describe", "--", name, "named so"]);
        done(&home, &["service", "move", "api", "--", name]);
        done(&home, &["stage", "rename", "--", name, "for a while"]);
        done(&home, &["stage", "rename", "--", "for a while", name]);
        let (_, listed, _) = home.slipway(&["stage", "list", "--output", "json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let service = json!([{"name": "api", "kind": "application", "skipped": false}]);
        assert_eq!((&listed[0]["name"], &listed[0]["services"]), (&json!(name), &service));
        done(&home, &["stage", "delete", "--move-services-to", "3.DEFAULT APPLICATION", "--", name]);
    }
}

#[test]
fn lists_and_edits_are_data_as_json() {
    let home = shop();
    let (code, edited, said) = home.slipway(&["stage", "rename", "2.DEFAULT CONTAINER", "caches", "--output", "json"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let edited: Value = serde_json::from_str(&edited).unwrap();
    assert_eq!((&edited["version"], edited["changes"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let (_, listed, _) = home.slipway(&["stage", "list", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap(), edited["stages"]);
    let (_, listed, _) = home.slipway(&["--environment", "shop/test", "service", "list", "--output", "json"]);
    let services: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(services[1], json!({"name": "cache", "kind": "container", "stage": "caches", "skipped": false}));
}

/// A help text without the options, of which most are those of every verb.
fn own_part(help: &str) -> String {
    let (before, options) = help.split_once("Options:\n").unwrap();
    let after = options.split_once("see a summary with '-h')\n").unwrap().1;
    format!("{before}…\n{after}")
}

#[test]
fn the_help_says_when_an_edit_counts_and_what_becomes_of_a_default_stage() {
    let home = Home::new();
    let help = |arguments: &[&str]| {
        let (code, help, _) = home.slipway(arguments);
        assert_eq!(code, 0);
        own_part(&help)
    };
    assert_snapshot!(help(&["stage", "--help"]), @r#"
    Show and edit the stages of an environment's pipeline

    Usage: slipway stage [OPTIONS] <COMMAND>

    Commands:
      list      List the stages with their services, in execution order
      add       Add a stage; without a place it is the last
      rename    Give a stage another name; its services stay in it
      describe  Say what a stage is for, and whether somebody must approve before it starts
      move      Give a stage another place; the others keep their order
      delete    Delete a stage; one that has services only with `--move-services-to`
      order     Put all stages in an order at once
      help      Print this message or the help of the given subcommand(s)

    …

    An edit counts from the next deployment on: one that runs or is queued keeps the pipeline that it
    was accepted with. A file that has `pipeline.stages` replaces the stages when it is applied; one
    without keeps them.

    A new environment has four default stages, and a new service goes to that of its type. Renaming or
    deleting a default stage ends that for good: from then on a new service of the type goes to the last
    stage, whatever stages are called later.

    Quote names that have spaces, and write `--` before one that begins with a dash:
      slipway stage rename "0.DEFAULT DATABASE" data
    "#);
    assert_snapshot!(help(&["stage", "move", "--help"]), @"
    Give a stage another place; the others keep their order

    Usage: slipway stage move [OPTIONS] <--before <STAGE>|--after <STAGE>|--first|--last> <STAGE>

    Arguments:
      <STAGE>
              The stage

    …
    ");
    assert_snapshot!(help(&["service", "--help"]), @"
    Show the services of an environment, change their stages, and clone them into other environments

    Usage: slipway service [OPTIONS] <COMMAND>

    Commands:
      list    List the services with their stages, in execution order
      move    Put a service into another stage
      skip    Leave a service out of what is done to the whole environment
      unskip  Let a skipped service take part again
      clone   Put a service like this one into another environment
      help    Print this message or the help of the given subcommand(s)

    …

    An edit counts from the next deployment on: one that runs or is queued keeps the pipeline that it
    was accepted with.

    A skipped service is left out of what is done to the whole environment; what runs of it goes on.
    ");
}
