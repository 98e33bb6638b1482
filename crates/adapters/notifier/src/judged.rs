//! Names that are looked up, and judged before anything connects.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use slipway_core::address::AddressRule;

/// What names stand for.
#[async_trait]
pub trait Names: Send + Sync {
    /// Every address of a name, now.
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The names of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A resolver that tells an address only if all of its name may be asked.
pub(crate) struct Judged {
    pub(crate) rule: AddressRule,
    pub(crate) names: Arc<dyn Names>,
}

/// A name stands for no address.
#[derive(Debug, thiserror::Error)]
#[error("{0} stands for no address")]
struct NoAddress(String);

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (rule, names) = (self.rule.clone(), self.names.clone());
        Box::pin(async move {
            let name = name.as_str();
            rule.judge_host(name)?;
            let addresses = names.look_up(name).await?;
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
