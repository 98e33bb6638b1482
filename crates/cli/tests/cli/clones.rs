//! Environments and services cloned from the command line.

use crate::support::Home;
use insta::assert_snapshot;
use serde_json::{Value, json};

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
variables: {LEVEL: info}
secrets: [KEY]
services:
  - {name: db, database: {type: postgresql, version: \"15\"}}
  - name: api
    container: {image: {name: docker.io/library/nginx, tag: \"1\"}}
    ports: [{internal: 80, public: true, host: api.example.com}]
    variables: {DB_URL: '{{SLIPWAY_DATABASE_DB_URL}}', X: '{{LEVEL}}'}
    secrets: [KEY]
";

/// A server with the environment of the file.
fn shop() -> Home {
    Home::with(FILE)
}

/// An exit code, and what went to standard output and standard error.
fn told(home: &Home, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = home.slipway(arguments);
    format!("{code}\n{stdout}---\n{stderr}")
}

#[test]
fn a_clone_says_what_was_made_and_what_comes_next() {
    let home = shop();
    assert_snapshot!(told(&home, &["clone", "copy", "--mode", "staging"]), @r#"
    0
    shop/copy is a clone of shop/test, with db, api
    ---
    left behind: the host name `api.example.com` of the service `api`
    next: printf %s "$VALUE" | slipway secret set KEY --environment shop/copy
    next: slipway deploy --environment shop/copy
    "#);
    assert_snapshot!(told(&home, &["clone", "part", "--to-project", "mall", "--service", "db"]), @r#"
    0
    mall/part is a clone of shop/test, with db
    ---
    next: printf %s "$VALUE" | slipway secret set KEY --environment mall/part
    next: slipway deploy --environment mall/part
    "#);
    assert_snapshot!(told(&home, &["clone", "copy"]), @"
    2
    ---
    error: there is an environment shop/copy already
    hint: choose another name; what is there is left as it is
    code: environment-exists
    ");
    assert_snapshot!(told(&home, &["clone", "other", "--service", "api"]), @"
    2
    ---
    error: the variable `DB_URL` of the service `api` takes `SLIPWAY_DATABASE_DB_URL` from the service `db`, which would not be there
    hint: clone `db` too, or take the variables out first
    code: clone-incomplete
    ");
    let (_, listed, _) = home.slipway(&["export", "--environment", "shop/copy"]);
    assert!(listed.contains("mode: staging") && !listed.contains("api.example.com"), "{listed}");
}

#[test]
fn a_service_says_where_it_went() {
    let home = shop();
    let (code, _, said) = home.slipway(&["clone", "copy", "--service", "db"]);
    assert_eq!(code, 0, "{said}");
    assert_snapshot!(told(&home, &["service", "clone", "api", "--to", "copy"]), @r#"
    0
    api is in shop/copy now, in stage `2.DEFAULT CONTAINER`
    ---
    left behind: the host name `api.example.com` of the service `api`
    next: printf %s "$VALUE" | slipway secret set KEY --environment shop/copy
    next: slipway deploy --environment shop/copy
    "#);
    assert_snapshot!(told(&home, &["service", "clone", "api", "--to", "shop/copy"]), @"
    2
    ---
    error: shop/copy has a service `api` already
    hint: give the clone another name, with `--as` (`name`)
    code: service-exists
    ");
    let (code, _, said) = home.slipway(&["clone", "bare", "--to-project", "mall", "--service", "db"]);
    assert_eq!(code, 0, "{said}");
    assert_snapshot!(told(&home, &["service", "clone", "db", "--to", "mall/bare", "--as", "second"]), @"
    0
    second is in mall/bare now, in stage `0.DEFAULT DATABASE`
    ---
    next: slipway deploy --environment mall/bare
    ");
    assert_snapshot!(told(&home, &["service", "clone", "db", "--to", "none"]), @"
    6
    ---
    error: there is no environment `shop/none`
    code: not-found
    ");
}

#[test]
fn a_program_reads_what_was_made() {
    let home = shop();
    let (code, stdout, _) = home.slipway(&["clone", "copy", "--output", "json"]);
    let made: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &made["name"], &made["secrets"]), (0, &json!("copy"), &json!([{"name": "KEY", "set": false}])));
    let (code, stdout, _) = home.slipway(&["service", "clone", "db", "--to", "copy", "--as", "second", "--output", "json"]);
    let made: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &made["services"]), (0, &json!([{"name": "second", "stage": "0.DEFAULT DATABASE"}])));
}

#[test]
fn a_clone_that_is_deployed_lacks_the_secrets_that_nobody_gave_it() {
    let home = shop();
    let (code, stdout, said) = home.slipway(&["clone", "copy", "--deploy"]);
    assert_eq!((code, stdout.as_str()), (2, "shop/copy is a clone of shop/test, with db, api\n"), "{said}");
    assert!(said.contains("code: refused"), "{said}");
}
