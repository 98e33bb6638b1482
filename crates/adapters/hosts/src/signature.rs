//! Who sent a body: proven over the bytes as they came, before anything of them is read.
//!
//! Hex digits are taken in lower case alone, as every host sends them: a signature has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use slipway_ports::{SecretText, signature, signing_code, signing_key};
use subtle::ConstantTimeEq as _;

use crate::host::{HexSignature, Host};
use crate::receive::Headers;
use crate::refusal::Refusal;

/// GitLab sends its secret itself.
const TOKEN: &str = "x-gitlab-token";

/// GitLab signs as Standard Webhooks has it, if it was given a signing token.
const STANDARD_SIGNATURE: &str = "webhook-signature";

/// Proves that the holder of the secret sent the body.
///
/// # Errors
/// `SignatureMissing` and `SignatureWrong`. With an empty secret nothing is proven.
pub(crate) fn verify(host: Host, secret: &SecretText, headers: &Headers<'_>, body: &[u8]) -> Result<(), Refusal> {
    match host {
        Host::GitLab => verify_gitlab(secret, headers, body),
        Host::GitHub | Host::Gitea | Host::BitbucketCloud | Host::BitbucketDataCenter => {
            verify_hex(host.hex_signatures(), secret, headers, body)
        }
    }
}

fn verify_hex(known: &[HexSignature], secret: &SecretText, headers: &Headers<'_>, body: &[u8]) -> Result<(), Refusal> {
    let there = known.iter().find_map(|signature| Some((signature, given(headers, signature.header)?)));
    let Some((signature, text)) = there else {
        let header = known.first().map_or("", |signature| signature.header);
        return Err(Refusal::SignatureMissing { header });
    };
    let code = text.strip_prefix(signature.prefix).and_then(from_hex);
    let fits = code.is_some_and(|code| code_of(secret.expose().as_bytes(), &[body]).verify_slice(&code).is_ok());
    proven(fits, secret, signature.header)
}

/// A signature counts where the secret is a signing token and one is there; else the token does. Where a signature counts, the token
/// is not looked at.
fn verify_gitlab(secret: &SecretText, headers: &Headers<'_>, body: &[u8]) -> Result<(), Refusal> {
    if let (Some(key), Some(signatures)) = (signing_key(secret), given(headers, STANDARD_SIGNATURE)) {
        let missing = |header| move || Refusal::SignatureMissing { header };
        let id = given(headers, "webhook-id").ok_or_else(missing("webhook-id"))?;
        let time = given(headers, "webhook-timestamp").ok_or_else(missing("webhook-timestamp"))?;
        let code = signing_code(&key, id, time, body);
        let fits = |signature: &str| {
            let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            given.is_some_and(|given| code.clone().verify_slice(&given).is_ok())
        };
        return proven(signatures.split(' ').take(10).any(fits), secret, STANDARD_SIGNATURE);
    }
    let token = given(headers, TOKEN).ok_or(Refusal::SignatureMissing { header: TOKEN })?;
    proven(is_secret(token, secret), secret, TOKEN)
}

/// Proves that the sender knows the secret, which it shows as it is.
///
/// # Errors
/// `SignatureMissing` and `SignatureWrong`. With an empty secret nothing is proven.
pub(crate) fn verify_bearer(secret: &SecretText, headers: &Headers<'_>) -> Result<(), Refusal> {
    let header = "authorization";
    let shown = given(headers, header).ok_or(Refusal::SignatureMissing { header })?;
    let token = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map_or("", |(_, token)| token);
    proven(is_secret(token, secret), secret, header)
}

/// Whether a token is the secret itself. Hashes are of one length, whatever the token's.
fn is_secret(token: &str, secret: &SecretText) -> bool {
    Sha256::digest(token).ct_eq(&Sha256::digest(secret.expose())).into()
}

fn proven(fits: bool, secret: &SecretText, header: &'static str) -> Result<(), Refusal> {
    if fits && !secret.expose().is_empty() { Ok(()) } else { Err(Refusal::SignatureWrong { header }) }
}

/// A header with something in it: a host without a secret may send it empty.
fn given<'h>(headers: &Headers<'h>, name: &str) -> Option<&'h str> {
    headers(name).filter(|value| !value.is_empty())
}

fn code_of(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        code.update(part);
    }
    code
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: [u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The header that proves a body, as the host would send it.
pub fn sign(host: Host, secret: &SecretText, body: &[u8]) -> (&'static str, String) {
    let Some(signature) = host.hex_signatures().first() else { return (TOKEN, secret.expose().to_owned()) };
    let code = code_of(secret.expose().as_bytes(), &[body]).finalize().into_bytes();
    let digits: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    (signature.header, format!("{}{digits}", signature.prefix))
}

/// The header `webhook-signature`, as GitLab sends it with a signing token; `None`: the secret is none.
pub fn sign_standard(secret: &SecretText, id: &str, time: &str, body: &[u8]) -> Option<(&'static str, String)> {
    Some((STANDARD_SIGNATURE, signature(&signing_key(secret)?, id, time, body)))
}
