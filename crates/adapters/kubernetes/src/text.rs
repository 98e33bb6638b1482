//! Text that the cluster wrote, made fit for a message: anybody who runs a pod writes some of it.

/// The longest text that is taken over.
const LONGEST: usize = 1000;

/// One line without control characters, and not longer than a message may be.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()).filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// A sentence without its full stop.
pub(crate) fn clause(text: &str) -> String {
    clean(text).trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_cluster_is_one_line_without_control_characters() {
        assert_eq!(clean("a\n\tb\u{1b}[31mc\r\n"), "a b [31mc");
        assert_eq!(clause("probe failed: 500.\n"), "probe failed: 500");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let long = "ä".repeat(2000);
        let cut = clean(&long);
        assert!(cut.len() <= LONGEST + '…'.len_utf8() && cut.ends_with('…'));
    }
}
