//! A deployment as server-sent events, made from its stored facts.
//!
//! The id of an event is `<version>-<line>`: how many facts and which line of the log the client has seen with it. A client
//! that comes back with it gets what follows, once: facts and lines are numbered without a choice. What a step is doing right
//! now is no fact; it is sent without an id, and is lost with the connection.

use axum::response::sse::Event as ServerEvent;
use serde::Serialize;
use slipway_core::deployment::{Deployment, Event, Fact, Phase, RunState, StepId};
use slipway_core::model::Name;
use slipway_engine::{Engine, EngineError, Ports, Update};
use slipway_ports::{Access, CancellationToken, DeploymentSummary, LogLine, RecordedEvent};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::mpsc;

use crate::views;

/// Lines that are read from the store at once. Each follower holds as many, and a line may be long.
const PAGE: u32 = 100;

/// What a client has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// So many facts.
    pub(crate) version: u64,
    /// The log up to this line.
    pub(crate) line: u64,
}

impl Cursor {
    /// Reads `<version>-<line>`; anything else is a client that has seen nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (version, line) = text.split_once('-')?;
        Some(Self { version: version.parse().ok()?, line: line.parse().ok()? })
    }
}

/// Which lines of the log a client wants; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    service: Option<Name>,
    phase: Option<Phase>,
}

impl Lines {
    /// Reads a service, or a service and its phase, as in `api/build`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (service, phase) = text.split_once('/').map_or((text, None), |(service, phase)| (service, Some(phase)));
        let phase = match phase {
            Some(word) => Some([Phase::Build, Phase::Release].into_iter().find(|phase| phase.as_str() == word)?),
            None => None,
        };
        Some(Self { service: Some(Name::new(service).ok()?), phase })
    }

    fn has(&self, line: &LogLine) -> bool {
        self.service.as_ref().is_none_or(|service| line.service == *service) && self.phase.is_none_or(|phase| line.phase == phase)
    }
}

/// Why a stream ends before its deployment.
enum Broken {
    /// Nobody reads any more.
    Gone,
    /// The store or the log of facts fails.
    Engine(EngineError),
}

impl From<EngineError> for Broken {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Sends the events of one deployment to one client.
pub(crate) struct Follower {
    engine: Engine,
    ports: Ports,
    access: Access,
    summary: DeploymentSummary,
    deployment: Deployment,
    seen: Cursor,
    lines: Lines,
    sender: mpsc::Sender<ServerEvent>,
}

impl Follower {
    /// Finds the deployment, and folds what the client has seen.
    pub(crate) async fn open(
        (engine, ports): (Engine, Ports),
        access: Access,
        id: &str,
        (seen, lines): (Option<Cursor>, Lines),
        sender: mpsc::Sender<ServerEvent>,
    ) -> Result<Self, EngineError> {
        let summary = ports.store.deployment(&access, id).await?;
        let events = ports.store.events(&access, id, 0).await?;
        let seen = seen.filter(|seen| (1..=events.len() as u64).contains(&seen.version)).unwrap_or_default();
        let count = if seen.version == 0 { events.len() as u64 } else { seen.version };
        let known = events.into_iter().take_while(|recorded| recorded.version <= count).map(|recorded| recorded.event);
        let deployment = Deployment::replay(known).map_err(|error| EngineError::Internal(error.to_string()))?;
        Ok(Self { engine, ports, access, summary, deployment, seen, lines, sender })
    }

    /// Follows until the deployment has ended, the client is gone, or the server stops.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let followed = tokio::select! {
            followed = self.follow() => followed,
            () = shutdown.cancelled() => return,
        };
        if let Err(Broken::Engine(error)) = followed {
            // The client comes back for the rest; what fails then is told as a problem.
            tracing::warn!(deployment = self.summary.id, %error, "a stream of events breaks off");
        }
    }

    async fn follow(&mut self) -> Result<(), Broken> {
        if self.seen.version == 0 {
            self.seen.version = self.deployment.version();
            self.send_deployment().await?;
        }
        // Watching comes before reading, so that nothing falls between the two.
        let mut updates = self.watch();
        self.catch_up().await?;
        self.send_activities().await?;
        while !self.has_finished() {
            let received = match &mut updates {
                Some(updates) => updates.recv().await,
                None => Err(RecvError::Closed),
            };
            match received {
                Ok(Update::Event(recorded)) if recorded.version == self.seen.version + 1 => self.take(&recorded).await?,
                Ok(Update::Event(recorded)) if recorded.version > self.seen.version => self.catch_up().await?,
                Ok(Update::Line { number, line }) if number > self.seen.line => self.send_line(number, &line).await?,
                Ok(Update::Event(_) | Update::Line { .. }) => {}
                Ok(Update::Activity { step, .. }) => self.send_activity(&step).await?,
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
                Err(RecvError::Closed) => {
                    updates = self.watch();
                    self.catch_up().await?;
                }
            }
        }
        self.send_lines().await?;
        self.send(ServerEvent::default().event("end").data("{}")).await
    }

    /// A deployment that has finished has nothing to watch.
    fn watch(&self) -> Option<Receiver<Update>> {
        (!self.has_finished()).then(|| self.engine.watch(&self.summary.id))
    }

    fn has_finished(&self) -> bool {
        matches!(self.deployment.state(), RunState::Finished { .. })
    }

    /// Everything that is stored and was not sent.
    async fn catch_up(&mut self) -> Result<(), Broken> {
        let events = self.ports.store.events(&self.access, &self.summary.id, self.seen.version).await;
        for recorded in events.map_err(EngineError::from)? {
            self.take(&recorded).await?;
        }
        self.send_lines().await
    }

    async fn send_lines(&mut self) -> Result<(), Broken> {
        loop {
            let lines =
                self.ports.store.log(&self.access, &self.summary.id, self.lines.service.as_ref(), self.seen.line, PAGE).await;
            let lines = lines.map_err(EngineError::from)?;
            for (number, line) in &lines {
                self.send_line(*number, line).await?;
            }
            if lines.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, recorded: &RecordedEvent) -> Result<(), Broken> {
        let Event { fact, .. } = &recorded.event;
        if let Fact::Finished { .. } = fact {
            // The last lines are before the end, whoever reads them.
            self.send_lines().await?;
        }
        self.deployment.evolve(&recorded.event).map_err(|error| EngineError::Internal(error.to_string()))?;
        self.seen.version = recorded.version;
        let Some(step) = fact.step() else { return self.send_deployment().await };
        let event = self.service_event(step);
        self.send_numbered(event).await?;
        if self.deployment.awaited_approval().is_some() {
            // That it waits now is no fact of its own.
            self.send_deployment().await?;
        }
        Ok(())
    }

    async fn send_deployment(&mut self) -> Result<(), Broken> {
        let activities = self.engine.activities(&self.summary.id);
        let view = views::deployment(&self.summary, &self.deployment, &activities);
        self.send_numbered(Some(event("deployment", &view))).await
    }

    async fn send_line(&mut self, number: u64, line: &LogLine) -> Result<(), Broken> {
        self.seen.line = number;
        if !self.lines.has(line) {
            return Ok(());
        }
        self.send_numbered(Some(event("log", &views::log_line(number, line)))).await
    }

    async fn send_activities(&mut self) -> Result<(), Broken> {
        for step in self.engine.activities(&self.summary.id).keys() {
            self.send_activity(step).await?;
        }
        Ok(())
    }

    async fn send_activity(&mut self, step: &StepId) -> Result<(), Broken> {
        match self.service_event(step) {
            Some(event) => self.send(event).await,
            None => Ok(()),
        }
    }

    fn service_event(&self, step: &StepId) -> Option<ServerEvent> {
        let index = self.deployment.plan().services.iter().position(|service| service.name == step.service)?;
        let activities = self.engine.activities(&self.summary.id);
        Some(event("service", &views::service(&self.deployment, index, &activities)))
    }

    async fn send_numbered(&mut self, event: Option<ServerEvent>) -> Result<(), Broken> {
        let Some(event) = event else { return Ok(()) };
        let id = format!("{}-{}", self.seen.version, self.seen.line);
        self.send(event.id(id)).await
    }

    async fn send(&mut self, event: ServerEvent) -> Result<(), Broken> {
        self.sender.send(event).await.map_err(|_| Broken::Gone)
    }
}

/// An event with JSON data.
pub(crate) fn event(name: &str, data: &impl Serialize) -> ServerEvent {
    // Wire types are strings, numbers and lists of them: they always serialise, and JSON has no line ends.
    let data = serde_json::to_string(data).expect("wire types always serialise");
    ServerEvent::default().event(name).data(data)
}

#[cfg(test)]
mod tests {
    use slipway_core::deployment::Phase;
    use slipway_core::model::Name;

    use super::{Cursor, Lines};

    #[test]
    fn wanted_lines_read_and_nonsense_is_none() {
        let of = |service: &str, phase| Some(Lines { service: Some(Name::new(service).unwrap()), phase });
        assert_eq!(Lines::parse("api"), of("api", None));
        assert_eq!(Lines::parse("api/build"), of("api", Some(Phase::Build)));
        for text in ["", "api/", "api/running", "API", "api/build/x", "/build"] {
            assert_eq!(Lines::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_reads_back_and_nonsense_is_none() {
        assert_eq!(Cursor::parse("12-340"), Some(Cursor { version: 12, line: 340 }));
        for text in ["", "12", "a-1", "1-", "-1"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
