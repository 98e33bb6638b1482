//! The URL of a repository, checked, and apart from the credential in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::failure::{Code, Failure};

/// A URL that git may be given, without any password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceUrl {
    /// What git is given, and what may be shown.
    pub(crate) shown: String,
    /// The value of an `Authorization` header, when the URL held a credential.
    pub(crate) authorization: Option<String>,
}

impl SourceUrl {
    /// Checks a URL: `http`, `https`, `ssh`, `user@host:path`, and `file` where it is allowed.
    pub(crate) fn parse(url: &str, file_is_allowed: bool) -> Result<Self, Failure> {
        if url.is_empty() || url.starts_with('-') || url.chars().any(|character| character.is_control() || character == ' ') {
            return Err(refuse(url, "it is empty, begins with `-`, or holds a space or a control character"));
        }
        let plain = |url: &str| Self { shown: url.to_owned(), authorization: None };
        match url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
            Some((scheme, rest)) if scheme == "http" || scheme == "https" => Ok(Self::of_http(&scheme, rest)),
            Some((scheme, rest)) if scheme == "ssh" && !host_of(rest).starts_with('-') => Ok(plain(url)),
            Some((scheme, _)) if scheme == "file" && file_is_allowed => Ok(plain(url)),
            Some((scheme, _)) if scheme == "file" => Err(refuse(url, "this server does not read repositories from its own disk")),
            Some(_) => Err(refuse(url, "its scheme is not http, https or ssh")),
            None if is_scp_like(url) => Ok(plain(url)),
            None => Err(refuse(url, "it is neither `https://host/path` nor `user@host:path`")),
        }
    }

    fn of_http(scheme: &str, rest: &str) -> Self {
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let Some((user, host)) = authority.rsplit_once('@') else {
            return Self { shown: format!("{scheme}://{rest}"), authorization: None };
        };
        let mut pair = percent_decoded(user);
        if !pair.contains(&b':') {
            pair.push(b':');
        }
        let authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
        Self { shown: format!("{scheme}://{host}{path}"), authorization }
    }
}

fn host_of(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// `user@host:path` or `host:path`; not `helper::address`, which would run a program.
fn is_scp_like(url: &str) -> bool {
    url.split_once(':').is_some_and(|(authority, path)| {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        !authority.contains('/')
            && !host.is_empty()
            && !host.starts_with('-')
            && !path.is_empty()
            && !path.starts_with([':', '-'])
    })
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    decoded
}

fn refuse(url: &str, why: &str) -> Failure {
    let shown: String = redacted(url).chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
    Failure::permanent(Code::RepositoryUnreachable, format!("`{shown}` is not a URL that repositories are read from: {why}"))
        .with_hint("expected `https://host/path.git`, `ssh://user@host/path.git` or `user@host:path.git`")
}

/// The same text without what stands between `://` and `@`.
pub(crate) fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        shown.push_str(before);
        let end = after.find(|c: char| c == '/' || c == '\'' || c == '"' || c.is_whitespace()).unwrap_or(after.len());
        let authority = &after[..end];
        shown.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        rest = &after[end..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_in_a_url_never_stays_in_what_is_shown() {
        let url = SourceUrl::parse("https://user:p%40ss@git.example.com/shop.git", false).unwrap();
        assert_eq!(url.shown, "https://git.example.com/shop.git");
        assert_eq!(url.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        let token = SourceUrl::parse("https://token@git.example.com/shop.git", false).unwrap();
        assert_eq!(token.authorization.as_deref(), Some("Basic dG9rZW46"));
        let failure = SourceUrl::parse("ftp://user:secret@host/x", false).unwrap_err();
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }

    #[test]
    fn what_would_run_a_program_or_read_the_disk_is_refused() {
        for url in [
            "ext::sh -c true",
            "ext::sh",
            "-oProxyCommand=x",
            "--upload-pack=x",
            "ssh://-oProxyCommand=x/y",
            "git@-oProxyCommand=x:y",
            "host:-x",
            "file:///etc",
            "/etc",
            "../x",
            "https://host/a\nb",
            "https://host/a\0b",
            "",
        ] {
            assert!(SourceUrl::parse(url, false).is_err(), "{url}");
        }
        for url in ["git@host:shop/api.git", "ssh://git@host:22/api.git", "http://127.0.0.1:1/x", "HTTPS://host/x"] {
            assert!(SourceUrl::parse(url, false).is_ok(), "{url}");
        }
        assert!(SourceUrl::parse("file:///srv/git/x.git", true).is_ok());
    }

    #[test]
    fn text_of_git_is_shown_without_credentials() {
        let text = "fatal: unable to access 'https://user:secret@host/x/': nothing, see http://a:b@c/d";
        assert_eq!(redacted(text), "fatal: unable to access 'https://host/x/': nothing, see http://c/d");
    }
}
