//! The store on SQLite: environments, deployments, events, logs, targets, secrets.
