//! Releases by the `helm` program, for where there is no worker. Helm 3 and 4 both do.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::ObjectRef;
use slipway_ports::{
    CancellationToken, ChartNeeds, DEPLOYMENT_LABEL, MadeFrom, ReleaseRequest, ReleaseStatus, Releases, Revision, Target,
    Upgraded, async_trait,
};
use tokio::sync::OnceCell;

use crate::access::cluster_of;
use crate::chart::GeneratedChart;
use crate::failure::from_words;
use crate::invocation::{Invocation, Program};
use crate::locks::ReleaseLocks;
use crate::manifest;
use crate::options::HelmOptions;
use crate::rollback::{MadeRevision, RollbackGoal, rollback_goal};
use crate::sdk::subject;
use crate::values::{generate, inputs};
use crate::worker::ClusterAccess;

/// Releases through the `helm` program.
#[derive(Debug)]
pub struct HelmCommand {
    program: Program,
    options: HelmOptions,
    /// Where the packed charts are, and what the program wants for a home.
    folder: tempfile::TempDir,
    version: OnceCell<HelmVersion>,
    locks: ReleaseLocks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HelmVersion {
    text: String,
    major: u32,
}

/// A release on a cluster.
struct Place<'a> {
    cluster: ClusterAccess,
    namespace: &'a str,
    release: &'a str,
    subject: String,
}

/// A revision, as `helm history` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Recorded {
    revision: u32,
    status: String,
    #[serde(default)]
    description: String,
    /// Helm 4 says it; Helm 3 has it in the description only.
    #[serde(default)]
    rollback_revision: u32,
}

/// What `helm upgrade` prints of the release.
#[derive(Debug, Deserialize)]
struct Made {
    /// The revision.
    version: u32,
    #[serde(default)]
    manifest: String,
}

/// What `helm get metadata` prints.
#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

impl HelmCommand {
    /// With this program, such as `helm`, which is looked for on PATH.
    pub fn new(program: impl Into<PathBuf>, options: HelmOptions) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-helm-").tempdir()?;
        for chart in GeneratedChart::ALL {
            std::fs::write(chart_file(folder.path(), chart), &chart.packed().archive)?;
        }
        Ok(Self {
            program: Program { path: program.into(), home: folder.path().join("home") },
            options,
            folder,
            version: OnceCell::new(),
            locks: ReleaseLocks::default(),
        })
    }

    async fn helm_version(&self) -> Result<&HelmVersion, Failure> {
        self.version
            .get_or_try_init(|| async {
                let invocation = Invocation::new(["version", "--template", "{{.Version}}"]);
                let said = self.program.run("Helm", invocation, self.options.operation, &CancellationToken::new()).await?;
                HelmVersion::parse(&said).ok_or_else(|| {
                    Failure::retry(Code::HelmUnavailable, format!("`helm version` said {said:?}, expected v3 or v4"))
                })
            })
            .await
    }

    /// Runs `helm <verb> <flags> -- <name> <rest>` on the place.
    async fn run(
        &self,
        place: &Place<'_>,
        verb: &str,
        flags: &[String],
        rest: &[&str],
        stdin: Option<Vec<u8>>,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        let mut invocation = Invocation::new(verb.split(' ').chain(["--namespace", place.namespace, "--kubeconfig"]));
        invocation.argument(&place.cluster.kubeconfig);
        invocation.arguments(["--kube-context", place.cluster.context.as_str(), "--qps", "400", "--burst-limit", "800"]);
        invocation.arguments(flags);
        invocation.arguments(["--", place.release]);
        invocation.arguments(rest);
        invocation.stdin = stdin;
        self.program.run(&place.subject, invocation, self.options.operation, cancel).await
    }

    /// Runs a verb that writes; whatever becomes of it, the release is not left pending.
    async fn write(
        &self,
        place: &Place<'_>,
        verb: &str,
        flags: &[String],
        rest: &[&str],
        stdin: Option<Vec<u8>>,
        cancel: &CancellationToken,
    ) -> Result<String, Failure> {
        let result = self.run(place, verb, flags, rest, stdin, cancel).await;
        if result.is_err()
            && let Err(failure) = self.settle(place).await
        {
            tracing::warn!(subject = place.subject, %failure, "the release is left as it is; the next operation on it puts it right");
        }
        result
    }

    /// What Helm has recorded, newest first; nothing for a release that is not there.
    async fn history(&self, place: &Place<'_>) -> Result<Vec<Recorded>, Failure> {
        let flags = ["--output".to_owned(), "json".to_owned()];
        match self.run(place, "history", &flags, &[], None, &CancellationToken::new()).await {
            Ok(said) => {
                let mut recorded: Vec<Recorded> = understood(place, &said)?;
                recorded.sort_by_key(|each| std::cmp::Reverse(each.revision));
                Ok(recorded)
            }
            Err(failure) if failure.message.contains("release: not found") => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// The deployment that made a revision, by its label.
    async fn deployment_of(&self, place: &Place<'_>, revision: u32) -> Result<Option<String>, Failure> {
        let flags = ["--output=json".to_owned(), format!("--revision={revision}")];
        let said = self.run(place, "get metadata", &flags, &[], None, &CancellationToken::new()).await?;
        let mut metadata: Metadata = understood(place, &said)?;
        Ok(metadata.labels.remove(DEPLOYMENT_LABEL))
    }

    /// Puts a release right that a killed writer left in the middle. The program cannot mark a revision failed, so the
    /// release goes back to its last good revision, and the interrupted one stays pending in the history, where it harms
    /// nobody; a release that has no good revision is removed, which leaves its volumes.
    async fn settle(&self, place: &Place<'_>) -> Result<(), Failure> {
        let history = self.history(place).await?;
        let Some(newest) = history.first().filter(|newest| newest.is_interrupted()) else { return Ok(()) };
        tracing::warn!(subject = place.subject, status = newest.status, "putting an interrupted release right");
        let never = CancellationToken::new();
        match newest.rollback_target().or_else(|| good_before(&history, newest.revision)) {
            Some(target) if newest.status != "uninstalling" => {
                self.run(place, "rollback", &self.rollback_flags().await?, &[&target.to_string()], None, &never).await?;
            }
            _ => {
                self.run(place, "uninstall", &[], &[], None, &never).await?;
            }
        }
        Ok(())
    }

    async fn rollback_flags(&self) -> Result<Vec<String>, Failure> {
        let mut flags = vec![format!("--history-max={}", self.options.history)];
        flags.extend(self.apply_flags().await?);
        Ok(flags)
    }

    /// The deployed configuration wins over whoever changed a field by hand; Helm 3 knows no other way.
    async fn apply_flags(&self) -> Result<Vec<String>, Failure> {
        if self.helm_version().await?.major < 4 {
            return Ok(Vec::new());
        }
        Ok(vec!["--server-side=true".to_owned(), "--force-conflicts".to_owned()])
    }

    async fn newest(&self, place: &Place<'_>) -> Result<Revision, Failure> {
        match self.history(place).await?.first() {
            Some(newest) => Ok(Revision(newest.revision)),
            None => Err(Failure::retry(Code::ReleaseFailed, format!("{}: it is gone after it was written", place.subject))),
        }
    }
}

#[async_trait]
impl Releases for HelmCommand {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        inputs(request)
    }

    async fn upgrade(&self, target: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        if matches!(request.made_from, MadeFrom::Chart(_)) {
            return Err(worker_needed());
        }
        let generated = generate(request)?;
        let place = Place::new(target, &request.namespace, request.service.name.as_str())?;
        let _writer = self.locks.acquire(&place.lock_name(), place.namespace, place.release).await;
        self.settle(&place).await?;
        let mut flags = vec![
            "--install".to_owned(),
            format!("--history-max={}", self.options.history),
            "--values=-".to_owned(),
            "--output=json".to_owned(),
        ];
        if !request.labels.is_empty() {
            let labels: Vec<String> = request.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            flags.push(format!("--labels={}", labels.join(",")));
        }
        flags.extend(self.apply_flags().await?);
        let chart = chart_file(self.folder.path(), generated.chart);
        let values = generated.values.to_string().into_bytes();
        let said = self.write(&place, "upgrade", &flags, &[&chart.to_string_lossy()], Some(values), cancel).await?;
        let made: Made = understood(&place, &said)?;
        let objects = objects(&place, &made.manifest)?;
        Ok(Upgraded { revision: Revision(made.version), objects })
    }

    async fn rollback(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        deployment: &str,
    ) -> Result<Option<Revision>, Failure> {
        let place = Place::new(target, namespace, release)?;
        let _writer = self.locks.acquire(&place.lock_name(), namespace, release).await;
        self.settle(&place).await?;
        let history = self.history(&place).await?;
        let mut made = Vec::with_capacity(history.len());
        for recorded in history {
            let own = self.deployment_of(&place, recorded.revision).await?;
            made.push(MadeRevision { revision: recorded.revision, status: recorded.status, deployment: own });
        }
        let goal = match rollback_goal(&made, deployment) {
            RollbackGoal::There(revision) => return Ok(Some(revision)),
            RollbackGoal::Nothing => return Ok(None),
            RollbackGoal::To(revision) => revision.0,
        };
        let never = CancellationToken::new();
        self.write(&place, "rollback", &self.rollback_flags().await?, &[&goal.to_string()], None, &never).await?;
        self.newest(&place).await.map(Some)
    }

    async fn uninstall(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        let place = Place::new(target, namespace, release)?;
        let _writer = self.locks.acquire(&place.lock_name(), namespace, release).await;
        if self.history(&place).await?.is_empty() {
            return Ok(());
        }
        self.run(&place, "uninstall", &[], &[], None, &CancellationToken::new()).await?;
        Ok(())
    }

    async fn pack_chart(&self, _: &Path) -> Result<Vec<u8>, Failure> {
        Err(worker_needed())
    }

    async fn chart_needs(&self, _: &[u8], _: bool) -> Result<ChartNeeds, Failure> {
        Err(worker_needed())
    }

    async fn objects(&self, target: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        let place = Place::new(target, namespace, release)?;
        let Some(newest) = self.history(&place).await?.into_iter().next() else { return Ok(Vec::new()) };
        let flags = [format!("--revision={}", newest.revision)];
        let manifest = self.run(&place, "get manifest", &flags, &[], None, &CancellationToken::new()).await?;
        objects(&place, &manifest)
    }

    async fn status(&self, target: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        let place = Place::new(target, namespace, release)?;
        let Some(newest) = self.history(&place).await?.into_iter().next() else { return Ok(None) };
        let deployment = self.deployment_of(&place, newest.revision).await?;
        Ok(Some(ReleaseStatus { revision: Revision(newest.revision), status: newest.status, deployment }))
    }

    async fn version(&self) -> Result<String, Failure> {
        self.helm_version().await.map(|version| version.text.clone())
    }
}

impl<'a> Place<'a> {
    fn new(target: &Target, namespace: &'a str, release: &'a str) -> Result<Self, Failure> {
        Ok(Self { cluster: cluster_of(target)?, namespace, release, subject: subject(namespace, release) })
    }

    fn lock_name(&self) -> String {
        format!("{}\0{}", self.cluster.kubeconfig.display(), self.cluster.context)
    }
}

impl Recorded {
    fn is_interrupted(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }

    fn is_good(&self) -> bool {
        self.status == "deployed" || self.status == "superseded"
    }

    /// The revision that this one released again, if it is a rollback.
    fn rollback_target(&self) -> Option<u32> {
        if self.rollback_revision > 0 {
            return Some(self.rollback_revision);
        }
        self.description.strip_prefix("Rollback to ")?.trim().parse().ok()
    }
}

/// Charts of users are rendered under the worker's limits alone.
fn worker_needed() -> Failure {
    Failure::permanent(
        Code::NotSupported,
        "services of kind `helm` need the Helm worker, and this server has the `helm` program alone",
    )
    .with_hint("build it with helm-worker/build and set SLIPWAY_HELM_WORKER to it")
}

/// The newest good revision before one.
fn good_before(history: &[Recorded], revision: u32) -> Option<u32> {
    history.iter().filter(|each| each.revision < revision && each.is_good()).map(|each| each.revision).max()
}

impl HelmVersion {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let major = text.strip_prefix('v')?.split('.').next()?.parse().ok()?;
        (3..=4).contains(&major).then(|| Self { text: text.to_owned(), major })
    }
}

fn chart_file(folder: &Path, chart: GeneratedChart) -> PathBuf {
    folder.join(format!("{}.tgz", chart.name()))
}

fn objects(place: &Place<'_>, manifest: &str) -> Result<Vec<ObjectRef>, Failure> {
    manifest::objects(manifest, place.namespace)
        .map_err(|error| from_words(&place.subject, &format!("the manifest that `helm` recorded is not understood: {error}")))
}

fn understood<T: serde::de::DeserializeOwned>(place: &Place<'_>, said: &str) -> Result<T, Failure> {
    serde_json::from_str(said)
        .map_err(|error| from_words(&place.subject, &format!("what `helm` said is not understood: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(revision: u32, status: &str, description: &str) -> Recorded {
        Recorded { revision, status: status.to_owned(), description: description.to_owned(), rollback_revision: 0 }
    }

    #[test]
    fn a_rollback_is_known_by_its_field_or_by_its_words() {
        assert_eq!(recorded(3, "deployed", "Rollback to 1").rollback_target(), Some(1));
        assert_eq!(recorded(3, "deployed", "Upgrade complete").rollback_target(), None);
        let by_field = Recorded { rollback_revision: 2, ..recorded(3, "failed", "Rollback \"x\" failed: no") };
        assert_eq!(by_field.rollback_target(), Some(2));
    }

    #[test]
    fn the_newest_good_revision_is_found() {
        let history = [
            recorded(4, "deployed", ""),
            recorded(3, "failed", ""),
            recorded(2, "superseded", ""),
            recorded(1, "superseded", ""),
        ];
        assert_eq!(good_before(&history, 4), Some(2));
        assert_eq!(good_before(&history, 1), None);
    }

    #[test]
    fn versions_of_helm_3_and_4_are_understood() {
        assert_eq!(HelmVersion::parse("v4.3.1\n").map(|version| version.major), Some(4));
        assert_eq!(HelmVersion::parse("v3.10.3").map(|version| version.major), Some(3));
        for bad in ["", "v2.17.0", "4.3.1", "vx"] {
            assert_eq!(HelmVersion::parse(bad), None, "{bad}");
        }
    }
}
