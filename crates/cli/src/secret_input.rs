//! A secret from standard input: there it is in no history and no list of processes.

use std::io::{IsTerminal as _, Read as _};

use slipway_ports::SecretText;

use crate::output;
use crate::stop::{Exit, Stop};

/// More is no secret but a file.
const MOST_BYTES: u64 = 64 << 10;

/// What standard input holds, less one line end. `command` is what it can be piped into.
pub(crate) fn read(command: &str) -> Result<SecretText, Stop> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        output::tell("type or paste the value, then Ctrl-D; a terminal shows what you type: better pipe it in");
    }
    let mut text = String::new();
    let read = stdin.lock().take(MOST_BYTES + 1).read_to_string(&mut text);
    let length = read.map_err(|error| Stop::new(Exit::Refused, format!("the value cannot be read: {error}")))?;
    if length as u64 > MOST_BYTES {
        return Err(Stop::new(Exit::Refused, format!("the value has more than {MOST_BYTES} bytes")));
    }
    let kept = text.strip_suffix('\n').unwrap_or(&text).len();
    text.truncate(kept);
    if text.is_empty() {
        return Err(Stop::new(Exit::Refused, "the value is empty").with_hint(format!("pipe it in: `printf %s … | {command}`")));
    }
    Ok(SecretText::new(text))
}
