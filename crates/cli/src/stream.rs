//! A stream of server-sent events over as many connections as it takes: a server that restarts is waited for.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use slipway_server::Home;

use crate::client::Client;
use crate::sse::{Decoder, ServerEvent};
use crate::stop::{Exit, Stop};

/// How long a server that went away is waited for: it may be restarting.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What came.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// An event.
    Event(ServerEvent),
    /// The server does not answer any more.
    Lost,
    /// It answers again.
    Found,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Stream {
    home: Home,
    path: String,
    /// What to do when the server does not come back.
    hint: &'static str,
    decoder: Decoder,
    connection: Option<reqwest::Response>,
    lost_since: Option<Instant>,
}

impl Stream {
    /// Nothing is opened yet.
    pub(crate) fn new(home: Home, path: String, hint: &'static str) -> Self {
        Self { home, path, hint, decoder: Decoder::default(), connection: None, lost_since: None }
    }

    /// Where a next connection begins. One that is open goes on.
    pub(crate) fn begin_at(&mut self, path: String) {
        self.path = path;
    }

    /// The next arrivals; there may be none. Only a caller that knows the last event knows the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Arrival>, Stop> {
        let Some(connection) = &mut self.connection else {
            return self.connect().await;
        };
        if let Ok(Some(bytes)) = connection.chunk().await {
            return Ok(self.decoder.push(&bytes).into_iter().map(Arrival::Event).collect());
        }
        // Cut off, or ended without the end: the server is restarting, or gone.
        self.connection = None;
        self.decoder.reconnect();
        Ok(self.lose())
    }

    fn lose(&mut self) -> Vec<Arrival> {
        if self.lost_since.is_some() {
            return Vec::new();
        }
        self.lost_since = Some(Instant::now());
        vec![Arrival::Lost]
    }

    async fn connect(&mut self) -> Result<Vec<Arrival>, Stop> {
        // A server that came back may listen elsewhere: look at its record every time.
        let client = Client::of(&self.home)?;
        match client.stream(&self.path, self.decoder.last_id()).await {
            Ok(connection) => {
                self.connection = Some(connection);
                Ok(if self.lost_since.take().is_some() { vec![Arrival::Found] } else { Vec::new() })
            }
            Err(stop) if stop.exit == Exit::Unreachable => {
                let arrivals = self.lose();
                if self.lost_since.is_some_and(|since| since.elapsed() > PATIENCE) {
                    return Err(stop.with_hint(self.hint));
                }
                if arrivals.is_empty() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Ok(arrivals)
            }
            Err(stop) => Err(stop),
        }
    }
}

/// Reads the data of an event.
pub(crate) fn read<T: DeserializeOwned>(event: &ServerEvent) -> Result<T, Stop> {
    serde_json::from_str(&event.data)
        .map_err(|error| Stop::new(Exit::Internal, format!("the server's `{}` event does not read back: {error}", event.name)))
}
