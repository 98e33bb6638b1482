//! What is refused, and that everything is refused at once.

use super::{accepted, refused, shown};
use crate::file::{ParseOptions, parse};

/// A file with one container, and more of it below.
fn container(more: &str) -> String {
    let more = more.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("services:\n- name: web\n  container: {{image: {{name: nginx, tag: '1'}}}}\n{more}")
}

fn application(git: &str) -> String {
    format!("services:\n- name: web\n  application: {{git: {git}}}\n")
}

#[test]
fn a_file_with_six_different_mistakes_lists_six() {
    let problems = refused(
        "modes: staging
services:
- name: Api
  container: {image: {name: nginx, tag: 1.25}}
  ports: [{internal: 70000}]
- name: two
  container: {image: {name: nginx, tag: '1'}}
  database: {type: redis, version: 7}
  variables: {A: '{{NOTHING}}'}
",
    );
    assert_eq!(
        problems,
        "4:1: modes: unknown key `modes`; did you mean `mode`?
6:9: services[0].name: `Api` is not a name: expected lower-case letters, digits and `-`, at most 40, first a letter, last no `-`
7:41: services[0].container.image.tag: `1.25` is a number, expected a text; write \"1.25\"
8:22: services[0].ports[0].internal: expected a number from 1 to 65535, found `70000`
11:3: services[1].database: the service is `container` already; expected exactly one kind
12:18: services[1].variables.A: nothing defines `{{NOTHING}}`; expected a variable of the service, of the environment or of its project, or a built-in one"
    );
}

#[test]
fn yaml_that_is_no_yaml_is_one_problem() {
    let problems = parse("a: [1\nb: }", &ParseOptions::default()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.starts_with("this is not YAML: "), "{}", problems[0]);
}

#[test]
fn anchors_aliases_tags_documents_and_keys_are_plain() {
    for (text, message) in [
        ("variables: &a {X: y}", "4:12: variables: YAML anchors (`&name`) are not allowed"),
        ("variables: &a {X: y}\nsecrets: *a", "5:10: secrets: YAML aliases (`*name`) are not allowed"),
        ("target: !!str 5", "target: YAML tags"),
        ("mode: staging\nmode: staging", "5:1: the key `mode` is here twice; keep one"),
        ("? [a]\n: b", "a key must be a text, not a mapping or list"),
        ("---\nname: b", "a second document begins here"),
    ] {
        let problems = refused(text);
        assert!(problems.contains(message), "{text}\n{problems}");
    }
}

#[test]
fn size_and_depth_have_bounds() {
    let large = parse(&" ".repeat((1 << 20) + 1), &ParseOptions::default()).unwrap_err();
    assert_eq!(shown(&large), "1:1: the file has 1048577 bytes; expected at most 1048576");
    for deep in ["[".repeat(200_000), "{a: ".repeat(200_000), "- ".repeat(200_000), "? ".repeat(200_000), "[{".repeat(200_000)] {
        assert_eq!(parse(&deep, &ParseOptions::default()).unwrap_err().len(), 1, "{}", &deep[..4]);
    }
    let nested = format!("previews: {}1{}", "[".repeat(40), "]".repeat(40));
    assert!(refused(&nested).contains("nested too deeply; expected at most 32 levels"));
    for empty in ["", "# nothing", "---", "\u{feff}"] {
        assert_eq!(parse(empty, &ParseOptions::default()).unwrap_err().len(), 1, "{empty:?}");
    }
}

#[test]
fn urls_paths_branches_and_commits_are_checked() {
    for (git, message) in [
        ("{url: '--upload-pack=x'}", "git would take it for an option"),
        ("{url: 'ext::sh -c x'}", "a URL has no white space"),
        ("{url: 'ext::sh'}", "helpers such as `ext::` are not allowed"),
        ("{url: 'file:///srv/a'}", "`file` URLs are not allowed here"),
        ("{url: 'https://u:p@git.example/a'}", "must not carry a user's name or password"),
        ("{url: 'https://git.example/a', branch: '-x'}", "`-x` is not allowed; expected the name of a branch"),
        ("{url: 'https://git.example/a', commit: abc}", "expected 40 hex digits"),
        ("{url: 'https://git.example/a', root: /a}", "`/a` is absolute"),
        ("{url: 'https://git.example/a', root: a/../..}", "`a/../..` leaves the repository"),
        ("{url: 'https://git.example/a', root: a, dockerfile: ../../D}", "`../../D` leaves the repository"),
        ("{url: 'https://git.example/a', root: 'a\\b'}", "a path has no `\\`"),
        ("{url: 'https://git.example/a', root: \"a\\0\"}", "no control characters"),
        ("{branch: main}", "`url` is missing"),
    ] {
        let problems = refused(&application(git));
        assert!(problems.contains(message) && problems.lines().count() == 1, "{git}\n{problems}");
    }
    let both = format!("{{url: 'https://git.example/a', branch: main, commit: {}}}", "a".repeat(40));
    assert!(refused(&application(&both)).contains("`branch` and `commit` exclude each other"));
    let file_url = super::file_of(&application("{url: 'file:///srv/a.git'}"));
    assert!(parse(&file_url, &ParseOptions { allow_file_urls: true, ..ParseOptions::default() }).is_ok());
}

#[test]
fn ports_mounts_probes_and_instances_are_checked() {
    for (more, message) in [
        ("ports: [{internal: 0}]", "expected a number from 1 to 65535, found `0`"),
        ("ports: [{internal: 80}, {internal: 80}]", "the internal port 80 is taken"),
        ("ports: [{internal: 80, external: 1}, {internal: 81, external: 1}]", "the external port 1 is taken"),
        ("ports: [{internal: 80, path: a}]", "expected a path that begins with `/`"),
        ("ports: [{internal: 80, host: 'A b'}]", "expected a host name"),
        ("ports: [{internal: 80, protocol: tcp, path: /a}]", "`path` goes with `http` and `grpc`"),
        ("ports: [{internal: 80, protocol: udp, host: a.example}]", "`host` goes with `http` and `grpc`"),
        ("ports: [{internal: 80}, {internal: 81, protocol: tcp, public: true}]\ndomains: [a.example]", "this service has none"),
        ("storage: [{mount: a, size: 1Gi}]", "expected an absolute path"),
        ("storage: [{mount: /a, size: 1gi}]", "expected a size"),
        ("storage: [{mount: /a, size: 1Gi}]\nfiles: [{mount: /a, content: x}]", "mounted at `/a` already"),
        ("probes: {readiness: {tcp: {port: 1}, grpc: {port: 1}}}", "expected exactly one of `http`, `tcp`, `exec` or `grpc`"),
        ("probes: {readiness: {period: 10}}", "expected a duration"),
        ("instances: {min: 3, max: 2}", "expected `max` to be at least `min`"),
        ("cpu: 0", "expected CPU"),
        ("rollout: rolling", "expected `rolling-update` or `recreate`"),
        ("commands: [a]", "did you mean `command`?"),
        ("branch: main", "it belongs to `services[].application.git`"),
        ("skipped: yes", "expected `true` or `false`, found `yes`"),
        ("domains: [a.example, a.example]", "`a.example` is here twice"),
    ] {
        let problems = refused(&container(more));
        assert!(problems.contains(message), "{more}\n{problems}");
    }
}

#[test]
fn images_jobs_and_databases_are_checked() {
    for (kind, message) in [
        ("container: {image: {name: nginx}}", "expected `tag` or `digest`"),
        ("container: {image: {name: 'nginx:1', tag: '1'}}", "has a version in it"),
        ("container: {image: {name: Nginx, tag: '1'}}", "`Nginx` is not an image"),
        ("container: {image: {name: nginx, tag: '-'}}", "expected a tag"),
        ("container: {image: {name: nginx, digest: 'sha256:1'}}", "expected `sha256:` and 64 hex digits"),
        ("database: {type: postgres, version: 15}", "did you mean `postgresql`?"),
        ("database: {type: redis, version: 7.2}", "write \"7.2\""),
        ("database: {type: redis, version: 7}\n  ports: []", "`ports` does not go with `database`"),
        ("job: {source: {image: {name: a, tag: b}}, schedule: {cron: '* * * *'}}", "expected five fields"),
        ("job: {source: {image: {name: a, tag: b}}, on: [start], schedule: {cron: '* * * * *'}}", "exclude each other"),
        ("job: {source: {image: {name: a, tag: b}}, build: {}}", "`build` goes with `source.git` only"),
        ("job: {source: {image: {name: a, tag: b}}}\n  ports: [{internal: 80}]", "`ports` does not go with `job`"),
        ("job: {source: {image: {name: a, tag: b}}}\n  storage: [{mount: /a, size: 1Gi}]", "`storage` does not go with `job`"),
        ("job: {source: {image: {name: a, tag: b}}, paths: {}}", "`paths` goes with `source.git` only"),
        ("container: {image: {name: a, tag: b}, paths: {}}", "unknown key `paths`"),
        ("database: {type: redis, version: 7, autoDeploy: true}", "unknown key `autoDeploy`"),
        ("helm: {chart: {oci: 'oci://a.example/b', version: '1'}, autoDeploy: true}", "a chart or a file of values from git"),
        ("helm: {chart: {oci: 'oci://a.example/b', version: '1'}, paths: {}}", "a chart or a file of values from git"),
        ("job: {source: {}}", "expected exactly one of `git` or `image`"),
        ("job: {source: {image: {name: a, tag: b}}, command: [a]}\n  command: [b]", "stands at the service already"),
        (
            "helm: {chart: {oci: 'oci://a.example/b', repository: 'https://a.example', version: '1'}}",
            "exactly one of `repository`",
        ),
        ("helm: {chart: {oci: 'oci://a.example/b', version: '^1.y'}}", "a version such as `1.2.3`, or a range such as `^1.2`"),
        ("helm: {chart: {git: {url: 'https://a.example/b', path: c}, credential: d}}", "`credential` does not go with `git`"),
        ("helm: {chart: {oci: 'oci://a.example/b:1', version: '1.2.3'}}", "`oci://host/path` without a version"),
        ("helm: {chart: {repository: 'http://a.example', name: b, version: 1.2.3}}", "a URL that begins with `https://`"),
        ("helm: {chart: {repository: 'http://127.0.0.1.example', name: b, version: 1.2.3}}", "a URL that begins with `https://`"),
        ("helm: {chart: {repository: 'https://u:p@a.example', name: b, version: 1.2.3}}", "a user's name or password"),
        ("stage: nowhere", "the service has no kind"),
    ] {
        let problems = refused(&format!("services:\n- name: a\n  {kind}\n"));
        assert!(problems.contains(message), "{kind}\n{problems}");
    }
}

#[test]
fn c13_globs_that_name_no_file_are_refused_where_they_stand() {
    for (glob, message) in [
        ("/docs/**", "it begins with `/`"),
        ("a\\b", "has a `\\`"),
        ("!docs/**", "put it into `exclude`"),
        ("../a", "it names no file of the repository"),
        (".", "it names no file of the repository"),
        ("a[", "unclosed character class"),
        ("{a", "unclosed alternate group"),
        ("[z-a]", "invalid range"),
        ("[aü]", "`[…]` holds ASCII characters alone"),
    ] {
        for key in ["match", "exclude"] {
            let paths = format!("    paths:\n      {key}: [ok, '{glob}']\n");
            let problems =
                refused(&format!("services:\n- name: web\n  application:\n    git: {{url: 'https://git.example/a'}}\n{paths}"));
            let place = format!("9:{}: services[0].application.paths.{key}[1]: `{glob}` is not a glob: ", key.len() + 14);
            assert!(problems.starts_with(&place) && problems.contains(message) && problems.lines().count() == 1, "{problems}");
            assert!(problems.contains("expected a path from the repository's root, such as `services/api/**`"), "{problems}");
        }
    }
    let many = vec!["a"; 201].join(", ");
    let git = "{url: 'https://git.example/a'}";
    let many = refused(&format!("services:\n- name: web\n  application: {{git: {git}, paths: {{match: [{many}]}}}}\n"));
    assert!(many.contains("there are 201 globs; expected at most 200"), "{many}");
}

#[test]
fn charts_of_registries_and_repositories_are_taken() {
    for chart in [
        "{oci: 'oci://ghcr.io/acme/app', version: 1.2.3}",
        "{repository: 'https://charts.example/stable', name: app, version: v1.2.3-rc.1+5}",
        "{repository: 'http://127.0.0.1:8080', name: app, version: '1'}",
        "{repository: 'http://[::1]:8080/charts', name: app, version: 1.2.3}",
    ] {
        let file = super::file_of(&format!("services:\n- name: a\n  helm: {{chart: {chart}}}\n"));
        parse(&file, &ParseOptions::default()).unwrap_or_else(|problems| panic!("{chart}: {problems:?}"));
    }
}

#[test]
fn names_stages_and_secrets_are_unique_and_known() {
    for (text, message) in [
        ("pipeline: {stages: [{name: a}, {name: a}]}", "there are two stages `a`"),
        ("pipeline: {stages: []}", "expected 1 to 100 stages, found 0"),
        ("pipeline: {stages: [{name: a, defaultFor: job}, {name: b, defaultFor: job}]}", "the default for `job` already"),
        (
            "pipeline: {stages: [{name: edge}]}\nservices: [{name: a, stage: egde, database: {type: redis, version: 7}}]",
            "did you mean `edge`?",
        ),
        ("secrets: [A, A]", "the secret `A` is declared twice"),
        ("variables: {SLIPWAY_X: a}", "names that begin with `SLIPWAY_`"),
        ("secrets: [API_KEY]\nvariables: {A: {secret: API_KEI}}", "did you mean `API_KEY`?"),
        (
            "services: [{name: a, database: {type: redis, version: 7}}, {name: a, database: {type: redis, version: 7}}]",
            "two services `a`",
        ),
    ] {
        let problems = refused(text);
        assert!(problems.contains(message), "{text}\n{problems}");
    }
}

#[test]
fn everything_that_is_named_is_defined() {
    let services = "services:\n- name: my-db\n  database: {type: redis, version: 7}\n- name: load\n  job: {source: {image: {name: a, tag: b}}}\n";
    accepted(&format!(
        "variables:\n  A: '{{{{SLIPWAY_DATABASE_MY_DB_URL}}}} {{{{SLIPWAY_SERVICE_LOAD_VERSION}}}}'\n  B: {{alias: A}}\n{services}"
    ));
    for (text, message) in [
        ("variables: {A: '{{SLIPWAY_DATABASE_DB_URL}}'}\n", "did you mean `SLIPWAY_DATABASE_MY_DB_URL`?"),
        ("variables: {A: '{{SLIPWAY_SERVICE_LOAD_PORT}}'}\n", "nothing defines `{{SLIPWAY_SERVICE_LOAD_PORT}}`"),
        ("variables: {A: '{{SLIPWAY_SECRET_NAME}}'}\n", "is there in a `helm` service only"),
        ("variables: {A: {alias: B}}\n", "nothing defines `B`"),
        ("variables: {A: {override: b}}\n", "no wider scope has a variable `A`"),
        ("variables: {A: '{{B}}', B: '{{A}}'}\n", "variables need each other in a circle: A -> B -> A"),
        ("variables: {A: '{{A}}'}\n", "variables need each other in a circle: A -> A"),
        ("secrets: [KEY]\nvariables: {A: '{{KEY}}'}\n", "`{{KEY}}` is a secret, and no variable here"),
    ] {
        let problems = refused(&format!("{text}{services}"));
        assert!(problems.contains(message) && problems.lines().count() == 1, "{text}\n{problems}");
    }
    let own = "variables: {A: '{{B}}', B: b}\n".to_owned() + &container("variables: {B: {override: '{{A}}'}}");
    assert!(refused(&own).contains("in a circle: B -> A -> B"), "{}", refused(&own));
}

#[test]
fn a_long_row_of_variables_is_refused_and_does_not_overflow() {
    let mut variables = "variables:\n  V0: x\n".to_owned();
    for index in 1..1900 {
        variables.push_str(&format!("  V{index}: '{{{{V{}}}}}'\n", index - 1));
    }
    assert!(refused(&variables).contains("more than 50 variables need each other in a row"));
}

#[test]
fn who_is_told_needs_a_place_that_may_be_asked() {
    let file = |notification: &str| {
        let top = "secrets: [KEY]\nnotifications:\n";
        format!("{top}- {notification}\n{}", container(""))
    };
    for good in [
        "{kind: webhook, url: 'https://hooks.example/x'}",
        "{kind: webhook, url: 'http://127.0.0.1:9000/x', secret: KEY, events: [failed]}",
        "{kind: slack, url: 'https://hooks.slack.example/services/T/B/x'}",
        "{kind: slack, secret: KEY}",
    ] {
        accepted(&file(good));
    }
    for (bad, why) in [
        ("{kind: webhook, secret: KEY}", "expected `url`"),
        ("{kind: slack}", "expected `url`, or the `secret` that is the URL, and not both"),
        ("{kind: slack, url: 'https://chat.example', secret: KEY}", "and not both"),
        ("{kind: webhook, url: 'https://me:hunter2@hooks.example'}", "must not carry a user's name or password"),
        ("{kind: webhook, url: 'ftp://hooks.example'}", "begins with `https://` or `http://`"),
        (
            "{kind: webhook, url: 'http://169.254.169.254/latest'}",
            "6:24: notifications[0].url: 169.254.169.254 is a metadata address",
        ),
        ("{kind: webhook, url: 'http://0xa9fea9fe/'}", "is a metadata address"),
        ("{kind: webhook, url: 'http://[fe80::1]/'}", "is a metadata address"),
        ("{kind: webhook, url: 'http://metadata.google.internal/'}", "is a metadata address"),
        ("{kind: webhook, url: 'https://hooks.example', events: [ended]}", "expected"),
        ("{kind: webhook, url: 'https://hooks.example', secret: OTHER}", "the secret `OTHER` is not declared"),
    ] {
        let problems = refused(&file(bad));
        assert!(problems.contains(why), "{bad}: {problems}");
    }
}

#[test]
fn no_source_lies_at_a_metadata_address() {
    for url in [
        "http://169.254.169.254/a",
        "https://metadata.google.internal/a.git",
        "ssh://git@100.100.100.200/a",
        "git@169.254.1.1:acme/shop.git",
        "https://[fd00:ec2::254]/a",
        "https://0251.0376.0251.0376/a",
    ] {
        let problems = refused(&application(&format!("{{url: '{url}'}}")));
        assert!(
            problems.contains("6:28: services[0].application.git.url: ") && problems.contains("is a metadata address"),
            "{problems}"
        );
    }
    let image = refused("services:\n- name: web\n  container: {image: {name: '169.254.169.254/a', tag: '1'}}\n");
    assert!(image.contains("services[0].container.image.name: 169.254.169.254 is a metadata address"), "{image}");
    for chart in
        ["{oci: 'oci://169.254.169.254/a', version: '1'}", "{repository: 'https://169.254.169.254/', name: a, version: '1'}"]
    {
        let problems = refused(&format!("services:\n- name: web\n  helm: {{chart: {chart}}}\n"));
        assert!(problems.contains("is a metadata address"), "{problems}");
    }
}
