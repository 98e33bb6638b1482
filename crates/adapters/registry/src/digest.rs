//! Content digests: `sha256:<64 hex>` and `sha512:<128 hex>`.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

/// A hash function that this registry computes and accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestAlgorithm {
    /// The algorithm that every client speaks.
    Sha256,
    /// Registered by the OCI image specification; rare.
    Sha512,
}

impl DigestAlgorithm {
    /// The name as it stands before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hexadecimal_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// The address of content by its bytes. Only lower-case hexadecimal of the right length can be one, so it is safe in a path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hexadecimal: String,
}

impl Digest {
    /// The SHA-256 digest of bytes in memory.
    pub fn sha256(content: &[u8]) -> Self {
        Self::of(DigestAlgorithm::Sha256, content)
    }

    /// The digest of bytes in memory by the given algorithm.
    pub fn of(algorithm: DigestAlgorithm, content: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// Which hash function made it.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hash without the algorithm.
    pub fn hexadecimal(&self) -> &str {
        &self.hexadecimal
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.hexadecimal)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    /// There is no colon.
    #[error("a digest has the form sha256:<64 hexadecimal digits>")]
    Form,
    /// An algorithm other than the two that are computed here.
    #[error("digest algorithm is not supported; use sha256 or sha512")]
    Algorithm,
    /// Wrong length, or something else than lower-case hexadecimal digits.
    #[error("a {algorithm} digest has {length} lower-case hexadecimal digits")]
    Hexadecimal {
        /// The algorithm named before the colon.
        algorithm: &'static str,
        /// How many digits it takes.
        length: usize,
    },
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, hexadecimal) = text.split_once(':').ok_or(InvalidDigest::Form)?;
        let algorithm = match name {
            "sha256" => DigestAlgorithm::Sha256,
            "sha512" => DigestAlgorithm::Sha512,
            _ => return Err(InvalidDigest::Algorithm),
        };
        let length = algorithm.hexadecimal_length();
        let digits = hexadecimal.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hexadecimal.len() != length || !digits {
            return Err(InvalidDigest::Hexadecimal { algorithm: algorithm.name(), length });
        }
        Ok(Self { algorithm, hexadecimal: hexadecimal.to_owned() })
    }
}

/// A digest under construction.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest { algorithm: DigestAlgorithm::Sha256, hexadecimal: hexadecimal(&hasher.finalize()) },
            Self::Sha512(hasher) => Digest { algorithm: DigestAlgorithm::Sha512, hexadecimal: hexadecimal(&hasher.finalize()) },
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing into a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_known_digest_of_empty_content() {
        assert_eq!(Digest::sha256(b"").to_string(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn sha512_is_read_back_as_it_was_printed() {
        let digest = Digest::of(DigestAlgorithm::Sha512, b"slipway");
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
    }

    #[test]
    fn only_exact_digests_are_accepted() {
        let upper = format!("sha256:{}", "A".repeat(64));
        let long = format!("sha256:{}", "a".repeat(65));
        let path = format!("sha256:../{}", "a".repeat(61));
        for text in ["", "sha256", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e", &upper, &long, &path] {
            assert!(text.parse::<Digest>().is_err(), "{text} was accepted");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_one_safe_part_of_a_path(text in "(sha256|sha512|\\PC{0,8}):?([0-9a-f]{64}|[0-9a-fA-F/.%]{0,130}|\\PC{0,20})") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
                prop_assert!(digest.hexadecimal().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
            }
        }
    }
}
