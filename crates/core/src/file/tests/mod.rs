//! Laws of the environment file.
