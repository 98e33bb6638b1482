//! Helm: a folder for each release, a file for each revision, written as Helm does: pending first, then the objects, then deployed.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{JobTrigger, ServiceKind};
use slipway_core::plan::ObjectRef;
use slipway_ports::{
    CancellationToken, ChartNeeds, ChartPlace, ChartVersion, Charts, DEPLOYMENT_LABEL, Reader, ReleaseRequest, ReleaseStatus,
    Releases, Revision, Target, Upgraded,
};

use super::{World, digest, disk, read};

/// A revision as it lies on the disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) status: String,
    pub(super) deployment: String,
    pub(super) manifest: serde_json::Value,
}

impl World {
    fn release_folder(&self, namespace: &str, release: &str) -> std::path::PathBuf {
        self.place("releases", &format!("{namespace}/{release}"))
    }

    /// The revisions of a release, oldest first.
    pub(super) fn records(&self, namespace: &str, release: &str) -> Result<Vec<Record>, Failure> {
        let folder = self.release_folder(namespace, release);
        let mut records = Vec::new();
        while let Some(text) = read(&folder.join((records.len() + 1).to_string()))? {
            records.push(serde_json::from_str(&text).map_err(|error| disk(&folder, &error.into()))?);
        }
        Ok(records)
    }

    fn record(&self, namespace: &str, release: &str, revision: usize, record: &Record) -> Result<(), Failure> {
        let path = self.release_folder(namespace, release).join(revision.to_string());
        self.write(&path, &serde_json::to_string(record).map_err(|error| disk(&path, &error.into()))?)
    }

    /// A revision whose writer died is marked failed, as the Helm worker does.
    fn settle(&self, namespace: &str, release: &str) -> Result<Vec<Record>, Failure> {
        let mut records = self.records(namespace, release)?;
        let newest = records.len();
        if let Some(last) = records.last_mut().filter(|last| last.status.starts_with("pending-")) {
            "failed".clone_into(&mut last.status);
            self.record(namespace, release, newest, last)?;
            self.points.reach("world.release.settled");
        }
        Ok(records)
    }

    /// Makes the next revision, and its objects.
    fn deploy(&self, namespace: &str, release: &str, mut next: Record) -> Result<Revision, Failure> {
        let before = self.settle(namespace, release)?;
        let revision = before.len() + 1;
        self.record(namespace, release, revision, &next)?;
        self.points.reach("world.release.pending");
        self.apply(namespace, release, &next.manifest)?;
        self.points.reach("world.release.applied");
        for (index, old) in before.iter().enumerate().filter(|(_, old)| old.status == "deployed") {
            self.record(namespace, release, index + 1, &Record { status: "superseded".to_owned(), ..old.clone() })?;
        }
        self.points.reach("world.release.superseded");
        "deployed".clone_into(&mut next.status);
        self.record(namespace, release, revision, &next)?;
        Ok(Revision(u32::try_from(revision).unwrap_or(u32::MAX)))
    }

    /// The objects of a release. A Job that is there already is left as it is; a new one runs.
    fn apply(&self, namespace: &str, release: &str, manifest: &serde_json::Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(manifest).map_err(|error| disk(&self.folder, &error.into()))?;
        self.write(&self.place("live", &format!("{namespace}/{release}")), &text)?;
        if let Some(job) = manifest["job"].as_str() {
            let path = self.place("jobs", &format!("{namespace}/{job}"));
            if read(&path)?.is_none() {
                self.write(&path, "")?;
            }
        }
        Ok(())
    }
}

fn manifest(request: &ReleaseRequest) -> serde_json::Value {
    let job = match &request.service.kind {
        ServiceKind::Job(job) if matches!(job.trigger, JobTrigger::Lifecycle(_)) => {
            Some(format!("{}-{}", request.service.name, request.run))
        }
        _ => None,
    };
    json!({
        "service": request.service,
        "image": request.made_from.to_string(),
        "secret": request.variables_secret,
        "files": request.files,
        "pullSecret": request.pull_secret,
        "stopped": request.stopped,
        "requestPercent": request.request_percent,
        "labels": request.labels,
        "job": job,
    })
}

#[async_trait]
impl Releases for World {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        let same = ReleaseRequest { labels: BTreeMap::new(), run: String::new(), ..request.clone() };
        Ok(digest(&manifest(&same).to_string()))
    }

    async fn upgrade(&self, _: &Target, request: &ReleaseRequest, _: &CancellationToken) -> Result<Upgraded, Failure> {
        let (namespace, release) = (&request.namespace, request.service.name.as_str());
        let first = self.records(namespace, release)?.is_empty();
        let next = Record {
            status: if first { "pending-install" } else { "pending-upgrade" }.to_owned(),
            deployment: request.labels.get(DEPLOYMENT_LABEL).cloned().unwrap_or_default(),
            manifest: manifest(request),
        };
        let revision = self.deploy(namespace, release, next)?;
        let object = ObjectRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: namespace.clone(),
            name: release.to_owned(),
        };
        Ok(Upgraded { revision, objects: vec![object] })
    }

    async fn rollback(&self, _: &Target, namespace: &str, release: &str, deployment: &str) -> Result<Option<Revision>, Failure> {
        let records = self.settle(namespace, release)?;
        let good =
            |record: &&Record| record.deployment != deployment && matches!(record.status.as_str(), "deployed" | "superseded");
        let Some(goal) = records.iter().rev().find(good) else { return Ok(None) };
        if records.last().is_some_and(|last| last.status == "deployed" && last.deployment == goal.deployment) {
            return Ok(Some(Revision(u32::try_from(records.len()).unwrap_or(u32::MAX))));
        }
        self.deploy(namespace, release, Record { status: "pending-rollback".to_owned(), ..goal.clone() }).map(Some)
    }

    async fn uninstall(&self, _: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        // One folder goes after the other; no release has a name that begins with another's here.
        self.remove_all("live", &format!("{namespace}/{release}"))?;
        self.remove_all("jobs", &format!("{namespace}/{release}-"))?;
        self.points.reach("world.release.uninstalling");
        self.remove_all("releases", &format!("{namespace}/{release}"))
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

    async fn status(&self, _: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        let records = self.records(namespace, release)?;
        let revision = Revision(u32::try_from(records.len()).unwrap_or(u32::MAX));
        Ok(records.into_iter().next_back().map(|last| ReleaseStatus {
            revision,
            status: last.status,
            deployment: Some(last.deployment),
        }))
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("scripted".to_owned())
    }
}

/// No story has a packed chart.
#[async_trait]
impl Charts for World {
    async fn resolve(&self, place: &ChartPlace, version: &str, _: &Reader) -> Result<ChartVersion, Failure> {
        Err(Failure::permanent(Code::ChartNotFound, format!("there is no {version} of {place}")))
    }

    async fn archive(
        &self,
        place: &ChartPlace,
        pinned: &ChartVersion,
        _: &Reader,
        _: &CancellationToken,
    ) -> Result<Vec<u8>, Failure> {
        Err(Failure::permanent(Code::ChartNotFound, format!("there is no {} of {place}", pinned.version)))
    }
}
