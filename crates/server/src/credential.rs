//! Credentials as they come over the wire, checked; and as they are shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::model::{CredentialPlace, GitPlace, GitScheme, Name, RegistryPlace};
use slipway_ports::api::{CredentialView, NewCredential};
use slipway_ports::{Credential, Login, SecretText};

/// What hosts of git take any token under.
const TOKEN_USER: &str = "x-access-token";
/// More is no password and no key.
const LONGEST: usize = 64 << 10;
/// More is no name of a user.
const LONGEST_USER: usize = 256;
/// The first bytes of a key in OpenSSH's own format; the name of its cipher comes next.
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// Checks what was sent, and makes a credential with an id of its own of it. The refusal says what was expected, and shows no secret.
pub(crate) fn credential(name: Name, new: NewCredential) -> Result<Credential, String> {
    let place = match (&new.git, &new.registry) {
        (Some(git), None) => GitPlace::parse(git).map(CredentialPlace::Git),
        (None, Some(registry)) => RegistryPlace::parse(registry).map(CredentialPlace::Registry),
        (None, None) | (Some(_), Some(_)) => {
            return Err("a credential is for one place: expected `git` or `registry`, not both".to_owned());
        }
    };
    let place = place.map_err(|error| error.to_string())?;
    let is_ssh = matches!(&place, CredentialPlace::Git(git) if git.scheme() == GitScheme::Ssh);
    let login = if is_ssh { ssh_key(new)? } else { password(&place, new)? };
    Ok(Credential { id: uuid::Uuid::now_v7().to_string(), name, place, login })
}

fn password(place: &CredentialPlace, new: NewCredential) -> Result<Login, String> {
    if new.private_key.is_some() || new.host_keys.is_some() {
        return Err(format!("{place} is not reached over SSH: expected a password or token, and no key"));
    }
    let user = match (new.user, place) {
        (Some(user), _) => user,
        (None, CredentialPlace::Git(_)) => TOKEN_USER.to_owned(),
        (None, CredentialPlace::Registry(_)) => return Err(format!("{place} wants a user beside the password")),
    };
    if user.is_empty() || user.len() > LONGEST_USER || user.contains(':') || user.chars().any(char::is_control) {
        return Err(format!("the user is empty, longer than {LONGEST_USER} bytes, or holds a colon or a control character"));
    }
    let password = new.password.ok_or_else(|| format!("{place} wants a password or token"))?;
    let text = password.expose();
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("the password is empty, longer than {LONGEST} bytes, or has more than one line"));
    }
    Ok(Login::Password { user, password })
}

fn ssh_key(new: NewCredential) -> Result<Login, String> {
    if new.password.is_some() || new.user.is_some() {
        return Err("a host over SSH is shown a key: expected no password, and the user in the place".to_owned());
    }
    let private_key = new.private_key.ok_or("a host over SSH wants a private key")?;
    check_key(&private_key)?;
    if let Some(lines) = &new.host_keys {
        let is_key = |line: &str| line.split_whitespace().count() >= 3;
        let is_plain = |line: &str| line.chars().all(|character| !character.is_control() || character == '\t');
        let mut lines = lines.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).peekable();
        if lines.peek().is_none() || !lines.all(|line| is_key(line) && is_plain(line)) {
            return Err("the keys of the host are no lines of `host type key`, as `ssh-keyscan HOST` writes them".to_owned());
        }
    }
    Ok(Login::SshKey { private_key, host_keys: new.host_keys })
}

/// Refuses what is no private key, and one that nobody is there to type the passphrase of.
fn check_key(key: &SecretText) -> Result<(), String> {
    let text = key.expose();
    let is_key = text.len() <= LONGEST && text.trim_start().starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    if !is_key {
        return Err(
            "this is no private key: expected the file that `ssh-keygen -t ed25519` writes, not the one that ends in .pub"
                .to_owned(),
        );
    }
    let body: String = text.lines().filter(|line| !line.starts_with("-----") && !line.contains(':')).map(str::trim).collect();
    let body = zeroize::Zeroizing::new(body);
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(body.as_bytes()).unwrap_or_default());
    let cipher = bytes.strip_prefix(OPENSSH).and_then(|rest| rest.get(4..8));
    if text.contains("ENCRYPTED") || cipher.is_some_and(|cipher| cipher != b"none") {
        return Err("the key has a passphrase, which nobody is there to type: make one without, `ssh-keygen -N ''`".to_owned());
    }
    Ok(())
}

/// What may be shown of a credential.
pub(crate) fn view(credential: &Credential) -> CredentialView {
    let (kind, place) = match &credential.place {
        CredentialPlace::Git(place) => ("git", place.to_string()),
        CredentialPlace::Registry(place) => ("registry", place.to_string()),
    };
    let (login, user) = match &credential.login {
        Login::Password { user, .. } => ("password", Some(user.clone())),
        Login::SshKey { .. } => ("ssh-key", None),
    };
    CredentialView { name: credential.name.to_string(), kind: kind.to_owned(), place, login: login.to_owned(), user }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cipher: &[u8]) -> SecretText {
        let length = u32::try_from(cipher.len()).unwrap().to_be_bytes();
        let body = STANDARD.encode([OPENSSH, &length, cipher, b"and the rest"].concat());
        SecretText::new(format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"))
    }

    fn made(new: NewCredential) -> Result<Credential, String> {
        credential(Name::new("robot").unwrap(), new)
    }

    fn git(place: &str) -> NewCredential {
        NewCredential { git: Some(place.to_owned()), ..NewCredential::default() }
    }

    #[test]
    fn a_token_of_a_git_host_needs_no_user_and_a_registry_does() {
        let password = Some(SecretText::new("hunter2"));
        let token = made(NewCredential { password: password.clone(), ..git("github.com/acme") }).unwrap();
        let shown = view(&token);
        assert_eq!((shown.kind.as_str(), shown.place.as_str()), ("git", "https://github.com/acme"));
        assert_eq!((shown.login.as_str(), shown.user.as_deref()), ("password", Some(TOKEN_USER)));
        let registry = NewCredential { registry: Some("ghcr.io".to_owned()), password, ..NewCredential::default() };
        assert!(made(registry.clone()).unwrap_err().contains("wants a user"));
        assert!(made(NewCredential { user: Some("acme".to_owned()), ..registry }).is_ok());
    }

    #[test]
    fn what_could_not_be_sent_is_refused_without_showing_it() {
        let password = |text: &str| Some(SecretText::new(text));
        for new in [
            git("github.com"),
            NewCredential { password: password("canary\nhost=evil.example"), ..git("github.com") },
            NewCredential { password: password(""), ..git("github.com") },
            NewCredential { password: password("canary"), user: Some("a:b".to_owned()), ..git("github.com") },
            NewCredential { password: password("canary"), registry: Some("ghcr.io".to_owned()), ..git("github.com") },
            NewCredential { password: password("canary"), ..git("ssh://git@github.com") },
            NewCredential { private_key: Some(key(b"none")), ..git("https://github.com") },
            NewCredential { private_key: password("ssh-ed25519 AAAAcanary"), ..git("ssh://git@github.com") },
            NewCredential { private_key: Some(key(b"aes256-ctr")), ..git("ssh://git@github.com") },
            NewCredential { private_key: Some(key(b"none")), host_keys: Some("canary".to_owned()), ..git("git@github.com:acme") },
        ] {
            let refused = made(new).unwrap_err();
            assert!(!refused.contains("canary"), "{refused}");
        }
        let host_keys = Some("# github.com\ngithub.com ssh-ed25519 AAAA\n".to_owned());
        let new = NewCredential { private_key: Some(key(b"none")), host_keys, ..git("git@github.com:acme") };
        assert_eq!(view(&made(new).unwrap()).login, "ssh-key");
    }
}
