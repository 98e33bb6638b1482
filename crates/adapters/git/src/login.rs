//! How git, and `ssh` beside it, show a host who asks: by a password, or by a key of SSH.
//!
//! A password goes through git's own protocol of credential helpers, which asks for one host at a time: a host that redirects to
//! another gives nothing away. Secrets are in the environment of git, or in a folder that only this user can read: never among
//! arguments.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use slipway_core::failure::{Code, Failure};
use slipway_ports::{Credential, Login};
use tempfile::TempDir;
use tokio::process::Command;

use crate::program::{self, SSH_OPTIONS};
use crate::source_url::SourceUrl;

/// A constant, as git gives it to a shell; what it tells is in the environment.
const HELPER: &str =
    r#"!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$SLIPWAY_GIT_USER" "$SLIPWAY_GIT_PASSWORD"; }; f"#;

/// A constant too: the file has all that differs.
const SSH: &str = r#"ssh -F "$SLIPWAY_SSH_CONFIG""#;

/// What the program needs while it runs; files are gone when this is.
#[must_use]
pub(crate) struct Shown {
    _folder: Option<TempDir>,
}

/// Lets a command show who asks. The keys of hosts that were met are remembered in `known_hosts`.
pub(crate) fn show(
    command: &mut Command,
    source: &SourceUrl,
    credential: Option<&Credential>,
    known_hosts: &Path,
) -> Result<Shown, Failure> {
    if let Some(login) = &source.login {
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", format!("credential.{}.helper", origin(&source.shown)))
            .env("GIT_CONFIG_VALUE_0", HELPER)
            .env("SLIPWAY_GIT_USER", &login.user)
            .env("SLIPWAY_GIT_PASSWORD", login.password.expose());
    }
    let Some(Login::SshKey { private_key, host_keys }) = credential.map(|credential| &credential.login) else {
        return Ok(Shown { _folder: None });
    };
    let folder = ssh(private_key.expose(), host_keys.as_deref(), known_hosts).map_err(|error| not_written(&error))?;
    command
        .env("GIT_SSH_COMMAND", SSH)
        .env("GIT_SSH_VARIANT", "ssh")
        .env_remove("SSH_AUTH_SOCK")
        .env("SLIPWAY_SSH_CONFIG", folder.path().join("config"));
    Ok(Shown { _folder: Some(folder) })
}

/// `ssh` itself, as git would run it for the repository that the credential is for. Its host comes next.
pub(crate) fn ssh_command(credential: Option<&Credential>, known_hosts: &Path) -> Result<(Command, Shown), Failure> {
    let mut command = program::bare("ssh");
    let Some(Login::SshKey { private_key, host_keys }) = credential.map(|credential| &credential.login) else {
        command.args(SSH_OPTIONS);
        return Ok((command, Shown { _folder: None }));
    };
    let folder = ssh(private_key.expose(), host_keys.as_deref(), known_hosts).map_err(|error| not_written(&error))?;
    command.env_remove("SSH_AUTH_SOCK").arg("-F").arg(folder.path().join("config"));
    Ok((command, Shown { _folder: Some(folder) }))
}

fn not_written(error: &io::Error) -> Failure {
    Failure::retry(Code::Internal, format!("the key of SSH can not be written for git: {error}"))
        .with_hint("free space in the folder of temporary files, and check its owner")
}

fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |slash| &url[..host + slash])
}

/// Writes the key and the configuration into a folder of its own.
fn ssh(private_key: &str, host_keys: Option<&str>, known_hosts: &Path) -> io::Result<TempDir> {
    let owner_alone = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("slipway-ssh-").permissions(owner_alone).tempdir()?;
    let key = folder.path().join("key");
    // `ssh` reads no key whose last line has no end.
    private(&key, &format!("{}\n", private_key.trim_end()))?;
    let (known, checking) = match host_keys {
        Some(lines) => {
            let own = folder.path().join("known_hosts");
            private(&own, &format!("{}\n", lines.trim_end()))?;
            (own, "yes")
        }
        None => (known_hosts.to_owned(), "accept-new"),
    };
    let configuration = format!(
        "Host *\n  BatchMode yes\n  ConnectTimeout 15\n  IdentitiesOnly yes\n  IdentityAgent none\n  IdentityFile {}\n  \
         UserKnownHostsFile {}\n  StrictHostKeyChecking {checking}\n  UpdateHostKeys no\n",
        quoted(&key)?,
        quoted(&known)?,
    );
    private(&folder.path().join("config"), &configuration)?;
    Ok(folder)
}

/// A path in a configuration of SSH.
fn quoted(path: &Path) -> io::Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\n', '$', '\\']));
    let text = text.ok_or_else(|| io::Error::other(format!("`{}` is no path that ssh could be told", path.display())))?;
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

fn private(path: &Path, content: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helper_is_for_the_host_of_the_url_alone() {
        for (url, expected) in
            [("https://git.example:8443/a/b.git", "https://git.example:8443"), ("https://git.example", "https://git.example")]
        {
            assert_eq!(origin(url), expected);
        }
    }

    #[test]
    fn a_key_is_read_by_its_owner_alone_and_gone_afterwards() {
        let folder = ssh("a key", Some("host ssh-ed25519 AAAA"), Path::new("/x")).unwrap();
        let place = folder.path().to_owned();
        for name in ["key", "config", "known_hosts"] {
            assert_eq!(std::fs::metadata(place.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        let configuration = std::fs::read_to_string(place.join("config")).unwrap();
        assert!(configuration.contains("StrictHostKeyChecking yes"), "{configuration}");
        drop(folder);
        assert!(!place.exists());
        let first = ssh("a key", None, Path::new("/home/x y/100%/known_hosts")).unwrap();
        let configuration = std::fs::read_to_string(first.path().join("config")).unwrap();
        assert!(configuration.contains("UserKnownHostsFile \"/home/x y/100%%/known_hosts\""), "{configuration}");
        assert!(configuration.contains("StrictHostKeyChecking accept-new"), "{configuration}");
    }
}
