//! The rules of the pipeline contract, and the end-to-end tests on the real system that prove each.
//!
//! A test proves the rule that its name begins with (`c05_…`), and those that a line of its documentation names: `/// Proves C4
//! and C7.` An ignored test proves nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::metadata;

/// A rule.
struct Rule {
    id: &'static str,
    /// The issue that makes it true on the real system.
    issue: u8,
    says: &'static str,
}

const fn rule(id: &'static str, issue: u8, says: &'static str) -> Rule {
    Rule { id, issue, says }
}

/// The contract, in its own order.
const RULES: [Rule; 22] = [
    rule("C1", 3, "a stage is executed only when every stage before it has completed"),
    rule("C2", 3, "every service belongs to exactly one stage"),
    rule("C3", 3, "a stage builds, then deploys"),
    rule("C4", 3, "at most 7 builds at a time; the next begins the moment one ends"),
    rule("C5", 3, "no build when the registry holds the image for the same inputs"),
    rule("C6", 4, "a build gets 4 CPU and 4 GB, or what its service says"),
    rule("C7", 3, "at most 7 services are deployed at a time, each through a Helm chart"),
    rule("C8", 4, "a container's image is mirrored, not built"),
    rule("C9", 3, "four default stages; a new service goes to that of its type"),
    rule("C10", 3, "a default stage that was renamed or deleted does not come back"),
    rule("C11", 3, "changes of the pipeline affect the next deployment, never the running one"),
    rule("C12", 3, "one image is built once in a deployment"),
    rule("C13", 7, "a push deploys the services that it touches"),
    rule("C14", 3, "only variables that an ARG names enter a build and its key"),
    rule("B1", 4, "deployments that need one image at one time share its build"),
    rule("B2", 4, "image keys hash content"),
    rule("B3", 3, "eager: builds run ahead, releases keep their order"),
    rule("B4", 5, "what is unchanged costs nothing"),
    rule("B5", 5, "a rollout that can not succeed ends at once, with its reason"),
    rule("B6", 3, "a deployment survives the death of its server at any instant"),
    rule("B7", 3, "plan, steps and explain give reasons"),
    rule("B8", 3, "finish-stage and fail-fast"),
];

/// The issues that are finished: each of their rules has a test on the real system.
const FINISHED: [u8; 1] = [3];

/// A test, and the rules that it proves.
#[derive(Debug, PartialEq, Eq)]
struct Test {
    name: String,
    rules: Vec<String>,
}

/// Prints the rules with their tests. A problem is a rule of a finished issue without one, and a rule that there is not.
pub(crate) fn check() -> Result<Vec<String>, String> {
    let folder = metadata::read()?.workspace_root.join("tests/end_to_end");
    let mut files = Vec::new();
    rust_files(&folder, &mut files)?;
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        found.extend(tests(&text).into_iter().map(|test| (shown.clone(), test)));
    }
    print(&found);
    Ok(problems(&found))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The tests of a file, those without a rule too.
fn tests(text: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let (mut documentation, mut is_test, mut is_ignored) = (String::new(), false, false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            documentation += words;
            continue;
        }
        if line.starts_with("#[") {
            is_test |= line == "#[test]";
            is_ignored |= line.starts_with("#[ignore");
            continue;
        }
        if let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next())
            && is_test
            && !is_ignored
        {
            tests.push(Test { name: name.to_owned(), rules: rules(name, &documentation) });
        }
        (is_test, is_ignored) = (false, false);
        documentation.clear();
    }
    tests
}

/// `C5` of `c05_…`, and what follows `Proves` up to the end of its sentence.
fn rules(name: &str, documentation: &str) -> Vec<String> {
    let first = name.split('_').next().unwrap_or_default();
    let sentence = documentation.split_once("Proves ").map_or("", |(_, rest)| rest.split('.').next().unwrap_or_default());
    let words = sentence.split(|character: char| !character.is_ascii_alphanumeric());
    let mut rules: Vec<String> = [first].into_iter().chain(words).filter_map(rule_of).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// `C5` of `c05` and of `C5`; none of a word that is no rule.
fn rule_of(word: &str) -> Option<String> {
    let (letter, number) = word.split_at_checked(1)?;
    let letter = letter.to_ascii_uppercase();
    let number: u8 = number.parse().ok()?;
    ["B", "C"].contains(&letter.as_str()).then(|| format!("{letter}{number}"))
}

fn by_rule(found: &[(String, Test)]) -> BTreeMap<&str, Vec<String>> {
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, test) in found {
        for rule in &test.rules {
            by_rule.entry(rule).or_default().push(format!("{file}: {}", test.name));
        }
    }
    by_rule
}

fn print(found: &[(String, Test)]) {
    let by_rule = by_rule(found);
    for Rule { id, issue, says } in &RULES {
        println!("{id:<4} {says}");
        match by_rule.get(id) {
            Some(tests) => tests.iter().for_each(|test| println!("       {test}")),
            None if FINISHED.contains(issue) => println!("       NO TEST"),
            None => println!("       no test yet: issue {issue}"),
        }
    }
}

fn problems(found: &[(String, Test)]) -> Vec<String> {
    let by_rule = by_rule(found);
    let missing = RULES.iter().filter(|rule| FINISHED.contains(&rule.issue) && !by_rule.contains_key(rule.id));
    let missing = missing.map(|rule| format!("{}: no end-to-end test proves it, and issue {} is finished", rule.id, rule.issue));
    let is_known = |id: &str| RULES.iter().any(|rule| rule.id == id);
    let unknown = by_rule.iter().filter(|(id, _)| !is_known(id));
    let unknown = unknown.map(|(id, tests)| format!("{id}: the contract has no such rule; {} names it", tests.join(", ")));
    missing.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
/// Opens the shop. Proves C1, C4 and C7. Not C8.
#[test]
fn c05_the_shop_opens() {}

fn c09_no_test() {}

#[test]
#[ignore = \"it is broken\"]
fn c02_is_ignored() {}

/// Proves C99.
#[test]
fn without_a_number() {}
";

    #[test]
    fn a_test_proves_the_rules_of_its_name_and_of_its_documentation() {
        let test = |name: &str, rules: &[&str]| Test {
            name: name.to_owned(),
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        };
        assert_eq!(tests(TEXT), [test("c05_the_shop_opens", &["C1", "C4", "C5", "C7"]), test("without_a_number", &["C99"])]);
    }

    #[test]
    fn a_rule_of_a_finished_issue_without_a_test_is_a_problem_and_so_is_one_that_there_is_not() {
        let found: Vec<_> = tests(TEXT).into_iter().map(|test| ("shop.rs".to_owned(), test)).collect();
        let problems = problems(&found);
        assert!(problems.iter().any(|problem| problem.starts_with("C2: no end-to-end test proves it")), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.starts_with("C99: the contract has no such rule")), "{problems:?}");
        assert!(!problems.iter().any(|problem| problem.starts_with("C5:") || problem.starts_with("C13:")), "{problems:?}");
    }

    #[test]
    fn the_contract_has_each_rule_once() {
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        let expected: Vec<String> = (1..=14).map(|number| format!("C{number}")).chain((1..=8).map(|n| format!("B{n}"))).collect();
        assert_eq!(ids, expected);
    }
}
