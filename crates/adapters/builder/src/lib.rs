//! Images built by BuildKit.
