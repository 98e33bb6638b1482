//! What a range is written in, taken from its beginning.

/// The rest of a range.
pub(super) struct Text<'a>(&'a str);

/// A version as it is written.
pub(super) struct Written<'a> {
    pub(super) parts: [Part; 3],
    /// How many of the parts are written.
    pub(super) given: usize,
    /// Without the hyphen; empty: there is none.
    pub(super) prerelease: &'a str,
}

/// Major, minor or patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Number(u64),
    /// `x`, `X`, `*` or nothing.
    Open,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes this, if it comes next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let rest = self.0.strip_prefix(word);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes spaces; says whether there were any.
    pub(super) fn spaces(&mut self) -> bool {
        !self.while_true(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c')).is_empty()
    }

    /// Takes the hyphen between two versions, which has spaces around it.
    pub(super) fn hyphen(&mut self) -> bool {
        let mut ahead = Self(self.0);
        let is_hyphen = ahead.spaces() && ahead.take("-") && ahead.spaces();
        if is_hyphen {
            self.0 = ahead.0;
        }
        is_hyphen
    }

    /// Takes a version, of which parts may be open.
    pub(super) fn version(&mut self) -> Option<Written<'a>> {
        self.take("v");
        let mut parts = [Part::Open; 3];
        let mut given = 0;
        for part in &mut parts {
            if given > 0 && !self.take(".") {
                break;
            }
            *part = self.part()?;
            given += 1;
        }
        let prerelease = if self.take("-") { self.identifiers()? } else { "" };
        if self.take("+") {
            self.identifiers()?;
        }
        Some(Written { parts, given, prerelease })
    }

    fn part(&mut self) -> Option<Part> {
        match self.while_true(|character| character.is_ascii_digit() || matches!(character, 'x' | 'X' | '*')) {
            "x" | "X" | "*" => Some(Part::Open),
            digits => digits.parse().ok().map(Part::Number),
        }
    }

    /// Words with dots between them.
    fn identifiers(&mut self) -> Option<&'a str> {
        let words = self.while_true(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '.'));
        (!words.split('.').any(str::is_empty)).then_some(words)
    }

    fn while_true(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|character| !is_part(character)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }
}
