//! The URL of a repository, checked, and apart from the credential in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{Credential, Login, SecretText};

/// A URL that git may be given, without any password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceUrl {
    /// What git is given, and what may be shown.
    pub(crate) shown: String,
    /// Who asks, over HTTP.
    pub(crate) login: Option<HttpLogin>,
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpLogin {
    pub(crate) user: String,
    pub(crate) password: SecretText,
}

impl HttpLogin {
    /// The value of an `Authorization` header.
    fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password.expose())))
    }
}

impl SourceUrl {
    /// Checks a URL: `http`, `https`, `ssh`, `user@host:path`, and `file` where it is allowed.
    pub(crate) fn parse(url: &str, file_is_allowed: bool) -> Result<Self, Failure> {
        if url.is_empty() || url.starts_with('-') || url.chars().any(|character| character.is_control() || character == ' ') {
            return Err(refuse(url, "it is empty, begins with `-`, or holds a space or a control character"));
        }
        let plain = |url: &str| Self { shown: url.to_owned(), login: None };
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
            return Self { shown: format!("{scheme}://{rest}"), login: None };
        };
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let text = |text: &str| String::from_utf8_lossy(&percent_decoded(text)).into_owned();
        let login = Some(HttpLogin { user: text(user), password: SecretText::new(text(password)) });
        Self { shown: format!("{scheme}://{host}{path}"), login }
    }

    /// The same, read with a credential, unless the URL held one itself.
    pub(crate) fn with(mut self, credential: Option<&Credential>) -> Self {
        let is_http = self.shown.starts_with("http://") || self.shown.starts_with("https://");
        if let Some(Login::Password { user, password }) = credential.map(|credential| &credential.login)
            && is_http
            && self.login.is_none()
        {
            self.login = Some(HttpLogin { user: user.clone(), password: password.clone() });
        }
        self
    }

    /// The value of an `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.login.as_ref().map(HttpLogin::authorization)
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

/// The bytes that a part of a URL stands for.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        // `from_str_radix` alone would take a sign.
        let hex = hex.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
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
        // What is no credential may be the beginning of another URL.
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        rest = &after[host..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_credential_in_a_url_never_stays_in_what_is_shown() {
        let url = SourceUrl::parse("https://user:p%40ss@git.example.com/shop.git", false).unwrap();
        assert_eq!(url.shown, "https://git.example.com/shop.git");
        assert_eq!(url.authorization().as_deref(), Some("Basic dXNlcjpwQHNz"));
        let token = SourceUrl::parse("https://token@git.example.com/shop.git", false).unwrap();
        assert_eq!(token.authorization().as_deref(), Some("Basic dG9rZW46"));
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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_url_is_an_option_or_a_program_to_git(
            scheme in "(https?|ssh|file|ext|HTTP|-[a-z]|\\PC)?(://|::|:|)",
            rest in "[a-z@:/%.-]{0,12}|\\PC{0,20}|.{0,20}",
        ) {
            let url = format!("{scheme}{rest}");
            match SourceUrl::parse(&url, false) {
                Ok(parsed) => {
                    let shown = &parsed.shown;
                    let helper = shown.split_once("::").map(|(name, _)| name);
                    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
                    prop_assert!(!shown.starts_with('-') && !helper.is_some_and(is_name), "{}", shown);
                    prop_assert!(!shown.chars().any(char::is_control) && !shown.starts_with("file://"), "{}", shown);
                    prop_assert!(SourceUrl::parse(shown, false).is_ok_and(|again| again.shown == *shown), "{}", shown);
                }
                Err(failure) => prop_assert!(failure.message.len() < 2000 && !failure.message.chars().any(char::is_control)),
            }
        }

        #[test]
        fn no_password_is_shown(
            user in "[a-z%:]{0,4}",
            password in "SECRET[a-zA-Z0-9%:?#!$&+=~.,;-]{0,12}",
            before in "[a-z :'/]{0,6}",
            scheme in "(https?|HTTPS|ftp|ssh)://",
        ) {
            let url = format!("{scheme}{user}:{password}@host.example/x");
            if let Ok(parsed) = SourceUrl::parse(&url, true)
                && parsed.login.is_some()
            {
                prop_assert!(!parsed.shown.contains("SECRET"), "{}", parsed.shown);
            }
            if let Err(failure) = SourceUrl::parse(&url, true) {
                prop_assert!(!failure.message.contains("SECRET"), "{}", failure.message);
            }
            let shown = redacted(&format!("{before}{url}' {before}{url}"));
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
        }

        #[test]
        fn what_is_percent_encoded_is_decoded_and_the_rest_stays(bytes in prop::collection::vec(any::<u8>(), 0..12), text in "[a-z%+]{0,12}") {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(percent_decoded(&encoded), bytes);
            let encodes = |at: usize| text.as_bytes()[at] == b'%' && text.get(at + 1..at + 3).is_some_and(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
            if !(0..text.len()).any(encodes) {
                prop_assert_eq!(percent_decoded(&text), text.as_bytes());
            }
        }
    }
}
