//! What went wrong with Helm, in the words of Slipway.

use slipway_core::failure::{Code, Failure};

use crate::worker::{CallError, ErrorKind, WorkerError};

/// The failure of a call to the worker about a release.
pub(crate) fn from_call(subject: &str, error: CallError) -> Failure {
    match error {
        CallError::Answered(error) => from_worker(subject, &error),
        CallError::Canceled => Failure::canceled(format!("{subject}: canceled")),
        CallError::Died(death) if death.crashed && death.alone => Failure::permanent(
            Code::ReleaseFailed,
            format!("{subject}: the chart ends the program that renders it: {}", death.description),
        )
        .with_hint("Look in the chart for a template that calls itself, or that makes a list or a text without end.")
        .with_last_lines(death.last_lines),
        CallError::Died(death) => {
            Failure::retry(Code::HelmUnavailable, format!("{subject}: the Helm worker died: {}", death.description))
                .with_last_lines(death.last_lines)
        }
        error @ (CallError::Overdue(_) | CallError::Misunderstood(_)) => {
            Failure::retry(Code::HelmUnavailable, format!("{subject}: {error}"))
        }
        error @ CallError::Unavailable(_) => Failure::retry(Code::HelmUnavailable, format!("{subject}: {error}"))
            .with_hint("Build it with helm-worker/build and set SLIPWAY_HELM_WORKER to it, or put `helm` on PATH."),
    }
}

/// The same, of a chart that was rendered to be checked: one that does not end in its time will not do so later.
pub(crate) fn from_rendering(subject: &str, error: CallError) -> Failure {
    match error {
        CallError::Overdue(time) => Failure::permanent(
            Code::ReleaseFailed,
            format!("{subject}: the chart was not rendered within {} s, and was stopped", time.as_secs()),
        )
        .with_hint("look in the chart for a template without end, such as a large `until` or a `range` over one"),
        error => from_call(subject, error),
    }
}

fn from_worker(subject: &str, error: &WorkerError) -> Failure {
    let message = format!("{subject}: {}", one_line(&error.message));
    match error.kind {
        ErrorKind::Canceled => Failure::canceled(format!("{subject}: canceled")),
        ErrorKind::Retry => {
            let code = match error.code.as_str() {
                "cluster-unreachable" | "cluster-unavailable" | "timeout" => Code::ClusterUnreachable,
                _ => Code::ReleaseFailed,
            };
            Failure::retry(code, message)
        }
        ErrorKind::Permanent => {
            let code = match error.code.as_str() {
                "cluster-unauthorized"
                | "cluster-forbidden"
                | "cluster-certificate"
                | "quota-exceeded"
                | "kubeconfig-invalid"
                | "kubeconfig-unreadable"
                | "kubeconfig-runs-program"
                | "namespace-not-found"
                | "object-not-owned"
                | "object-exists" => Code::ClusterRefused,
                "chart-invalid"
                | "chart-dependencies-missing"
                | "chart-lock-outdated"
                | "chart-unreadable"
                | "chart-too-large" => Code::ChartInvalid,
                "values-invalid" | "value-secret" | "value-undefined" => Code::ValuesInvalid,
                "cluster-wide-object" | "foreign-namespace" => Code::ClusterWideRefused,
                "release-too-large" => Code::ReleaseTooLarge,
                "hook-failed" => Code::HookFailed,
                _ => Code::ReleaseFailed,
            };
            let failure = Failure::permanent(code, message).with_last_lines(error.last_lines.clone());
            match hint(&error.code) {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        }
    }
}

fn hint(code: &str) -> Option<&'static str> {
    match code {
        "cluster-unauthorized" | "cluster-certificate" => Some("Check the target's kubeconfig and context."),
        "cluster-forbidden" => Some("Give the target's user the rights to manage this namespace."),
        "quota-exceeded" => Some("Raise the quota of the namespace, or ask for less."),
        "kubeconfig-runs-program" => Some("Use a kubeconfig with a token or a client certificate."),
        "object-not-owned" => Some("Remove the object that is in the way, or give the service another name."),
        "release-too-large" => Some("A release record holds 1 MiB: make the chart or its values smaller."),
        _ => None,
    }
}

/// What the `helm` program said on stderr, sorted by its words: it has no codes.
pub(crate) fn from_words(subject: &str, stderr: &str) -> Failure {
    const UNREACHABLE: [&str; 9] = [
        "cluster unreachable",
        "connection refused",
        "connection reset",
        "no such host",
        "i/o timeout",
        "TLS handshake timeout",
        "context deadline exceeded",
        "the server is currently unable",
        "unexpected EOF",
    ];
    const BUSY: [&str; 4] = [
        "another operation (install/upgrade/rollback) is in progress",
        "object has been modified",
        "cannot reuse a name",
        "is being terminated",
    ];
    const REFUSED: [&str; 7] = [
        "Unauthorized",
        "forbidden",
        "x509:",
        "invalid ownership metadata",
        "namespaces \"",
        "must be logged in",
        "already exists",
    ];
    let message = format!("{subject}: {}", one_line(stderr.trim_start_matches("Error: ")));
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    if says(&BUSY) {
        Failure::retry(Code::ReleaseFailed, message)
    } else if says(&REFUSED) {
        Failure::permanent(Code::ClusterRefused, message)
    } else if says(&UNREACHABLE) {
        Failure::retry(Code::ClusterUnreachable, message)
    } else {
        Failure::permanent(Code::ReleaseFailed, message)
    }
}

/// A message of many lines as one, without a full stop.
fn one_line(text: &str) -> String {
    const ENOUGH: usize = 2000;
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > ENOUGH {
        let end = (0..=ENOUGH).rev().find(|index| line.is_char_boundary(*index)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use slipway_core::failure::FailureKind;

    use super::*;
    use crate::worker::Death;

    fn answered(kind: ErrorKind, code: &str) -> Failure {
        let error = WorkerError { kind, code: code.to_owned(), message: "two\n  lines.".to_owned(), last_lines: Vec::new() };
        from_call("release `api`", CallError::Answered(error))
    }

    #[test]
    fn the_workers_codes_become_slipways() {
        for (kind, code, expected, expected_kind) in [
            (ErrorKind::Retry, "cluster-unreachable", Code::ClusterUnreachable, FailureKind::Retry),
            (ErrorKind::Retry, "release-busy", Code::ReleaseFailed, FailureKind::Retry),
            (ErrorKind::Permanent, "cluster-forbidden", Code::ClusterRefused, FailureKind::Permanent),
            (ErrorKind::Permanent, "template-failed", Code::ReleaseFailed, FailureKind::Permanent),
            (ErrorKind::Permanent, "chart-dependencies-missing", Code::ChartInvalid, FailureKind::Permanent),
            (ErrorKind::Permanent, "value-secret", Code::ValuesInvalid, FailureKind::Permanent),
            (ErrorKind::Permanent, "foreign-namespace", Code::ClusterWideRefused, FailureKind::Permanent),
            (ErrorKind::Permanent, "release-too-large", Code::ReleaseTooLarge, FailureKind::Permanent),
            (ErrorKind::Permanent, "hook-failed", Code::HookFailed, FailureKind::Permanent),
            (ErrorKind::Permanent, "something-new", Code::ReleaseFailed, FailureKind::Permanent),
            (ErrorKind::Canceled, "canceled", Code::Canceled, FailureKind::Canceled),
        ] {
            let failure = answered(kind, code);
            assert_eq!((failure.code, failure.kind), (expected, expected_kind), "{code}");
        }
        assert_eq!(answered(ErrorKind::Permanent, "values-invalid").message, "release `api`: two lines");
    }

    #[test]
    fn a_crash_is_the_charts_fault_only_without_a_doubt() {
        let death = |crashed, alone| Death {
            killed: false,
            crashed,
            alone,
            description: "fatal error: stack overflow".to_owned(),
            last_lines: vec!["fatal error: stack overflow".to_owned()],
        };
        for (crashed, alone, kind) in
            [(true, true, FailureKind::Permanent), (true, false, FailureKind::Retry), (false, true, FailureKind::Retry)]
        {
            assert_eq!(from_call("x", CallError::Died(death(crashed, alone))).kind, kind, "{crashed} {alone}");
        }
    }

    #[test]
    fn the_words_of_the_program_are_sorted() {
        for (words, code, kind) in [
            (
                "Error: Kubernetes cluster unreachable: Get \"https://127.0.0.1:1\": dial tcp: connect: connection refused",
                Code::ClusterUnreachable,
                FailureKind::Retry,
            ),
            (
                "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
                Code::ReleaseFailed,
                FailureKind::Retry,
            ),
            ("Error: secrets is forbidden: User \"x\" cannot list", Code::ClusterRefused, FailureKind::Permanent),
            ("Error: UPGRADE FAILED: execution error at (x): no", Code::ReleaseFailed, FailureKind::Permanent),
        ] {
            let failure = from_words("x", words);
            assert_eq!((failure.code, failure.kind), (code, kind), "{words}");
        }
    }
}
