//! The small text that stands in a tree for a large file.

/// Longer texts are no pointers.
pub(crate) const LONGEST_POINTER: u64 = 1024;

/// Which object a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// 64 hex digits of a SHA-256.
    pub(crate) oid: String,
    pub(crate) size: u64,
}

impl Pointer {
    /// Reads a pointer; `None` when the content is no pointer, and so is what is meant.
    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(content).ok()?;
        let mut lines = text.lines();
        if lines.next()? != "version https://git-lfs.github.com/spec/v1" {
            return None;
        }
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => oid = Some(value.strip_prefix("sha256:").filter(|oid| is_digest(oid))?.to_owned()),
                // `parse` alone would take a sign.
                ("size", value) => size = Some(value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())??),
                // An extension changed the content on its way, and only its program could change it back.
                _ => return None,
            }
        }
        Some(Self { oid: oid?, size: size? })
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pointer_is_a_version_a_digest_and_a_size_and_nothing_else() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let pointer = |rest: &str| Pointer::parse(format!("version https://git-lfs.github.com/spec/v1\n{rest}").as_bytes());
        assert_eq!(pointer(&format!("oid sha256:{oid}\nsize 12345\n")), Some(Pointer { oid: oid.to_owned(), size: 12345 }));
        for rest in [
            format!("oid sha256:{oid}\n"),
            "size 1\n".to_owned(),
            format!("oid sha256:{}\nsize 1\n", &oid[1..]),
            format!("oid sha256:../../{}\nsize 1\n", &oid[6..]),
            format!("oid sha256:{oid}\nsize -1\n"),
            format!("oid sha256:{oid}\nsize +1\n"),
            format!("oid sha256:{oid}\nsize 99999999999999999999\n"),
            format!("ext-0-foo sha256:{oid}\noid sha256:{oid}\nsize 1\n"),
        ] {
            assert_eq!(pointer(&rest), None, "{rest}");
        }
        assert_eq!(Pointer::parse(format!("oid sha256:{oid}\nsize 1\n").as_bytes()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_content_gives_an_object_that_is_not_a_digest(
            rest in "(oid sha256:[0-9a-f./]{60,66}\n|size [-+0-9]{0,24}\n|\\PC{0,20}\n){0,4}",
        ) {
            let content = format!("version https://git-lfs.github.com/spec/v1\n{rest}");
            if let Some(pointer) = Pointer::parse(content.as_bytes()) {
                prop_assert!(is_digest(&pointer.oid), "{}", pointer.oid);
            }
        }
    }
}
