//! One line per change, prefixed with the service: for logs of CI and for files.

use std::collections::HashMap;

use slipway_ports::api::{ServiceView, State};

use super::{Reporter, awaited, headline, summary};
use crate::elapsed;
use crate::follow::{Run, Update};
use crate::output;
use crate::paint::Paint;

/// See the module.
#[derive(Debug)]
pub(super) struct Plain {
    paint: Paint,
    /// What was last said of each service.
    said: HashMap<String, String>,
    state: Option<State>,
    awaited: Option<String>,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self { paint: Paint::of(&std::io::stderr()), said: HashMap::new(), state: None, awaited: None }
    }

    fn service(&mut self, run: &Run, service: &ServiceView) {
        let Some(text) = change(service) else { return };
        if self.said.get(&service.name) == Some(&text) {
            return;
        }
        let stage = run.view.stages.get(service.stage).map_or("", |stage| stage.name.as_str());
        output::tell(format!("{} {text}", self.paint.bold(format!("[{stage}] {}:", service.name))));
        self.said.insert(service.name.clone(), text);
    }
}

/// What is to say of a service; nothing while it waits.
fn change(service: &ServiceView) -> Option<String> {
    if let Some(phase) = service.phase.filter(|_| !service.state.has_ended()) {
        return Some(super::tty::activity(phase).to_owned());
    }
    let built = service.build.as_ref().filter(|build| build.state.has_ended());
    let took = |from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>| match (from, to) {
        (Some(from), Some(_)) => format!(" in {}", elapsed::between(from, to)),
        _ => String::new(),
    };
    if !service.release.state.has_ended() && service.state != State::Failed {
        let build = built?;
        return Some(match (build.state, &build.explanation) {
            (State::Skipped, Some(why)) => format!("build skipped, {why}"),
            (state, _) => format!("build {}{}", state.as_str(), took(build.started_at, build.ended_at)),
        });
    }
    let time = took(service.started_at(), service.ended_at());
    Some(match (service.failure(), &service.release.explanation) {
        (Some(failure), _) => format!("failed{time}: {}", failure.message),
        (None, Some(why)) => format!("{}, {why}", service.state.as_str()),
        (None, None) => format!("{}{time}", service.state.as_str()),
    })
}

impl Reporter for Plain {
    fn begin(&mut self, run: &Run) {
        let head = &run.view.head;
        output::tell(format!("deployment {} of {}/{} to {}", head.number, head.project, head.environment, head.target));
    }

    fn update(&mut self, run: &Run, update: &Update) {
        match update {
            Update::Deployment(view) => {
                let state = view.head.state;
                if self.state.replace(state) != Some(state) && !state.has_ended() {
                    output::tell(format!("{} {}", self.paint.bold("deployment:"), state.as_str()));
                }
                for service in view.services() {
                    self.service(run, service);
                }
                let awaited = awaited(view).map(str::to_owned);
                if let Some(stage) = awaited.as_ref().filter(|_| self.awaited != awaited) {
                    let number = view.head.number;
                    output::tell(format!("[{stage}] waits for approval: `slipway approve {number}`, or `--refuse`"));
                }
                self.awaited = awaited;
            }
            Update::Service(service) => self.service(run, service),
            Update::Log(_) => {}
            Update::Lost => output::tell("the server does not answer; waiting for it up to a minute"),
            Update::Found => output::tell("the server answers again"),
        }
    }

    fn end(&mut self, run: &Run) {
        for text in summary::failures(run, self.paint) {
            output::tell(text);
        }
        output::tell(format!("\n{}", headline(&run.view, self.paint)));
    }
}
