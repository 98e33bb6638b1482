//! One pattern, matched in time proportional to its length times the path's.

use std::collections::BTreeSet;

/// A pattern, in the four forms that `patternmatcher` gives it.
#[derive(Debug)]
pub(crate) enum Glob {
    /// No special character.
    Exact(String),
    /// `text**`.
    Prefix(String),
    /// `**text`.
    Suffix(String),
    /// Anything else.
    Tokens(Vec<Token>),
}

/// What one part of a pattern stands for.
#[derive(Debug)]
pub(crate) enum Token {
    /// This character.
    Literal(char),
    /// `*`: any characters but `/`.
    Star,
    /// `?`: one character but `/`.
    Question,
    /// `[a-z]` or `[^a-z]`.
    Class { negated: bool, ranges: Vec<(char, char)> },
    /// `**` before something: nothing, or anything that ends in `/`.
    Folders,
    /// `**` at the end.
    Everything,
}

impl Glob {
    /// Reads a cleaned pattern; `None` when it is malformed.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        let characters: Vec<char> = pattern.chars().collect();
        let mut tokens = Vec::new();
        let mut special = false;
        let mut doubled_first = false;
        let mut at = 0;
        while at < characters.len() {
            let first = at == 0;
            match characters[at] {
                '*' if characters.get(at + 1) == Some(&'*') => {
                    at += 2;
                    at += usize::from(characters.get(at) == Some(&'/'));
                    let ends = at == characters.len();
                    if ends && !special && !doubled_first && !first {
                        return Some(Self::Prefix(characters[..characters.len() - 2].iter().collect()));
                    }
                    tokens.push(if ends { Token::Everything } else { Token::Folders });
                    doubled_first |= first;
                    special |= !first;
                    continue;
                }
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::Question),
                '[' => tokens.push(class(&characters, &mut at)?),
                '\\' => {
                    at += 1;
                    let escaped = *characters.get(at)?;
                    // The builder hands `\d` to a regular expression, where it means something else.
                    if escaped.is_alphanumeric() {
                        return None;
                    }
                    tokens.push(Token::Literal(escaped));
                }
                // An anchor to the builder, and a character to everybody else.
                '^' => return None,
                // A lone `]` is left to the exact form below; beside other special characters it is itself.
                literal => {
                    tokens.push(Token::Literal(literal));
                    at += 1;
                    special |= literal == ']';
                    continue;
                }
            }
            special = true;
            at += 1;
        }
        Some(match (special, doubled_first) {
            (true, _) => Self::Tokens(tokens),
            (false, true) => Self::Suffix(pattern[2..].to_owned()),
            (false, false) => Self::Exact(pattern.to_owned()),
        })
    }

    /// Whether the pattern matches the whole path.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path),
            Self::Tokens(tokens) => matches(tokens, &path.chars().collect::<Vec<_>>()),
        }
    }
}

/// Reads `[…]` by the rules of Go's `filepath.Match`, which the pattern must pass; leaves `at` on its end.
fn class(characters: &[char], at: &mut usize) -> Option<Token> {
    *at += 1;
    let negated = characters.get(*at) == Some(&'^');
    *at += usize::from(negated);
    let mut ranges = Vec::new();
    while ranges.is_empty() || *characters.get(*at)? != ']' {
        let low = class_character(characters, at)?;
        let mut high = low;
        if characters.get(*at) == Some(&'-') {
            *at += 1;
            high = class_character(characters, at)?;
        }
        ranges.push((low, high));
    }
    Some(Token::Class { negated, ranges })
}

fn class_character(characters: &[char], at: &mut usize) -> Option<char> {
    let mut character = *characters.get(*at)?;
    // `*` and `?` in a class turn into something else in the builder: such a pattern is not worth imitating.
    if matches!(character, '-' | ']' | '*' | '?' | '[') {
        return None;
    }
    if character == '\\' {
        *at += 1;
        character = *characters.get(*at)?;
    }
    *at += 1;
    Some(character)
}

/// Follows every way through the tokens at once: a set of positions in the path, moved on by each token.
fn matches(tokens: &[Token], path: &[char]) -> bool {
    let mut positions = BTreeSet::from([0]);
    for token in tokens {
        let mut next = BTreeSet::new();
        match token {
            Token::Star => spread(&positions, path, &mut next, |character| character != '/'),
            Token::Everything => next.extend(positions.first().copied().into_iter().flat_map(|first| first..=path.len())),
            Token::Folders => {
                next.clone_from(&positions);
                let first = positions.first().copied().unwrap_or(path.len());
                next.extend((first..path.len()).filter(|position| path[*position] == '/').map(|position| position + 1));
            }
            Token::Literal(_) | Token::Question | Token::Class { .. } => {
                next.extend(
                    positions.iter().filter(|position| path.get(**position).is_some_and(|c| is_one(token, *c))).map(|p| p + 1),
                );
            }
        }
        if next.is_empty() {
            return false;
        }
        positions = next;
    }
    positions.contains(&path.len())
}

fn spread(from: &BTreeSet<usize>, path: &[char], into: &mut BTreeSet<usize>, allowed: impl Fn(char) -> bool) {
    let mut reached = None;
    for &start in from {
        if reached.is_some_and(|end| start <= end) {
            continue;
        }
        let length = path[start..].iter().take_while(|character| allowed(**character)).count();
        into.extend(start..=start + length);
        reached = Some(start + length);
    }
}

fn is_one(token: &Token, character: char) -> bool {
    match token {
        Token::Literal(literal) => *literal == character,
        Token::Question => character != '/',
        Token::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated,
        Token::Star | Token::Folders | Token::Everything => false,
    }
}
