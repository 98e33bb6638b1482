//! Who may use the registry: everybody, or users with Basic authentication.

use std::fmt;

use axum::http::{HeaderMap, Method, StatusCode, header};
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
    may_write: bool,
}

impl User {
    /// A user who proves to be one by this secret, and may read and write.
    pub fn new(name: impl Into<String>, secret: &str) -> Self {
        Self { name: name.into(), hash: Sha256::digest(secret.as_bytes()).into(), may_write: true }
    }

    /// A user who may only read.
    pub fn reader(name: impl Into<String>, secret: &str) -> Self {
        Self { may_write: false, ..Self::new(name, secret) }
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
    pub(crate) fn check(&self, headers: &HeaderMap, method: &Method) -> Result<(), Refusal> {
        let users = match self {
            Self::Anonymous => return Ok(()),
            Self::Basic(users) => users,
        };
        let Some((name, secret)) = headers.get(header::AUTHORIZATION).and_then(|value| basic(value.as_bytes())) else {
            return Err(challenge("this registry needs a user name and a password"));
        };
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        // Every user is compared in full, so the time tells nothing about names or secrets.
        let (mut known, mut may_write) = (Choice::from(0), Choice::from(0));
        for user in users {
            let is_it = user.name.as_bytes().ct_eq(name.as_bytes()) & user.hash.ct_eq(&hash);
            known |= is_it;
            may_write |= is_it & Choice::from(u8::from(user.may_write));
        }
        if !bool::from(known) {
            return Err(challenge("the user name or the password is wrong"));
        }
        if bool::from(may_write) || matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Denied, "this user may only read"))
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
        assert!(auth.check(&headers("builder:one"), &Method::PUT).is_ok());
        assert!(auth.check(&headers("puller:two:three"), &Method::PUT).is_ok());
        for wrong in ["builder:two:three", "puller:one", "builder:", ":one", "builder:one ", "Builder:one", "builder"] {
            assert!(auth.check(&headers(wrong), &Method::PUT).is_err(), "{wrong} was let in");
        }
        assert!(auth.check(&HeaderMap::new(), &Method::PUT).is_err());
        assert!(Auth::Basic(Vec::new()).check(&headers("builder:one"), &Method::PUT).is_err());
    }

    #[test]
    fn a_reader_reads_and_writes_nothing() {
        let auth = Auth::Basic(vec![User::new("builder", "one"), User::reader("puller", "two")]);
        for method in [Method::GET, Method::HEAD] {
            assert!(auth.check(&headers("puller:two"), &method).is_ok(), "{method}");
        }
        for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
            assert!(auth.check(&headers("puller:two"), &method).is_err(), "{method}");
            assert!(auth.check(&headers("builder:one"), &method).is_ok(), "{method}");
        }
        assert!(auth.check(&headers("puller:one"), &Method::GET).is_err());
    }

    #[test]
    fn a_user_does_not_print_its_secret() {
        let printed = format!("{:?}", Auth::Basic(vec![User::new("builder", "canary-secret")]));
        assert!(printed.contains("builder") && !printed.contains("canary"), "{printed}");
    }
}
