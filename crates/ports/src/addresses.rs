//! Where a URL of a user's leads, judged before anything connects: by the rule of the core, and by what names stand for.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use slipway_core::address::{AddressRule, RefusedAddress, host_of, literal};
use slipway_core::failure::{Code, Failure};

/// What names stand for.
#[async_trait]
pub trait Names: Send + Sync {
    /// Every address of a name, now.
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The names of the system.
struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// What adapters ask before they connect to where a user says.
///
/// A program such as `git` looks a name up once more, and follows what a host redirects it to: this keeps out what a URL names, not a
/// host that lies from one moment to the next. Who posts for a user, and could be made to tell what is inside, connects to what was
/// judged ([`Names`]).
#[derive(Clone)]
pub struct Addresses {
    rule: Arc<AddressRule>,
    names: Arc<dyn Names>,
}

impl Addresses {
    /// Judges by a rule and by the names of the system.
    pub fn new(rule: AddressRule) -> Self {
        Self::with_names(rule, Arc::new(SystemNames))
    }

    /// The same, with names of the caller's.
    pub fn with_names(rule: AddressRule, names: Arc<dyn Names>) -> Self {
        Self { rule: Arc::new(rule), names }
    }

    /// The rule.
    pub fn rule(&self) -> &AddressRule {
        &self.rule
    }

    /// The names.
    pub fn names(&self) -> &Arc<dyn Names> {
        &self.names
    }

    /// Whether the host of a URL, or of an image, may be asked: all that it stands for. Fails with `address-refused`, which names what is
    /// meant and the host; a URL may hold a credential.
    pub async fn judge(&self, what: &(dyn Display + Sync), url: &str) -> Result<(), Failure> {
        let refused = |why: RefusedAddress| Failure::permanent(Code::AddressRefused, format!("{what}: it is not asked: {why}"));
        let host = host_of(url);
        self.rule.judge_host(host).map_err(refused)?;
        if host.is_empty() || literal(host).is_some() {
            return Ok(());
        }
        // What can not be looked up here is not connected to either, unless by a proxy, which has rules of its own.
        for address in self.names.look_up(host).await.unwrap_or_default() {
            self.rule.judge(host, address).map_err(refused)?;
        }
        Ok(())
    }
}

impl Default for Addresses {
    /// Of a server that is its user's own: all but metadata.
    fn default() -> Self {
        Self::new(AddressRule { is_local: true, allowed: Vec::new() })
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Addresses").field(&self.rule).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names below `inside.test` and `cloud.test`; all others are unknown.
    struct Told;

    #[async_trait]
    impl Names for Told {
        async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
            let all: &[[u8; 4]] = match name {
                "git.inside.test" => &[[93, 184, 216, 34], [10, 1, 2, 3]],
                "git.cloud.test" => &[[169, 254, 169, 254]],
                "git.open.test" => &[[93, 184, 216, 34]],
                _ => return Err(std::io::ErrorKind::NotFound.into()),
            };
            Ok(all.iter().map(|address| IpAddr::from(*address)).collect())
        }
    }

    async fn judged(rule: &AddressRule, url: &str) -> Result<(), String> {
        let judged = Addresses::with_names(rule.clone(), Arc::new(Told)).judge(&"it", url).await;
        judged.map_err(|failure| {
            assert_eq!(failure.code, Code::AddressRefused);
            failure.message
        })
    }

    #[tokio::test]
    async fn a_name_is_judged_by_every_address_that_it_stands_for() {
        let shared = AddressRule::default();
        for url in [
            "https://git.open.test/a.git",
            "git@git.open.test:a.git",
            "ssh://git@git.open.test:22/a",
            "file:///srv/a",
            "https://nobody.test",
        ] {
            assert_eq!(judged(&shared, url).await, Ok(()), "{url}");
        }
        let inside = judged(&shared, "https://git.inside.test:8443/a.git").await.unwrap_err();
        assert!(inside.contains("git.inside.test is 10.1.2.3, which is not of the open internet"), "{inside}");
        for url in
            ["https://10.1.2.3/a.git", "git@192.168.0.7:a.git", "registry.test:5000/x", "http://[::1]:80/", "http://127.1/"]
        {
            assert_eq!(judged(&shared, url).await.is_err(), url != "registry.test:5000/x", "{url}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_or_local_is_asked_and_metadata_never() {
        let local = AddressRule { is_local: true, allowed: Vec::new() };
        let allowed = AddressRule { is_local: false, allowed: vec!["10.0.0.0/8".parse().unwrap()] };
        let named =
            AddressRule { is_local: false, allowed: vec!["git.inside.test".parse().unwrap(), "git.cloud.test".parse().unwrap()] };
        for rule in [&local, &allowed, &named] {
            assert_eq!(judged(rule, "https://git.inside.test/a.git").await, Ok(()));
            for url in ["https://git.cloud.test/a.git", "http://169.254.169.254/a", "http://metadata.google.internal/a"] {
                let refused = judged(rule, url).await.unwrap_err();
                assert!(refused.ends_with("a metadata address, and those are never asked"), "{url}: {refused}");
            }
        }
    }
}
