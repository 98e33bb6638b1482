//! Passwords and salts, from the system.

use slipway_ports::SecretText;

use crate::EngineError;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 32 letters and digits: 190 bits.
pub(crate) fn password() -> Result<SecretText, EngineError> {
    let mut text = String::with_capacity(32);
    while text.len() < 32 {
        let mut bytes = [0_u8; 64];
        getrandom::fill(&mut bytes).map_err(|error| EngineError::Internal(format!("no random bytes: {error}")))?;
        // 248 is the largest multiple of 62: every character is equally likely.
        let picked = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62]));
        text.extend(picked.take(32 - text.len()));
    }
    Ok(SecretText::new(text))
}
