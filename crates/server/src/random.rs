//! Texts that nobody can guess.

use std::fmt::Write as _;

use slipway_ports::{SecretText, signing_secret as signing_secret_of};
use zeroize::Zeroizing;

/// So many random bytes, in hexadecimal digits.
pub(crate) fn text<const BYTES: usize>() -> Result<SecretText, getrandom::Error> {
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    getrandom::fill(&mut *bytes)?;
    Ok(SecretText::new(hex(&*bytes)))
}

/// What signs webhooks: a random key, as Standard Webhooks writes it.
pub(crate) fn signing_secret() -> Result<SecretText, getrandom::Error> {
    let mut key = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *key)?;
    Ok(signing_secret_of(&*key))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
