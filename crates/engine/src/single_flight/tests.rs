//! Flights by themselves.

use super::*;

const TERMS: Terms = Terms { cpu: Millicores(1000), memory: Bytes(1 << 30), timeout: Duration::from_secs(60), secrets: None };

fn image() -> RepositoryTag {
    RepositoryTag { repository: "builds/git.test/shop".to_owned(), tag: "k1-a".to_owned() }
}

/// Hears what is reported.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<(Vec<String>, Vec<Activity>)>>);

impl Progress for Ear {
    fn activity(&self, activity: Activity) {
        self.0.lock().unwrap().1.push(activity);
    }

    fn line(&self, text: &str) {
        self.0.lock().unwrap().0.push(text.to_owned());
    }
}

fn seat(boarding: Boarding) -> Seat {
    match boarding {
        Boarding::Began(seat) | Boarding::Joined(seat) => seat,
        Boarding::Ending(_) => panic!("the flight is ending"),
    }
}

#[tokio::test]
async fn who_boards_late_hears_all_and_of_a_flood_its_end() {
    let flights = Flights::default();
    let began = seat(flights.board(&image(), TERMS, |_| std::future::pending()));
    began.flight.activity(Activity::Building);
    began.flight.line("first");
    let (late, ear) = (seat(flights.board(&image(), TERMS, |_| async { unreachable!("it flies") })), Ear::default());
    late.report_to(ear.clone());
    began.flight.line("second");
    assert_eq!(*ear.0.lock().unwrap(), (vec!["first".to_owned(), "second".to_owned()], vec![Activity::Building]));
    for number in 0..3000 {
        began.flight.line(&format!("{number:01000}"));
    }
    let last = Ear::default();
    late.report_to(last.clone());
    let heard = last.0.lock().unwrap().0.clone();
    assert!(heard[0].contains("earlier lines of the build are left out") && heard[heard.len() - 1].ends_with("2999"));
    assert!(heard.iter().map(|line| weight(line)).sum::<u64>() < MOST_REPLAYED + 200);
    for _ in 0..100_000 {
        began.flight.line("");
    }
    assert!(began.flight.cabin().lines.len() < 100_000, "blank lines are no less bounded");
}

#[tokio::test]
async fn who_comes_while_a_flight_is_being_put_away_waits_for_that_and_flies_anew() {
    let flights = Flights::default();
    let (put_away, may_end) = tokio::sync::oneshot::channel::<()>();
    let first = seat(flights.board(&image(), TERMS, |flight| async move {
        flight.stop().cancelled().await;
        let _ = may_end.await;
        Err(Failure::canceled("nobody wants it"))
    }));
    let ending = first.give_up().expect("it was the last seat");
    let Boarding::Ending(waited_for) = flights.board(&image(), TERMS, |_| async { unreachable!("one at a time") }) else {
        panic!("it is still being put away")
    };
    put_away.send(()).unwrap();
    assert_eq!(waited_for.landing().await.unwrap_err().code, Code::Canceled);
    assert_eq!(ending.landing().await.unwrap_err().code, Code::Canceled);
    let anew = flights.board(&image(), TERMS, |_| async { Ok(Landed::Built("sha256:1".to_owned())) });
    assert_eq!(seat(anew).landing().await, Ok(Landed::Built("sha256:1".to_owned())));
}

#[tokio::test]
async fn a_flight_that_breaks_ends_for_all() {
    let flights = Flights::default();
    let began = seat(flights.board(&image(), TERMS, |_| async { panic!("a bug") }));
    assert_eq!(began.landing().await.unwrap_err().code, Code::Internal);
    assert!(flights.lock().is_empty());
}
