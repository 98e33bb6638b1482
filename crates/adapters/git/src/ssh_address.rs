//! A repository's URL over SSH, taken apart as git does it, for what is asked of the host beside git.

use slipway_core::failure::{Code, Failure};

use crate::source_url::{SourceUrl, percent_decoded};

/// Where a repository is, on a host that is reached over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SshAddress {
    user: Option<String>,
    /// A name, or an address without brackets.
    host: String,
    port: Option<u16>,
    /// As the host is to read it; no control characters, and no option.
    path: String,
}

impl SshAddress {
    /// Takes a URL apart; `None` when it is none of SSH.
    pub(crate) fn of(source: &SourceUrl) -> Option<Result<Self, Failure>> {
        let shown = &source.shown;
        let parsed = match shown.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ssh") => Self::of_url(rest),
            Some(_) => return None,
            None => Self::of_short(shown),
        };
        Some(parsed.filter(Self::is_plain).ok_or_else(|| {
            let message = format!("the LFS server of {shown} cannot be asked for over SSH: user, host or path are not plain");
            Failure::permanent(Code::LfsUnavailable, message)
                .with_hint("use an https URL for the repository, or name its LFS server as `lfs.url` in a `.lfsconfig`")
        }))
    }

    /// What comes after `ssh://`.
    fn of_url(rest: &str) -> Option<Self> {
        let (authority, path) = rest.split_at(rest.find('/')?);
        let (user, host) = user_and_host(authority);
        let (host, port) = match host.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']')?;
                (host, after.strip_prefix(':'))
            }
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some(port) => Some(port.parse().ok()?),
            None => None,
        };
        let path = String::from_utf8(percent_decoded(path)).ok()?;
        // As git: what begins with `~` is a home.
        let path = path.strip_prefix('/').filter(|path| path.starts_with('~')).unwrap_or(&path).to_owned();
        Some(Self { user, host: host.to_owned(), port, path })
    }

    /// `user@host:path`.
    fn of_short(text: &str) -> Option<Self> {
        let (authority, path) = text.split_once(':')?;
        let (user, host) = user_and_host(authority);
        Some(Self { user, host: host.to_owned(), port: None, path: path.to_owned() })
    }

    fn is_plain(&self) -> bool {
        let is_word = |text: &str, others: &str| {
            let is_known = |character: char| character.is_ascii_alphanumeric() || others.contains(character);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(is_known)
        };
        self.user.as_deref().is_none_or(|user| is_word(user, "_.-"))
            && is_word(&self.host, "_.-:")
            && !self.path.is_empty()
            && !self.path.starts_with('-')
            && !self.path.chars().any(char::is_control)
    }

    /// The name of the host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Arguments of `ssh` that run a command there: a constant word, the path, and another constant word.
    pub(crate) fn arguments(&self, program: &'static str, last: &'static str) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        arguments.extend(["--".to_owned(), format!("{user}{}", self.host), format!("{program} {} {last}", quoted(&self.path))]);
        arguments
    }

    /// The URL that the repository would have over HTTPS, if its path is one of URLs.
    pub(crate) fn over_https(&self) -> Option<String> {
        let path = self.path.trim_start_matches('/');
        let is_path =
            !path.starts_with('~') && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte));
        let is_path = is_path && path.split('/').all(|part| !matches!(part, "." | ".."));
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        is_path.then(|| format!("https://{host}/{path}"))
    }
}

fn user_and_host(authority: &str) -> (Option<String>, &str) {
    authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user.to_owned()), host))
}

/// A word for the shell of the host, as git quotes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\'' | '!' => quoted.extend(["'\\", character.encode_utf8(&mut [0; 4]), "'"]),
            _ => quoted.push(character),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn address(url: &str) -> Option<Result<SshAddress, Failure>> {
        SshAddress::of(&SourceUrl::parse(url, true).unwrap())
    }

    #[test]
    fn a_url_is_taken_apart_as_git_does_it() {
        for (url, expected) in [
            ("git@git.example:acme/shop.git", "-- git@git.example git-lfs-authenticate 'acme/shop.git' download"),
            ("git.example:/srv/shop", "-- git.example git-lfs-authenticate '/srv/shop' download"),
            ("ssh://git@git.example/acme/shop", "-- git@git.example git-lfs-authenticate '/acme/shop' download"),
            ("SSH://git.example:2222/~joe/a%20b", "-p 2222 -- git.example git-lfs-authenticate '~joe/a b' download"),
            ("ssh://git@[::1]:22/it's!", "-p 22 -- git@::1 git-lfs-authenticate '/it'\\''s'\\!'' download"),
        ] {
            let arguments = address(url).unwrap().unwrap().arguments("git-lfs-authenticate", "download");
            assert_eq!(arguments.join(" "), expected, "{url}");
        }
        for url in ["https://git.example/shop", "file:///srv/shop"] {
            assert!(address(url).is_none(), "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_host_user_or_path_is_refused() {
        for url in [
            "ssh://git@git.example/a%0ab",
            "ssh://git@git.example/a%00",
            "ssh://git@git.example/%ff",
            "ssh://git@git.example",
            "ssh://git@git.example:x/y",
            "ssh://-x@git.example/y",
            "ssh://a$(b)@git.example/y",
            "ssh://git:secret@git.example/y",
            "ssh://git@%2dx/y",
            "ssh://git@[::1/y",
            "ssh:///y",
            "a;b:c",
        ] {
            assert_eq!(address(url).unwrap().unwrap_err().code, Code::LfsUnavailable, "{url}");
        }
    }

    #[test]
    fn over_https_neither_the_user_nor_the_port_of_ssh_stays() {
        for (url, expected) in [
            ("git@git.example:acme/shop.git", Some("https://git.example/acme/shop.git")),
            ("ssh://git@git.example:2222/acme/shop", Some("https://git.example/acme/shop")),
            ("ssh://[::1]:22/shop", Some("https://[::1]/shop")),
            ("git@git.example:a?b", None),
            ("git@git.example:~joe/shop", None),
            ("git@git.example:a/../b", None),
        ] {
            assert_eq!(address(url).unwrap().unwrap().over_https().as_deref(), expected, "{url}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_shell_reads_what_is_quoted_as_one_word(text in "([a-z'\"!$`\\\\;&|<> ~*(){}#-]|\\PC){1,20}") {
            let output = Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(&text))).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}
