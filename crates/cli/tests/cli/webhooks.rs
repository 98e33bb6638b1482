//! `slipway webhook` against a server of its own.

use crate::support::Home;
use serde_json::Value;

#[test]
fn a_webhook_is_made_with_a_secret_that_is_told_once_listed_and_deleted() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    let (code, _, said) = home.slipway(&["webhook", "list"]);
    assert_eq!((code, said.contains("there is no webhook; `slipway webhook create github` makes one")), (0, true), "{said}");
    assert_eq!(home.slipway(&["webhook", "deliveries"]).0, 6);
    let (code, made, said) = home.slipway(&["webhook", "create", "github", "--project", "shop"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("for environments of project shop") && said.contains("The secret is not shown again"), "{said}");
    let [url, secret] = &made.lines().map(|line| line.split_whitespace().last().unwrap()).collect::<Vec<_>>()[..] else {
        panic!("URL and secret: {made}")
    };
    assert!(made.starts_with("URL     http://127.0.0.1:") && secret.len() == 64, "{made}");
    assert!(!said.contains(secret), "data is on standard output alone");
    let id = url.rsplit('/').next().unwrap();
    let (_, listed, _) = home.slipway(&["webhook", "list"]);
    assert!(listed.contains(id) && listed.contains("shop") && !listed.contains(secret), "{listed}");
    let (code, _, said) = home.slipway(&["webhook", "deliveries"]);
    assert_eq!((code, said.contains("nothing was delivered yet")), (0, true), "{said}");

    let (_, second, _) = home.slipway(&["webhook", "create", "gitea", "--output", "json"]);
    let second: Value = serde_json::from_str(&second).unwrap();
    assert_eq!((&second["host"], second["secret"].is_string()), (&Value::from("gitea"), true), "{second}");
    let (code, _, said) = home.slipway(&["webhook", "deliveries"]);
    assert_eq!((code, said.contains("there are 2 webhooks") && said.contains("slipway webhook list")), (2, true), "{said}");
    let (_, _, said) = home.slipway(&["webhook", "create", "pipeline"]);
    assert!(said.trim_end().ends_with(r#"--header "Authorization: Bearer $SECRET" "$URL""#), "it can be pasted: {said}");
    assert_eq!(home.slipway(&["webhook", "delete", id]).0, 0);
    assert_eq!(home.slipway(&["webhook", "delete", id]).0, 6);
    assert_eq!(home.slipway(&["webhook", "create", "sourceforge"]).0, 2);
}
