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
            let before: String = line.chars().take(problem.column.saturating_sub(1)).collect();
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
