//! Names that are looked up, and judged before anything connects.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use slipway_ports::Addresses;

/// A resolver that tells an address only if all of its name may be asked: the connection goes to what was judged.
pub(crate) struct Judged(pub(crate) Addresses);

/// A name stands for no address.
#[derive(Debug, thiserror::Error)]
#[error("{0} stands for no address")]
struct NoAddress(String);

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0.clone();
        Box::pin(async move {
            let (name, rule) = (name.as_str(), addresses.rule());
            rule.judge_host(name)?;
            let addresses = addresses.names().look_up(name).await?;
            if addresses.is_empty() {
                return Err(NoAddress(name.to_owned()).into());
            }
            for address in &addresses {
                rule.judge(name, *address)?;
            }
            // The port of the URL takes the place of 0.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
