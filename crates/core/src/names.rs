//! Names that follow from other names, the same on every machine.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::model::Name;

/// The namespace of an environment: `<project>-<environment>` cut to 54, `-`, and 8 hex digits of SHA-256 of
/// `project/environment`.
pub fn namespace(project: &Name, environment: &Name) -> String {
    let mut readable = format!("{project}-{environment}");
    readable.truncate(54);
    format!("{readable}-{}", &sha256_hex(format!("{project}/{environment}").as_bytes())[..8])
}

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_label_and_tells_its_environment() {
        let name = |text: &str| Name::new(text).unwrap();
        assert_eq!(namespace(&name("shop"), &name("staging")), "shop-staging-0a7df691");
        assert_eq!(namespace(&name(&"a".repeat(40)), &name(&"b".repeat(40))).len(), 63);
        assert_ne!(namespace(&name("a-b"), &name("c")), namespace(&name("a"), &name("b-c")));
    }
}
