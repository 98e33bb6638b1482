//! The parameters after the question mark.

/// Decoded parameters in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query. A malformed percent sequence stays as it is, and then fails as a digest, name or tag.
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        Self(pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let encoded = if byte == b'%' { bytes.get(position + 1..position + 3).and_then(hexadecimal_pair) } else { None };
        if let Some(value) = encoded {
            decoded.push(value);
            position += 3;
        } else {
            decoded.push(if byte == b'+' { b' ' } else { byte });
            position += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hexadecimal_pair(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    match digits {
        [high, low] => u8::try_from(value(*high)? * 16 + value(*low)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse(Some("mount=sha256%3Aaa&from=a%2Fb&x&plain=a+b&broken=%zz%4"));
        assert_eq!(query.get("mount"), Some("sha256:aa"));
        assert_eq!(query.get("from"), Some("a/b"));
        assert_eq!(query.get("x"), Some(""));
        assert_eq!(query.get("plain"), Some("a b"));
        assert_eq!(query.get("broken"), Some("%zz%4"));
        assert_eq!(query.get("absent"), None);
    }

    proptest! {
        #[test]
        fn any_query_is_read(raw in "([&=%+]|[0-9a-fA-F]|\\PC){0,40}") {
            let _ = Query::parse(Some(&raw));
        }

        #[test]
        fn an_encoded_parameter_comes_back(name in "[a-z]{1,6}", value in "\\PC{0,12}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let raw = format!("other=1&{name}={encoded}");
            let query = Query::parse(Some(&raw));
            let expected = if name == "other" { "1" } else { value.as_str() };
            prop_assert_eq!(query.get(&name), Some(expected));
        }
    }
}
