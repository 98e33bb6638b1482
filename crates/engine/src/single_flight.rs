//! One build of one image at a time, for all who want it (B1).
//!
//! A flight is a task of its own and belongs to no step: who wants the image takes a seat, hears what happens from the beginning, and
//! gets the same end as all others. It goes on as long as one seat is taken, whoever began it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Bytes, Millicores, Name};
use slipway_ports::{Activity, CancellationToken, LogCut, Progress, RepositoryTag};
use tokio::sync::watch;

/// What is kept of a flight's log for those who board later, in bytes; the end of it.
const MOST_REPLAYED: u64 = 1 << 20;

/// The builds in flight in this server, by what they build.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<RepositoryTag, Arc<Flight>>>>);

/// What a build may take and read. It is no part of the image, so those who share a build may differ in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) cpu: Millicores,
    pub(crate) memory: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) secrets: Option<BuildSecrets>,
}

/// Which secrets a build may read: their names, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildSecrets {
    pub(crate) project: Name,
    pub(crate) environment: Name,
    /// Whether it was made for a request from a fork.
    pub(crate) is_of_fork: bool,
    pub(crate) names: Vec<String>,
}

/// A build that is under way.
pub(crate) struct Flight {
    terms: Terms,
    /// Fires when the last seat is given up.
    stop: CancellationToken,
    cabin: Mutex<Cabin>,
    landing: watch::Sender<Option<Landing>>,
}

/// Who is on board, and what they have heard.
#[derive(Default)]
struct Cabin {
    seats_so_far: u64,
    /// By the number of the seat; without a place to report to until somebody sits there.
    seats: BTreeMap<u64, Option<Box<dyn Progress>>>,
    activity: Option<Activity>,
    lines: VecDeque<String>,
    weight: u64,
    left_out: usize,
}

/// How a flight ended.
pub(crate) type Landing = Result<Landed, Failure>;

/// The image at the end of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Landed {
    /// It was built.
    Built(String),
    /// It was there when the flight began.
    Present(String),
}

/// A place on a flight. To drop it is to want the image no more.
pub(crate) struct Seat {
    number: u64,
    destination: RepositoryTag,
    flight: Arc<Flight>,
    flights: Flights,
}

/// What boarding came to.
pub(crate) enum Boarding {
    /// The flight began with this one.
    Began(Seat),
    /// It was under way.
    Joined(Seat),
    /// Nobody wanted it any more, and it is being put away: to be waited for.
    Ending(Arc<Flight>),
}

impl Flights {
    /// Takes a seat on the flight to this image; where there is none, `fly` begins one.
    pub(crate) fn board<F>(&self, destination: &RepositoryTag, terms: Terms, fly: impl FnOnce(Arc<Flight>) -> F) -> Boarding
    where
        F: Future<Output = Landing> + Send + 'static,
    {
        let mut flights = self.lock();
        match flights.get(destination) {
            Some(flight) if flight.stop.is_cancelled() => Boarding::Ending(flight.clone()),
            Some(flight) => Boarding::Joined(self.seat(destination, flight)),
            None => {
                let flight = Arc::new(Flight::new(terms));
                flights.insert(destination.clone(), flight.clone());
                let lands = Lands { destination: destination.clone(), flight: flight.clone(), flights: self.clone() };
                let flying = fly(flight.clone());
                tokio::spawn(async move { lands.end(flying.await) });
                Boarding::Began(self.seat(destination, &flight))
            }
        }
    }

    fn seat(&self, destination: &RepositoryTag, flight: &Arc<Flight>) -> Seat {
        let number = {
            let mut cabin = flight.cabin();
            cabin.seats_so_far += 1;
            let number = cabin.seats_so_far;
            cabin.seats.insert(number, None);
            number
        };
        Seat { number, destination: destination.clone(), flight: flight.clone(), flights: self.clone() }
    }

    /// Seats are taken and given up under this lock, so that nobody boards a flight that is just being given up.
    fn lock(&self) -> MutexGuard<'_, HashMap<RepositoryTag, Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn new(terms: Terms) -> Self {
        Self { terms, stop: CancellationToken::new(), cabin: Mutex::default(), landing: watch::Sender::new(None) }
    }

    /// Fires when nobody wants the image any more.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The end, once it has come.
    pub(crate) async fn landing(&self) -> Landing {
        let mut landing = self.landing.subscribe();
        let ended = landing.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        // The sender is in this flight, so the channel is open until it has said something.
        ended.unwrap_or_else(|| Err(broken()))
    }

    fn cabin(&self) -> MutexGuard<'_, Cabin> {
        self.cabin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Flight {
    fn activity(&self, activity: Activity) {
        let mut cabin = self.cabin();
        cabin.activity = Some(activity);
        cabin.seats.values().flatten().for_each(|progress| progress.activity(activity));
    }

    fn line(&self, text: &str) {
        let mut cabin = self.cabin();
        cabin.seats.values().flatten().for_each(|progress| progress.line(text));
        cabin.weight += weight(text);
        cabin.lines.push_back(text.to_owned());
        while cabin.weight > MOST_REPLAYED
            && let Some(line) = cabin.lines.pop_front()
        {
            cabin.weight -= weight(&line);
            cabin.left_out += 1;
        }
    }
}

impl Seat {
    /// The image that the flight is for.
    pub(crate) fn is_for(&self, destination: &RepositoryTag) -> bool {
        self.destination == *destination
    }

    /// What the build may take and read, as whoever began it wants it.
    pub(crate) fn terms(&self) -> &Terms {
        &self.flight.terms
    }

    /// Reports all that happens there, and what has happened so far.
    pub(crate) fn report_to(&self, progress: impl Progress + 'static) {
        let mut cabin = self.flight.cabin();
        if let Some(activity) = cabin.activity {
            progress.activity(activity);
        }
        if cabin.left_out > 0 {
            progress.line(&format!("[... {} earlier lines of the build are left out here]", cabin.left_out));
        }
        cabin.lines.iter().for_each(|line| progress.line(line));
        cabin.seats.insert(self.number, Some(Box::new(progress)));
    }

    /// The end of the flight.
    pub(crate) async fn landing(&self) -> Landing {
        self.flight.landing().await
    }

    /// Nothing is reported any more, and the seat stays taken.
    pub(crate) fn fall_silent(&self) {
        self.flight.cabin().seats.insert(self.number, None);
    }

    /// Gives the seat up. When it was the last one the flight ends: it is to be waited for until it is put away.
    pub(crate) fn give_up(self) -> Option<Arc<Flight>> {
        let flight = self.flight.clone();
        drop(self);
        flight.stop.is_cancelled().then_some(flight)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _flights = self.flights.lock();
        let mut cabin = self.flight.cabin();
        cabin.seats.remove(&self.number);
        if cabin.seats.is_empty() {
            self.flight.stop.cancel();
        }
    }
}

/// What a line takes, also one without a character.
fn weight(line: &str) -> u64 {
    LogCut::weight(line.len() as u64)
}

/// Tells the end of a flight, also of one whose task broke.
struct Lands {
    destination: RepositoryTag,
    flight: Arc<Flight>,
    flights: Flights,
}

impl Lands {
    fn end(self, landing: Landing) {
        self.tell(landing);
    }

    fn tell(&self, landing: Landing) {
        // Whoever comes from now on looks for himself.
        self.flights.lock().remove(&self.destination);
        self.flight.landing.send_replace(Some(landing));
    }
}

impl Drop for Lands {
    fn drop(&mut self) {
        if self.flight.landing.borrow().is_none() {
            self.tell(Err(broken()));
        }
    }
}

fn broken() -> Failure {
    Failure::permanent(Code::Internal, "the build ended by a fault in Slipway")
        .with_hint("this is a bug; please report it with the server's log")
}

#[cfg(test)]
mod tests;
