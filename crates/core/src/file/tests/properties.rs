//! No text makes the reader of files fail, and what it accepts can be stored and applied again and again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::{ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};

use super::{EVERYTHING, SAMPLE, file_of, shown};
use crate::file::keys::TOP;
use crate::file::table::{Content, Shape};
use crate::file::{ApplyOptions, Notation, ParseOptions, apply, parse, write};
use crate::model::Environment;

/// Far more than any text of these laws takes, also on a machine that does much else.
const LONGEST: Duration = Duration::from_secs(10);

/// Reads a text, and applies it twice if it is a file.
fn law(text: &str) -> Result<(), TestCaseError> {
    let started = Instant::now();
    let parsed = parse(text, &ParseOptions::default());
    prop_assert!(started.elapsed() < LONGEST, "it took {:?}", started.elapsed());
    match parsed {
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0 && !problem.message.is_empty()));
        }
        Ok(file) => {
            prop_assert_eq!(super::schema::refused_by_schema(text), Vec::<String>::new(), "{}", text);
            let Ok(first) = apply(None, &file, ApplyOptions::default()) else { return Ok(()) };
            let second = apply(Some(&first.environment), &file, ApplyOptions::default()).expect("what was applied applies again");
            prop_assert_eq!(&second.changes, &Vec::<String>::new());
            prop_assert_eq!(&second.environment, &first.environment);
            let stored = serde_json::to_string(&first.environment).expect("an environment is written as JSON");
            let read: Environment = serde_json::from_str(&stored).expect("what was stored reads back");
            prop_assert_eq!(&read, &first.environment);
            for notation in [Notation::Yaml, Notation::Json] {
                let written = write(&read, notation).expect("an environment is written");
                let again = parse(&written, &ParseOptions { is_first: true, ..ParseOptions::default() });
                let again = again.map_err(|problems| TestCaseError::fail(format!("{}\n{written}", shown(&problems))))?;
                let again = apply(None, &again, ApplyOptions::default()).expect("what was written applies");
                prop_assert_eq!(&again.environment, &read, "{}", written);
            }
        }
    }
    Ok(())
}

/// A piece that has a meaning in YAML or in the file.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "\n",
        "\r\n",
        "\r",
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
        "<<: *a",
        "!<tag:x> ",
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

/// The keys that the sample has, anywhere.
fn keys() -> Vec<String> {
    let of_line = |line: &str| line.trim_start_matches([' ', '-']).split_once(':').map(|(key, _)| key.to_owned());
    let is_word = |key: &String| !key.is_empty() && key.chars().all(char::is_alphanumeric);
    SAMPLE.lines().filter_map(of_line).filter(is_word).collect()
}

/// What the sample has behind its keys, and what never belongs there.
fn scalar() -> impl Strategy<Value = String> {
    let of_line = |line: &'static str| line.split_once(": ").map(|(_, value)| value.to_owned());
    let known: Vec<String> = SAMPLE.lines().filter_map(of_line).filter(|value| !value.contains(['{', '[', '#', '|'])).collect();
    prop_oneof![
        4 => prop::sample::select(known),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => (any::<char>(), 0_usize..3000).prop_map(|(character, count)| format!("{:?}", character.to_string().repeat(count))),
        1 => prop::collection::vec(piece(), 0..4).prop_map(|pieces| format!("{:?}", pieces.concat())),
    ]
}

/// A value of any shape, made of what the sample is made of, in flow style.
fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 60, 8, |inner| {
        let entry = (prop::sample::select(keys()), inner.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
        prop_oneof![
            prop::collection::vec(entry, 0..8).prop_map(|entries| format!("{{{}}}", entries.join(", "))),
            prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

/// Every key of the format, with what has to be written with care.
#[test]
fn what_is_written_reads_back_as_it_was() {
    for text in [SAMPLE, EVERYTHING] {
        let file = parse(text, &ParseOptions::default()).map_err(|problems| shown(&problems)).unwrap();
        apply(None, &file, ApplyOptions::default()).unwrap();
        law(text).unwrap();
    }
}

/// So that a new key is in the file that is written and read back.
#[test]
fn the_file_with_every_key_has_every_key() {
    fn of_shape(shape: &'static Shape, keys: &mut BTreeSet<&'static str>) {
        for key in shape.keys {
            keys.insert(key.name);
            if let Content::Mapping(inner) | Content::ListOf(inner) | Content::Named(inner) = &key.content {
                of_shape(inner, keys);
            }
        }
    }
    let mut keys = BTreeSet::new();
    of_shape(&TOP, &mut keys);
    let is_missing = |key: &&&str| !EVERYTHING.contains(&format!("{key}:"));
    assert_eq!(keys.iter().filter(is_missing).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn what_is_written_is_read_by_persons() {
    let file = parse(EVERYTHING, &ParseOptions::default()).unwrap();
    let environment = apply(None, &file, ApplyOptions::default()).unwrap().environment;
    insta::assert_snapshot!(write(&environment, Notation::Yaml).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        law(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn arbitrary_values_under_known_keys_are_read_without_panic(
        entries in prop::collection::vec((prop::sample::select(keys()), value()), 0..6),
    ) {
        let lines: String = entries.into_iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        law(&file_of(&lines))?;
        law(&lines)?;
    }

    #[test]
    fn the_sample_is_read_the_same_with_any_line_ends(ends in prop::collection::vec(prop::bool::ANY, 200)) {
        let ends = ends.into_iter().cycle().map(|is_windows| if is_windows { "\r\n" } else { "\n" });
        let text: String = SAMPLE.lines().zip(ends).map(|(line, end)| format!("{line}{end}")).collect();
        prop_assert_eq!(parse(&text, &ParseOptions::default()), parse(SAMPLE, &ParseOptions::default()));
    }

    #[test]
    fn any_depth_is_read_without_overflow(depth in 0_usize..200_000, open in prop::sample::select(vec!["[", "{a: ", "- ", "? ", "[[", "{"])) {
        law(&file_of(&format!("services: {}", open.repeat(depth))))?;
    }

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
