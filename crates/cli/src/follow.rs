//! Follows a deployment to its end: one stream of updates, whatever happens to the connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use slipway_ports::api::{DeploymentView, LogLineView, ServiceView};
use slipway_server::Home;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::reporters::Reporter;
use crate::sse::{Decoder, ServerEvent};
use crate::stop::{Exit, Stop};

/// How long a server that went away is waited for: it may be restarting in mid-deployment.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a terminal's seconds are drawn anew.
const TICK: Duration = Duration::from_millis(100);
/// Lines of one service that are kept for the case of its failure.
const MOST_LINES: usize = 5_000;

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Update {
    /// The whole of it, at the start and when its own state changes.
    Deployment(Box<DeploymentView>),
    /// One service.
    Service(Box<ServiceView>),
    /// One more line of a log.
    Log(LogLineView),
    /// The server does not answer any more.
    Lost,
    /// It answers again.
    Found,
}

/// A deployment as the updates have left it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// The deployment.
    pub(crate) view: DeploymentView,
    /// The lines of each service, oldest first.
    pub(crate) logs: BTreeMap<String, VecDeque<LogLineView>>,
}

impl Run {
    /// A deployment of which nothing else is known yet.
    pub(crate) fn new(view: DeploymentView) -> Self {
        Self { view, logs: BTreeMap::new() }
    }

    /// Takes an update over.
    pub(crate) fn apply(&mut self, update: &Update) {
        match update {
            Update::Deployment(view) => self.view = (**view).clone(),
            Update::Service(service) => self.view.update((**service).clone()),
            Update::Log(line) => {
                let lines = self.logs.entry(line.service.clone()).or_default();
                if lines.len() == MOST_LINES {
                    lines.pop_front();
                }
                lines.push_back(line.clone());
            }
            Update::Lost | Update::Found => {}
        }
    }
}

/// Follows a deployment until it has ended, and tells the reporter of every update.
pub(crate) async fn follow(home: &Home, view: DeploymentView, reporter: &mut dyn Reporter) -> Result<Run, Stop> {
    let mut updates = updates_of(home, &view.head.id);
    let mut run = Run::new(view);
    let mut tick = tokio::time::interval(TICK);
    reporter.begin(&run);
    loop {
        tokio::select! {
            update = updates.recv() => match update {
                Some(update) => {
                    let update = update.inspect_err(|_| reporter.leave(&run))?;
                    run.apply(&update);
                    reporter.update(&run, &update);
                }
                None => break,
            },
            _ = tick.tick() => reporter.tick(&run),
            _ = tokio::signal::ctrl_c() => {
                reporter.leave(&run);
                let number = run.view.head.number;
                return Err(Stop::new(Exit::Interrupted, format!("not following any more; deployment {number} goes on"))
                    .with_hint(format!("`slipway status` shows it, `slipway cancel {number}` ends it")));
            }
        }
    }
    reporter.end(&run);
    Ok(run)
}

/// The updates of a deployment from its beginning; the channel closes after the last one or after an error.
pub(crate) fn updates_of(home: &Home, id: &str) -> mpsc::Receiver<Result<Update, Stop>> {
    let mut source = Source::new(home.clone(), format!("/deployments/{id}/events"));
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(updates) = source.next().await.transpose() {
            let (updates, failed) = match updates {
                Ok(updates) => (updates.into_iter().map(Ok).collect(), false),
                Err(stop) => (vec![Err(stop)], true),
            };
            for update in updates {
                if sender.send(update).await.is_err() {
                    return;
                }
            }
            if failed {
                return;
            }
        }
    });
    receiver
}

/// The updates of one deployment over as many connections as it takes.
#[derive(Debug)]
struct Source {
    home: Home,
    path: String,
    decoder: Decoder,
    connection: Option<reqwest::Response>,
    lost_since: Option<Instant>,
    ended: bool,
}

impl Source {
    fn new(home: Home, path: String) -> Self {
        Self { home, path, decoder: Decoder::default(), connection: None, lost_since: None, ended: false }
    }

    /// The next updates; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<Update>>, Stop> {
        if self.ended {
            return Ok(None);
        }
        let Some(connection) = &mut self.connection else {
            return self.connect().await.map(Some);
        };
        if let Ok(Some(bytes)) = connection.chunk().await {
            let events = self.decoder.push(&bytes);
            self.ended = events.iter().any(|event| event.name == "end");
            return updates(events).map(Some);
        }
        // Cut off, or ended without the end: the server is restarting, or gone.
        self.connection = None;
        self.decoder.reconnect();
        Ok(Some(self.lose()))
    }

    fn lose(&mut self) -> Vec<Update> {
        if self.lost_since.is_some() {
            return Vec::new();
        }
        self.lost_since = Some(Instant::now());
        vec![Update::Lost]
    }

    async fn connect(&mut self) -> Result<Vec<Update>, Stop> {
        // A server that came back may listen elsewhere: look at its record every time.
        let client = Client::of(&self.home)?;
        match client.stream(&self.path, self.decoder.last_id()).await {
            Ok(connection) => {
                self.connection = Some(connection);
                Ok(if self.lost_since.take().is_some() { vec![Update::Found] } else { Vec::new() })
            }
            Err(stop) if stop.exit == Exit::Unreachable => {
                let updates = self.lose();
                if self.lost_since.is_some_and(|since| since.elapsed() > PATIENCE) {
                    return Err(stop.with_hint("the deployment goes on when the server runs again: `slipway up`"));
                }
                if updates.is_empty() {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Ok(updates)
            }
            Err(stop) => Err(stop),
        }
    }
}

fn updates(events: Vec<ServerEvent>) -> Result<Vec<Update>, Stop> {
    events.into_iter().filter_map(|event| update(&event).transpose()).collect()
}

fn update(event: &ServerEvent) -> Result<Option<Update>, Stop> {
    Ok(match event.name.as_str() {
        "deployment" => Some(Update::Deployment(read(event)?)),
        "service" => Some(Update::Service(read(event)?)),
        "log" => Some(Update::Log(read(event)?)),
        // A newer server may say more than we know.
        _ => None,
    })
}

fn read<T: DeserializeOwned>(event: &ServerEvent) -> Result<T, Stop> {
    serde_json::from_str(&event.data)
        .map_err(|error| Stop::new(Exit::Internal, format!("the server's `{}` event does not read back: {error}", event.name)))
}
