//! Which files concern a service, by globs.
//!
//! A glob is a path from the root of the repository. `*` and `?` stand for characters other than `/`, `[…]` for one of some, `{a,b}`
//! for one of two, `**` between slashes for any number of folders. A glob without any of them names a file, or a folder with all that
//! is in it. `?` and `[…]` stand for ASCII characters alone, since paths are bytes to git and to the matcher.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::PathFilter;

/// Most characters of a glob; no path of a repository is longer.
const LONGEST: usize = 4096;

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a glob: {problem}; expected a path from the repository's root, such as `services/api/**` or `**/*.md`")]
pub struct InvalidGlob {
    /// The text that was refused.
    pub glob: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A [`PathFilter`], ready to be asked.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Absent: every file.
    matches: Option<GlobSet>,
    excludes: GlobSet,
}

/// What a filter says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtered {
    /// The file concerns the service.
    Concerns,
    /// `match` has no glob for it.
    Unmatched,
    /// A glob of `exclude` takes it away.
    Excluded,
}

impl Filter {
    /// Compiles the globs.
    pub fn new(filter: &PathFilter) -> Result<Self, InvalidGlob> {
        let matches = if filter.matches.is_empty() { None } else { Some(set(&filter.matches)?) };
        Ok(Self { matches, excludes: set(&filter.excludes)? })
    }

    /// Whether a file of the repository concerns the service: something in `match` names it, and nothing in `exclude`.
    pub fn concerns(&self, path: &str) -> bool {
        self.of(path) == Filtered::Concerns
    }

    /// What it says of a file, by its path from the root of the repository.
    pub fn of(&self, path: &str) -> Filtered {
        if self.matches.as_ref().is_some_and(|matches| !matches.is_match(path)) {
            Filtered::Unmatched
        } else if self.excludes.is_match(path) {
            Filtered::Excluded
        } else {
            Filtered::Concerns
        }
    }
}

/// Refuses a text that is not a glob, or one that could never name a file.
pub fn check_glob(glob: &str) -> Result<(), InvalidGlob> {
    set(std::slice::from_ref(&glob)).map(|_| ())
}

fn set<T: AsRef<str>>(globs: &[T]) -> Result<GlobSet, InvalidGlob> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        add(&mut builder, glob.as_ref())?;
    }
    builder.build().map_err(|error| {
        let glob = error.glob().or(globs.first().map(AsRef::as_ref)).unwrap_or_default();
        invalid(glob, &error.kind().to_string())
    })
}

fn add(builder: &mut GlobSetBuilder, glob: &str) -> Result<(), InvalidGlob> {
    if glob.chars().count() > LONGEST {
        return Err(invalid(glob, &format!("it has more than {LONGEST} characters")));
    }
    if glob.starts_with('!') {
        return Err(invalid(glob, "`!` negates nothing here; put it into `exclude`"));
    }
    if glob.starts_with('/') || glob.contains('\\') || glob.chars().any(char::is_control) {
        return Err(invalid(glob, "it begins with `/`, or has a `\\` or a control character"));
    }
    let classes = glob.split('[').skip(1).map(|class| class.split(']').next().unwrap_or_default());
    if !classes.into_iter().all(str::is_ascii) {
        return Err(invalid(glob, "`[…]` holds ASCII characters alone"));
    }
    let mut parts: Vec<&str> = glob.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.dedup_by(|part, before| *part == "**" && *before == "**");
    if parts.is_empty() || parts.contains(&"..") {
        return Err(invalid(glob, "it names no file of the repository"));
    }
    let plain = parts.join("/");
    let mut compile = |text: &str| {
        let compiled = GlobBuilder::new(text).literal_separator(true).backslash_escape(false).empty_alternates(true).build();
        let compiled = compiled.map_err(|error| invalid(glob, &error.kind().to_string()))?;
        builder.add(compiled);
        Ok(())
    };
    compile(&plain)?;
    if let Some(folder) = plain.strip_suffix("/**") {
        // What is at the folder's own path is a submodule, or a file where the folder was.
        compile(folder)
    } else if glob.ends_with('/') || !plain.contains(['*', '?', '[', '{']) {
        compile(&format!("{plain}/**"))
    } else {
        Ok(())
    }
}

fn invalid(glob: &str, problem: &str) -> InvalidGlob {
    let glob = glob.chars().take(200).map(|character| if character.is_control() { '?' } else { character }).collect();
    InvalidGlob { glob, problem: problem.to_owned() }
}
