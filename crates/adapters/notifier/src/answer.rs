//! What came back, in a line.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp as Moment;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use slipway_core::address::RefusedAddress;
use slipway_core::deployment::Timestamp;
use slipway_ports::Answer;

/// Most bytes of an answer that are read.
const MOST_READ: usize = 4 << 10;
/// Most characters of the line that is kept.
const LONGEST_LINE: usize = 200;

/// The answer of a receiver, to what was sent at a time.
pub(crate) async fn of_response(mut response: Response, sent: Timestamp) -> Answer {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| wished(value.to_str().ok()?, sent));
    let line = if status.is_redirection() {
        "it leads elsewhere, and redirects are not followed".to_owned()
    } else {
        first_line(&beginning(&mut response).await)
    };
    Answer { status: Some(status.as_u16()), line, retry_after }
}

/// As much of the body as is read. What breaks off or is late is what came until then: the status says whether it arrived.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        read.extend_from_slice(&piece[..piece.len().min(MOST_READ - read.len())]);
        if read.len() >= MOST_READ || piece.contains(&b'\n') {
            break;
        }
    }
    read
}

/// The first line that has something in it, without what a terminal would act on.
fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    bounded(line)
}

fn bounded(line: &str) -> String {
    let shown: Vec<char> = line.chars().filter(|character| !character.is_control()).take(LONGEST_LINE + 1).collect();
    let is_cut = shown.len() > LONGEST_LINE;
    shown.into_iter().take(LONGEST_LINE).chain(is_cut.then_some('…')).collect()
}

/// Why there was no answer. The URL may be a secret, and is not in it.
pub(crate) fn of_error(error: &reqwest::Error) -> Answer {
    if let Some(refused) = RefusedAddress::behind(error) {
        return Answer::none(bounded(&format!("it is not asked: {refused}")));
    }
    let mut source = error.source();
    let mut deepest = None;
    while let Some(cause) = source {
        deepest = Some(cause.to_string());
        source = cause.source();
    }
    let why = if error.is_timeout() {
        "it did not answer in time".to_owned()
    } else if error.is_connect() {
        format!("it can not be reached: {}", deepest.unwrap_or_else(|| "no connection".to_owned()))
    } else {
        format!("the connection broke: {}", deepest.unwrap_or_else(|| "without an answer".to_owned()))
    };
    Answer::none(bounded(&why))
}

/// How long a receiver wants not to be told: seconds, or a date.
fn wished(text: &str, sent: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    let sent = Moment::from_millisecond(sent.0).ok()?;
    Duration::try_from(until.duration_since(sent)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wish_is_a_number_of_seconds_or_a_date() {
        // 2015-10-21T07:28:00Z.
        let sent = Timestamp(1_445_412_480_000);
        for (text, wish) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:29:30 GMT", Some(90)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("18446744073709551616", None),
        ] {
            assert_eq!(wished(text, sent), wish.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_line_is_the_first_that_says_something() {
        assert_eq!(first_line(b"\n  \r\n no such \x1b[31mhook\nsecond"), "no such [31mhook");
        assert_eq!(first_line(b""), "");
        assert_eq!(first_line("é".repeat(500).as_bytes()), format!("{}…", "é".repeat(200)));
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_a_bounded_line(bytes in prop::collection::vec(any::<u8>(), 0..2_000), text in any::<String>()) {
            let line = first_line(&bytes);
            prop_assert!(line.chars().count() <= LONGEST_LINE + 1 && !line.chars().any(char::is_control));
            let _ = wished(&text, Timestamp(0));
        }
    }
}
