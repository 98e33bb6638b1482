//! Texts that are shown at a host, in the bounds that it has.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The beginning of a text, of at most so many characters.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// A key for a context: itself, or a digest of it where the host takes none that is so long.
pub(crate) fn key(context: &str, most: usize) -> String {
    if context.chars().count() <= most {
        return context.to_owned();
    }
    let digest = Sha256::digest(context).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    digest.chars().take(most.min(40)).collect()
}

/// A link that a host takes.
pub(crate) fn link(link: Option<&str>, longest: usize) -> Option<&str> {
    link.filter(|link| link.len() <= longest)
}

/// An object of JSON with the fields that have a value.
pub(crate) fn object<const N: usize>(fields: [(&str, Option<&str>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::Object(given.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_by_characters() {
        assert_eq!(beginning("äöü", 3), "äöü");
        assert_eq!(beginning("äöüß", 3), "äö…");
    }

    #[test]
    fn keys_that_are_too_long_stay_different() {
        assert_eq!(key("slipway/shop", 40), "slipway/shop");
        let long = |last: &str| key(&format!("{}{last}", "a".repeat(40)), 40);
        assert_eq!(long("b").len(), 40);
        assert_ne!(long("b"), long("c"));
        assert_eq!(long("b"), long("b"));
    }
}
