//! Helm: a release has its revisions, and one object.

use std::collections::BTreeMap;

use std::path::Path;

use async_trait::async_trait;
use slipway_core::failure::Failure;
use slipway_core::names::sha256_hex;
use slipway_core::plan::ObjectRef;

use super::{World, deployment_object, newest};
use crate::{CancellationToken, ChartNeeds, MadeFrom, ReleaseRequest, ReleaseStatus, Releases, Revision, Target, Upgraded};

#[async_trait]
impl Releases for World {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        let same = ReleaseRequest { labels: BTreeMap::new(), run: String::new(), ..request.clone() };
        Ok(sha256_hex(format!("{same:?}").as_bytes()))
    }

    async fn upgrade(&self, _: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        let name = request.service.name.to_string();
        // As Helm does: the record comes first, and stays when the rest fails.
        let revision = {
            let mut told = self.told();
            let made = told.revisions.entry(name.clone()).or_default();
            made.push(request.labels.get(crate::DEPLOYMENT_LABEL).cloned().unwrap_or_default());
            newest(made)
        };
        let what = if request.stopped { "stop" } else { "release" };
        self.act(&format!("{what} {name}"), cancel).await?;
        if let MadeFrom::Chart(chart) = &request.made_from {
            let fetched = chart.dependencies.iter().map(|fetched| String::from_utf8_lossy(&fetched.archive).into_owned());
            self.told().fetched.insert(name.clone(), fetched.collect());
        }
        let deployment = request.labels.get(crate::DEPLOYMENT_LABEL).cloned().unwrap_or_default();
        self.told().objects.insert(name.clone(), deployment);
        Ok(Upgraded { revision, objects: vec![deployment_object(&request.namespace, &name)] })
    }

    async fn rollback(&self, _: &Target, _: &str, release: &str, deployment: &str) -> Result<Option<Revision>, Failure> {
        let made = self.told().revisions.get(release).cloned().unwrap_or_default();
        let Some(goal) = made.iter().rev().find(|by| *by != deployment) else { return Ok(None) };
        self.act_now(&format!("rollback {release}")).await?;
        let mut told = self.told();
        let made = told.revisions.entry(release.to_owned()).or_default();
        if made.last() != Some(goal) {
            made.push(goal.clone());
        }
        let revision = newest(made);
        told.objects.insert(release.to_owned(), goal.clone());
        Ok(Some(revision))
    }

    async fn uninstall(&self, _: &Target, _: &str, release: &str) -> Result<(), Failure> {
        self.act_now(&format!("uninstall {release}")).await?;
        let mut told = self.told();
        told.revisions.remove(release);
        told.objects.remove(release);
        Ok(())
    }

    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure> {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.act_now(&format!("pack {name}")).await?;
        Ok(name.into_bytes())
    }

    async fn chart_needs(&self, archive: &[u8], _: bool) -> Result<ChartNeeds, Failure> {
        let chart = String::from_utf8_lossy(archive).into_owned();
        self.act_now(&format!("needs of {chart}")).await?;
        Ok(self.told().needs.get(&chart).cloned().unwrap_or_default())
    }

    async fn objects(&self, _: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        let is_there = self.told().revisions.contains_key(release);
        Ok(if is_there { vec![deployment_object(namespace, release)] } else { Vec::new() })
    }

    async fn status(&self, _: &Target, _: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        let made = self.told().revisions.get(release).cloned();
        Ok(made.map(|made| ReleaseStatus {
            revision: newest(&made),
            status: "deployed".to_owned(),
            deployment: made.last().cloned(),
        }))
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("in memory".to_owned())
    }
}
