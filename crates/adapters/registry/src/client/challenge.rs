//! What a registry asks for in `WWW-Authenticate`.

use std::collections::BTreeMap;

/// How to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and secret with every request.
    Basic,
    /// A token of a token server.
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// Reads one header value; `None` when the scheme is one that registries do not use.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let realm = parameters.remove("realm")?;
        Some(Self::Bearer { realm, service: parameters.remove("service") })
    }
}

/// Reads `name="value", name=value`; a quoted value may hold commas and escaped characters.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut characters = text.chars().peekable();
    loop {
        let name: String = std::iter::from_fn(|| characters.next_if(|character| *character != '=')).collect();
        if characters.next().is_none() {
            return parameters;
        }
        let value = if characters.next_if_eq(&'"').is_some() {
            quoted(&mut characters)
        } else {
            std::iter::from_fn(|| characters.next_if(|character| *character != ',')).collect()
        };
        let name = name.trim_matches(|character: char| character == ',' || character.is_whitespace());
        parameters.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn quoted(characters: &mut impl Iterator<Item = char>) -> String {
    let mut value = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_challenges_of_real_registries_are_read() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        assert_eq!(
            Challenge::parse(
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull,push""#
            ),
            bearer("https://auth.docker.io/token", Some("registry.docker.io"))
        );
        assert_eq!(
            Challenge::parse(r#"bearer scope="a,b", realm="https://x/y?a=b" , service=z"#),
            bearer("https://x/y?a=b", Some("z"))
        );
        assert_eq!(Challenge::parse(r#"Basic realm="slipway""#), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Bearer"), None);
        assert_eq!(Challenge::parse("Negotiate"), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "(Bearer )?\\PC{0,60}") {
            let _ = Challenge::parse(&header);
        }
    }
}
