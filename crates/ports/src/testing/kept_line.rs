//! Lines of logs in memory, and which of them go.

use crate::{LogCut, LogLine};

/// A line, as the store in memory keeps it.
pub(super) struct KeptLine {
    pub(super) deployment: String,
    /// Its place among the lines of its service and phase.
    pub(super) position: u64,
    pub(super) line: LogLine,
    /// What the line stands for, if it stands for others.
    pub(super) cut: Option<LogCut>,
}

impl KeptLine {
    pub(super) fn weight(&self) -> u64 {
        LogCut::weight(self.line.text.len() as u64)
    }
}

/// The numbers of the lines between those that stay at the beginning and those that stay at the end.
pub(super) fn middle(lines: &[(u64, &KeptLine)], most_bytes: u64) -> Vec<u64> {
    let fits = |lines: &mut dyn Iterator<Item = &(u64, &KeptLine)>| {
        let mut bytes = 0;
        let count = lines.take_while(|(_, kept)| {
            bytes += kept.weight();
            kept.cut.is_none() && bytes <= LogCut::half(most_bytes)
        });
        count.count()
    };
    let (first, last) = (fits(&mut lines.iter()), fits(&mut lines.iter().rev()));
    lines.get(first..lines.len().saturating_sub(last)).unwrap_or_default().iter().map(|(number, _)| *number).collect()
}
