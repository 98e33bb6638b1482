//! A new key, by a server that is killed while it makes it.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::Home;

const SECRETS: usize = 40;

const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: test
secrets: [NAMES]
services:
  - name: cache
    container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}
";

fn slipway(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    command.current_dir(home.path()).env("SLIPWAY_HOME", home.path().join("home")).env("HOME", home.path());
    command.env_remove("KUBECONFIG").env_remove("SLIPWAY_ENVIRONMENT").stdout(Stdio::null());
    command
}

fn set(home: &Home, arguments: &[&str]) {
    let mut command = slipway(home).args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    command.stdin.take().unwrap().write_all(b"hunter2-hunter2").unwrap();
    assert!(command.wait().unwrap().success());
}

/// Every row opens, or it would be refused.
fn rotate(home: &Home) {
    let (code, rotated, said) = home.slipway(&["key", "rotate", "--output", "json"]);
    assert_eq!(code, 0, "{said}");
    let rotated: serde_json::Value = serde_json::from_str(&rotated).unwrap();
    assert_eq!((&rotated["secrets"], &rotated["credentials"]), (&SECRETS.into(), &1.into()), "{rotated}");
}

fn kill(home: &Home) {
    let record = std::fs::read_to_string(home.path().join("home/server.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert!(Command::new("kill").args(["-9", &record["pid"].to_string()]).status().unwrap().success());
}

#[test]
fn b06_a_server_that_is_killed_in_a_rotation_loses_no_secret() {
    let home = Home::new();
    assert_eq!(home.slipway(&["key", "rotate"]).0, 7, "no server");
    assert_eq!(home.up().0, 0);
    let names: Vec<_> = (0..SECRETS).map(|number| format!("TOKEN_{number}")).collect();
    std::fs::write(home.path().join("slipway.yaml"), FILE.replace("NAMES", &names.join(", "))).unwrap();
    let (code, _, said) = home.slipway(&["apply"]);
    assert_eq!(code, 0, "{said}");
    for name in &names {
        set(&home, &["secret", "set", name]);
    }
    set(&home, &["credential", "set", "hub", "--registry", "ghcr.io", "--user", "acme"]);
    let key = home.path().join("home/secret.key");
    let first = std::fs::read(&key).unwrap();
    rotate(&home);
    assert_ne!(std::fs::read(&key).unwrap(), first);
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    for moment in 0..8_u64 {
        let mut asked = slipway(&home).args(["key", "rotate"]).stderr(Stdio::null()).spawn().unwrap();
        // The program itself takes some milliseconds until it asks: moments before, in and after the rotation.
        std::thread::sleep(Duration::from_millis(10 + 4 * moment));
        kill(&home);
        asked.wait().unwrap();
        let (code, _, said) = home.up();
        assert_eq!(code, 0, "{said}");
        assert!(!home.path().join("home/secret.key.next").exists(), "the start has ended what was begun");
        rotate(&home);
    }
    let log = std::fs::read(home.path().join("home/log")).unwrap();
    let holds = |part: &[u8]| log.windows(part.len()).any(|window| window == part);
    assert!(!holds(b"hunter2") && !holds(&first) && !holds(&std::fs::read(&key).unwrap()));
}
