//! How a message is signed, as Standard Webhooks has it: <https://www.standardwebhooks.com>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::SecretText;

/// What a signing secret begins with; the key follows in Base64.
pub const SIGNING_SECRET: &str = "whsec_";
/// The headers of a signed message: its id, the second at which it was sent, and its signatures.
pub const WEBHOOK_HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// The key of a signing secret; `None`: the text is none.
pub fn signing_key(secret: &SecretText) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.expose().strip_prefix(SIGNING_SECRET)?).ok()?;
    (!key.is_empty()).then_some(key)
}

/// The signing secret of a key.
pub fn signing_secret(key: &[u8]) -> SecretText {
    SecretText::new(format!("{SIGNING_SECRET}{}", STANDARD.encode(key)))
}

/// The code of a message, to sign it or to prove a signature of it.
pub fn signing_code(key: &[u8], id: &str, time: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        code.update(part);
    }
    code
}

/// The value of the header `webhook-signature`.
pub fn signature(key: &[u8], id: &str, time: &str, body: &[u8]) -> String {
    format!("v1,{}", STANDARD.encode(signing_code(key, id, time, body).finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_vector_of_the_standard_has_it() {
        let key = signing_key(&SecretText::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_signing_secret_has_no_key() {
        for text in ["", "whsec_", "whsec_!", "hunter2", "WHSEC_aGk="] {
            assert_eq!(signing_key(&SecretText::new(text)), None, "{text}");
        }
    }
}
