//! What `.gitmodules` says of the commits of other repositories in a tree.

use std::collections::BTreeMap;
use std::path::Path;

use slipway_core::failure::{Code, Failure};

use crate::objects::{EntryKind, Objects};
use crate::program::Program;
use crate::source_url::redacted;
use crate::submodule_url;

const FILE: &str = ".gitmodules";
const LARGEST: u64 = 1 << 20;

/// The submodules of a commit, by their paths in the repository.
#[derive(Debug, Default)]
pub(crate) struct Submodules(BTreeMap<String, String>);

impl Submodules {
    /// Reads those of a commit, by the id of its whole tree.
    pub(crate) async fn read(program: &Program, mirror: &Path, objects: &mut Objects, top: &str) -> Result<Self, Failure> {
        let entries = objects.tree(top).await?;
        let Some(entry) = entries.into_iter().find(|entry| entry.name == FILE.as_bytes()) else { return Ok(Self::default()) };
        if !matches!(entry.kind, EntryKind::File { .. }) {
            return Err(invalid("`.gitmodules` is not a file"));
        }
        match objects.find(&entry.id).await? {
            Some(header) if header.size <= LARGEST => {}
            _ => return Err(invalid("`.gitmodules` is larger than 1 MiB")),
        }
        let blob = format!("--blob={}", entry.id);
        let arguments = ["config", &blob, "--null", "--get-regexp", r"^submodule\..*\.(path|url)$"];
        let ended = program.ask(mirror, arguments, "read `.gitmodules`").await?;
        if !ended.success && !ended.stderr.trim().is_empty() {
            return Err(invalid("`.gitmodules` cannot be read as configuration of git"));
        }
        Self::of(&ended.stdout)
    }

    /// Reads what git wrote: names and values, each pair ended by a null.
    fn of(pairs: &str) -> Result<Self, Failure> {
        let mut named: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
        for pair in pairs.split_terminator('\0') {
            let Some((name, value)) = pair.split_once('\n') else { continue };
            let Some((name, key)) = name.strip_prefix("submodule.").and_then(|name| name.rsplit_once('.')) else { continue };
            named.entry(name).or_default()[usize::from(key == "url")] = Some(value);
        }
        let mut submodules = BTreeMap::new();
        for (name, [path, url]) in named {
            let (Some(path), Some(url)) = (path, url) else { continue };
            let path = path.trim_end_matches('/');
            if !is_inside(path) {
                return Err(invalid(&format!(
                    "the submodule `{}` has the path `{}`, which is none in the repository",
                    shown(name),
                    shown(path)
                )));
            }
            submodules.insert(path.to_owned(), url.to_owned());
        }
        Ok(Self(submodules))
    }

    /// The URL of the submodule at a path, where `parent` is the URL of the repository that names it.
    pub(crate) fn url(&self, parent: &str, path: &str) -> Result<String, Failure> {
        let url = self.0.get(path).ok_or_else(|| {
            Failure::permanent(
                Code::SubmoduleInvalid,
                format!("`{}` is a commit of another repository, and `.gitmodules` has no path and URL for it", shown(path)),
            )
            .with_hint("add it with `git submodule add`, or remove it with `git rm`; then commit and push")
        })?;
        submodule_url::resolve(parent, url)
            .map_err(|why| invalid(&format!("the submodule `{}` has the URL `{}`: {why}", shown(path), shown(&redacted(url)))))
    }
}

/// Whether a path is one of a folder in a work tree: none that is read as an option, leaves the tree, or is git's own.
fn is_inside(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part != "." && part != ".." && !is_git_folder(part.as_bytes());
    !path.starts_with('-') && !path.chars().any(char::is_control) && path.split('/').all(is_name)
}

/// Whether a name would be git's own folder, on any file system.
pub(crate) fn is_git_folder(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git") || name.eq_ignore_ascii_case(b"git~1")
}

/// The repository of a submodule was fetched, and does not hold its commit.
pub(crate) fn missing_commit(path: &str, commit: &str, url: &str) -> Failure {
    Failure::permanent(
        Code::SubmoduleInvalid,
        format!("the submodule `{}` is at commit {commit}, which {} does not hold", shown(path), shown(&redacted(url))),
    )
    .with_hint("push the commit to a branch or tag of that repository, or commit another one")
}

fn invalid(why: &str) -> Failure {
    Failure::permanent(Code::SubmoduleInvalid, why).with_hint("correct `.gitmodules` in the repository, commit and push")
}

fn shown(text: &str) -> String {
    text.chars().take(200).map(|character| if character.is_control() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_is_found_by_its_path_whatever_its_name() {
        let read = Submodules::of("submodule.a.b c.path\nvendor/lib/\0submodule.a.b c.url\n../lib.git\0submodule.x.path\nx\0");
        let read = read.unwrap();
        assert_eq!(read.url("https://git.example/a/b", "vendor/lib").unwrap(), "https://git.example/a/lib.git");
        let failure = read.url("https://git.example/a/b", "x").unwrap_err();
        assert_eq!(failure.code, Code::SubmoduleInvalid);
        assert!(failure.message.contains("`x`"), "{failure}");
    }

    #[test]
    fn a_path_that_leaves_the_tree_or_is_an_option_is_refused() {
        for path in
            ["..", "../x", "a/../../x", "/etc", "a//b", "a/./b", "-x", "--upload-pack=x", ".git", "a/.GIT/hooks", "git~1/x", ""]
        {
            let failure = Submodules::of(&format!("submodule.x.path\n{path}\0submodule.x.url\nhttps://h/x\0")).unwrap_err();
            assert_eq!(failure.code, Code::SubmoduleInvalid, "{path}");
        }
    }
}
