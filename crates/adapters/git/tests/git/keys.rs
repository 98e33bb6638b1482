//! The law of image keys, on random repositories: two commits have one key exactly when a build would see the same of both.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Fixture, git};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use slipway_core::image_key::{ImageKey, KeyInputs};
use slipway_ports::{Reader, Repositories};

/// Where the context is.
const ROOT: &str = "app";

/// Paths in the context, and outside of it.
const PATHS: [&str; 15] = [
    "app/Dockerfile",
    "app/main.c",
    "app/read.md",
    "app/keep.md",
    "app/docs/a.md",
    "app/docs/keep.md",
    "app/docs/deep/b.md",
    "app/src/main.c",
    "app/src/tmp/x",
    "app/lib",
    "apps/main.c",
    "web/app/main.c",
    "README.md",
    ".gitmodules",
    ".gitattributes",
];

/// Whether a path below the context is excluded.
type Excludes = fn(&str) -> bool;

/// Ignore files, each with what it excludes, written by hand.
const IGNORES: [(&str, Excludes); 6] = [
    ("docs\n", |path| path == "docs" || path.starts_with("docs/")),
    ("*.md\n!keep.md\n", |path| !path.contains('/') && is_text(path) && path != "keep.md"),
    ("**/tmp\nlib\n", |path| path == "lib" || path.split('/').any(|part| part == "tmp")),
    ("docs\n!docs/keep.md\n", |path| (path == "docs" || path.starts_with("docs/")) && path != "docs/keep.md"),
    ("**/*.md\n.dockerignore\n", |path| is_text(path) || path == ".dockerignore"),
    ("*\n!src\n", |path| path != "src" && !path.starts_with("src/")),
];

fn is_text(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end == "md")
}

/// A file, a program, a link or a commit of another repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    mode: &'static str,
    content: String,
}

/// What a build is made from.
#[derive(Debug, Clone)]
struct Source {
    files: BTreeMap<&'static str, Entry>,
    ignore: Option<usize>,
    target: Option<String>,
    arg: String,
}

/// One thing that somebody changes.
#[derive(Debug, Clone)]
enum Change {
    Write(&'static str, Entry),
    Remove(Index),
    Ignore(Option<usize>),
    Target(Option<String>),
    Arg(String),
}

fn entry(path: &'static str) -> BoxedStrategy<Entry> {
    let of = |modes: Vec<&'static str>, contents: Vec<&'static str>| {
        (select(modes), select(contents)).prop_map(|(mode, content)| Entry { mode, content: content.to_owned() }).boxed()
    };
    match path {
        "app/Dockerfile" => of(vec!["100644"], vec!["FROM scratch\n", "FROM scratch\nARG A\n"]),
        "app/lib" => of(vec!["160000"], vec!["1", "2"]),
        ".gitattributes" => of(vec!["100644"], vec!["*.c text\n", "*.c -text\n", "*.bin filter=lfs\n"]),
        _ => of(vec!["100644", "100755", "120000"], vec!["1", "2"]),
    }
}

fn change() -> impl Strategy<Value = Change> {
    let ignore = proptest::option::of(0..IGNORES.len());
    prop_oneof![
        6 => select(PATHS.to_vec()).prop_flat_map(|path| entry(path).prop_map(move |entry| Change::Write(path, entry))),
        2 => any::<Index>().prop_map(Change::Remove),
        1 => ignore.prop_map(Change::Ignore),
        1 => proptest::option::of("[ab]").prop_map(Change::Target),
        1 => "[ab]".prop_map(Change::Arg),
    ]
}

impl Source {
    fn new() -> Self {
        let dockerfile = Entry { mode: "100644", content: "FROM scratch\n".to_owned() };
        Self { files: BTreeMap::from([("app/Dockerfile", dockerfile)]), ignore: None, target: None, arg: "a".to_owned() }
    }

    fn with(mut self, changes: &[Change]) -> Self {
        for change in changes {
            match change.clone() {
                Change::Write(path, entry) => {
                    self.files.insert(path, entry);
                }
                Change::Remove(index) => {
                    let path = *index.get(&self.files.keys().copied().collect::<Vec<_>>());
                    // Without it there is no build.
                    if path != "app/Dockerfile" {
                        self.files.remove(path);
                    }
                }
                Change::Ignore(ignore) => self.ignore = ignore,
                Change::Target(target) => self.target = target,
                Change::Arg(arg) => self.arg = arg,
            }
        }
        self
    }

    /// Everything that a build can see, one line for each thing.
    fn seen(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::from([
            format!("target {:?}", self.target),
            format!("arg {}", self.arg),
            // Without one the tree is not walked, and its id stands for it: that there is one is an input, too.
            format!("ignore file {}", self.ignore.is_some()),
            format!("Dockerfile {}", self.files["app/Dockerfile"].content),
        ]);
        let excluded = |path: &str| self.ignore.is_some_and(|ignore| IGNORES[ignore].1(path));
        let takes_back = self.ignore.is_some_and(|ignore| IGNORES[ignore].0.contains('!'));
        let ignore = self.ignore.map(|ignore| (".dockerignore", "100644", IGNORES[ignore].0));
        let files =
            self.files.iter().filter_map(|(path, entry)| Some((path.strip_prefix("app/")?, entry.mode, entry.content.as_str())));
        for (path, mode, content) in files.chain(ignore) {
            let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            seen.extend(folders.filter(|folder| !excluded(folder)).map(|folder| format!("folder {folder}")));
            // What a submodule holds may be taken back in, and is not known.
            if !excluded(path) || (mode == "160000" && takes_back) {
                seen.insert(format!("{mode} {path} {content}"));
            }
        }
        let attributes = self.files.get(".gitattributes").filter(|entry| entry.content.contains("filter"));
        seen.extend(attributes.map(|entry| format!("attributes {}", entry.content)));
        seen
    }

    /// The commit of it on a branch of its own, as `git fast-import` reads it.
    fn stream(&self, branch: &str) -> String {
        let ignore = self.ignore.map(|ignore| Entry { mode: "100644", content: IGNORES[ignore].0.to_owned() });
        let ignore = ignore.iter().map(|entry| ("app/.dockerignore", entry));
        let files = self.files.iter().map(|(path, entry)| (*path, entry)).chain(ignore);
        let files = files.map(|(path, Entry { mode, content })| match *mode {
            "160000" => format!("M 160000 {} {path}\n", content.repeat(40)),
            mode => format!("M {mode} inline {path}\ndata {}\n{content}\n", content.len()),
        });
        let files: String = files.collect();
        format!("reset refs/heads/{branch}\ncommit refs/heads/{branch}\ncommitter T <t@example.com> 0 +0000\ndata 0\n{files}\n")
    }
}

async fn key(fixture: &Fixture, source: &Source, branch: &str) -> ImageKey {
    let commit = fixture.branch(branch).await.unwrap();
    let facts = fixture.mirrors.facts(&fixture.query(&commit, ROOT), &Reader::nobody()).await.unwrap();
    ImageKey::of(&KeyInputs {
        context_tree: &facts.context_tree,
        dockerfile: &facts.dockerfile,
        target: source.target.as_deref(),
        platforms: &[],
        args: &BTreeMap::from([("A".to_owned(), source.arg.clone())]),
    })
}

/// So many cases, or as many as `PROPTEST_CASES` asks for.
fn cases(few: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { few };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

#[test]
fn b02_a_key_changes_exactly_when_a_build_can_see_a_change() {
    let fixture = Fixture::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let strategy = (proptest::collection::vec(change(), 0..16), proptest::collection::vec(change(), 1..3));
    let law = |(before, changes): (Vec<Change>, Vec<Change>)| {
        let one = Source::new().with(&before);
        let other = one.clone().with(&changes);
        let mut import = Command::new("git")
            .args(["fast-import", "--quiet", "--force"])
            .current_dir(&fixture.work)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let stream = format!("{}{}", one.stream("one"), other.stream("other"));
        import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(import.wait().unwrap().success(), "{stream}");
        let (first, second) = runtime.block_on(async {
            fixture.fetch().await;
            (key(&fixture, &one, "one").await, key(&fixture, &other, "other").await)
        });
        let (one, other) = (one.seen(), other.seen());
        let changed: Vec<_> = one.symmetric_difference(&other).collect();
        prop_assert_eq!(first == second, changed.is_empty(), "{:?}", changed);
        Ok(())
    };
    // The work tree has no commit of its own.
    git(&fixture.work, &["symbolic-ref", "HEAD", "refs/heads/one"]);
    TestRunner::new(cases(60)).run(&strategy, law).unwrap();
}
