//! The forms in which a secret may show itself.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use slipway_ports::SecretText;

/// What stands beside a form and tells a part of the secret.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    /// A base64 digit before it, some bits of which are the secret's.
    before: bool,
    /// The same after it, and what fills it up.
    after: bool,
}

/// Every form of these secrets.
pub(super) fn forms(pieces: &[SecretText]) -> BTreeMap<Vec<u8>, Form> {
    let mut forms: BTreeMap<Vec<u8>, Form> = BTreeMap::new();
    for piece in pieces {
        let secret = piece.expose().as_bytes();
        forms.entry(secret.to_vec()).or_default();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            for shift in 0..3 {
                let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
                let digits = engine.encode(&shifted).into_bytes();
                // The digits all of whose six bits are the secret's.
                let (first, end) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
                let form = forms.entry(digits[first..end].to_vec()).or_default();
                form.before |= shift > 0;
                form.after |= !(shifted.len() * 8).is_multiple_of(6);
            }
        }
    }
    forms
}

impl Form {
    /// The range with the digits beside it that tell something.
    pub(super) fn widen(self, text: &str, range: Range<usize>) -> Range<usize> {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        let bytes = text.as_bytes();
        let Range { mut start, mut end } = range;
        if self.before && start > 0 && is_digit(&bytes[start - 1]) {
            start -= 1;
        }
        if self.after {
            end += usize::from(bytes.get(end).is_some_and(is_digit));
            while bytes.get(end) == Some(&b'=') {
                end += 1;
            }
        }
        start..end
    }
}

/// A text with its URL encoding undone, and where in the text each byte was; the last place is the end. Of `+` encoding the plus is
/// a space.
pub(super) fn decoded(text: &str, plus: bool) -> (Vec<u8>, Vec<usize>) {
    let bytes = text.as_bytes();
    let hexadecimal = |place: usize| char::from(*bytes.get(place)?).to_digit(16);
    let (mut decoded, mut places, mut at) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1), 0);
    while at < bytes.len() {
        places.push(at);
        let (byte, length) = match (bytes[at], hexadecimal(at + 1), hexadecimal(at + 2)) {
            // Two digits are a byte.
            (b'%', Some(high), Some(low)) => (u8::try_from(high * 16 + low).unwrap_or(b'%'), 3),
            (b'+', _, _) if plus => (b' ', 1),
            (byte, _, _) => (byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    places.push(bytes.len());
    (decoded, places)
}
