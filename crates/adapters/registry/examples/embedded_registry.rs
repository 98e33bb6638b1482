//! Serves a directory as a registry: `embedded_registry DIRECTORY ADDRESS [USER:SECRET]`.
//!
//! It prints the address that it listens on; with port 0 the system chooses one.

use std::error::Error;
use std::io::Write as _;

use slipway_registry::embedded::{Auth, Storage, User, router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, address, user) = match arguments.as_slice() {
        [directory, address] => (directory, address, None),
        [directory, address, user] => (directory, address, Some(user)),
        _ => return Err("usage: embedded_registry DIRECTORY ADDRESS [USER:SECRET]".into()),
    };
    let auth = match user.map(|user| user.split_once(':').ok_or("the user has the form NAME:SECRET")).transpose()? {
        Some((name, secret)) => Auth::Basic(vec![User::new(name, secret)]),
        None => Auth::Anonymous,
    };
    let storage = Storage::open(directory)?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    axum::serve(listener, router(storage, auth)).await?;
    Ok(())
}
