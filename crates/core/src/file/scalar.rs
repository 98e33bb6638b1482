//! What a scalar without quotes means in YAML's core schema, and the small notations of the file.

use std::time::Duration;

/// Most hours of a duration: a year.
const LONGEST: u64 = 366 * 24 * 3600;

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
}

/// A whole number that every reader of YAML writes back as it stands.
pub(super) fn is_decimal(text: &str) -> bool {
    text == "0" || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix: u32| !text.is_empty() && text.chars().all(|character| character.is_digit(radix));
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(left, right)| (left, Some(right)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|text| digits(text, 10))
}

/// Whether a scalar without quotes is a text for every reader, or a whole number that stays as it is.
pub(super) fn is_plain_text(text: &str) -> bool {
    is_decimal(text) || !(is_null(text) || is_boolean(text) || is_number(text))
}

/// What a scalar without quotes is when it is no text.
pub(super) fn describe(text: &str) -> &'static str {
    if is_boolean(text) { "a boolean" } else { "a number" }
}

/// The value in JSON of a scalar without quotes.
pub(super) fn json(text: &str) -> serde_json::Value {
    if is_null(text) {
        return serde_json::Value::Null;
    }
    if is_boolean(text) {
        return serde_json::Value::Bool(text.eq_ignore_ascii_case("true"));
    }
    if is_number(text) {
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
        if let Some(number) = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
            return serde_json::Value::Number(number);
        }
    }
    serde_json::Value::String(text.to_owned())
}

/// A duration in whole seconds: hours, minutes and seconds in this order, each with its unit.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0_u64;
    for (unit, size) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((count, after)) = rest.split_once(unit) else { continue };
        if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        seconds = seconds.checked_add(count.parse::<u64>().ok()?.checked_mul(size)?)?;
        rest = after;
    }
    (!text.is_empty() && rest.is_empty() && seconds <= LONGEST).then_some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_hours_minutes_and_seconds() {
        for (text, seconds) in [("10s", 10), ("30m", 1800), ("1h30m", 5400), ("1h1m1s", 3661), ("0s", 0), ("90m", 5400)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "s", "1m1h", "-1s", "1.5h", "10 s", "1d", "99999999999999999999h", "9999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn only_texts_and_plain_whole_numbers_go_without_quotes() {
        for text in ["15", "0", "a", "1.4.2", "yes", "8.x", "1e", "-"] {
            assert!(is_plain_text(text), "{text}");
        }
        for text in ["1.4", "007", "true", "null", "~", "", "1e3", "0x1f", "-1", ".5", ".inf", "+3"] {
            assert!(!is_plain_text(text), "{text}");
        }
    }
}
