//! The terminal that the program stands in, as a command in a container needs it.

use std::io::IsTerminal as _;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stop::{Exit, Stop};

/// A terminal that hands every key to the command. However the program ends, it is put back as it was.
pub(crate) struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Takes the terminal of standard input.
    pub(crate) fn take() -> Result<Self, Stop> {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Err(Stop::new(Exit::Refused, "standard input and output are no terminal")
                .with_hint("leave `--tty` away: with `--stdin` alone the command reads what is piped in"));
        }
        let failed = |error: rustix::io::Errno| Stop::new(Exit::Internal, format!("the terminal can not be used: {error}"));
        let before = tcgetattr(rustix::stdio::stdin()).map_err(failed)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Columns and rows; as terminals were when theirs can not be told.
pub(crate) fn size() -> (u16, u16) {
    tcgetwinsize(rustix::stdio::stdout()).map_or((80, 24), |size| (size.ws_col, size.ws_row))
}

/// Listens to a signal.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Stop> {
    signal(kind).map_err(|error| Stop::new(Exit::Internal, format!("no signal can be listened to: {error}")))
}
