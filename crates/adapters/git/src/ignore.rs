//! What a `.dockerignore` excludes, by the rules of moby's `patternmatcher`, quirks included.

mod glob;

use glob::Glob;

/// The patterns of an ignore file, in their order.
#[derive(Debug)]
pub(crate) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// Written with `!`: what it matches is taken back in.
    exception: bool,
    glob: Glob,
}

/// Which patterns matched a folder: what is in it begins from there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matched(Vec<bool>);

/// The text holds a pattern that the builder would refuse, too.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidPattern;

impl Ignore {
    /// Reads an ignore file.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut patterns = Vec::new();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines().filter(|line| !line.starts_with('#')) {
            let Some(line) = normalised(line.trim()) else { continue };
            // The builder reads the `!` anew from the normalised line, and so `/!x` is an exception, too.
            let line = clean(line.trim());
            let (exception, pattern) = line.strip_prefix('!').map_or((false, line.as_str()), |rest| (true, rest));
            if pattern.is_empty() {
                return Err(InvalidPattern);
            }
            patterns.push(Pattern { exception, glob: Glob::parse(pattern).ok_or(InvalidPattern)? });
        }
        Ok(Self { patterns })
    }

    /// Whether anything is taken back in, so that an excluded folder may still hold what is not.
    pub(crate) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.exception)
    }

    /// Whether a path is excluded, and what its children need to know; `parent` is what its folder gave (`None` at the top).
    pub(crate) fn excludes(&self, path: &str, parent: Option<&Matched>) -> (bool, Matched) {
        let mut excluded = false;
        let mut matched = vec![false; self.patterns.len()];
        for (index, pattern) in self.patterns.iter().enumerate() {
            let by_parent = parent.is_some_and(|parent| parent.0[index]);
            if !by_parent && pattern.exception != excluded {
                continue;
            }
            matched[index] = by_parent || pattern.glob.matches(path);
            if matched[index] {
                excluded = !pattern.exception;
            }
        }
        (excluded, Matched(matched))
    }
}

/// A line as the builder's client hands it on: cleaned behind its `!`, without a slash in front; `None` when it is empty.
fn normalised(line: &str) -> Option<String> {
    let (mark, pattern) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest.trim()));
    if pattern.is_empty() {
        return (!mark.is_empty()).then(|| mark.to_owned());
    }
    let pattern = clean(pattern);
    let pattern = if pattern.len() > 1 { pattern.strip_prefix('/').unwrap_or(&pattern) } else { &pattern };
    Some(format!("{mark}{pattern}"))
}

/// As Go's `path.Clean`: no empty parts, no `.`, `..` resolved where it can be.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Asks for a path as a walk from the top would.
    fn excluded(ignore: &Ignore, path: &str) -> bool {
        let mut above: Option<Matched> = None;
        let mut result = false;
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let (excluded, matched) = ignore.excludes(&path[..end], above.as_ref());
            result = excluded;
            above = Some(matched);
        }
        result
    }

    #[test]
    fn patterns_mean_what_they_mean_to_the_builder() {
        // pattern file, path, excluded: the table is moby/patternmatcher's own for MatchesOrParentMatches, on Unix.
        let cases = [
            ("**", "file", true),
            ("**", "dir/file", true),
            ("**/", "file", true),
            ("**/", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/file", true),
            ("dir/**", "dir/dir2/file", true),
            ("**/dir", "dir/file", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/**", "dir/dir2/dir2/file", true),
            ("**file", "file", true),
            ("**file", "dir/file", true),
            ("**/file", "dir/dir/file", true),
            ("**/file*", "dir/dir/file.txt", true),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/file*.txt*", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/*.txt", "file.txt", true),
            ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a/*.txt**", "a/file.txt", true),
            ("a[b-d]e", "ae", false),
            ("a[b-d]e", "ace", true),
            ("abc.def", "abcdef", false),
            ("abc.def", "abcZdef", false),
            ("abc?def", "abcZdef", true),
            ("abc?def", "abcdef", false),
            ("a\\\\", "a\\", true),
            ("**/foo/bar", "foo/bar", true),
            ("**/foo/bar", "dir/dir2/foo/bar", true),
            ("abc/**", "abc", false),
            ("abc/**", "abc/def", true),
            ("**/.foo", "bar.foo", false),
            ("a(b)c/def", "a(b)c/def", true),
            ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            (
                "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
                "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
                true,
            ),
            ("/src", "src/x", true),
            ("./src/", "src/x", true),
            ("# comment\n\n  src  ", "src/x", true),
            ("*", "a/b", true),
            ("[^a]", "b", true),
            ("[^a]", "a", false),
        ];
        for (text, path, expected) in cases {
            assert_eq!(excluded(&Ignore::parse(text).unwrap(), path), expected, "{text:?} {path}");
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore = Ignore::parse("*\n!src\n src/secret\n!**/keep.md\n").unwrap();
        for (path, expected) in [
            ("README.md", true),
            ("src/main.rs", false),
            ("src/secret/key", true),
            ("src/secret/keep.md", false),
            ("doc/keep.md", false),
        ] {
            assert_eq!(excluded(&ignore, path), expected, "{path}");
        }
        let again = Ignore::parse("!src\n*").unwrap();
        assert!(excluded(&again, "src/main.rs"));
    }

    #[test]
    fn what_the_builder_would_refuse_is_refused() {
        for text in ["!", "[", "a[b", "a\\", "[]", "[-a]", "[a-]"] {
            assert_eq!(Ignore::parse(text).err(), Some(InvalidPattern), "{text}");
        }
    }

    #[test]
    fn many_stars_end_quickly() {
        let ignore = Ignore::parse(&"*a".repeat(100)).unwrap();
        assert!(!excluded(&ignore, &"a".repeat(800).replace("aaaaaaaaaa", "aaaaaaaaab")));
    }

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, cleaned) in [("a//b/./c/..", "a/b"), ("/..", "/"), ("../x", "../x"), ("./", "."), ("/a/", "/a")] {
            assert_eq!(clean(path), cleaned);
        }
    }

    /// Random pattern files (lines joined by U+0001), a path, and what `patternmatcher` 0.6.1 said: excluded, not, or an error.
    #[test]
    fn random_patterns_mean_what_they_mean_to_the_builder() {
        for case in include_str!("ignore/corpus.txt").lines() {
            let [text, path, expected] = case.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {case:?}") };
            let said = match Ignore::parse(&text.replace('\u{1}', "\n")) {
                Ok(ignore) if excluded(&ignore, path) => "1",
                Ok(_) => "0",
                Err(InvalidPattern) => "E",
            };
            assert_eq!(said, expected, "{case:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pattern_and_no_path_makes_it_panic(text in "([*?/!.#\\[\\]^a\\\\ \n\r-]|\\PC){0,40}", path in "([a/.]|\\PC){0,20}") {
            if let Ok(ignore) = Ignore::parse(&text) {
                excluded(&ignore, &path);
            }
        }
    }
}
