use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::image_key::{ImageKey, KeyInputs};
use crate::model::{Bytes, Millicores};

const SECRETIVE: &str = "secretive-";

/// A build of a context, a Dockerfile and arguments, with the key that it has.
fn build(context: &str, dockerfile: &str, args: &[(&str, &str)]) -> PlannedBuild {
    let args = args.iter().map(|(name, value)| ((*name).to_owned(), format!("{SECRETIVE}{value}"))).collect();
    of(context, dockerfile, None, &[], args)
}

fn of(
    context: &str,
    dockerfile: &str,
    target: Option<&str>,
    platforms: &[String],
    args: BTreeMap<String, String>,
) -> PlannedBuild {
    let inputs = KeyInputs { context_tree: context, dockerfile, target, platforms, args: &args };
    PlannedBuild {
        key: ImageKey::of(&inputs),
        repository: "builds/git.example/shop".to_owned(),
        url: "https://git.example/shop.git".to_owned(),
        commit: "1".repeat(40),
        root: "api".to_owned(),
        context_tree: context.to_owned(),
        dockerfile: Some("Dockerfile".to_owned()),
        dockerfile_inline: None,
        target: target.map(str::to_owned),
        args,
        secrets: Vec::new(),
        platforms: platforms.to_vec(),
        cpu: Millicores(1000),
        memory: Bytes(1 << 30),
        timeout: Duration::from_secs(60),
        replaces: None,
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Why `build` is done after `last` here and those elsewhere.
fn why(build: &PlannedBuild, last: Option<&PlannedBuild>, elsewhere: &[(&str, &PlannedBuild)]) -> String {
    let names: Vec<_> = elsewhere.iter().map(|(environment, _)| name(environment)).collect();
    let others: Vec<_> =
        names.iter().zip(elsewhere).map(|(environment, (_, build))| BuildElsewhere { environment, build }).collect();
    why_built(build, last, &others)
}

#[test]
fn a_build_of_the_same_source_elsewhere_says_which_arguments_differ() {
    let wanted = build("tree", "file", &[("API_URL", "a"), ("MODE", "m")]);
    let one = build("tree", "file", &[("API_URL", "b"), ("MODE", "m")]);
    let two = build("tree", "file", &[("API_URL", "b"), ("DEBUG", "1")]);
    assert_eq!(why(&wanted, None, &[("staging", &one)]), "ARG API_URL differs from staging");
    assert_eq!(why(&wanted, None, &[("a", &two)]), "ARG API_URL, ARG DEBUG, ARG MODE differ from a");
    assert_eq!(why(&wanted, None, &[("a", &two), ("staging", &one), ("test", &one)]), "ARG API_URL differs from staging");
    let older = build("older", "file", &[("API_URL", "a"), ("MODE", "m")]);
    assert_eq!(why(&wanted, Some(&older), &[("staging", &one)]), "context changed; ARG API_URL differs from staging");
}

#[test]
fn what_was_built_here_of_the_same_source_says_it_all() {
    let wanted = build("tree", "file", &[("API_URL", "a")]);
    let last = build("tree", "file", &[("API_URL", "b")]);
    assert_eq!(why(&wanted, Some(&last), &[("staging", &last)]), "ARG API_URL changed");
    assert_eq!(why(&wanted, Some(&build("tree", "other", &[("API_URL", "a")])), &[]), "Dockerfile changed");
    assert_eq!(why(&wanted, Some(&wanted), &[("staging", &last)]), "the registry does not hold the image any more");
}

#[test]
fn what_is_of_another_source_or_is_the_same_build_gives_no_reason() {
    let wanted = build("tree", "file", &[("API_URL", "a")]);
    let other_source = build("other", "file", &[("API_URL", "b")]);
    let other_folder = PlannedBuild { root: "web".to_owned(), ..build("tree", "file", &[]) };
    let other_repository = PlannedBuild { repository: "builds/git.example/other".to_owned(), ..build("tree", "file", &[]) };
    let others = [("a", &other_source), ("b", &other_folder), ("c", &other_repository)];
    assert_eq!(why(&wanted, None, &others), "first build");
    // Its image is that of `b`, which is not built yet either: that of `a` was never in question.
    assert_eq!(why(&wanted, None, &[("a", &build("tree", "file", &[])), ("b", &wanted)]), "first build");
}

#[test]
fn an_image_is_shared_with_the_first_environment_whose_build_is_the_same() {
    let wanted = build("tree", "file", &[]);
    let (other, same) = (build("tree", "file", &[("API_URL", "b")]), wanted.clone());
    let names = [name("test"), name("staging"), name("a")];
    let builds = [&same, &same, &other];
    let others: Vec<_> = names.iter().zip(builds).map(|(environment, build)| BuildElsewhere { environment, build }).collect();
    assert_eq!(shared_with(&wanted, &others), Some(&names[1]));
    assert_eq!(shared_with(&wanted, &others[2..]), None);
}

fn any_build() -> impl Strategy<Value = (PlannedBuild, String)> {
    let args = proptest::collection::btree_map("[AB]", "[xy]".prop_map(|value| format!("{SECRETIVE}{value}")), 0..3);
    let platforms = proptest::collection::vec("linux/(amd64|arm64)", 0..3);
    ("[12]", "[ab]", proptest::option::of("[tu]"), platforms, args).prop_map(|(context, dockerfile, target, platforms, args)| {
        (of(&context, &dockerfile, target.as_deref(), &platforms, args), dockerfile)
    })
}

proptest! {
    #[test]
    fn two_builds_differ_in_something_exactly_when_their_keys_do((one, file) in any_build(), (other, other_file) in any_build()) {
        let found = BuildDifference::between(&one, &other);
        prop_assert_eq!(found.is_empty(), one.key == other.key);
        prop_assert_eq!(&found, &BuildDifference::between(&other, &one));
        prop_assert_eq!(found.contains(&BuildDifference::Context), one.context_tree != other.context_tree);
        for name in ["A", "B"] {
            let is_told = found.contains(&BuildDifference::Argument(name.to_owned()));
            prop_assert_eq!(is_told, one.args.get(name) != other.args.get(name));
        }
        prop_assert!(!found.contains(&BuildDifference::Dockerfile) || file != other_file);
    }

    #[test]
    fn a_reason_is_there_for_every_build_and_holds_no_value(
        (wanted, _) in any_build(), last in proptest::option::of(any_build()), others in proptest::collection::vec(any_build(), 0..4),
    ) {
        let last = last.map(|(build, _)| build);
        let others: Vec<_> = others.iter().map(|(build, _)| ("staging", build)).collect();
        let reason = why(&wanted, last.as_ref(), &others);
        prop_assert!(!reason.is_empty() && !reason.contains(SECRETIVE), "{}", reason);
    }
}
