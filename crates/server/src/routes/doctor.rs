//! Checks of everything that a deployment needs.

use std::process::Stdio;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use slipway_core::failure::{Code, Failure};
use slipway_ports::api::{CheckStatus, CheckView, DoctorView};
use slipway_ports::{Cluster, IssuerState, RepositoryTag, Target};

use crate::app::App;
use crate::problem::Problem;

/// The longest that one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks everything that a deployment needs.
#[utoipa::path(
    get,
    path = "/doctor",
    operation_id = "checkServer",
    tag = "server",
    responses((status = 200, description = "What was found", body = DoctorView)),
)]
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
    let issuers = futures::future::join_all(targets.iter().map(|target| issuer(ports.cluster.as_ref(), target)));
    let (git, builder, helm, registry, clusters, issuers) = tokio::join!(
        check("git", "", git_version()),
        check("builder", "BuildKit", ports.builder.version()),
        check("helm", "Helm", ports.releases.version()),
        check("registry", "at", registry),
        clusters,
        issuers,
    );
    let mut checks = vec![git, builder, registry];
    // Without a cluster nothing needs it.
    checks.extend(targets.iter().any(|target| target.cluster().is_some()).then_some(helm));
    if !targets.iter().any(|target| target.is_default) {
        let hint = Some("`slipway target add --kubeconfig FILE --default`".to_owned());
        checks.push(CheckView::found(CheckStatus::Problem, "target", "there is no default target", hint));
    }
    for (cluster, issuer) in clusters.into_iter().zip(issuers) {
        checks.push(cluster);
        checks.extend(issuer);
    }
    Ok(Json(DoctorView { checks }))
}

async fn check(name: impl Into<String>, what: &str, asked: impl Future<Output = Result<String, Failure>>) -> CheckView {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => CheckView::ok(name, format!("{what} {found}").trim().to_owned()),
        Ok(Err(failure)) => CheckView::found(CheckStatus::Problem, name, failure.to_string(), failure.hint),
        Err(_) => no_answer(name),
    }
}

/// Whether what shall sign certificates for public hosts of a target does; nothing to say where nothing shall and nothing could.
async fn issuer(cluster: &dyn Cluster, target: &Target) -> Option<CheckView> {
    target.cluster()?;
    let name = format!("TLS {}", target.name);
    let Ok(asked) = tokio::time::timeout(PATIENCE, cluster.cluster_issuers(target)).await else {
        return Some(no_answer(name));
    };
    let found = match asked {
        Ok(found) => found,
        Err(failure) => {
            // Without an issuer that was named, a cluster that can not be asked is the matter of its own check.
            let wanted = target.cluster_issuer.is_some();
            return wanted.then(|| CheckView::found(CheckStatus::Problem, name, failure.to_string(), failure.hint));
        }
    };
    let problem =
        |message: String, hint: &str| Some(CheckView::found(CheckStatus::Problem, &name, message, Some(hint.to_owned())));
    let Some(wanted) = &target.cluster_issuer else {
        let ready: Vec<String> =
            found.iter().filter(|issuer| issuer.state == IssuerState::Ready).map(|issuer| format!("`{}`", issuer.name)).collect();
        let hint = format!("`slipway target add {} … --cluster-issuer NAME` has them signed", target.name);
        let message = format!("public hosts are served without; ready to sign certificates: {}", ready.join(", "));
        return (!ready.is_empty()).then(|| CheckView::found(CheckStatus::Ok, name, message, Some(hint)));
    };
    match found.iter().find(|issuer| issuer.name == *wanted).map(|issuer| &issuer.state) {
        Some(IssuerState::Ready) => Some(CheckView::ok(name, format!("the ClusterIssuer `{wanted}` signs certificates"))),
        Some(IssuerState::NotReady(reason)) => problem(
            format!("the ClusterIssuer `{wanted}` is not ready: {reason}"),
            &format!("kubectl describe clusterissuer {wanted}"),
        ),
        None => problem(
            format!("the cluster has no ClusterIssuer `{wanted}`: public hosts get no certificate"),
            "make it, or name another one: `slipway target add … --cluster-issuer NAME`",
        ),
    }
}

fn no_answer(name: impl Into<String>) -> CheckView {
    CheckView::found(CheckStatus::Problem, name, format!("no answer within {} s", PATIENCE.as_secs()), None)
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
