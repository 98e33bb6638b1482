//! Which build arguments a Dockerfile declares (C14).

use std::collections::BTreeSet;

use parse_dockerfile::Instruction;

/// Arguments that the builder sets or knows by itself, declared or not: proxies and platforms.
const PREDEFINED: [&str; 19] = [
    "ALL_PROXY",
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETSTAGE",
    "TARGETVARIANT",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Why a text is not a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DockerfileProblem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The names of all arguments that a Dockerfile declares, in any stage or before the first, without the predefined ones.
///
/// Fails when the text does not parse as a Dockerfile.
pub fn declared_args(dockerfile: &str) -> Result<BTreeSet<String>, DockerfileProblem> {
    let text = dockerfile.strip_prefix('\u{feff}').unwrap_or(dockerfile);
    let parsed = parse_dockerfile::parse(text)
        .map_err(|error| DockerfileProblem { line: error.line().max(1), message: message_of(&error.to_string()) })?;
    let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |directive| directive.value.value);
    let mut names = BTreeSet::new();
    for instruction in &parsed.instructions {
        let Instruction::Arg(arg) = instruction else { continue };
        for word in words(&arg.arguments.value, escape) {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            let name = unquote(name, escape);
            if name.is_empty() || name.contains('$') {
                let line = text[..arg.arg.span.start].matches('\n').count() + 1;
                let message = format!("`ARG {word}` has no name that can be read; expected `ARG NAME` or `ARG NAME=value`");
                return Err(DockerfileProblem { line, message });
            }
            if !PREDEFINED.contains(&name.as_str()) {
                names.insert(name);
            }
        }
    }
    Ok(names)
}

/// The parser's message without the place, which is told apart.
fn message_of(text: &str) -> String {
    text.rsplit_once(" at line ").map_or(text, |(message, _)| message).to_owned()
}

/// Splits as `BuildKit` does: at white space outside quotes; quotes and escapes stay in the words.
fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        if character == escape && quote != Some('\'') {
            word.push(character);
            word.extend(characters.next());
            continue;
        }
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ => {}
        }
        word.push(character);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn unquote(text: &str, escape: char) -> String {
    text.chars().filter(|character| !matches!(character, '"' | '\'') && *character != escape).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use proptest::test_runner::TestCaseError;

    use super::*;

    fn names(dockerfile: &str) -> Vec<String> {
        declared_args(dockerfile).expect("the Dockerfile parses").into_iter().collect()
    }

    #[test]
    fn arguments_before_from_and_in_every_stage_are_declared() {
        let text = "ARG BASE=docker.io/library/debian\nFROM ${BASE} AS one\nARG FIRST\nFROM one\narg second=2\nRUN true\n";
        assert_eq!(names(text), ["BASE", "FIRST", "second"]);
    }

    #[test]
    fn one_line_may_declare_several_with_quotes_and_continuations() {
        let text = "FROM scratch\nARG A=\"x B=1\" C='y D' E=a\\ F=1 \\\n  # a comment in between\n  G=3 \\\n  H\n";
        assert_eq!(names(text), ["A", "C", "E", "G", "H"]);
    }

    #[test]
    fn another_escape_character_is_respected() {
        assert_eq!(names("# escape=`\nFROM scratch\nARG A=1 `\n  B=c:\\\nARG C\n"), ["A", "B", "C"]);
    }

    #[test]
    fn what_looks_like_an_argument_in_a_heredoc_or_a_comment_is_none() {
        let text =
            "FROM scratch\n# ARG COMMENT\nRUN <<EOF\nARG INSIDE=1\nEOF\nCOPY <<-\"END\" /file\n\tARG COPIED\n\tEND\nARG REAL\n";
        assert_eq!(names(text), ["REAL"]);
    }

    #[test]
    fn predefined_arguments_are_left_out() {
        let text = "FROM scratch\nARG HTTP_PROXY http_proxy NO_PROXY TARGETPLATFORM TARGETARCH BUILDOS MINE\n";
        assert_eq!(names(text), ["MINE"]);
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_are_read() {
        assert_eq!(names("\u{feff}FROM scratch\r\nARG A\r\nARG B=1\r\n"), ["A", "B"]);
    }

    #[test]
    fn what_does_not_parse_names_its_line() {
        let problem = declared_args("FROM scratch\nRUN true\nRUNN false\n").unwrap_err();
        assert_eq!((problem.line, problem.message.as_str()), (3, "unknown instruction 'RUNN'"));
        assert_eq!(declared_args("FROM scratch\nARG =1\n").unwrap_err().line, 2);
        assert!(declared_args("").is_err());
        assert!(declared_args("ARG A\n").is_err());
    }

    /// Reads a text; what it declares are names that a builder can be given.
    fn law(text: &str) -> Result<(), TestCaseError> {
        let started = Instant::now();
        let declared = declared_args(text);
        prop_assert!(started.elapsed() < Duration::from_secs(10), "it took {:?}", started.elapsed());
        match declared {
            Ok(names) => {
                prop_assert!(names.iter().all(|name| !name.is_empty() && !name.contains(['$', '=', '"', '\''])), "{:?}", names);
                prop_assert!(names.iter().all(|name| !PREDEFINED.contains(&name.as_str())), "{:?}", names);
            }
            Err(problem) => {
                prop_assert!((1..=text.matches('\n').count() + 1).contains(&problem.line), "{:?}", problem);
                prop_assert!(!problem.message.is_empty());
            }
        }
        Ok(())
    }

    /// A piece that has a meaning in a Dockerfile.
    fn piece() -> impl Strategy<Value = String> {
        let known = [
            "FROM scratch\n",
            "FROM",
            "ARG ",
            "ARG",
            "arg ",
            "RUN ",
            "COPY ",
            "ONBUILD ",
            "HEALTHCHECK ",
            "CMD [",
            "]",
            "AS ",
            "\n",
            "\r\n",
            "\\\n",
            "`\n",
            "\\",
            "`",
            "# escape=`\n",
            "# escape=\\\n",
            "#syntax=x\n",
            "#",
            " ",
            "\t",
            "=",
            "\"",
            "'",
            "$",
            "${",
            "}",
            "<<EOF",
            "<<-'EOF'",
            "EOF\n",
            "EOF",
            "--mount=",
            "--",
            "\u{feff}",
            "\0",
            "\u{a0}",
            "\u{2028}",
            "NAME",
            "é",
            "[",
            ",",
        ];
        prop_oneof![8 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_scanned_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            law(&String::from_utf8_lossy(&bytes))?;
        }

        #[test]
        fn arbitrary_pieces_are_scanned_without_panic(pieces in prop::collection::vec(piece(), 0..40)) {
            let text = pieces.concat();
            law(&text)?;
            law(&format!("FROM scratch\n{text}"))?;
        }
    }

    #[test]
    fn a_dockerfile_made_to_be_slow_is_scanned_in_a_moment() {
        let most = 1 << 20;
        let fill = |piece: &str| piece.repeat(most / piece.len());
        for text in [
            fill("ARG A\n"),
            fill("ARG A$\n"),
            format!("ARG {}", fill("A ")),
            format!("ARG {}", fill("\\\n")),
            format!("ARG {}", fill("\"")),
            format!("ARG A={}", fill("'\\")),
            format!("RUN {}", fill("<<A ")),
            format!("RUN {}\n{}", "<<A ".repeat(1000), fill("B\n")),
            format!("RUN <<A\n{}", fill("\n")),
            format!("CMD [{}", fill("\"a\",")),
            format!("CMD {}", fill("[")),
            fill("#\n"),
            fill("\\\n"),
            fill("ONBUILD "),
            fill("COPY <<A <<B /x\n"),
        ] {
            law(&format!("FROM scratch\n{text}")).unwrap_or_else(|error| panic!("{:?}: {error}", &text[..20.min(text.len())]));
        }
    }
}
