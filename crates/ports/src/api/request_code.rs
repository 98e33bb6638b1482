//! Why a request was refused, as stable words.

/// The codes of problem details that are neither those of a failure ([`Code`](slipway_core::failure::Code)) nor of a refused edit
/// ([`RefusalCode`](slipway_core::pipeline_edit::RefusalCode)). Each has a page `docs/errors/<code>.md`.
pub const REQUEST_CODES: [&str; 26] = [
    "body-too-large",
    "body-too-slow",
    "conflict",
    "credential-invalid",
    "cursor-invalid",
    "delivery-refused",
    "environment-exists",
    "file-invalid",
    "host-refused",
    "idempotency-key-in-use",
    "idempotency-key-reused",
    "method-not-allowed",
    "not-found",
    "origin-refused",
    "owner-only",
    "project-needed",
    "refused",
    "request-invalid",
    "secret-damaged",
    "session-expired",
    "sign-in-refused",
    "target-invalid",
    "token-missing",
    "token-wrong",
    "too-many-attempts",
    "unavailable",
];
