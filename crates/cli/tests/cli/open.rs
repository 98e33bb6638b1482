//! The page, opened from a terminal.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::Home;

/// A program that notes what it is called with, in a folder of its own.
fn browser(folder: &Path) -> (PathBuf, PathBuf) {
    let (programs, noted) = (folder.join("programs"), folder.join("noted"));
    std::fs::create_dir(&programs).unwrap();
    let opener = programs.join("xdg-open");
    std::fs::write(&opener, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n", noted.display()))
        .unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    (programs, noted)
}

#[test]
fn the_address_that_is_printed_signs_in() {
    let home = Home::new();
    let (code, _, said) = home.up();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the page: `slipway open`"), "{said}");
    let (code, printed, said) = home.slipway(&["open", "--print"]);
    assert_eq!(code, 0, "{said}");
    let (page, given) = printed.trim().split_once("#code=").unwrap();
    assert!(page.starts_with("http://127.0.0.1:") && page.ends_with('/'), "{page}");
    assert_eq!(given.len(), 64);
    slipway_server::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy();
        // Connections to a server that has ended are not kept.
        let client = client.pool_max_idle_per_host(0).build().unwrap();
        let exchange = || client.post(format!("{page}api/v1/sessions")).json(&serde_json::json!({"code": given})).send();
        let session: serde_json::Value = exchange().await.unwrap().json().await.unwrap();
        let token = session["token"].as_str().unwrap();
        let version = client.get(format!("{page}api/v1/version")).bearer_auth(token).send().await.unwrap();
        assert_eq!(version.status(), 200);
        assert_eq!(exchange().await.unwrap().status(), 401, "once");
        assert_eq!(home.slipway(&["down"]).0, 0);
        assert_eq!(
            home.slipway(&[
                "up",
                "--listen",
                page.trim_start_matches("http://").trim_end_matches('/'),
                "--registry-listen",
                "127.0.0.1:0"
            ])
            .0,
            0
        );
        let again = client.get(format!("{page}api/v1/version")).bearer_auth(token).send().await.unwrap();
        assert_eq!(again.status(), 200, "a session outlives the process that made it");
    });
}

#[test]
fn no_list_of_processes_shows_the_code() {
    let home = Home::new();
    assert_eq!(home.up().0, 0);
    let (programs, noted) = browser(home.path());
    let (code, printed, said) = home.slipway_with(&["open"], Some(&programs));
    assert_eq!((code, printed.as_str()), (0, ""), "{said}");
    let since = Instant::now();
    while !noted.exists() {
        assert!(since.elapsed() < Duration::from_secs(20), "the browser was not started");
        std::thread::sleep(Duration::from_millis(5));
    }
    let file = home.path().join("home/open.html");
    assert_eq!(std::fs::read_to_string(noted).unwrap().trim(), file.display().to_string());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(file).unwrap().contains("#code="));
}

#[test]
fn behind_a_proxy_the_public_address_is_opened() {
    let home = Home::new();
    let addresses =
        ["--listen", "127.0.0.1:0", "--registry-listen", "127.0.0.1:0", "--public-url", "https://ci.example/slipway/"];
    let (code, _, said) = home.slipway(&[&["up"], &addresses[..]].concat());
    assert_eq!(code, 0, "{said}");
    assert!(home.slipway(&["open", "--print"]).1.starts_with("https://ci.example/slipway/#code="));
    let (code, _, said) = home.slipway(&["serve", "--public-url", "ci.example"]);
    assert_eq!(code, 2);
    assert!(said.contains("is no public URL"), "{said}");
}
