//! Variables: what each service sees in its environment, and what a build may take of it.
//!
//! Scopes are built-in < project < environment < service; the inner one wins by name. `{{NAME}}` in a text stands for another variable.
//! What takes from a secret is secret: [`Resolved`] carries that along, and prints stars.

mod builtin;
mod outputs;
mod resolve;
mod resolved;

pub use builtin::{BuiltinFacts, DatabaseAccount, ReachedAt, builtin_names, builtins, database_environment};
pub use outputs::{
    JobOutputs, MOST_OUTPUT_BYTES, OUTPUT_PATH, OUTPUT_PREFIX, Outputs, earlier_jobs, output_prefix, output_variables,
    parse_outputs,
};
pub use resolve::{FileContent, Resolution, Scopes, VariableProblem, build_args, references, references_in, resolve};
pub use resolved::Resolved;
