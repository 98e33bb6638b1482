//! On a real cluster.
