//! Arrows run downward: the folder of a crate is its layer.
//!
//! | layer | crates |
//! |---|---|
//! | 5 | tests, xtask |
//! | 4 | cli (over server) |
//! | 3 | server |
//! | 2 | engine, gate, page, adapters: beside each other, never on each other |
//! | 1 | ports |
//! | 0 | core, pure |

use std::collections::BTreeMap;
use std::path::Path;

use crate::metadata::{self, Metadata, Package};

/// What core may be made of. Everything else needs a word here first.
const PURE: [&str; 10] = [
    "globset",
    "jiff",
    "parse-dockerfile",
    "saphyr",
    "saphyr-parser",
    "serde",
    "serde-saphyr",
    "serde_json",
    "sha2",
    "thiserror",
];

/// What no line of core may name: runtimes, clocks, random sources, files, networks, processes, threads.
const IMPURE: [&str; 18] = [
    "Moment::now",
    "Zoned::now",
    "std::fs",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "RandomState",
    "DefaultHasher",
    "async fn",
    "println!",
];

/// A crate's layer by its folder.
fn layer(folder: &str) -> Option<u8> {
    Some(match folder {
        "crates/core" => 0,
        "crates/ports" => 1,
        "crates/engine" | "crates/gate" | "crates/page" => 2,
        adapter if adapter.starts_with("crates/adapters/") => 2,
        "crates/server" => 3,
        "crates/cli" => 4,
        "tests" | "tests/crash" | "dev/xtask" => 5,
        _ => return None,
    })
}

/// The arrows that may not be, and the impure lines of core.
pub(crate) fn check() -> Result<Vec<String>, String> {
    let metadata = metadata::read()?;
    let mut problems = arrows(&metadata);
    problems.extend(impure_dependencies(&metadata));
    let mut checked = 0;
    impure_lines(&metadata.workspace_root.join("crates/core/src"), &mut problems, &mut checked)?;
    if problems.is_empty() {
        println!("layers: {} crates, {checked} files of core, no arrow upward or sideways", metadata.packages.len());
    }
    Ok(problems)
}

fn folder(metadata: &Metadata, package: &Package) -> String {
    let folder = package.manifest_path.parent().unwrap_or(&metadata.workspace_root);
    folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder).display().to_string()
}

fn arrows(metadata: &Metadata) -> Vec<String> {
    let folders: BTreeMap<&str, String> =
        metadata.packages.iter().map(|package| (package.name.as_str(), folder(metadata, package))).collect();
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let own = &folders[package.name.as_str()];
        let Some(above) = layer(own) else {
            problems.push(format!("{own}: no layer is known for this folder; see dev/xtask/src/layers.rs"));
            continue;
        };
        let ordinary = package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
        for other in ordinary.filter_map(|dependency| folders.get(dependency.name.as_str())) {
            match layer(other) {
                Some(below) if below < above => {}
                _ => problems.push(format!("{own} -> {other}: arrows run downward only")),
            }
        }
    }
    problems
}

fn impure_dependencies(metadata: &Metadata) -> Vec<String> {
    let core = metadata.packages.iter().filter(|package| package.name == "slipway-core");
    let ordinary = core.flat_map(|package| &package.dependencies).filter(|dependency| dependency.kind.is_none());
    ordinary
        .filter(|dependency| !PURE.contains(&dependency.name.as_str()))
        .map(|dependency| format!("crates/core -> {}: not on the list of pure libraries", dependency.name))
        .collect()
}

fn impure_lines(folder: &Path, problems: &mut Vec<String>, checked: &mut usize) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name == "tests") {
            // Tests of core may read the files that they compare with.
            continue;
        }
        if path.is_dir() {
            impure_lines(&path, problems, checked)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *checked += 1;
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let named = code.lines().enumerate().filter_map(|(index, line)| {
                let code = line.split("//").next().unwrap_or_default();
                IMPURE.iter().find(|word| code.contains(**word)).map(|word| (index + 1, word))
            });
            problems
                .extend(named.map(|(line, word)| format!("{}:{line}: core is pure and may not name `{word}`", path.display())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, dependencies: &[&str]) -> Package {
        let dependency = |name: &&str| metadata::Dependency { name: (*name).to_owned(), kind: None };
        Package {
            name: name.to_owned(),
            manifest_path: format!("/w/{folder}/Cargo.toml").into(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn arrows_upward_and_sideways_are_problems() {
        let metadata = Metadata {
            workspace_root: "/w".into(),
            packages: vec![
                package("slipway-core", "crates/core", &["slipway-ports", "tokio"]),
                package("slipway-ports", "crates/ports", &["slipway-core"]),
                package("slipway-git", "crates/adapters/git", &["slipway-store", "slipway-ports"]),
                package("slipway-store", "crates/adapters/store", &["slipway-engine"]),
                package("slipway-engine", "crates/engine", &["slipway-ports"]),
            ],
        };
        assert_eq!(
            arrows(&metadata),
            [
                "crates/core -> crates/ports: arrows run downward only",
                "crates/adapters/git -> crates/adapters/store: arrows run downward only",
                "crates/adapters/store -> crates/engine: arrows run downward only",
            ]
        );
        assert_eq!(impure_dependencies(&metadata).len(), 2);
    }
}
