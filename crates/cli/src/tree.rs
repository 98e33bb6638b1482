//! Trees of text, with lines from each part to what it is a part of.

/// A part, and its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// One line, and more lines below it that belong to it.
    pub(crate) lines: Vec<String>,
    /// What it is made of.
    pub(crate) parts: Vec<Node>,
}

impl Node {
    /// A part of one line.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], parts: Vec::new() }
    }

    /// The same with these parts after the others.
    #[must_use]
    pub(crate) fn with(mut self, parts: impl IntoIterator<Item = Self>) -> Self {
        self.parts.extend(parts);
        self
    }

    /// The whole tree, line by line.
    pub(crate) fn draw(&self) -> Vec<String> {
        let mut drawn = self.lines.clone();
        for (index, part) in self.parts.iter().enumerate() {
            let is_last = index + 1 == self.parts.len();
            let (first, rest) = if is_last { ("\u{2514}\u{2500} ", "   ") } else { ("\u{251c}\u{2500} ", "\u{2502}  ") };
            for (number, line) in part.draw().into_iter().enumerate() {
                drawn.push(format!("{}{line}", if number == 0 { first } else { rest }));
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn lines_lead_to_every_part_and_past_those_that_are_not_the_last() {
        let mut leaf = Node::new("leaf");
        leaf.lines.push("more of it".to_owned());
        let tree = Node::new("root").with([Node::new("branch").with([leaf, Node::new("other")]), Node::new("last")]);
        insta::assert_snapshot!(tree.draw().join("\n"), @r"
        root
        ├─ branch
        │  ├─ leaf
        │  │  more of it
        │  └─ other
        └─ last
        ");
    }
}
