//! Where the URLs of users may lead a server that others reach.

use crate::support::Home;

const FILE: &str = r#"apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
services:
- name: web
  application: {git: {url: "http://127.0.0.1:1/shop.git", branch: main}}
- name: cache
  container: {image: {name: "192.168.0.9:5000/cache", tag: "1"}}
- name: metrics
  helm: {chart: {repository: "http://127.0.0.1:1/charts", name: metrics, version: 1.0.0}}
"#;

#[test]
fn a_server_that_others_reach_asks_inside_where_its_operator_allows_it() {
    let home = Home::new();
    std::fs::write(home.path().join("slipway.yaml"), FILE).unwrap();
    let refused = |place: &str| format!("it is not asked: {place} is not of the open internet");
    assert_eq!(home.up_with(&["--public-url", "https://ci.example"]).0, 0);
    assert_eq!(home.slipway(&["apply"]).0, 0);
    let (_, plan, _) = home.slipway(&["plan"]);
    assert_eq!(plan.matches(&refused("127.0.0.1")).count(), 2, "{plan}");
    assert!(plan.contains(&refused("192.168.0.9")) && plan.contains("--allow-address"), "{plan}");
    let notify = ["notification", "create", "webhook", "ops", "--url", "http://127.0.0.1:1/"];
    let (code, _, said) = home.slipway(&notify);
    assert!(code != 0 && said.contains("127.0.0.1 is not of the open internet"), "{said}");

    assert_eq!(home.slipway(&["down"]).0, 0);
    assert_eq!(home.up_with(&["--public-url", "https://ci.example", "--allow-address", "127.0.0.0/8"]).0, 0);
    let (_, plan, _) = home.slipway(&["plan"]);
    assert!(!plan.contains(&refused("127.0.0.1")) && plan.contains(&refused("192.168.0.9")), "{plan}");

    // What tells a machine of a cloud who it is is refused with its place, whatever is allowed.
    std::fs::write(home.path().join("slipway.yaml"), FILE.replace("127.0.0.1:1/shop", "169.254.169.254/shop")).unwrap();
    let (code, _, said) = home.slipway(&["apply"]);
    assert!(code == 2 && said.contains("slipway.yaml:7:") && said.contains("metadata address"), "{code}: {said}");
}
