//! Patterns of names: `*` stands for any text, the empty one too, and `?` for one character. All else stands for itself.

use serde::{Deserialize, Serialize};

/// A pattern of names, such as `preview-*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a pattern: {}", Pattern::EXPECTED)]
pub struct InvalidPattern {
    /// The text that was refused.
    pub text: String,
}

impl Pattern {
    /// Most characters of a pattern.
    pub const LONGEST: usize = 100;
    /// What a pattern looks like, in words.
    pub const EXPECTED: &str =
        "expected 1 to 100 printable characters without spaces, `*` for any text and `?` for one character";

    /// A checked pattern.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let is_printable = !text.contains(|character: char| character.is_control() || character.is_whitespace());
        if is_printable && (1..=Self::LONGEST).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPattern { text: text.to_owned() })
        }
    }

    /// Whether the whole of a name is as the pattern says. It takes as many steps as the two lengths multiplied at most.
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), name.chars());
        // What stands after the last star, and the text that this star has not taken yet.
        let mut star = None;
        loop {
            let (mut next_pattern, mut next_rest) = (pattern.clone(), rest.clone());
            match (next_pattern.next(), next_rest.next()) {
                (Some('*'), _) => {
                    star = Some((next_pattern.clone(), rest.clone()));
                    pattern = next_pattern;
                    continue;
                }
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                    (pattern, rest) = (next_pattern, next_rest);
                    continue;
                }
                (Some(_), _) | (None, Some(_)) => {}
            }
            let Some((after, taken)) = &mut star else { return false };
            if taken.next().is_none() {
                return false;
            }
            (pattern, rest) = (after.clone(), taken.clone());
        }
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        Self::new(&text)
    }
}

impl std::str::FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        Self::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(name)
    }

    /// The same, as it is said.
    fn naively(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', more)), _) => (0..=name.len()).any(|taken| naively(more, &name[taken..])),
            (Some(('?', more)), Some((_, rest))) => naively(more, rest),
            (Some((wanted, more)), Some((found, rest))) => wanted == found && naively(more, rest),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "staging"),
            ("preview-*", "preview-"),
            ("preview-*", "preview-12"),
            ("*-eu", "shop-eu-eu"),
            ("a*b*c", "abbbc"),
            ("pr-?", "pr-7"),
            ("?", "é"),
            ("staging", "staging"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("preview-*", "preview"),
            ("pr-?", "pr-12"),
            ("pr-?", "pr-"),
            ("staging", "staging-2"),
            ("a*b", "abc"),
            ("S*", "staging"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_no_name_could_be_like_is_no_pattern() {
        for bad in ["", " ", "a b", "a\n", "\u{7f}", &"*".repeat(101)] {
            assert!(Pattern::new(bad).is_err(), "{bad:?}");
            assert!(serde_json::from_value::<Pattern>(bad.into()).is_err(), "{bad:?}");
        }
        assert!(Pattern::new(&"é".repeat(100)).is_ok());
    }

    #[test]
    fn many_stars_take_no_time_beyond_the_lengths_multiplied() {
        assert!(!matches(&format!("{}b", "a*".repeat(49)), &"a".repeat(10_000)));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_one_by_one_it_says(pattern in "[ab*?é]{1,8}", name in "[abé]{0,10}") {
            let (each, of_name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
            prop_assert_eq!(matches(&pattern, &name), naively(&each, &of_name));
        }

        #[test]
        fn a_pattern_made_of_a_name_matches_it(name in "[a-z0-9-]{1,20}", at in any::<prop::sample::Index>()) {
            let at = at.index(name.len());
            let questioned = format!("{}?{}", &name[..at], &name[at + 1..]);
            let starred = format!("{}*", &name[..at]);
            prop_assert!(matches(&name, &name) && matches(&questioned, &name) && matches(&starred, &name));
        }
    }
}
