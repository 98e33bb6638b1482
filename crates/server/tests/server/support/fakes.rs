//! Ports that succeed at once, but for a gate that holds builds until a test opens it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use slipway_core::auto_deploy::Changed;
use slipway_core::failure::Failure;
use slipway_core::model::{GitRevision, ImageReference};
use slipway_core::plan::{ObjectRef, Observed};
use slipway_ports::{
    Activity, BuildRequest, Builder, BuiltImage, CancellationToken, ChartNeeds, Cluster, ClusterIssuer, Export, IssuerState,
    JobOutput, LogQuery, Namespace, PodLine, Presence, Progress, Reader, Registry, ReleaseRequest, ReleaseStatus, Releases,
    Repositories, RepositoryTag, Revision, RolloutKind, RolloutRequest, SecretObject, SecretText, Target, Tips, TreeFacts,
    TreeQuery, Upgraded, async_trait,
};
use tokio::sync::Semaphore;

/// How many lines a build says before the gate, and again after it.
pub(crate) const LINES: usize = 20;

/// A digest as good as any.
fn digest() -> String {
    format!("sha256:{}", "d".repeat(64))
}

/// What a build says before the gate, and again after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// So many lines.
    pub(crate) lines: usize,
    /// Each filled up to so many bytes.
    pub(crate) width: usize,
}

impl Default for Said {
    fn default() -> Self {
        Self { lines: LINES, width: 0 }
    }
}

impl Said {
    fn say(self, word: &str, progress: &dyn Progress) {
        (0..self.lines).for_each(|line| progress.line(&format!("{:<1$}", format!("{word} {line}"), self.width)));
    }
}

/// Fills every port but the store.
pub(crate) struct Fake {
    pub(crate) said: Said,
    /// Each build takes one permit.
    pub(crate) gate: Arc<Semaphore>,
    /// What was built is in the registry.
    pub(crate) built: Mutex<HashSet<RepositoryTag>>,
}

#[async_trait]
impl Repositories for Fake {
    async fn fetch(&self, _: &str, _: &Reader, _: &CancellationToken) -> Result<(), Failure> {
        Ok(())
    }

    async fn export_folder(&self, _: &TreeQuery, _: &Reader, _: &Path, _: &CancellationToken) -> Result<(), Failure> {
        Ok(())
    }

    async fn text(&self, _: &str, _: &str, _: &str, _: &Reader) -> Result<String, Failure> {
        Ok(String::new())
    }

    async fn tips(&self, _: &str, _: &Reader, _: &CancellationToken) -> Result<Tips, Failure> {
        Ok(Tips::default())
    }

    async fn changed_paths(&self, _: &str, _: &Reader, _: &str, _: &str) -> Result<Changed, Failure> {
        Ok(Changed::Paths(Vec::new()))
    }

    async fn resolve(&self, _: &str, _: &Reader, _: &GitRevision) -> Result<String, Failure> {
        Ok("c".repeat(40))
    }

    async fn facts(&self, _: &TreeQuery, _: &Reader) -> Result<TreeFacts, Failure> {
        Ok(TreeFacts { context_tree: "e".repeat(40), dockerfile: "FROM scratch\n".to_owned(), submodules: BTreeMap::new() })
    }

    async fn export(&self, _: &TreeQuery, _: &Reader, into: &Path, _: &CancellationToken) -> Result<Export, Failure> {
        Ok(Export { context: into.to_owned(), dockerfile_folder: into.to_owned() })
    }
}

#[async_trait]
impl Builder for Fake {
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        progress.activity(Activity::Building);
        self.said.say("before", progress);
        tokio::select! {
            permit = self.gate.acquire() => permit.expect("no test closes the gate").forget(),
            () = cancel.cancelled() => return Err(Failure::canceled("the build was canceled")),
        }
        self.said.say("after", progress);
        self.built.lock().unwrap().insert(request.destination.clone());
        Ok(BuiltImage { digest: digest() })
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("1.0".to_owned())
    }
}

#[async_trait]
impl Registry for Fake {
    fn address(&self) -> &'static str {
        "127.0.0.1:1"
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        let built = self.built.lock().unwrap().contains(image);
        Ok(if built { Presence::Present(digest()) } else { Presence::Absent })
    }

    async fn resolve(&self, _: &ImageReference, _: &Reader) -> Result<String, Failure> {
        Ok(digest())
    }

    async fn bases(&self, _: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        Ok(Vec::new())
    }

    async fn mirror(&self, _: &ImageReference, _: &Reader, _: &dyn Progress, _: &CancellationToken) -> Result<String, Failure> {
        Ok("mirror/docker.io/library/redis".to_owned())
    }
}

#[async_trait]
impl Releases for Fake {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        Ok(request.made_from.to_string())
    }

    async fn upgrade(&self, _: &Target, _: &ReleaseRequest, _: &CancellationToken) -> Result<Upgraded, Failure> {
        Ok(Upgraded { revision: Revision(1), objects: Vec::new() })
    }

    async fn rollback(&self, _: &Target, _: &str, _: &str, _: &str) -> Result<Option<Revision>, Failure> {
        Ok(None)
    }

    async fn uninstall(&self, _: &Target, _: &str, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn pack_chart(&self, _: &Path) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    async fn chart_needs(&self, _: &[u8], _: bool) -> Result<ChartNeeds, Failure> {
        Ok(ChartNeeds::default())
    }

    async fn objects(&self, _: &Target, _: &str, _: &str) -> Result<Vec<ObjectRef>, Failure> {
        Ok(Vec::new())
    }

    async fn status(&self, _: &Target, _: &str, _: &str) -> Result<Option<ReleaseStatus>, Failure> {
        Ok(None)
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("4.0".to_owned())
    }
}

#[async_trait]
impl Cluster for Fake {
    async fn version(&self, _: &Target) -> Result<String, Failure> {
        Ok("v1.33.0".to_owned())
    }

    async fn cluster_issuers(&self, _: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        let issuer = |name: &str, state| ClusterIssuer { name: name.to_owned(), state };
        Ok(vec![issuer("letsencrypt", IssuerState::Ready), issuer("slow", IssuerState::NotReady("no account yet".to_owned()))])
    }

    async fn ensure_namespace(&self, _: &Target, _: &Namespace) -> Result<(), Failure> {
        Ok(())
    }

    async fn put_secret(&self, _: &Target, _: &str, _: &SecretObject) -> Result<(), Failure> {
        Ok(())
    }

    async fn secret(&self, _: &Target, _: &str, _: &str) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        Ok(None)
    }

    async fn pause(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn resume(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn restart(&self, _: &Target, _: &str, _: &str, _: &RolloutKind, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn remove_leftovers(&self, _: &Target, _: &str, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    async fn remove_namespace(&self, _: &Target, _: &Namespace, _: &CancellationToken) -> Result<bool, Failure> {
        Ok(true)
    }

    async fn await_rollout(
        &self,
        _: &Target,
        _: &RolloutRequest,
        progress: &dyn Progress,
        _: &CancellationToken,
    ) -> Result<(), Failure> {
        progress.activity(Activity::Waiting);
        Ok(())
    }

    async fn job_output(&self, _: &Target, _: &RolloutRequest) -> Result<JobOutput, Failure> {
        Ok(JobOutput::Nothing)
    }

    async fn forget_job_output(&self, _: &Target, _: &RolloutRequest) -> Result<(), Failure> {
        Ok(())
    }

    async fn survey(&self, _: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        Ok(objects.iter().map(|_| Observed::Absent).collect())
    }

    async fn take_back(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn logs(
        &self,
        _: &Target,
        query: &LogQuery,
        lines: tokio::sync::mpsc::Sender<PodLine>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        // Two lines have one time; what is older than wanted is left out, as a target does.
        for (text, second) in [("one", 1), ("two", 2), ("also two", 2), ("three", 3)] {
            let (pod, at) = (format!("{}-0", query.release), Timestamp::from_second(second).ok());
            if query.since > at {
                continue;
            }
            let line = PodLine { pod, container: query.release.clone(), at, text: text.to_owned() };
            if lines.send(line).await.is_err() {
                return Ok(());
            }
        }
        if query.follow {
            cancel.cancelled().await;
        }
        Ok(())
    }
}
