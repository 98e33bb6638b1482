//! What runs of an environment, and ways into its pods.

pub(crate) mod pods;
