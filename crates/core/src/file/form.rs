//! What a value of the file may be: in words for persons, and as a rule for whoever checks it without the reader.
//!
//! A rule never refuses what the reader takes; the reader refuses more, such as a name that nothing has.

use Written::{AsItStands, Text};

/// What a value may be.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// A text of any length.
    Words(&'static str),
    /// A text of one line.
    Word(&'static str),
    /// A text of a notation.
    Notation {
        /// In words.
        words: &'static str,
        /// As a regular expression of ECMA 262.
        pattern: &'static str,
        /// What of YAML it may be.
        written: Written,
    },
    /// One of some words.
    Choice(&'static [&'static str]),
    /// One of some words, or null.
    ChoiceOrNull(&'static [&'static str]),
    /// A list of different words out of some.
    Choices(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Number {
        /// The smallest.
        least: u32,
        /// The largest.
        most: u32,
    },
    /// A list.
    List {
        /// In words.
        words: &'static str,
        /// What each item is.
        items: &'static Form,
        /// Whether each item is there once.
        unique: bool,
    },
    /// A mapping of names of the user's own to texts.
    Texts(&'static str),
    /// A mapping of whatever the user writes.
    Anything(&'static str),
}

/// What of YAML a notation may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// A text that can be no number.
    Text,
    /// A text or a number, which is read as it stands.
    AsItStands,
}

impl Form {
    /// The form in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Words(words)
            | Self::Word(words)
            | Self::Texts(words)
            | Self::Anything(words)
            | Self::Notation { words, .. }
            | Self::List { words, .. } => (*words).to_owned(),
            Self::Choice(choices) => one_of(&quoted(choices)),
            Self::ChoiceOrNull(choices) => {
                let mut choices = quoted(choices);
                choices.push("null".to_owned());
                one_of(&choices)
            }
            Self::Choices(choices) => format!("list of {}", quoted(choices).join(", ")),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Number { least, most } => format!("number from {least} to {most}"),
        }
    }
}

fn quoted(choices: &[&str]) -> Vec<String> {
    choices.iter().map(|choice| format!("`{choice}`")).collect()
}

/// A text that may be a plain word.
const fn text(words: &'static str, pattern: &'static str) -> Form {
    Form::Notation { words, pattern, written: Text }
}

/// A text that is read the same with and without quotes.
const fn as_it_stands(words: &'static str, pattern: &'static str) -> Form {
    Form::Notation { words, pattern, written: AsItStands }
}

/// The names of variables that a user may choose.
pub(super) const OWN_NAME: &str = "^(?!SLIPWAY_)[A-Za-z_][A-Za-z0-9_]{0,255}$";
/// The names of all variables, and of build arguments.
pub(super) const ANY_NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,255}$";

pub(super) const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

pub(super) const TEXT: Form = Form::Words("text");
pub(super) const NAME: Form = text("name", "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$");
pub(super) const STAGE_NAME: Form = as_it_stands("1 to 64 printable characters", r"^\S(.{0,62}\S)?$");
pub(super) const SECRET: Form = text("name of a declared secret", OWN_NAME);
pub(super) const VARIABLE_NAME: Form = text("name of a variable", ANY_NAME);
pub(super) const SECRETS: Form = Form::List { words: "list of names of secrets", items: &SECRET, unique: true };
pub(super) const DURATION: Form = text("duration such as `10s`, `30m` or `1h30m`", "^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$");
pub(super) const CPU: Form = as_it_stands("CPU such as `500m` or `4`", r"^([0-9]+m|[0-9]+(\.[0-9]{0,3})?)$");
pub(super) const SIZE: Form = as_it_stands("size such as `512Mi` or `4Gi`", "^[0-9]+(Ti|Gi|Mi|Ki|T|G|M|k)?$");
pub(super) const MOUNT: Form = text("absolute path", "^(/[^/:]+)+$");
pub(super) const PATTERN: Form = as_it_stands("pattern with `*` and `?`", r"^\S{1,100}$");
pub(super) const TIME_ZONE: Form = text("IANA time zone", "^[A-Za-z][-+_A-Za-z0-9]*(/[A-Za-z][-+_A-Za-z0-9]*){0,2}$");
pub(super) const TIME_OF_DAY: Form = text("`HH:MM`", "^([01][0-9]|2[0-3]):[0-5][0-9]$");
pub(super) const CRON_FIELDS: Form = text("five fields", r"^\s*(\S+\s+){4}\S+\s*$");
pub(super) const WEB_URL: Form = text("`https` or `http` URL", r"^https?://\S+$");
pub(super) const CHART_REPOSITORY: Form = text("`https` URL", r"^https?://\S+$");
pub(super) const OCI_URL: Form = text("`oci://` URL", r"^oci://\S+$");
pub(super) const GIT_URL: Form =
    text("`https`, `http`, `ssh` or `user@host:path` URL", r"^((https?|ssh|file)://\S+|(?!\S*://)[^\s/:-][^\s/:]*:[^\s-]\S*)$");
pub(super) const BRANCH: Form = Form::Word("name of a branch");
pub(super) const COMMIT: Form = as_it_stands("40 hex digits", "^[0-9a-f]{40}$");
pub(super) const DIGEST: Form = text("`sha256:` and 64 hex digits", "^sha256:[0-9a-f]{64}$");
pub(super) const CHART_VERSION: Form = as_it_stands("version such as `1.2.3`, or range such as `^1.2`", r"\S");
pub(super) const PORT_NUMBER: Form = Form::Number { least: 1, most: 65535 };
pub(super) const POD_COUNT: Form = Form::Number { least: 1, most: MOST_INSTANCES };
pub(super) const URL_PATH: Form = text("path", r"^/\S*$");
pub(super) const HOST_NAME: Form =
    as_it_stands("host name", r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$");
pub(super) const HOST_NAMES: Form = Form::List { words: "list of host names", items: &HOST_NAME, unique: true };
pub(super) const VECTOR: Form = Form::List { words: "list of texts", items: &TEXT, unique: false };
pub(super) const GLOBS: Form = Form::List { words: "list of globs", items: &Form::Word("glob"), unique: false };
pub(super) const PLATFORMS: Form =
    Form::List { words: "list such as `[linux/amd64]`", items: &text("platform", "^linux/[a-z0-9/]+$"), unique: true };

/// Most builds or releases at a time.
pub(super) const MOST_PARALLEL: u32 = 1000;
/// The most previews that a project may have at a time.
pub(super) const MOST_PREVIEWS: u32 = 1000;
/// Most pods of a service.
pub(super) const MOST_INSTANCES: u32 = 10_000;
/// Most failures of a probe in a row.
pub(super) const MOST_FAILURES: u32 = 10_000;
/// Most further attempts of a job.
pub(super) const MOST_RESTARTS: u32 = 100;

/// `a`, `b` or `c`.
pub(super) fn one_of(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
