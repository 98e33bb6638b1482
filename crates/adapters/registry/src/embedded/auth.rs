//! Who may use the registry: everybody, or users with Basic authentication.

use std::fmt;

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::error::{ErrorCode, Refusal};

/// A name and a secret that open the registry. The secret is kept as its hash, so nothing can print it.
#[derive(Clone)]
pub struct User {
    name: String,
    hash: [u8; 32],
}

impl User {
    /// A user who proves to be one by this secret.
    pub fn new(name: impl Into<String>, secret: &str) -> Self {
        Self { name: name.into(), hash: Sha256::digest(secret.as_bytes()).into() }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How requests are authenticated.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Everybody who reaches the port may read and write.
    Anonymous,
    /// Only these users; every request needs `Authorization: Basic`.
    Basic(Vec<User>),
}

impl Auth {
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let users = match self {
            Self::Anonymous => return Ok(()),
            Self::Basic(users) => users,
        };
        let Some((name, secret)) = headers.get(header::AUTHORIZATION).and_then(|value| basic(value.as_bytes())) else {
            return Err(challenge("this registry needs a user name and a password"));
        };
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        // Every user is compared in full, so the time tells nothing about names or secrets.
        let known = users
            .iter()
            .fold(Choice::from(0), |known, user| known | (user.name.as_bytes().ct_eq(name.as_bytes()) & user.hash.ct_eq(&hash)));
        if bool::from(known) { Ok(()) } else { Err(challenge("the user name or the password is wrong")) }
    }
}

fn challenge(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
        .with_header(header::WWW_AUTHENTICATE, "Basic realm=\"slipway\"")
}

fn basic(value: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(credential: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(credential));
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("base64 is a header value"))])
    }

    #[test]
    fn only_the_right_pair_opens_the_registry() {
        let auth = Auth::Basic(vec![User::new("builder", "one"), User::new("puller", "two:three")]);
        assert!(auth.check(&headers("builder:one")).is_ok());
        assert!(auth.check(&headers("puller:two:three")).is_ok());
        for wrong in ["builder:two:three", "puller:one", "builder:", ":one", "builder:one ", "Builder:one", "builder"] {
            assert!(auth.check(&headers(wrong)).is_err(), "{wrong} was let in");
        }
        assert!(auth.check(&HeaderMap::new()).is_err());
        assert!(Auth::Basic(Vec::new()).check(&headers("builder:one")).is_err());
    }

    #[test]
    fn a_user_does_not_print_its_secret() {
        let printed = format!("{:?}", Auth::Basic(vec![User::new("builder", "canary-secret")]));
        assert!(printed.contains("builder") && !printed.contains("canary"), "{printed}");
    }
}
