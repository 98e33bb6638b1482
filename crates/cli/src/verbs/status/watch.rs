//! `slipway status --watch`: what runs, as it changes.

use std::collections::HashMap;

use console::Term;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use slipway_ports::api::{ProblemDetails, RunningChange, RunningServiceView, RunningView};

use crate::context::Context;
use crate::output::{self, Output};
use crate::selection::Selection;
use crate::stop::{Exit, Stop};
use crate::stream::{Arrival, Stream, read};

use super::running::{rows, status};

/// Shows what runs until somebody stops.
pub(super) async fn watch(context: &Context, selection: &Selection) -> Result<Exit, Stop> {
    let hint = "the services go on; start the server with `slipway up` and watch again";
    let mut stream = Stream::new(context.home.clone(), format!("{}/running/events", selection.path()), hint);
    let mut screen = Screen::new(context.output, selection.to_string());
    loop {
        let arrivals = tokio::select! {
            arrivals = stream.next() => arrivals?,
            _ = tokio::signal::ctrl_c() => return Err(Stop::silent(Exit::Interrupted)),
        };
        for arrival in arrivals {
            match arrival {
                Arrival::Event(event) => match event.name.as_str() {
                    "running" => screen.all(read(&event)?)?,
                    "change" => screen.change(read(&event)?)?,
                    "away" => screen.away(&read(&event)?)?,
                    // A newer server may say more than we know.
                    _ => {}
                },
                Arrival::Lost => screen.note("the server does not answer; waiting for it up to a minute")?,
                Arrival::Found => screen.note("the server answers again")?,
            }
        }
    }
}

/// Where it is shown: a terminal is drawn in place; else each change is a line.
struct Screen {
    output: Output,
    environment: String,
    terminal: Option<Term>,
    drawn: usize,
    known: Option<RunningView>,
    /// The last line of each service.
    told: HashMap<String, String>,
}

impl Screen {
    fn new(output: Output, environment: String) -> Self {
        let terminal = Some(Term::buffered_stdout()).filter(|term| output == Output::Text && term.is_term());
        Self { output, environment, terminal, drawn: 0, known: None, told: HashMap::new() }
    }

    fn all(&mut self, view: RunningView) -> Result<(), Stop> {
        if self.output == Output::Json {
            output::line(json!({"event": "running", "at": Timestamp::now(), "running": view}))?;
        }
        let changed: Vec<_> = match &self.known {
            None => view.services.clone(),
            Some(known) => view.services.iter().filter(|service| !known.services.contains(service)).cloned().collect(),
        };
        self.known = Some(view);
        self.show(&changed)
    }

    fn change(&mut self, change: RunningChange) -> Result<(), Stop> {
        if self.output == Output::Json {
            output::line(json!({"event": "change", "at": Timestamp::now(), "change": change}))?;
        }
        let changed = change.services.clone();
        if let Some(known) = &mut self.known {
            known.update(change);
        }
        self.show(&changed)
    }

    fn away(&mut self, problem: &ProblemDetails) -> Result<(), Stop> {
        if self.output == Output::Json {
            return output::line(json!({"event": "away", "at": Timestamp::now(), "problem": problem}));
        }
        self.note(&problem.detail)
    }

    /// Something that is no status: beneath the table, or a line of its own.
    fn note(&mut self, text: &str) -> Result<(), Stop> {
        if self.terminal.is_some() {
            return self.draw(Some(text));
        }
        output::tell(text);
        Ok(())
    }

    fn show(&mut self, changed: &[RunningServiceView]) -> Result<(), Stop> {
        if self.output == Output::Json {
            return Ok(());
        }
        if self.terminal.is_some() {
            return self.draw(None);
        }
        let time = Timestamp::now().to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string();
        for service in changed {
            let reason = service.reason.as_deref().map_or(String::new(), |reason| format!(" {reason}"));
            let text = format!("{} {}{reason}", service.name, status(service));
            // What changes of its pods alone would be the same line again.
            if self.told.insert(service.name.clone(), text.clone()).as_ref() != Some(&text) {
                output::line(format!("{time} {text}"))?;
            }
        }
        Ok(())
    }

    fn draw(&mut self, note: Option<&str>) -> Result<(), Stop> {
        let (Some(term), Some(view)) = (&self.terminal, &self.known) else {
            if let Some(note) = note {
                output::tell(note);
            }
            return Ok(());
        };
        let (height, width) = term.size();
        let room = usize::from(height).saturating_sub(3).max(1);
        let mut lines = vec![format!("{}: {}", self.environment, view.status)];
        lines.extend(rows(view));
        if lines.len() > room {
            let hidden = lines.len() - room;
            lines.truncate(room);
            lines.push(format!("\u{2026} {hidden} more lines"));
        }
        lines.extend(note.map(str::to_owned));
        let gone = |_| Stop::silent(Exit::Done);
        term.clear_last_lines(self.drawn).map_err(gone)?;
        for line in &lines {
            term.write_line(&console::truncate_str(line, usize::from(width).max(20), "\u{2026}")).map_err(gone)?;
        }
        term.flush().map_err(gone)?;
        self.drawn = lines.len();
        Ok(())
    }
}
