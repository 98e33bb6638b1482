//! The wire: what the HTTP API takes and gives, as JSON.
