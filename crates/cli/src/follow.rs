//! Follows a deployment to its end: one stream of updates, whatever happens to the connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use slipway_ports::api::{DeploymentView, LogLineView, ServiceView};
use slipway_server::Home;
use tokio::sync::mpsc;

use crate::reporters::Reporter;
use crate::sse::ServerEvent;
use crate::stop::{Exit, Stop};
use crate::stream::{Arrival, Stream, read};

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
    let hint = "the deployment goes on when the server runs again: `slipway up`";
    let mut stream = Stream::new(home.clone(), format!("/deployments/{id}/events"), hint);
    let (sender, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        loop {
            let (updates, ended) = match stream.next().await.and_then(updates) {
                Ok(read) => read,
                Err(stop) => (vec![Err(stop)], true),
            };
            for update in updates {
                if sender.send(update).await.is_err() {
                    return;
                }
            }
            if ended {
                return;
            }
        }
    });
    receiver
}

/// What has arrived as updates, and whether the end is among it.
fn updates(arrivals: Vec<Arrival>) -> Result<(Vec<Result<Update, Stop>>, bool), Stop> {
    let mut found = Vec::new();
    let mut ended = false;
    for arrival in arrivals {
        match arrival {
            Arrival::Event(event) => {
                ended |= event.name == "end";
                found.extend(update(&event)?.map(Ok));
            }
            Arrival::Lost => found.push(Ok(Update::Lost)),
            Arrival::Found => found.push(Ok(Update::Found)),
        }
    }
    Ok((found, ended))
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
