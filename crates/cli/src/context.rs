//! What every verb may need: the home, the selection, how output is written.

use slipway_server::Home;

use crate::client::Client;
use crate::output::Output;
use crate::reporters::Progress;
use crate::selection::{FILE_NAME, Selection};
use crate::stop::Stop;

/// See the module.
#[derive(Debug)]
pub(crate) struct Context {
    /// The folder of the server's state.
    pub(crate) home: Home,
    /// How data is written.
    pub(crate) output: Output,
    /// How progress is shown.
    pub(crate) progress: Progress,
    /// `--environment`.
    pub(crate) environment: Option<String>,
}

impl Context {
    /// The server of the home.
    pub(crate) fn client(&self) -> Result<Client, Stop> {
        Client::of(&self.home)
    }

    /// The environment that is meant.
    pub(crate) fn selection(&self) -> Result<Selection, Stop> {
        Selection::find(self.environment.as_deref())
    }

    /// Whether anything names an environment.
    pub(crate) fn names_environment(&self) -> bool {
        self.environment.is_some() || std::path::Path::new(FILE_NAME).exists()
    }
}
