//! How the problems of an environment file are shown: where, the line itself, a caret, the message.

use std::fmt::Write as _;

use slipway_ports::api::FileProblem;

use crate::output::{self, Output};
use crate::paint::Paint;
use crate::stop::{Exit, Stop};

/// Shows every problem of a file and returns the end that follows. With JSON the list is data.
pub(crate) fn refuse(file: &str, text: &str, problems: &[FileProblem], output: Output) -> Stop {
    match output {
        Output::Json => {
            if let Err(stop) = output::json(&problems) {
                return stop;
            }
        }
        Output::Text => {
            let paint = Paint::of(&std::io::stderr());
            output::tell(render(file, text, problems, paint));
        }
    }
    Stop::silent(Exit::Refused)
}

fn render(file: &str, text: &str, problems: &[FileProblem], paint: Paint) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // Writing to a String does not fail.
    let mut shown = String::new();
    for problem in problems {
        let place = format!("{file}:{}:{}", problem.line, problem.column);
        let path = if problem.path.is_empty() { String::new() } else { format!("  {}", paint.dim(&problem.path)) };
        let _ = writeln!(shown, "{}{path}", paint.bold(place));
        let gutter = problem.line.to_string();
        let blank = " ".repeat(gutter.len());
        if let Some(line) = problem.line.checked_sub(1).and_then(|index| lines.get(index)) {
            let (line, column) = excerpt(line, problem.column);
            let before: String = line.chars().take(column.saturating_sub(1)).collect();
            // A tab stays a tab, so that the caret stands beneath what it means.
            let space: String = before.chars().map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
            let _ = writeln!(shown, "  {} {line}", paint.dim(format!("{gutter} |")));
            let _ = writeln!(shown, "  {} {space}{}", paint.dim(format!("{blank} |")), paint.red("^"));
        }
        let _ = writeln!(shown, "  {blank} {} {}\n", paint.red("="), problem.message);
    }
    let count = problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    let _ = write!(shown, "{} {file} has {count} {noun}", paint.red("refused:"));
    shown
}

/// As much of a long line, such as one that a program wrote, as shows a column; and where the column is in that.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const LONGEST: usize = 160;
    if line.chars().count() <= LONGEST {
        return (line.to_owned(), column);
    }
    let from = column.saturating_sub(LONGEST / 2);
    let shown: String = line.chars().skip(from).take(LONGEST).collect();
    let (before, after) = (if from > 0 { "\u{2026}" } else { "" }, if shown.len() + from < line.len() { "\u{2026}" } else { "" });
    (format!("{before}{shown}{after}"), column - from + before.chars().count())
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_long_line_is_shown_around_its_column() {
        assert_eq!(excerpt("short", 3), ("short".to_owned(), 3));
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        for line in [line.clone(), line.chars().rev().collect()] {
            let (shown, column) = excerpt(&line, 501);
            assert_eq!(shown.chars().nth(column - 1), Some('X'));
            assert!(shown.starts_with('\u{2026}') && shown.ends_with('\u{2026}') && shown.chars().count() == 162, "{shown}");
        }
        let (shown, column) = excerpt(&"ab".repeat(200), 1);
        assert_eq!((column, shown.chars().next(), shown.chars().last()), (1, Some('a'), Some('\u{2026}')));
    }
}
