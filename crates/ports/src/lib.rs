//! What the engine needs of the world, as traits, and the contract that every adapter must pass.
