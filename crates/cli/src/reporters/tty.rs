//! A tree that is drawn in place: stages as headings, services beneath, phase and seconds at the right edge. Stages that
//! have ended scroll up as finished lines; what is left fits the window.

use std::collections::BTreeSet;

use console::{Term, measure_text_width, truncate_str};
use slipway_ports::Activity;
use slipway_ports::api::{ServiceView, StageView, State};

use super::{Reporter, awaited, headline, summary};
use crate::elapsed;
use crate::follow::{Run, Update};
use crate::paint::Paint;

/// See the module.
#[derive(Debug)]
pub(super) struct Tty {
    term: Term,
    paint: Paint,
    /// Lines of the tree on the screen.
    drawn: usize,
    /// Stages whose finished lines have scrolled up.
    finished: BTreeSet<usize>,
    lost: bool,
}

/// The word for an activity.
pub(super) fn activity(activity: Activity) -> &'static str {
    match activity {
        Activity::Fetching => "fetching",
        Activity::Building => "building",
        Activity::Pushing => "pushing",
        Activity::Mirroring => "mirroring",
        Activity::Releasing => "releasing",
        Activity::Waiting => "waiting",
    }
}

impl Tty {
    pub(super) fn new() -> Self {
        let paint = Paint::of(&std::io::stderr());
        Self { term: Term::buffered_stderr(), paint, drawn: 0, finished: BTreeSet::new(), lost: false }
    }

    /// Draws the tree anew; `above` scrolls up for good. A terminal that is gone has nobody to tell.
    fn draw(&mut self, above: &[String], tree: &[String]) {
        let _ = self.term.clear_last_lines(self.drawn);
        for line in above.iter().chain(tree) {
            let _ = self.term.write_line(line);
        }
        self.drawn = tree.len();
        let _ = self.term.flush();
    }

    fn redraw(&mut self, run: &Run) {
        let (rows, columns) = self.term.size();
        let width = usize::from(columns).max(20);
        let mut above = Vec::new();
        for stage in &run.view.stages {
            if stage.state.has_ended() && !stage.services.is_empty() && self.finished.insert(stage.order) {
                above.extend(self.stage(stage, width));
            }
        }
        let mut tree = Vec::new();
        for stage in run.view.stages.iter().filter(|stage| !self.finished.contains(&stage.order) && !stage.services.is_empty()) {
            tree.extend(self.stage(stage, width));
        }
        let room = usize::from(rows).saturating_sub(3).max(1);
        let tree = fit(tree, room, |hidden| self.paint.dim(format!("  \u{2026} {hidden} more lines")));
        let footer = if self.lost {
            self.paint.yellow("the server does not answer; waiting for it up to a minute")
        } else {
            let view = &run.view;
            let time = elapsed::between(view.started_at.unwrap_or(view.head.accepted_at), view.head.finished_at);
            let left = format!("deployment {} of {}/{}", view.head.number, view.head.project, view.head.environment);
            let state = match awaited(view) {
                Some(stage) => self.paint.yellow(format!("waits for approval of {stage}: slipway approve {}", view.head.number)),
                None => self.paint.dim(view.head.state.as_str()),
            };
            edge(&self.paint.dim(left), &format!("{state} {}", self.paint.dim(time)), width)
        };
        let tree: Vec<String> = tree.into_iter().chain([footer]).collect();
        self.draw(&above, &tree);
    }

    fn stage(&self, stage: &StageView, width: usize) -> Vec<String> {
        let heading = format!("{} {}", self.mark(stage.state), self.paint.bold(&stage.name));
        let mut lines = vec![edge(&heading, &self.paint.dim(stage.state.as_str()), width)];
        lines.extend(stage.services.iter().map(|service| self.service(service, width)));
        lines
    }

    fn service(&self, service: &ServiceView, width: usize) -> String {
        let version = self.paint.dim(&service.version);
        let left = format!("  {} {} {version}", self.mark(service.state), service.name);
        let doing = match (service.phase.filter(|_| !service.state.has_ended()), service.failure()) {
            (Some(phase), _) => self.paint.cyan(activity(phase)),
            (None, Some(failure)) => self.paint.red(failure.code),
            (None, None) => self.paint.dim(reason(service)),
        };
        let time = match service.started_at() {
            Some(from) if service.state != State::Queued => format!(" {:>7}", elapsed::between(from, service.ended_at())),
            _ => format!(" {:>7}", ""),
        };
        edge(&left, &format!("{doing}{time}"), width)
    }

    /// State is told by shape as well as by colour.
    fn mark(&self, state: State) -> String {
        match state {
            State::Queued => self.paint.dim("\u{25cb}"),
            State::Running => self.paint.cyan("\u{25cf}"),
            State::Succeeded => self.paint.green("\u{2713}"),
            State::Failed => self.paint.red("\u{2717}"),
            State::Skipped => self.paint.dim("\u{2013}"),
            State::Canceling | State::Canceled => self.paint.yellow("\u{25a0}"),
        }
    }
}

/// Why a service is where it is, in a few words.
fn reason(service: &ServiceView) -> String {
    let release = service.release.explanation.as_ref();
    let build = service.build.as_ref().and_then(|build| build.explanation.as_ref());
    match (release.or(build), service.state) {
        (Some(why), state) if state.has_ended() => why.clone(),
        (None, State::Queued) if service.build.as_ref().is_some_and(|build| build.state == State::Succeeded) => {
            "built".to_owned()
        }
        (_, state) => state.as_str().to_owned(),
    }
}

/// Left text at the left edge, right text at the right one; what does not fit is cut from the left text.
fn edge(left: &str, right: &str, width: usize) -> String {
    // The last column stays free: some terminals wrap when it is written.
    let room = width.saturating_sub(measure_text_width(right) + 2);
    let left = truncate_str(left, room, "\u{2026}");
    let gap = room.saturating_sub(measure_text_width(&left)) + 1;
    format!("{left}{}{right}", " ".repeat(gap))
}

/// The first lines that fit, and a word on the rest.
fn fit(mut lines: Vec<String>, room: usize, rest: impl Fn(usize) -> String) -> Vec<String> {
    if lines.len() > room {
        let hidden = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(rest(hidden));
    }
    lines
}

impl Reporter for Tty {
    fn begin(&mut self, run: &Run) {
        let _ = self.term.hide_cursor();
        self.redraw(run);
    }

    fn update(&mut self, run: &Run, update: &Update) {
        match update {
            Update::Lost => self.lost = true,
            Update::Found => self.lost = false,
            // The next tick draws it: a burst of changes is one picture.
            Update::Deployment(_) | Update::Service(_) | Update::Log(_) => return,
        }
        self.redraw(run);
    }

    fn tick(&mut self, run: &Run) {
        self.redraw(run);
    }

    fn leave(&mut self, run: &Run) {
        self.redraw(run);
        let _ = self.term.show_cursor();
        let _ = self.term.flush();
    }

    fn end(&mut self, run: &Run) {
        self.redraw(run);
        let mut above: Vec<String> = summary::failures(run, self.paint);
        above.push(format!("\n{}", headline(&run.view, self.paint)));
        // What never began stays in the picture, without the footer.
        let _ = self.term.clear_last_lines(self.drawn);
        self.drawn = 0;
        let width = usize::from(self.term.size().1).max(20);
        let left = run.view.stages.iter().filter(|stage| !self.finished.contains(&stage.order) && !stage.services.is_empty());
        let left: Vec<String> = left.flat_map(|stage| self.stage(stage, width)).collect();
        self.draw(&[left, above].concat(), &[]);
        let _ = self.term.show_cursor();
        let _ = self.term.flush();
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // Whatever ended us, the cursor comes back.
        let _ = self.term.show_cursor();
        let _ = self.term.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_text_stands_at_the_edge_and_the_left_one_gives_way() {
        assert_eq!(edge("api", "12s", 12), "api     12s");
        assert_eq!(edge("a-very-long-name", "12s", 12), "a-very\u{2026} 12s");
    }

    #[test]
    fn a_tree_fits_the_window() {
        let lines: Vec<String> = (0..10).map(|line| line.to_string()).collect();
        assert_eq!(fit(lines.clone(), 10, |_| String::new()), lines);
        assert_eq!(fit(lines, 3, |hidden| format!("{hidden} more")), ["0", "1", "8 more"]);
    }
}
