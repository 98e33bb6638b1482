//! The board of an environment, read off its configuration and its kept deployments, the newest first, until they tell no more.

use std::collections::BTreeMap;

use slipway_core::deployed::{Deployed, DeployedService};
use slipway_core::deployment::Deployment;
use slipway_core::model::{ChartSource, GitRevision, ImageSource, JobSource, Name, Service, ServiceKind};
use slipway_engine::EngineError;
use slipway_ports::api::{BoardDeploymentView, BoardServiceView, BoardStageView, BoardView, PipelineStageView};
use slipway_ports::{Access, DeploymentSummary, StoredEnvironment, Target};

use crate::app::App;
use crate::views;

/// So many deployments are listed at a time; mostly the first ones tell all.
const PAGE: u32 = 20;

/// What kept deployments tell of services.
struct Past {
    deployed: BTreeMap<Name, DeployedService>,
    last: BTreeMap<Name, BoardDeploymentView>,
}

/// The board as it is now.
pub(crate) async fn read(
    app: &App,
    access: &Access,
    stored: &StoredEnvironment,
    target: Option<&Target>,
) -> Result<BoardView, EngineError> {
    let past = past(app, access, stored).await?;
    let environment = &stored.environment;
    let stages = views::stages(environment).into_iter().map(|stage| {
        let PipelineStageView { order, name, description, default_for, approval, services } = stage;
        let services = services.iter().filter_map(|listed| {
            let service = environment.services.iter().find(|service| service.name.as_str() == listed.name)?;
            let urls = target.and_then(|target| slipway_engine::public_url(environment, service, target));
            Some(card(service, &past, urls.into_iter().collect()))
        });
        BoardStageView { order, name, description, default_for, approval, services: services.collect() }
    });
    Ok(BoardView {
        project: environment.project.to_string(),
        name: environment.name.to_string(),
        version: stored.version,
        stages: stages.collect(),
    })
}

fn card(service: &Service, past: &Past, urls: Vec<String>) -> BoardServiceView {
    let deployed = past.deployed.get(&service.name).filter(|deployed| !deployed.has_failed);
    BoardServiceView {
        name: service.name.to_string(),
        kind: service.service_type().to_string(),
        skipped: service.skipped,
        wanted: wanted(&service.kind),
        deployed: deployed.map(|deployed| deployed.planned.version.short()),
        stopped: deployed.is_some_and(|deployed| deployed.is_stopped),
        last_deployment: past.last.get(&service.name).cloned(),
        urls,
    }
}

async fn past(app: &App, access: &Access, stored: &StoredEnvironment) -> Result<Past, EngineError> {
    let environment = &stored.environment;
    let (mut deployed, mut last) = (Deployed::default(), BTreeMap::new());
    let mut before = None;
    'pages: loop {
        let page = app.inner.ports.store.deployments(access, &environment.project, &environment.name, before, PAGE).await?;
        for summary in &page {
            let deployment = match app.inner.engine.deployment(access, &summary.id).await {
                Ok((_, deployment)) => deployment,
                // It was let go of meanwhile.
                Err(EngineError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            deployed.read(summary.number, &deployment);
            note_last(&mut last, summary, &deployment);
            if environment.services.iter().all(|service| deployed.is_certain(&service.name) && last.contains_key(&service.name)) {
                break 'pages;
            }
        }
        match page.last() {
            Some(oldest) if page.len() == PAGE as usize => before = Some(oldest.number),
            _ => break,
        }
    }
    Ok(Past { deployed: deployed.services(), last })
}

/// Notes what a deployment did to the services that no newer one has.
fn note_last(last: &mut BTreeMap<Name, BoardDeploymentView>, summary: &DeploymentSummary, deployment: &Deployment) {
    for (index, planned) in deployment.plan().services.iter().enumerate() {
        if last.contains_key(&planned.name) {
            continue;
        }
        let view = views::service(deployment, index, &views::Activities::new());
        let at = view.ended_at().or(view.started_at()).unwrap_or(views::time(summary.accepted_at));
        let done = BoardDeploymentView {
            id: summary.id.clone(),
            number: summary.number,
            action: summary.action.clone(),
            state: view.state,
            at,
            reason: view.failure().map(|failure| failure.message.clone()),
        };
        last.insert(planned.name.clone(), done);
    }
}

/// The version that is wanted, as a person reads it.
fn wanted(kind: &ServiceKind) -> String {
    match kind {
        ServiceKind::Application(application) => of_revision(&application.git.revision),
        ServiceKind::Container(container) => of_image(&container.image),
        ServiceKind::Database(database) => database.version.clone(),
        ServiceKind::Job(job) => match &job.source {
            JobSource::Git { git, .. } => of_revision(&git.revision),
            JobSource::Image(image) => of_image(image),
        },
        ServiceKind::Helm(helm) => match &helm.chart {
            ChartSource::Repository { version, .. } | ChartSource::Oci { version, .. } => version.clone(),
            ChartSource::Git(git) => of_revision(&git.revision),
        },
    }
}

fn of_revision(revision: &GitRevision) -> String {
    match revision {
        GitRevision::Branch(name) | GitRevision::Named(name) => name.clone(),
        GitRevision::Commit(commit) => commit.chars().take(7).collect(),
        GitRevision::DefaultBranch => "HEAD".to_owned(),
    }
}

fn of_image(image: &ImageSource) -> String {
    let version = image.reference.digest_or_tag();
    version.strip_prefix("sha256:").map_or_else(|| version.to_owned(), |digest| digest.chars().take(12).collect())
}
