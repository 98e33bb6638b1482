//! The laws of path filters (C13).

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use slipway_core::auto_deploy::{Filter, Filtered, check_glob};
use slipway_core::model::PathFilter;

fn filter(matches: &[&str], excludes: &[&str]) -> Filter {
    let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    Filter::new(&PathFilter { matches: texts(matches), excludes: texts(excludes) }).expect("these are globs")
}

#[test]
fn c13_a_glob_names_the_files_that_it_seems_to() {
    for (glob, named, others) in [
        (
            "services/api/**",
            &["services/api/main.rs", "services/api/a/b/c", "services/api"][..],
            &["services/apis/x", "a/services/api/x"][..],
        ),
        ("**/*.md", &["README.md", "docs/a/b.md", ".md"], &["README.mdx", "md", "a.md/x"]),
        ("*.md", &["README.md"], &["docs/README.md"]),
        ("services/*", &["services/a"], &["services/a/b", "services"]),
        ("a?c", &["abc"], &["a/c", "ac", "abbc"]),
        ("a[!b]c", &["axc"], &["a/c", "abc"]),
        ("[a-c]/x", &["b/x"], &["d/x"]),
        ("{web,api}/**", &["web/a", "api/b/c"], &["other/a"]),
        ("a{,b}", &["a", "ab"], &["abb", "b"]),
        ("{web/**,api/*.rs}", &["web/a/b", "api/b.rs"], &["api/a/b.rs", "web"]),
        ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "a/b/zz"]),
        ("docs", &["docs", "docs/a", "docs/a/b"], &["doc", "docs2/a", "a/docs/b"]),
        ("docs/", &["docs/a", "docs/a/b"], &["docs2/a"]),
        ("./docs//*", &["docs/a"], &["docs/a/b"]),
        ("**", &["a", "a/b"], &[]),
        (".github/**", &[".github/workflows/ci.yml"], &["github/x"]),
        ("grün/ü*", &["grün/üß", "grün/ü"], &["grun/ü"]),
        ("Makefile", &["Makefile"], &["makefile"]),
    ] {
        let of_glob = filter(&[glob], &[]);
        for path in named {
            assert!(of_glob.concerns(path), "{glob} names {path}");
        }
        for path in others {
            assert!(!of_glob.concerns(path), "{glob} does not name {path}");
        }
    }
}

#[test]
fn c13_only_files_in_match_and_not_in_exclude_concern_a_service() {
    let api = filter(&["services/api/**"], &["**/*.md"]);
    assert_eq!(api.of("services/api/main.rs"), Filtered::Concerns);
    assert_eq!(api.of("services/api/README.md"), Filtered::Excluded);
    assert_eq!(api.of("README.md"), Filtered::Unmatched);
    assert!(filter(&[], &["docs"]).concerns("a.rs") && !filter(&[], &["docs"]).concerns("docs/a.rs"));
}

#[test]
fn a_huge_or_deep_glob_is_refused_and_does_not_overflow() {
    for glob in
        ["{".repeat(100_000), "{a,".repeat(1000) + &"}".repeat(1000), "[".repeat(4000), "a".repeat(4097), "é".repeat(4097)]
    {
        let error = check_glob(&glob).expect_err("it is no glob").to_string();
        assert!(error.len() < 1000, "{}", error.len());
    }
}

/// Parts of globs and of paths out of few letters, so that they meet.
fn glob() -> impl Strategy<Value = String> {
    vec(select(vec!["**", "*", "a", "b", "?", "a*", "*b", "a?", "*a*", "[ab]", "[!a]b"]), 1..5).prop_map(|parts| parts.join("/"))
}

fn path() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "ab", "ba", "abb", "c", ".a"]), 1..6).prop_map(|parts| parts.join("/"))
}

fn some_filter() -> impl Strategy<Value = PathFilter> {
    (vec(glob(), 0..4), vec(glob(), 0..3)).prop_map(|(matches, excludes)| PathFilter { matches, excludes })
}

/// Whether a glob names a path, by the plain rules, part by part.
fn names(glob: &str, path: &str) -> bool {
    let mut parts: Vec<&str> = glob.split('/').collect();
    if !glob.contains(['*', '?', '[']) {
        parts.push("**");
    }
    parts_match(&parts, &path.split('/').collect::<Vec<_>>())
}

fn parts_match(glob: &[&str], path: &[&str]) -> bool {
    match (glob, path) {
        ([], path) => path.is_empty(),
        (["**", rest @ ..], path) => (0..=path.len()).any(|skipped| parts_match(rest, &path[skipped..])),
        ([_, ..], []) => false,
        ([part, rest @ ..], [name, others @ ..]) => part_matches(part.as_bytes(), name.as_bytes()) && parts_match(rest, others),
    }
}

fn part_matches(part: &[u8], name: &[u8]) -> bool {
    match (part, name) {
        ([], name) => name.is_empty(),
        ([b'*', rest @ ..], name) => (0..=name.len()).any(|skipped| part_matches(rest, &name[skipped..])),
        ([_, ..], []) => false,
        ([b'?', rest @ ..], [_, others @ ..]) => part_matches(rest, others),
        ([b'[', b'!', no, b']', rest @ ..], [first, others @ ..]) => first != no && part_matches(rest, others),
        ([b'[', one, other, b']', rest @ ..], [first, others @ ..]) => {
            [one, other].contains(&first) && part_matches(rest, others)
        }
        ([first, rest @ ..], [second, others @ ..]) => first == second && part_matches(rest, others),
    }
}

proptest! {
    #[test]
    fn c13_a_filter_says_what_the_plain_rules_say(paths in some_filter(), path in path()) {
        let matched = paths.matches.is_empty() || paths.matches.iter().any(|glob| names(glob, &path));
        let excluded = paths.excludes.iter().any(|glob| names(glob, &path));
        prop_assert_eq!(Filter::new(&paths).unwrap().concerns(&path), matched && !excluded, "{:?} {}", paths, path);
    }

    #[test]
    fn c13_another_exclude_never_adds_a_file_and_another_match_never_takes_one(
        paths in some_filter(), more in glob(), path in path(),
    ) {
        let before = Filter::new(&paths).unwrap().concerns(&path);
        let mut narrower = paths.clone();
        narrower.excludes.push(more.clone());
        prop_assert!(before || !Filter::new(&narrower).unwrap().concerns(&path));
        let mut wider = paths.clone();
        // The first glob of `match` is what turns every file into some.
        if !wider.matches.is_empty() {
            wider.matches.push(more);
            prop_assert!(!before || Filter::new(&wider).unwrap().concerns(&path));
        }
    }

    #[test]
    fn c13_the_order_of_globs_changes_nothing(paths in some_filter(), path in path()) {
        let turned = |globs: &[String]| globs.iter().rev().cloned().collect();
        let reversed = PathFilter { matches: turned(&paths.matches), excludes: turned(&paths.excludes) };
        prop_assert_eq!(Filter::new(&paths).unwrap().of(&path), Filter::new(&reversed).unwrap().of(&path));
    }

    #[test]
    fn any_text_is_a_glob_or_refused_and_any_text_is_a_path(glob in "\\PC{0,40}|[a*?{}\\[\\]!,/.-]{0,40}", path in "\\PC{0,60}") {
        match Filter::new(&PathFilter { matches: vec![glob.clone()], excludes: vec![] }) {
            Ok(filter) => {
                prop_assert!(check_glob(&glob).is_ok());
                filter.concerns(&path);
            }
            Err(error) => prop_assert_eq!(check_glob(&glob).unwrap_err(), error),
        }
    }
}
