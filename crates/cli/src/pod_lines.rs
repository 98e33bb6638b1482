//! Lines of the pods of a service: each once and in its order, over as many connections as it takes.

use jiff::{SignedDuration, Timestamp};
use slipway_ports::SeenLines;
use slipway_ports::api::{PodLineView, ProblemDetails};
use slipway_server::Home;

use crate::client::encoded;
use crate::output::{self, Output};
use crate::paint::Paint;
use crate::stop::{Exit, Stop};
use crate::stream::{Arrival, Stream, read};

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The path of the service's logs.
    pub(crate) path: String,
    pub(crate) follow: bool,
    pub(crate) tail: Option<u32>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) pod: Option<String>,
    pub(crate) previous: bool,
}

impl Wanted {
    fn url(&self) -> String {
        let mut url = format!("{}?follow={}&previous={}", self.path, self.follow, self.previous);
        url.extend(self.tail.map(|count| format!("&tail={count}")));
        url.extend(self.since.map(|since| format!("&since={}", encoded(&since.to_string()))));
        url.extend(self.pod.as_deref().map(|pod| format!("&pod={}", encoded(pod))));
        url
    }

    /// The same after a break: what may not have come, and no less.
    fn after(&self, seen: &SeenLines) -> Self {
        match seen.oldest() {
            Some(since) => Self { since: Some(since), tail: None, ..self.clone() },
            None => self.clone(),
        }
    }
}

/// A moment: so long ago, as `10m`, or an RFC 3339 time.
pub(crate) fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let ago: SignedDuration = text.parse().map_err(|_| {
        format!("`{text}` is no time; expected how long ago, as `30s`, `10m` or `1h30m`, or a time, as `2026-01-31T08:00:00Z`")
    })?;
    Timestamp::now().checked_sub(ago.abs()).map_err(|error| error.to_string())
}

/// Prints them until they end; with `follow` until somebody stops.
pub(crate) async fn print(home: &Home, output: Output, wanted: &Wanted) -> Result<(), Stop> {
    let hint = "the pods go on; start the server with `slipway up` and follow again";
    let mut stream = Stream::new(home.clone(), wanted.url(), hint);
    let mut seen = SeenLines::default();
    let mut printer = Printer::new(output);
    loop {
        for arrival in stream.next().await? {
            let event = match arrival {
                Arrival::Event(event) => event,
                Arrival::Lost if wanted.follow => {
                    output::tell("the server does not answer; waiting for it up to a minute");
                    stream.begin_at(wanted.after(&seen).url());
                    seen.read_again();
                    continue;
                }
                Arrival::Lost => return Err(Stop::new(Exit::Unreachable, "the log broke off: the server ended it early")),
                Arrival::Found => {
                    output::tell("the server answers again");
                    continue;
                }
            };
            match event.name.as_str() {
                "line" => {
                    let line: PodLineView = read(&event)?;
                    if seen.is_new(&line.pod, &line.container, line.at) {
                        printer.print(&line)?;
                    }
                }
                "problem" => return Err(read::<ProblemDetails>(&event)?.into()),
                "end" => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Writes lines, those of each pod in a colour of its own.
struct Printer {
    output: Output,
    paint: Paint,
    pods: Vec<String>,
}

impl Printer {
    fn new(output: Output) -> Self {
        Self { output, paint: Paint::of(&std::io::stdout()), pods: Vec::new() }
    }

    fn print(&mut self, line: &PodLineView) -> Result<(), Stop> {
        if self.output == Output::Json {
            return output::line(serde_json::json!(line));
        }
        let place = self.pods.iter().position(|pod| *pod == line.pod).unwrap_or_else(|| {
            self.pods.push(line.pod.clone());
            self.pods.len() - 1
        });
        output::line(format!("{} {}", self.paint.nth(place, format!("{} |", line.pod)), line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pod: &str, second: i64, text: &str) -> PodLineView {
        let at = Timestamp::from_second(second).ok();
        PodLineView { pod: pod.to_owned(), container: "api".to_owned(), at, text: text.to_owned() }
    }

    #[test]
    fn after_a_break_every_line_comes_once() {
        let mut seen = SeenLines::default();
        let mut is_new = |line: &PodLineView| seen.is_new(&line.pod, &line.container, line.at);
        for (pod, second) in [("a", 10), ("b", 20), ("b", 30)] {
            assert!(is_new(&line(pod, second, "x")));
        }
        let wanted = Wanted { path: "/logs".to_owned(), follow: true, tail: Some(5), since: None, pod: None, previous: false };
        // From the pod that was silent for longest; what is known already is dropped.
        assert_eq!(wanted.after(&seen).url(), "/logs?follow=true&previous=false&since=1970-01-01T00%3A00%3A10Z");
        seen.read_again();
        let mut is_new = |line: &&PodLineView| seen.is_new(&line.pod, &line.container, line.at);
        let again = [line("a", 10, "x"), line("a", 15, "new"), line("b", 20, "x"), line("b", 30, "x"), line("b", 31, "new")];
        let new: Vec<_> = again.iter().filter(|line| is_new(line)).map(|line| line.text.as_str()).collect();
        assert_eq!(new, ["new", "new"]);
        assert_eq!(wanted.after(&SeenLines::default()).url(), wanted.url());
    }

    #[test]
    fn a_time_is_read_as_how_long_ago_or_as_itself() {
        let ago = since("10m").unwrap();
        let passed = Timestamp::now().duration_since(ago).as_secs();
        assert!((600..700).contains(&passed), "{passed}");
        assert_eq!(since("2026-01-31T08:00:00Z").unwrap().to_string(), "2026-01-31T08:00:00Z");
        for text in ["", "yesterday", "10", "10x"] {
            assert!(since(text).unwrap_err().contains("expected"), "{text}");
        }
    }
}
