//! Kubernetes: what runs follows from the objects that are live.

use std::collections::BTreeMap;

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::plan::{ObjectRef, Observed};
use slipway_ports::{
    Activity, CancellationToken, Cluster, ClusterIssuer, JobOutput, LogQuery, Namespace, PodLine, Progress, RolloutKind,
    RolloutRequest, SecretObject, SecretText, Target,
};
use tokio::sync::mpsc;

use super::{A_WHILE, LOOK_AGAIN, World, digest, read};

#[async_trait]
impl Cluster for World {
    async fn version(&self, _: &Target) -> Result<String, Failure> {
        Ok("v1.34.0".to_owned())
    }

    async fn cluster_issuers(&self, _: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        Ok(Vec::new())
    }

    async fn ensure_namespace(&self, _: &Target, namespace: &Namespace) -> Result<(), Failure> {
        self.write(&self.place("namespaces", &namespace.name), "")
    }

    async fn put_secret(&self, _: &Target, namespace: &str, secret: &SecretObject) -> Result<(), Failure> {
        let keys = secret.data.keys().cloned().collect::<Vec<_>>().join("\n");
        self.write(&self.place("secrets", &format!("{namespace}/{}", secret.name)), &keys)
    }

    async fn secret(&self, _: &Target, namespace: &str, name: &str) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        let keys = read(&self.place("secrets", &format!("{namespace}/{name}")))?;
        Ok(keys.map(|keys| keys.lines().map(|key| (key.to_owned(), SecretText::new("a value"))).collect()))
    }

    /// A line for each time that the pods were started anew.
    async fn pause(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn resume(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn restart(&self, _: &Target, namespace: &str, release: &str, _: &RolloutKind, token: &str) -> Result<(), Failure> {
        let path = self.place("restarts", &format!("{namespace}/{release}"));
        let before = read(&path)?.unwrap_or_default();
        if before.lines().next_back() == Some(token) {
            return Ok(());
        }
        self.write(&path, &format!("{before}{token}\n"))
    }

    async fn remove_leftovers(&self, _: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        self.remove_all("secrets", &format!("{namespace}/{release}-"))?;
        self.points.reach("world.leftovers.removed");
        Ok(())
    }

    async fn remove_namespace(&self, _: &Target, namespace: &Namespace, _: &CancellationToken) -> Result<bool, Failure> {
        if self.holds_any("releases", &format!("{}/", namespace.name))? {
            return Ok(false);
        }
        for kind in ["secrets", "live", "jobs", "restarts", "forgotten"] {
            self.remove_all(kind, &format!("{}/", namespace.name))?;
        }
        self.points.reach("world.namespace.emptied");
        self.remove_all("namespaces", &namespace.name)?;
        Ok(true)
    }

    /// By the tag of the image: `bad` crashes, `hangs` goes on until it is canceled, `held` until a test lets it go.
    async fn await_rollout(
        &self,
        _: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        progress.activity(Activity::Waiting);
        tokio::time::sleep(A_WHILE).await;
        if request.kind == RolloutKind::Gone {
            return Ok(());
        }
        let live = read(&self.place("live", &format!("{}/{}", request.namespace, request.release)))?.unwrap_or_default();
        let runs = |tag: &str| live.contains(&digest(&format!("docker.io/library/redis:{tag}")));
        if runs("bad") {
            return Err(Failure::permanent(Code::CrashLoop, "the container ends with exit code 1"));
        }
        if runs("hangs") {
            self.write(&self.place("hangs", &request.release), "")?;
            cancel.cancelled().await;
            return Err(Failure::canceled("the rollout was canceled"));
        }
        if runs("held") {
            self.write(&self.place("held", &request.release), "")?;
            while read(&self.place("let-go", &request.release))?.is_none() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        if let RolloutKind::Job { name } = &request.kind {
            let job = read(&self.place("jobs", &format!("{}/{name}", request.namespace)))?;
            job.ok_or_else(|| Failure::permanent(Code::JobFailed, "there is no such Job"))?;
        }
        Ok(())
    }

    /// A job writes one sensitive output, with its own name in it.
    async fn job_output(&self, _: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        let RolloutKind::Job { name } = &request.kind else { return Ok(JobOutput::Nothing) };
        if read(&self.place("forgotten", &format!("{}/{name}", request.namespace)))?.is_some() {
            return Ok(JobOutput::Gone);
        }
        Ok(JobOutput::Written(SecretText::new(format!("{{\"NAME\": {{\"value\": \"{}\"}}}}", request.release))))
    }

    async fn forget_job_output(&self, _: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        let RolloutKind::Job { name } = &request.kind else { return Ok(()) };
        self.write(&self.place("forgotten", &format!("{}/{name}", request.namespace)), "")
    }

    async fn survey(&self, _: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        let observe = |object: &ObjectRef| {
            let folder = if object.kind == "Secret" { "secrets" } else { "live" };
            let content = read(&self.place(folder, &format!("{}/{}", object.namespace, object.name)))?;
            Ok(content.map_or(Observed::Absent, |content| Observed::Present {
                fingerprint: digest(&content),
                trouble: None,
                changed_by: None,
            }))
        };
        objects.iter().map(observe).collect()
    }

    async fn take_back(&self, _: &Target, _: &[ObjectRef]) -> Result<(), Failure> {
        Ok(())
    }

    async fn logs(&self, _: &Target, _: &LogQuery, _: mpsc::Sender<PodLine>, _: &CancellationToken) -> Result<(), Failure> {
        Ok(())
    }
}
