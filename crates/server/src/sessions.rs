//! Who signed in with a browser, told by a signed text and nothing else.
//!
//! A session is `expiry.nonce.signature`. The key of the signature is made from the token of the server, so sessions go on when the
//! server is started again, and end when its token is another one. No cookie holds it: a browser sends cookies to every port of a host,
//! and services of the target `local` listen on the same one.

use std::time::Duration;

use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use slipway_ports::SecretText;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::random;

/// How long a session lasts: a day's work.
pub(crate) const LASTS: Duration = Duration::from_hours(12);

/// What the key is for. Another format of sessions gets another word.
const LABEL: &[u8] = b"slipway sessions 1";

/// Makes sessions, and knows them again.
pub(crate) struct Sessions {
    key: Zeroizing<[u8; 32]>,
}

/// A session that was made.
pub(crate) struct Session {
    pub(crate) token: SecretText,
    pub(crate) expires_at: Timestamp,
}

/// What a text is that should be a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A session until then.
    Until(Timestamp),
    /// One that has ended.
    Expired,
    /// Nothing that this server made, under the token that it has now.
    Foreign,
}

impl Sessions {
    /// Sessions under a token of the server.
    pub(crate) fn new(token: &SecretText) -> Self {
        Self { key: Zeroizing::new(signed(token.expose().as_bytes(), LABEL)) }
    }

    /// Makes one. The error is that of the system, which has no random bytes.
    pub(crate) fn begin(&self, now: Timestamp) -> Result<Session, getrandom::Error> {
        // A clock at the end of all time gives sessions that have ended.
        let expires_at = now.checked_add(LASTS).unwrap_or(now);
        let content = format!("{}.{}", expires_at.as_second(), random::text::<16>()?.expose());
        let token = SecretText::new(format!("{content}.{}", self.signature(&content)));
        Ok(Session { token, expires_at })
    }

    /// What a text is. The signature is looked at first: whoever altered a session hears nothing about its time.
    pub(crate) fn know(&self, text: &str, now: Timestamp) -> Known {
        let Some((content, signature)) = text.rsplit_once('.') else { return Known::Foreign };
        if !bool::from(self.signature(content).as_bytes().ct_eq(signature.as_bytes())) {
            return Known::Foreign;
        }
        let expiry = content.split_once('.').and_then(|(expiry, _)| expiry.parse().ok());
        match expiry.and_then(|second| Timestamp::from_second(second).ok()) {
            Some(expires_at) if now < expires_at => Known::Until(expires_at),
            Some(_) => Known::Expired,
            None => Known::Foreign,
        }
    }

    fn signature(&self, content: &str) -> String {
        random::hex(&signed(&*self.key, content.as_bytes()))
    }
}

/// HMAC-SHA256.
fn signed(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    code.update(content);
    code.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_session_lasts_twelve_hours_also_for_a_server_that_was_started_again() {
        let session = Sessions::new(&SecretText::new("token")).begin(at(1000)).unwrap();
        let end = 1000 + 12 * 60 * 60;
        assert_eq!(session.expires_at, at(end));
        let restarted = Sessions::new(&SecretText::new("token"));
        let text = session.token.expose();
        assert_eq!(restarted.know(text, at(end - 1)), Known::Until(at(end)));
        assert_eq!(restarted.know(text, at(end)), Known::Expired);
        assert_eq!(Sessions::new(&SecretText::new("another")).know(text, at(1000)), Known::Foreign);
    }

    #[test]
    fn whatever_is_altered_is_no_session() {
        let sessions = Sessions::new(&SecretText::new("token"));
        let text = sessions.begin(at(1000)).unwrap().token.expose().to_owned();
        for place in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[place] = if altered[place] == b'1' { b'2' } else { b'1' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(sessions.know(&altered, at(1001)), Known::Foreign, "{altered}");
        }
        let longer = format!("9{text}");
        for other in ["", ".", "..", "token", "99999999999.00.", &text[1..], &text[..text.len() - 1], &longer] {
            assert_eq!(sessions.know(other, at(1001)), Known::Foreign, "{other}");
        }
    }

    #[test]
    fn two_sessions_of_one_second_differ() {
        let sessions = Sessions::new(&SecretText::new("token"));
        let text = || sessions.begin(at(1000)).unwrap().token;
        assert_ne!(text(), text());
    }
}
