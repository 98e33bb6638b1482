//! No text makes the reader of files fail, and what it accepts can be applied again and again.

use proptest::prelude::{ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use proptest::{prop_assert, prop_assert_eq};

use super::SAMPLE;
use crate::file::{ApplyOptions, ParseOptions, apply, parse, unsupported};

/// Reads a text, and applies it twice if it is a file.
fn law(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    match parse(text, &ParseOptions::default()) {
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0 && !problem.message.is_empty()));
        }
        Ok(file) => {
            unsupported(&file);
            let Ok(first) = apply(None, &file, ApplyOptions::default()) else { return Ok(()) };
            let second = apply(Some(&first.environment), &file, ApplyOptions::default()).expect("what was applied applies again");
            prop_assert_eq!(&second.changes, &Vec::<String>::new());
            prop_assert_eq!(second.environment, first.environment);
        }
    }
    Ok(())
}

/// A piece that has a meaning in YAML or in the file.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "\n",
        "  ",
        "- ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "'",
        "&a ",
        "*a",
        "!!str ",
        "|\n",
        ">-\n",
        "#",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\t",
        "\u{feff}",
        "\0",
        "null",
        "~",
        "1.5",
        "0x1",
        "{{A}}",
        "name",
        "services",
        "pipeline",
        "stages",
        "<<",
        "é",
        "\u{2028}",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_is_read_without_panic(text in ".*") {
        law(&text)?;
    }

    #[test]
    fn arbitrary_pieces_are_read_without_panic(pieces in prop::collection::vec(piece(), 0..60)) {
        law(&pieces.concat())?;
    }

    #[test]
    fn a_mutated_sample_is_read_without_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop_oneof![Just(String::new()), piece()]), 1..5),
    ) {
        let mut characters: Vec<char> = SAMPLE.chars().collect();
        for (index, removed, inserted) in edits {
            let start = index.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        law(&characters.into_iter().collect::<String>())?;
    }

    #[test]
    fn the_sample_without_some_lines_is_read_without_panic(kept in prop::collection::vec(prop::bool::weighted(0.95), 100)) {
        let lines: Vec<_> = SAMPLE.lines().zip(kept.into_iter().chain(std::iter::repeat(true))).filter(|(_, kept)| *kept).collect();
        law(&lines.into_iter().map(|(line, _)| format!("{line}\n")).collect::<String>())?;
    }
}
