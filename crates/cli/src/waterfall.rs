//! A simulated deployment as a waterfall: a line per step, its bar where its time is, the critical path marked.

use std::cmp::Ordering;
use std::time::Duration;

use console::{measure_text_width, pad_str, truncate_str};
use slipway_core::deployment::SkipReason;
use slipway_core::model::{Environment, PipelineMode};
use slipway_core::simulation::{SimulatedStep, Simulation, Span, StepEnd};

use crate::elapsed;
use crate::paint::Paint;

/// The columns of a line that are neither name nor bar: marks, phase, time, and the spaces between.
const FIXED: usize = 21;
const NARROWEST_NAME: usize = 8;
const NARROWEST_BAR: usize = 10;

/// See the module.
pub(crate) struct Waterfall<'a> {
    /// What was simulated.
    pub(crate) environment: &'a Environment,
    /// What came of it.
    pub(crate) simulation: &'a Simulation<'a>,
    /// What comes of it in the other mode.
    pub(crate) other: &'a Simulation<'a>,
}

impl Waterfall<'_> {
    /// The lines, at most so wide, as far as a waterfall can be so narrow.
    pub(crate) fn lines(&self, width: usize, paint: Paint) -> Vec<String> {
        let pipeline = &self.environment.pipeline;
        let chart = Chart::new(self.simulation, width, paint);
        let mut lines = vec![format!(
            "{}: {}, at most {} and {} at a time",
            paint.bold(format!("{}/{}", self.environment.project, self.environment.name)),
            mode(pipeline.mode),
            counted(pipeline.max_parallel_builds, "build"),
            counted(pipeline.max_parallel_deploys, "release"),
        )];
        let mut stage = None;
        for (place, step) in self.simulation.steps.iter().enumerate() {
            if stage != Some(step.stage) {
                lines.push(paint.bold(truncate_str(step.stage.as_str(), width, "\u{2026}")));
                stage = Some(step.stage);
            }
            lines.push(chart.line(step, chart.is_critical[place]));
        }
        if !self.simulation.critical_path.is_empty() {
            lines.push(paint.dim("* critical path: each began when the one before it ended"));
        }
        lines.push(self.comparison(paint));
        lines
    }

    fn comparison(&self, paint: Paint) -> String {
        let (this, other) = (self.simulation, self.other);
        let verb = if this.has_failed() { paint.red("fails after") } else { "takes".to_owned() };
        let would = if other.has_failed() { "would fail after" } else { "would take" };
        let difference = match as_shown(other.makespan).cmp(&as_shown(this.makespan)) {
            Ordering::Equal => "as long".to_owned(),
            order => {
                let word = if order == Ordering::Less { "less" } else { "more" };
                let difference = as_shown(other.makespan).abs_diff(as_shown(this.makespan));
                format!("{}, {} {word}", took(other.makespan), took(difference))
            }
        };
        let names = match self.environment.pipeline.mode {
            PipelineMode::Phased => (PipelineMode::Phased, PipelineMode::Eager),
            PipelineMode::Eager => (PipelineMode::Eager, PipelineMode::Phased),
        };
        let total = paint.bold(took(this.makespan));
        format!("{verb} {total} in {} mode; {} mode {would} {difference}", mode(names.0), mode(names.1))
    }
}

fn mode(mode: PipelineMode) -> &'static str {
    match mode {
        PipelineMode::Phased => "phased",
        PipelineMode::Eager => "eager",
    }
}

fn counted(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// As exact as [`took`] is, so that a difference is that of the two times beside it.
fn as_shown(duration: Duration) -> Duration {
    let unit: u64 = match duration.as_secs() {
        0..=9 => 100,
        10..=3599 => 1000,
        _ => 60_000,
    };
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(milliseconds - milliseconds % unit)
}

fn took(duration: Duration) -> String {
    elapsed::duration(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// The columns, and what time is where.
struct Chart {
    paint: Paint,
    name: usize,
    bar: usize,
    makespan: Duration,
    is_critical: Vec<bool>,
}

impl Chart {
    fn new(simulation: &Simulation<'_>, width: usize, paint: Paint) -> Self {
        let longest = simulation.steps.iter().map(|step| step.service.as_str().len()).max().unwrap_or(0);
        let name = longest.min((width / 4).max(NARROWEST_NAME));
        let bar = width.saturating_sub(FIXED + name).max(NARROWEST_BAR);
        let mut is_critical = vec![false; simulation.steps.len()];
        for place in &simulation.critical_path {
            is_critical[*place] = true;
        }
        Self { paint, name, bar, makespan: simulation.makespan, is_critical }
    }

    fn line(&self, step: &SimulatedStep<'_>, is_critical: bool) -> String {
        let name = truncate_str(step.service.as_str(), self.name, "\u{2026}");
        let name = pad_str(&name, self.name, console::Alignment::Left, None);
        let bar = self.bar(step, is_critical);
        let gap = " ".repeat(self.bar.saturating_sub(measure_text_width(&bar)));
        let time = match (&step.end, step.span) {
            (StepEnd::Succeeded, Some(span)) => took(span.end.saturating_sub(span.start)),
            (StepEnd::Failed, Some(span)) => format!("{:>7} \u{2717}", took(span.end.saturating_sub(span.start))),
            (StepEnd::Skipped(_), _) | (_, None) => String::new(),
        };
        let mark = if is_critical { "*" } else { " " };
        let line = format!("{mark} {name} {:7} {bar}{gap} {time:>7}", step.phase.as_str());
        line.trim_end().to_owned()
    }

    /// A bar from start to end, or why there is none; a note begins where its time is, as far as there is room.
    fn bar(&self, step: &SimulatedStep<'_>, is_critical: bool) -> String {
        let start = step.span.map_or(0, |span| self.column(span.start));
        match (&step.end, step.span) {
            (StepEnd::Skipped(reason), _) => {
                let note = truncate_str(&note(reason), self.bar, "\u{2026}").into_owned();
                let before = start.min(self.bar - measure_text_width(&note));
                format!("{}{}", " ".repeat(before), self.paint.dim(note))
            }
            (end, Some(span)) => {
                let bar = self.glyphs(span, is_critical);
                let bar = match (end, is_critical) {
                    (StepEnd::Failed, _) => self.paint.red(bar),
                    (_, true) => self.paint.yellow(bar),
                    (_, false) => self.paint.cyan(bar),
                };
                format!("{}{bar}", " ".repeat(start))
            }
            (_, None) => String::new(),
        }
    }

    /// A heavy line on the critical path, a light one elsewhere; a dot for what takes no time.
    fn glyphs(&self, span: Span, is_critical: bool) -> String {
        if span.start == span.end {
            return "\u{b7}".to_owned();
        }
        let start = self.column(span.start);
        let end = self.column_of_end(span.end).max(start + 1);
        let glyph = if is_critical { "\u{2501}" } else { "\u{2500}" };
        glyph.repeat(end - start)
    }

    /// The column in which a moment lies; the last moment of all is in the last column.
    fn column(&self, at: Duration) -> usize {
        self.column_of_end(at).min(self.bar - 1)
    }

    fn column_of_end(&self, at: Duration) -> usize {
        let columns = at.as_nanos() * self.bar as u128 / self.makespan.as_nanos().max(1);
        usize::try_from(columns).map_or(self.bar, |column| column.min(self.bar))
    }
}

fn note(reason: &SkipReason) -> String {
    match reason {
        SkipReason::EarlierFailure => "never begins".to_owned(),
        SkipReason::SharedBuild { .. }
        | SkipReason::ImagePresent { .. }
        | SkipReason::NothingToRun
        | SkipReason::NotDeployed
        | SkipReason::Unchanged => format!("\u{b7} {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::model::FromProject;
    use slipway_core::simulation::{Durations, simulate};

    use super::*;
    use crate::environment_file;

    const FILE: &str = "\
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
services:
  - name: db
    database: {type: postgresql, version: \"15\"}
  - name: migrate
    job: {on: [start], source: {git: {url: https://git.example/shop.git, branch: main}}}
  - name: cache
    container: {image: {name: docker.io/library/redis, tag: \"7.2\"}}
  - name: a-rather-long-name
    application: {git: {url: https://git.example/shop.git, branch: main, root: api}}
  - name: worker
    application: {git: {url: https://git.example/shop.git, branch: main, root: api}}
  - name: web
    application: {git: {url: https://git.example/web.git, branch: main}}
";

    const DURATIONS: &str = r#"{"db": {"release": 12}, "migrate": {"build": 8.5, "release": 3}, "cache": {"release": 4},
        "a-rather-long-name": {"build": 40, "release": 6}, "worker": {"release": 2}, "web": {"build": 25, "release": 5}}"#;

    fn drawn(durations: &str, width: usize, paint: Paint) -> String {
        let environment = environment_file::environment(FILE, FromProject::default()).unwrap();
        let durations = Durations::parse(durations, &environment).unwrap();
        let mut other = environment.clone();
        other.pipeline.mode = PipelineMode::Eager;
        let (simulation, other) = (simulate(&environment, &durations), simulate(&other, &durations));
        let waterfall = Waterfall { environment: &environment, simulation: &simulation, other: &other };
        waterfall.lines(width, paint).join("\n")
    }

    #[test]
    fn bars_stand_where_their_time_is_and_the_critical_path_is_marked() {
        insta::assert_snapshot!(drawn(DURATIONS, 80, Paint::when(false)), @r#"
        shop/staging: phased, at most 7 builds and 7 releases at a time
        0.DEFAULT DATABASE
        * db                 release ━━━━━━                                        12s
        1.DEFAULT JOB
        * migrate            build         ━━━━━                                  8.5s
        * migrate            release            ━━                                3.0s
        2.DEFAULT CONTAINER
        * cache              release              ━━                              4.0s
        3.DEFAULT APPLICATION
        * a-rather-long-name build                  ━━━━━━━━━━━━━━━━━━━━━━         40s
        * a-rather-long-name release                                      ━━━━    6.0s
          worker             build          · same image as a-rather-long-name
          worker             release                                      ─       2.0s
          web                build                  ──────────────                 25s
          web                release                                      ───     5.0s
        * critical path: each began when the one before it ended
        takes 1m 13s in phased mode; eager mode would take 46s, 27s less
        "#);
    }

    #[test]
    fn a_narrow_terminal_is_enough() {
        let shown = drawn(DURATIONS, 44, Paint::when(false));
        insta::assert_snapshot!(shown, @r#"
        shop/staging: phased, at most 7 builds and 7 releases at a time
        0.DEFAULT DATABASE
        * db          release ━                12s
        1.DEFAULT JOB
        * migrate     build    ━━             8.5s
        * migrate     release    ━            3.0s
        2.DEFAULT CONTAINER
        * cache       release    ━            4.0s
        3.DEFAULT APPLICATION
        * a-rather-l… build       ━━━━━━━      40s
        * a-rather-l… release            ━    6.0s
          worker      build   · same imag…
          worker      release            ─    2.0s
          web         build       ────         25s
          web         release            ─    5.0s
        * critical path: each began when the one before it ended
        takes 1m 13s in phased mode; eager mode would take 46s, 27s less
        "#);
        let rows = shown.lines().filter(|line| line.contains('\u{2501}') || line.contains('\u{2500}'));
        assert!(rows.into_iter().all(|line| measure_text_width(line) < 44), "{shown}");
    }

    #[test]
    fn a_failure_says_when_and_what_never_begins() {
        let durations = DURATIONS.replace(r#""build": 8.5,"#, r#""build": 8.5, "build_fails": true,"#);
        insta::assert_snapshot!(drawn(&durations, 80, Paint::when(false)), @r#"
        shop/staging: phased, at most 7 builds and 7 releases at a time
        0.DEFAULT DATABASE
        * db                 release ━━━━━━━━━━━━━━━━━━━━━━━━                      12s
        1.DEFAULT JOB
        * migrate            build                           ━━━━━━━━━━━━━━━━━    8.5s ✗
          migrate            release never begins
        2.DEFAULT CONTAINER
          cache              release never begins
        3.DEFAULT APPLICATION
          a-rather-long-name build   never begins
          a-rather-long-name release never begins
          worker             build   never begins
          worker             release never begins
          web                build   never begins
          web                release never begins
        * critical path: each began when the one before it ended
        fails after 20s in phased mode; eager mode would fail after 40s, 20s more
        "#);
    }

    #[test]
    fn colour_is_an_addition_and_changes_no_text() {
        for durations in [DURATIONS, "{}", r#"{"web": {"build": 3, "build_fails": true}}"#] {
            let coloured = drawn(durations, 80, Paint::when(true));
            assert!(coloured.contains("\u{1b}["));
            assert_eq!(console::strip_ansi_codes(&coloured), drawn(durations, 80, Paint::when(false)));
        }
    }
}
