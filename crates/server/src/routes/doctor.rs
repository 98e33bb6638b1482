//! Checks of everything that a deployment needs.

use std::process::Stdio;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use slipway_core::failure::{Code, Failure};
use slipway_ports::RepositoryTag;
use slipway_ports::api::{CheckStatus, CheckView, DoctorView};

use crate::app::App;
use crate::problem::Problem;

/// The longest that one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn doctor(State(app): State<App>) -> Result<Json<DoctorView>, Problem> {
    let ports = &app.inner.ports;
    let targets = ports.store.targets(&app.access()).await?;
    let probe = RepositoryTag { repository: "slipway/doctor".to_owned(), tag: "probe".to_owned() };
    let registry = async { ports.registry.presence(&probe).await.map(|_| ports.registry.address().to_owned()) };
    let clusters = futures::future::join_all(targets.iter().map(|target| {
        let name = format!("target {}", target.name);
        let product = if target.cluster().is_some() { "Kubernetes" } else { "Docker Engine" };
        check(name, product, ports.cluster.version(target))
    }));
    let (git, builder, helm, registry, clusters) = tokio::join!(
        check("git", "", git_version()),
        check("builder", "BuildKit", ports.builder.version()),
        check("helm", "Helm", ports.releases.version()),
        check("registry", "at", registry),
        clusters,
    );
    let mut checks = vec![git, builder, registry];
    // Without a cluster nothing needs it.
    checks.extend(targets.iter().any(|target| target.cluster().is_some()).then_some(helm));
    if !targets.iter().any(|target| target.is_default) {
        let hint = Some("`slipway target add --kubeconfig FILE --default`".to_owned());
        checks.push(CheckView::found(CheckStatus::Problem, "target", "there is no default target", hint));
    }
    checks.extend(clusters);
    Ok(Json(DoctorView { checks }))
}

async fn check(name: impl Into<String>, what: &str, asked: impl Future<Output = Result<String, Failure>>) -> CheckView {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => CheckView::ok(name, format!("{what} {found}").trim().to_owned()),
        Ok(Err(failure)) => CheckView::found(CheckStatus::Problem, name, failure.to_string(), failure.hint),
        Err(_) => {
            let message = format!("no answer within {} s", PATIENCE.as_secs());
            CheckView::found(CheckStatus::Problem, name, message, None)
        }
    }
}

async fn git_version() -> Result<String, Failure> {
    let missing = |reason: String| {
        Failure::permanent(Code::RepositoryUnreachable, format!("the program `git` does not run: {reason}"))
            .with_hint("install git and put it on the server's PATH")
    };
    let asked = tokio::process::Command::new("git").arg("--version").stdin(Stdio::null()).kill_on_drop(true).output().await;
    let asked = asked.map_err(|error| missing(error.to_string()))?;
    if !asked.status.success() {
        return Err(missing(asked.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
