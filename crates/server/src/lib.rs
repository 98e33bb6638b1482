//! The HTTP API; wires the adapters to the engine.
