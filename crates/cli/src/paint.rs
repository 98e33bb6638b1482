//! Colour, where a person looks and has not said no.

use std::fmt::Display;

/// Whether and how text is coloured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For a stream: coloured when it is a terminal and `NO_COLOR` is not set.
    pub(crate) fn of(stream: &impl std::io::IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { on: stream.is_terminal() && !refused && !dumb }
    }

    /// Coloured or not, whatever the stream.
    #[cfg(test)]
    pub(crate) fn when(on: bool) -> Self {
        Self { on }
    }

    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    pub(crate) fn bold(self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn dim(self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn red(self, text: impl Display) -> String {
        self.wrap("31", text)
    }

    pub(crate) fn green(self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn yellow(self, text: impl Display) -> String {
        self.wrap("33", text)
    }

    pub(crate) fn cyan(self, text: impl Display) -> String {
        self.wrap("36", text)
    }

    /// One of a few colours, so that neighbours are told apart.
    pub(crate) fn nth(self, place: usize, text: impl Display) -> String {
        const COLOURS: [&str; 6] = ["36", "33", "35", "32", "34", "31"];
        self.wrap(COLOURS[place % COLOURS.len()], text)
    }
}
