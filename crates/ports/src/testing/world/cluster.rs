//! The cluster: what it is asked is on record, and a rollout ends when a test lets it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::plan::{ObjectRef, Observed};

use super::World;
use crate::{
    Activity, CancellationToken, Cluster, ClusterIssuer, JobOutput, LogQuery, Namespace, PodLine, Progress, RolloutKind,
    RolloutRequest, SecretObject, SecretText, Target,
};

#[async_trait]
impl Cluster for World {
    async fn version(&self, _: &Target) -> Result<String, Failure> {
        Ok("v1.34.0".to_owned())
    }

    async fn cluster_issuers(&self, _: &Target) -> Result<Vec<ClusterIssuer>, Failure> {
        Ok(Vec::new())
    }

    async fn ensure_namespace(&self, _: &Target, namespace: &Namespace) -> Result<(), Failure> {
        self.act_now(&format!("namespace {}", namespace.name)).await
    }

    async fn put_secret(&self, _: &Target, _: &str, secret: &SecretObject) -> Result<(), Failure> {
        self.told().secrets.insert(secret.name.clone(), secret.clone());
        Ok(())
    }

    async fn secret(&self, _: &Target, _: &str, name: &str) -> Result<Option<BTreeMap<String, SecretText>>, Failure> {
        Ok(self.told().secrets.get(name).map(|secret| secret.data.clone()))
    }

    async fn pause(&self, _: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        for object in objects {
            self.act_now(&format!("pause {}", object.name)).await?;
        }
        Ok(())
    }

    async fn resume(&self, _: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        for object in objects {
            self.act_now(&format!("resume {}", object.name)).await?;
        }
        Ok(())
    }

    async fn restart(&self, _: &Target, _: &str, release: &str, _: &RolloutKind, _: &str) -> Result<(), Failure> {
        self.act_now(&format!("restart {release}")).await
    }

    async fn remove_leftovers(&self, _: &Target, _: &str, release: &str) -> Result<(), Failure> {
        self.act_now(&format!("remove leftovers of {release}")).await
    }

    async fn remove_namespace(&self, _: &Target, namespace: &Namespace, cancel: &CancellationToken) -> Result<bool, Failure> {
        if !self.told().revisions.is_empty() {
            return Ok(false);
        }
        self.act(&format!("remove namespace {}", namespace.name), cancel).await?;
        Ok(true)
    }

    async fn await_rollout(
        &self,
        _: &Target,
        request: &RolloutRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        progress.activity(Activity::Waiting);
        let what = if request.kind == RolloutKind::Gone { "gone" } else { "rollout" };
        self.act(&format!("{what} {}", request.release), cancel).await?;
        self.roll_out_at_pace(request, progress, cancel).await
    }

    async fn job_output(&self, _: &Target, request: &RolloutRequest) -> Result<JobOutput, Failure> {
        self.act_now(&format!("output {}", request.release)).await?;
        let written = self.told().outputs.get(&request.release).cloned();
        Ok(written.map_or(JobOutput::Nothing, |text| text.map_or(JobOutput::Gone, JobOutput::Written)))
    }

    async fn forget_job_output(&self, _: &Target, request: &RolloutRequest) -> Result<(), Failure> {
        self.told().outputs.insert(request.release.clone(), None);
        self.act_now(&format!("forget output {}", request.release)).await
    }

    async fn survey(&self, _: &Target, objects: &[ObjectRef]) -> Result<Vec<Observed>, Failure> {
        self.surveys.fetch_add(1, Ordering::SeqCst);
        let mut told = self.told();
        if let Some(failures) = told.failures.get_mut("survey").filter(|failures| !failures.is_empty()) {
            return Err(failures.remove(0));
        }
        let observed = objects.iter().map(|object| {
            let content = match object.kind.as_str() {
                "Secret" => told.secrets.get(&object.name).map(|_| String::new()),
                _ => told.objects.get(&object.name).cloned(),
            };
            content.map_or(Observed::Absent, |fingerprint| Observed::Present {
                changed_by: (fingerprint == "edited").then(|| "kubectl-edit".to_owned()),
                fingerprint,
                trouble: None,
            })
        });
        Ok(observed.collect())
    }

    async fn take_back(&self, _: &Target, objects: &[ObjectRef]) -> Result<(), Failure> {
        for object in objects {
            self.act_now(&format!("take back {object}")).await?;
        }
        Ok(())
    }

    async fn logs(
        &self,
        _: &Target,
        query: &LogQuery,
        lines: tokio::sync::mpsc::Sender<PodLine>,
        _: &CancellationToken,
    ) -> Result<(), Failure> {
        let pod = format!("{}-0", query.release);
        let line = PodLine { pod, container: query.release.clone(), at: None, text: "hello".to_owned() };
        // A receiver that has gone wants no lines.
        let _ = lines.send(line).await;
        Ok(())
    }
}
