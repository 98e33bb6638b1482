//! Who builds an image, among servers that build into one registry (B1).
//!
//! All that they share is the registry, which has no compare-and-set. So a server that wants to build writes its name under a tag
//! beside the image, waits until what others wrote at the same time has settled, and builds if the name is still its own (Fischer's
//! protocol). While it builds it counts up; who sees the same count for the length of a lease, by its own clock, knows that nobody is
//! there any more. Where a write takes longer than settling does, two build at once: the image is the same, and time is lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{BuildClaim, BuildTurn, CancellationToken, RepositoryTag};
use tokio::sync::watch;

use super::endpoint::Endpoint;
use super::remote::{FetchedManifest, Remote};
use super::session::Session;
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::media_type::OCI_INDEX;

const OWNER: &str = "dev.slipway.build.owner";
const COUNT: &str = "dev.slipway.build.count";
const TOLD: &str = "dev.slipway.build.told";
/// In the place of an owner: nobody builds any more.
const NOBODY: &str = "";

/// How fast claims go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a claim that does not count up is believed.
    pub(crate) lease: Duration,
    /// How often one counts up.
    pub(crate) renewal: Duration,
    /// How long writes of others may be on their way.
    pub(crate) settle: Duration,
}

impl Pace {
    /// The pace of servers.
    pub(crate) const REAL: Self =
        Self { lease: Duration::from_secs(20), renewal: Duration::from_secs(5), settle: Duration::from_millis(500) };
}

/// The claims of this server, and what it has seen of those of others.
pub(crate) struct Claims {
    session: Arc<Session>,
    own: Endpoint,
    owner: String,
    pace: Pace,
    seen: Mutex<HashMap<RepositoryTag, (Claim, Instant)>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    owner: String,
    count: u64,
    /// The last line of its log.
    told: String,
}

impl Claim {
    fn of(owner: &str) -> Self {
        Self { owner: owner.to_owned(), count: 0, told: String::new() }
    }
}

impl Claims {
    pub(crate) fn new(session: Arc<Session>, own: Endpoint, pace: Pace) -> Arc<Self> {
        let owner = uuid::Uuid::now_v7().to_string();
        Arc::new(Self { session, own, owner, pace, seen: Mutex::default() })
    }

    /// Becomes the one who builds an image, unless another is.
    pub(crate) async fn claim(self: &Arc<Self>, image: &RepositoryTag) -> Result<BuildClaim, Failure> {
        if let Some(theirs) = self.read(image).await?
            && self.is_alive(image, &theirs)
        {
            return Ok(BuildClaim::Theirs { told: theirs.told });
        }
        let ours = Claim::of(&self.owner);
        self.write(image, &ours).await?;
        tokio::time::sleep(self.pace.settle).await;
        match self.read(image).await? {
            Some(claim) if claim.owner == self.owner => {}
            theirs => return Ok(BuildClaim::Theirs { told: theirs.map(|claim| claim.told).unwrap_or_default() }),
        }
        let ends = CancellationToken::new();
        let (turn, hears) = BuildTurn::shared(ends.clone());
        tokio::spawn(self.clone().hold(image.clone(), ours, hears, ends));
        Ok(BuildClaim::Ours(turn))
    }

    /// Counts up until the build has ended, or another has taken over.
    async fn hold(
        self: Arc<Self>,
        image: RepositoryTag,
        mut ours: Claim,
        hears: watch::Receiver<String>,
        ends: CancellationToken,
    ) {
        loop {
            let has_ended = tokio::time::timeout(self.pace.renewal, ends.cancelled()).await.is_ok();
            let told = match self.read(&image).await {
                Ok(Some(claim)) if claim.owner != self.owner => return,
                Ok(_) if has_ended => self.write(&image, &Claim::of(NOBODY)).await,
                Ok(_) => {
                    ours.count += 1;
                    ours.told.clone_from(&hears.borrow());
                    self.write(&image, &ours).await
                }
                Err(failure) => Err(failure),
            };
            if let Err(failure) = told {
                tracing::debug!(%image, %failure, "other servers could not be told of a build");
            }
            if has_ended {
                return;
            }
        }
    }

    /// Whether somebody else goes on counting, as far as this server has seen.
    fn is_alive(&self, image: &RepositoryTag, claim: &Claim) -> bool {
        if claim.owner == self.owner {
            return false;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let lease = self.pace.lease;
        match seen.get(image) {
            Some((before, since)) if (&before.owner, before.count) == (&claim.owner, claim.count) => since.elapsed() < lease,
            _ => {
                seen.retain(|_, (_, since)| since.elapsed() < lease * 2);
                seen.insert(image.clone(), (claim.clone(), Instant::now()));
                true
            }
        }
    }

    async fn read(&self, image: &RepositoryTag) -> Result<Option<Claim>, Failure> {
        let (remote, tag) = (Remote::to_read(&self.session, &self.own, &image.repository), tag(image));
        if remote.digest_of(&tag).await?.is_none() {
            return Ok(None);
        }
        let fetched = remote.manifest(&tag).await?;
        let text = |name: &str| fetched.manifest.annotation(name).map(str::to_owned);
        let claim = Claim {
            owner: text(OWNER).unwrap_or_default(),
            count: text(COUNT).and_then(|count| count.parse().ok()).unwrap_or(0),
            told: text(TOLD).unwrap_or_default(),
        };
        Ok(Some(claim).filter(|claim| claim.owner != NOBODY))
    }

    async fn write(&self, image: &RepositoryTag, claim: &Claim) -> Result<(), Failure> {
        let annotations =
            BTreeMap::from([(OWNER, claim.owner.clone()), (COUNT, claim.count.to_string()), (TOLD, claim.told.clone())]);
        // An index of nothing needs no blob.
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": annotations });
        let content = index.to_string().into_bytes();
        let manifest = Manifest::parse(&content, Some(OCI_INDEX))
            .map_err(|error| Failure::permanent(Code::Internal, format!("a claim is no manifest: {error}")))?;
        let fetched = FetchedManifest { digest: Digest::sha256(&content), content, manifest };
        let remote = Remote::to_write(&self.session, &self.own, &image.repository);
        remote.push_manifest(&tag(image), &fetched).await.map(drop)
    }
}

/// The tag of a claim, beside that of the image.
fn tag(image: &RepositoryTag) -> String {
    format!("{}.building", image.tag)
}

#[cfg(test)]
mod tests {
    use slipway_ports::BuildClaim::{Ours, Theirs};

    use super::*;
    use crate::client::RegistrySettings;
    use crate::embedded::{Auth, Storage, router};

    /// Long enough for a busy machine.
    const PACE: Pace =
        Pace { lease: Duration::from_secs(3), renewal: Duration::from_millis(100), settle: Duration::from_millis(300) };

    struct Shared {
        settings: RegistrySettings,
        _folder: tempfile::TempDir,
    }

    impl Shared {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let storage = Storage::open(folder.path()).unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            tokio::spawn(async move { axum::serve(listener, router(storage, Auth::Anonymous)).await.unwrap() });
            Self { settings: RegistrySettings { address, ..RegistrySettings::default() }, _folder: folder }
        }

        /// What one of the servers has.
        fn server(&self) -> Arc<Claims> {
            let own = Endpoint::of_mirroring_registry(&self.settings).unwrap();
            Claims::new(Arc::new(Session::new().unwrap()), own, PACE)
        }
    }

    fn image() -> RepositoryTag {
        RepositoryTag { repository: "builds/git.example/shop".to_owned(), tag: "k1-a".to_owned() }
    }

    async fn until_ours(server: &Arc<Claims>) -> BuildTurn {
        let waiting = async {
            loop {
                if let Ours(turn) = server.claim(&image()).await.unwrap() {
                    return turn;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("its turn comes")
    }

    #[tokio::test]
    async fn b01_of_many_servers_that_want_to_build_at_once_one_does_and_the_next_after_it() {
        let shared = Shared::start().await;
        let servers: Vec<_> = (0..5).map(|_| shared.server()).collect();
        let claims = servers.iter().map(|server| async { (server.clone(), server.claim(&image()).await.unwrap()) });
        let claims = futures::future::join_all(claims).await;
        let mut ours: Vec<_> = claims
            .into_iter()
            .filter_map(|(server, claim)| if let Ours(turn) = claim { Some((server, turn)) } else { None })
            .collect();
        assert_eq!(ours.len(), 1);
        let (builder, turn) = ours.remove(0);
        let other = servers.iter().find(|server| !Arc::ptr_eq(server, &builder)).unwrap();
        turn.tell("#7 compiling");
        // It builds for longer than anybody would believe it without its counting.
        let end = Instant::now() + PACE.lease * 2;
        while Instant::now() < end {
            assert!(matches!(other.claim(&image()).await.unwrap(), Theirs { .. }));
            tokio::time::sleep(PACE.renewal).await;
        }
        assert!(matches!(other.claim(&image()).await.unwrap(), Theirs { told } if told == "#7 compiling"));
        drop(turn);
        drop(until_ours(other).await);
    }

    #[tokio::test]
    async fn b01_the_turn_of_a_server_that_died_is_taken_over_when_its_lease_is_out() {
        let shared = Shared::start().await;
        let (dead, other) = (shared.server(), shared.server());
        let its = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let turn = its.spawn(async move { dead.claim(&image()).await.unwrap() }).await.unwrap();
        assert!(matches!(turn, Ours(_)));
        its.shutdown_background();
        assert!(matches!(other.claim(&image()).await.unwrap(), Theirs { .. }), "nobody knows yet");
        let since = Instant::now();
        drop(until_ours(&other).await);
        assert!(since.elapsed() + PACE.settle >= PACE.lease, "{:?}", since.elapsed());
        drop(turn);
    }
}
