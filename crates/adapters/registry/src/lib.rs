//! The embedded OCI registry, and the client that mirrors images into a registry.
