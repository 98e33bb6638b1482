//! The LFS server of a repository that is read over SSH: its host is asked for it by `git-lfs-authenticate`, and tells with what
//! headers it lets who asks in, for a short time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, Credential, Reader};

use super::endpoint::{Endpoint, authorized, http, sensitive};
use crate::login;
use crate::program::{self, Ended, NotEnded};
use crate::source_url::{SourceUrl, redacted};
use crate::ssh_address::SshAddress;

const COMMAND: &str = "git-lfs-authenticate";
const TIMEOUT: Duration = Duration::from_secs(60);
/// What is longer is no answer.
const LARGEST: usize = 64 << 10;
/// What shells and hosts of git say, in lower case, when there is no such command.
const NO_COMMAND: [&str; 7] = [
    "command not found",
    "authenticate: not found",
    "unrecognized command",
    "unknown command",
    "invalid command",
    "disallowed command",
    "is not a git command",
];
/// What a host says, in lower case, that may do better the next time.
const FOR_NOW: [&str; 6] = ["internal", "temporar", "unavailable", "try again", "timed out", "timeout"];

/// What the LFS server of a repository is asked for with.
pub(crate) struct OverSsh<'a> {
    address: SshAddress,
    credential: Option<&'a Credential>,
    known_hosts: &'a Path,
    /// The server that is meant where the host does not have the command.
    beside: Option<Endpoint>,
    cancel: &'a CancellationToken,
}

/// What the command writes.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    href: Option<String>,
    #[serde(default)]
    header: Option<BTreeMap<String, String>>,
}

impl<'a> OverSsh<'a> {
    /// Asks with the credential for the repository. Where the host has no such command, the server is beside the repository over
    /// HTTPS, and is read with the reader's credential for that.
    pub(crate) fn new(
        address: SshAddress,
        url: &str,
        reader: &'a Reader,
        known_hosts: &'a Path,
        cancel: &'a CancellationToken,
    ) -> Self {
        // What is no URL over HTTPS may be a repository over SSH all the same.
        let beside = address.over_https().and_then(|url| {
            let source = SourceUrl::parse(&url, false).ok()?.with(reader.for_repository(&url));
            Endpoint::beside(&source).ok()
        });
        Self { address, credential: reader.for_repository(url), known_hosts, beside, cancel }
    }

    /// The server, with the headers that it wants for now.
    pub(crate) async fn endpoint(&self) -> Result<Endpoint, Failure> {
        let (mut command, _shown) = login::ssh_command(self.credential, self.known_hosts)?;
        command.args(self.address.arguments(COMMAND, "download"));
        let ended = program::run(command, TIMEOUT, self.cancel).await.map_err(|why| self.not_ended(&why))?;
        if ended.success {
            return self.told(&ended.stdout);
        }
        if is_no_command(&ended) {
            return self.beside.clone().ok_or_else(|| {
                self.permanent(&format!("has no `{COMMAND}`"))
                    .with_hint("name the LFS server as `lfs.url` in a `.lfsconfig`, or use an https URL for the repository")
            });
        }
        Err(self.refused(&ended))
    }

    fn told(&self, text: &str) -> Result<Endpoint, Failure> {
        let invalid = || self.permanent(&format!("gives no answer of `{COMMAND}` that can be read"));
        let answer: Option<Answer> =
            Some(text).filter(|text| text.len() <= LARGEST).and_then(|text| serde_json::from_str(text).ok());
        let answer = answer.filter(|answer| answer.href.is_some() || answer.header.is_some()).ok_or_else(invalid)?;
        let mut endpoint = match answer.href.filter(|href| !href.is_empty()) {
            Some(href) => of_address(&href).ok_or_else(invalid)?,
            None => self.beside.clone().ok_or_else(invalid)?,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in answer.header.unwrap_or_default() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            headers.insert(name, sensitive(&value)?);
        }
        if let Some(own) = endpoint.headers.remove(AUTHORIZATION) {
            headers.entry(AUTHORIZATION).or_insert(own);
        }
        endpoint.headers = headers;
        Ok(endpoint)
    }

    fn refused(&self, ended: &Ended) -> Failure {
        let said = last_line(&ended.stderr);
        let has = |words: &[&str]| words.iter().any(|word| ended.stderr.to_lowercase().contains(word));
        // 255 is of `ssh` itself: it did not come so far that the host could say anything.
        let is_ssh = ended.code == Some(255);
        if has(&["permission denied ("]) {
            self.permanent(&format!("does not let us ask over SSH: {said}"))
                .with_hint("set a credential with a key that may read the repository: `slipway credential set --help`")
        } else if is_ssh && has(&["host key verification failed"]) {
            self.permanent("could not prove who it is, over SSH")
                .with_hint("check the host's key, and `--host-keys` of the credential")
        } else if is_ssh || ended.code.is_none() || has(&FOR_NOW) {
            self.retry(&format!("could not be asked over SSH: {said}"))
        } else {
            self.permanent(&format!("refuses to tell of it: {said}"))
                .with_hint("check that the host has Git LFS turned on, and that the key may read the repository")
        }
    }

    fn not_ended(&self, why: &NotEnded) -> Failure {
        match why {
            NotEnded::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => self
                .permanent("is asked over SSH, and the program `ssh` is not installed on the server")
                .with_hint("install OpenSSH"),
            NotEnded::NotStarted(error) | NotEnded::Lost(error) => self.retry(&format!("could not be asked over SSH: {error}")),
            NotEnded::TooSlow => self.retry(&format!("does not answer over SSH within {} s", TIMEOUT.as_secs())),
            NotEnded::Canceled => {
                Failure::canceled(format!("canceled while {} was asked for its LFS server", self.address.host()))
            }
        }
    }

    fn permanent(&self, why: &str) -> Failure {
        Failure::permanent(Code::LfsUnavailable, self.message(why))
    }

    fn retry(&self, why: &str) -> Failure {
        Failure::retry(Code::LfsUnavailable, self.message(why))
            .with_hint("check that the host is reachable from the server; it is tried again")
    }

    fn message(&self, why: &str) -> String {
        format!("the LFS server of a repository of {} cannot be found: {0} {why}", self.address.host())
    }
}

/// The server at an address that a host told; a password in it is a header.
fn of_address(href: &str) -> Option<Endpoint> {
    let source = SourceUrl::parse(href, false).ok()?;
    let url = http(source.shown.trim_end_matches('/')).filter(|url| url.query().is_none() && url.fragment().is_none())?;
    Some(Endpoint { url, headers: authorized(source.authorization()).ok()? })
}

fn is_no_command(ended: &Ended) -> bool {
    let said = ended.stderr.to_lowercase();
    ended.code == Some(127) || (ended.code != Some(255) && NO_COMMAND.iter().any(|word| said.contains(word)))
}

/// The last that was said.
fn last_line(stderr: &str) -> String {
    let said = redacted(stderr);
    let line = said.lines().rev().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("Warning: "));
    let plain = |character: char| if character.is_control() { '?' } else { character };
    line.unwrap_or("it said nothing").chars().take(300).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use slipway_core::failure::FailureKind;
    use slipway_core::model::Name;
    use slipway_ports::{Login, SecretText};

    use super::*;

    const URL: &str = "ssh://git@git.example:2222/acme/shop";

    fn with<T>(use_it: impl FnOnce(&OverSsh<'_>) -> T) -> T {
        let reader = Reader::new(vec![Credential {
            id: "1".to_owned(),
            name: Name::new("token").unwrap(),
            place: "git https://git.example/acme".parse().unwrap(),
            login: Login::Password { user: "robot".to_owned(), password: SecretText::new("canary") },
        }]);
        let address = SshAddress::of(&SourceUrl::parse(URL, false).unwrap()).unwrap().unwrap();
        let cancel = CancellationToken::new();
        use_it(&OverSsh::new(address, URL, &reader, Path::new("/x"), &cancel))
    }

    fn ended(code: i32, stderr: &str) -> Ended {
        Ended { success: false, code: Some(code), stdout: String::new(), stderr: stderr.to_owned() }
    }

    #[test]
    fn what_ssh_and_the_host_say_decides_whether_it_is_asked_again() {
        for (code, stderr, kind) in [
            (255, "Warning: Permanently added 'h'.\ngit@h: Permission denied (publickey).", FailureKind::Permanent),
            (255, "Host key verification failed.", FailureKind::Permanent),
            (255, "ssh: connect to host h port 22: Connection refused", FailureKind::Retry),
            (255, "Connection closed by remote host", FailureKind::Retry),
            (1, "ERROR: Repository not found.", FailureKind::Permanent),
            (1, "remote: Internal API unreachable", FailureKind::Retry),
            (1, "", FailureKind::Permanent),
        ] {
            let ended = ended(code, stderr);
            assert!(!is_no_command(&ended), "{stderr}");
            let failure = with(|over| over.refused(&ended));
            assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, kind), "{failure}");
            assert!(failure.hint.is_some() && !failure.message.contains('\n'), "{failure}");
        }
    }

    #[test]
    fn a_host_without_the_command_is_told_by_its_words() {
        for (code, stderr) in [
            (127, "sh: 1: git-lfs-authenticate: not found"),
            (128, "fatal: unrecognized command 'git-lfs-authenticate '/x' download'"),
            (1, "ERROR: Unknown command"),
            (1, "> GitLab: Disallowed command"),
        ] {
            assert!(is_no_command(&ended(code, stderr)), "{stderr}");
        }
    }

    #[test]
    fn an_answer_names_the_server_and_its_headers_and_nothing_shows_them() {
        let told =
            with(|over| over.told(r#"{"href": "https://lfs.example/x/", "header": {"Authorization": "RemoteAuth canary"}}"#));
        let told = told.unwrap();
        assert_eq!(
            (told.batch().as_str(), told.headers[AUTHORIZATION].to_str().unwrap()),
            ("https://lfs.example/x/objects/batch", "RemoteAuth canary")
        );
        assert!(!format!("{told:?}").contains("canary"), "{told:?}");
        let told = with(|over| over.told(r#"{"href": "https://robot:canary@lfs.example/x", "expires_in": 60}"#)).unwrap();
        assert!(told.headers.contains_key(AUTHORIZATION) && !format!("{told:?}").contains("canary"), "{told:?}");
        // The project's credential for the host over HTTPS gives way to what the host said.
        let told = with(|over| over.told(r#"{"header": {"Authorization": "RemoteAuth x"}}"#)).unwrap();
        assert_eq!(told.url.as_str(), "https://git.example/acme/shop.git/info/lfs");
        assert_eq!(told.headers[AUTHORIZATION], "RemoteAuth x");
        for refused in [
            "",
            "[]",
            "{}",
            "hello",
            r#"{"href": "ssh://git.example/x"}"#,
            r#"{"href": "file:///etc"}"#,
            r#"{"href": "https://lfs.example/x?token=canary"}"#,
            r#"{"href": "https://lfs.example/x", "header": {"a b": "canary"}}"#,
            r#"{"href": "https://lfs.example/x", "header": {"A": "canary\n"}}"#,
            r#"{"href": "https://lfs.example/x", "header": {"A": ["canary"]}}"#,
        ] {
            let failure = with(|over| over.told(refused)).unwrap_err();
            assert_eq!((failure.code, failure.kind), (Code::LfsUnavailable, FailureKind::Permanent), "{refused}");
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }

    #[test]
    fn beside_the_repository_the_credential_for_https_is_used_and_none_of_ssh() {
        let beside = with(|over| over.beside.clone()).unwrap();
        assert_eq!(beside.url.as_str(), "https://git.example/acme/shop.git/info/lfs");
        assert_eq!(beside.headers[AUTHORIZATION], "Basic cm9ib3Q6Y2FuYXJ5");
    }
}
