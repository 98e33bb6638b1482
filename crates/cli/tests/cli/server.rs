//! The server in the background: up, seen, down, and owned by one.

use crate::support::Home;

#[test]
fn a_server_is_brought_up_once_and_down_again() {
    let home = Home::new();
    let (code, _, said) = home.up();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the server is up at http://127.0.0.1:"), "{said}");
    let (code, _, said) = home.up();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the server is up already"), "{said}");
    let (code, listed, _) = home.slipway(&["target", "list", "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((code, &listed[0]["name"], &listed[0]["default"]), (0, &"local".into(), &true.into()), "{listed}");
    let (code, _, said) = home.slipway(&["serve", "--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(said.contains("another server owns"), "{said}");
    let (code, _, said) = home.slipway(&["down"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(home.slipway(&["target", "list"]).0, 7);
    assert_eq!(home.up().0, 0, "it comes back in the same home");
}

#[test]
fn an_environment_outlives_its_server() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    assert_eq!(home.slipway(&["init"]).0, 0);
    let (code, changes, said) = home.slipway(&["apply"]);
    assert_eq!(code, 0, "{said}");
    assert!(changes.contains("service `db` is new"), "{changes}");
    assert_eq!(home.slipway(&["down"]).0, 0);
    assert_eq!(home.up().0, 0);
    let (_, changes, _) = home.slipway(&["apply"]);
    assert!(changes.contains("nothing changed"), "{changes}");
    let file = home.path().join("slipway.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("kind: Environment", "kind: Environment\ntarget: elsewhere", 1)).unwrap();
    let (code, _, said) = home.slipway(&["deploy", "--file", "slipway.yaml"]);
    assert_eq!(code, 2, "there is no such target: {said}");
    assert!(said.contains("slipway target add"), "{said}");
    assert_eq!(home.slipway(&["--environment", "shop/nothing", "status"]).0, 6);
    assert_eq!(home.slipway(&["logs", "--deployment", "7"]).0, 6);
}

#[test]
fn what_is_exported_makes_the_same_environment_elsewhere() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    assert_eq!(home.slipway(&["init"]).0, 0);
    assert_eq!(home.slipway(&["apply"]).0, 0);
    // What was edited since is in no file but this.
    assert_eq!(home.slipway(&["stage", "rename", "0.DEFAULT DATABASE", "data"]).0, 0);
    assert_eq!(home.slipway(&["stage", "add", "0.DEFAULT DATABASE"]).0, 0);
    let (code, file, said) = home.slipway(&["export"]);
    assert_eq!(code, 0, "{said}");
    let (code, json, said) = home.slipway(&["export", "--output", "json"]);
    assert_eq!(code, 0, "{said}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pipeline"]["stages"][4], serde_json::json!({"name": "0.DEFAULT DATABASE", "defaultFor": null}));
    std::fs::write(home.path().join("slipway.yaml"), &file).unwrap();
    let (_, changes, said) = home.slipway(&["apply"]);
    assert!(changes.contains("nothing changed"), "{changes}{said}");

    let other = Home::new();
    assert_eq!(other.up().0, 0);
    for again in [&file, &json.to_string()] {
        std::fs::write(other.path().join("slipway.yaml"), again).unwrap();
        let (code, _, said) = other.slipway(&["apply"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(other.slipway(&["export"]).1, file);
    }
    assert_eq!(other.slipway(&["export", "--environment", "shop/nothing"]).0, 6);
}

#[test]
fn a_project_is_applied_from_its_file_and_serves_its_environments() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write(
        "project.yaml",
        "apiVersion: slipway.dev/v1\nkind: Project\nname: shop\nvariables:\n  LEVEL: info\nsecrets:\n- TOKEN\n",
    );
    let environment =
        "apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: staging\nvariables: {OWN: '{{LEVEL}}'}\n";
    write("slipway.yaml", environment);
    let (code, _, said) = home.slipway(&["apply"]);
    assert_eq!((code, said.contains("nothing defines `{{LEVEL}}`")), (2, true), "{said}");
    let (code, changes, said) = home.slipway(&["project", "apply", "--file", "project.yaml"]);
    assert_eq!((code, changes.as_str()), (0, "variable `LEVEL` is new\nsecret `TOKEN` is new\n"), "{said}");
    let (code, _, said) = home.slipway(&["apply"]);
    assert_eq!(code, 0, "{said}");
    let exported = home.slipway(&["project", "export", "shop"]).1;
    assert_eq!(exported, std::fs::read_to_string(home.path().join("project.yaml")).unwrap());
    let (_, listed, _) = home.slipway(&["project", "list"]);
    assert!(listed.contains("shop") && listed.contains("staging") && listed.contains("TOKEN (no value)"), "{listed}");
    let (_, listed, _) = home.slipway(&["secret", "list", "--project", "shop"]);
    assert!(listed.contains("TOKEN   no value"), "{listed}");
    write("project.yaml", "apiVersion: slipway.dev/v1\nkind: Project\nname: shop\n");
    let (code, _, said) = home.slipway(&["project", "apply", "--file", "project.yaml"]);
    assert_eq!((code, said.contains("code: project-needed")), (2, true), "{said}");
}

#[test]
fn the_status_tells_when_a_rule_of_the_project_stops_an_environment_by_the_clock_of_the_rule() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    let project = "apiVersion: slipway.dev/v1\nkind: Project\nname: shop\nschedules:\n- environments: preview-*\n  \
        timezone: Asia/Kathmandu\n  stop:\n    weekdays:\n    - monday\n    time: \"19:30\"\n- environments: \"*\"\n";
    write("project.yaml", project);
    let (code, changes, said) = home.slipway(&["project", "apply", "--file", "project.yaml"]);
    assert_eq!((code, changes.as_str()), (0, "schedule of `preview-*` is new\nschedule of `*` is new\n"), "{said}");
    assert_eq!(home.slipway(&["project", "export", "shop"]).1, project);
    assert!(home.slipway(&["project", "list"]).1.contains("preview-*, *"));
    for name in ["preview-7", "staging"] {
        write("slipway.yaml", &format!("apiVersion: slipway.dev/v1\nkind: Environment\nproject: shop\nname: {name}\n"));
        let (code, _, said) = home.slipway(&["apply"]);
        assert_eq!(code, 0, "{said}");
    }
    let (code, status, said) = home.slipway(&["status", "shop/preview-7"]);
    assert_eq!(code, 0, "{said}");
    let line = status.lines().nth(1).unwrap_or_default();
    assert!(line.starts_with("shop/preview-7: stops by the rule `preview-*` of its project on Mon "), "{status}");
    assert!(line.ends_with(" 19:30, Asia/Kathmandu"), "{status}");
    let (_, status, _) = home.slipway(&["status", "shop/staging"]);
    assert!(!status.contains("stops"), "the rule of all names no time: {status}");
}

#[test]
fn a_server_that_can_not_start_says_why() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, said) = home.slipway(&["up", "--listen", &address, "--registry-listen", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(said.contains("can not listen on") && said.contains("its log is"), "{said}");
    let (code, _, said) = home.slipway(&["up", "--listen", "0.0.0.0:0", "--registry-listen", "127.0.0.1:0"]);
    assert_eq!(code, 1);
    assert!(said.contains("loopback only"), "{said}");
}
