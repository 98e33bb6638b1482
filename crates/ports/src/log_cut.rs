//! How the log of a deployment stays bounded: its beginning and its end stay, and a line between them says what is missing.

use slipway_core::model::Bytes;

use crate::LogLine;

/// What a line takes besides its text, stored and indexed. A flood of short lines would otherwise take many times its bytes.
const PER_LINE: u64 = 160;

/// What is missing in the middle of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCut {
    /// So many lines.
    pub lines: u64,
    /// The bytes of their texts.
    pub bytes: u64,
}

impl LogCut {
    /// How many bytes a line of so many bytes of text counts for.
    pub fn weight(text_bytes: u64) -> u64 {
        text_bytes + PER_LINE
    }

    /// How many bytes of lines stay at the beginning, and as many at the end.
    pub fn half(most_bytes: u64) -> u64 {
        most_bytes / 2
    }

    /// The same with one more line.
    #[must_use]
    pub fn and(self, line: &LogLine) -> Self {
        Self { lines: self.lines + 1, bytes: self.bytes + line.text.len() as u64 }
    }

    /// The line that stands in the place of those that are missing.
    pub fn notice(self, most_bytes: u64) -> String {
        let Self { lines, bytes } = self;
        let noun = if lines == 1 { "line" } else { "lines" };
        let limit = Bytes(most_bytes);
        format!("[... {lines} {noun} of {bytes} bytes are cut out here: the log of a deployment has at most {limit}]")
    }
}

#[cfg(test)]
mod tests {
    use super::LogCut;

    #[test]
    fn the_notice_says_how_much_is_missing() {
        let notice = LogCut { lines: 12, bytes: 3456 }.notice(64 << 20);
        assert_eq!(notice, "[... 12 lines of 3456 bytes are cut out here: the log of a deployment has at most 64Mi]");
    }
}
