//! Targets: where environments run.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use slipway_ports::api::{NewTarget, Page, PageQuery, TargetView};
use slipway_ports::{ClusterIssuer, LOCAL_TARGET};

use crate::app::App;
use crate::problem::Problem;
use crate::request::{Body, Parameters};
use crate::{cursor, views};

/// More than any kubeconfig has.
const LARGEST_KUBECONFIG: u64 = 4 << 20;

/// Lists the targets.
#[utoipa::path(
    get,
    path = "/targets",
    operation_id = "listTargets",
    tag = "targets",
    params(PageQuery),
    responses((status = 200, description = "A page of them, by name", body = Page<TargetView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<TargetView>>, Problem> {
    let targets = app.inner.ports.store.targets(&app.access()).await?;
    let views = targets.iter().map(|target| views::target(target, None)).collect();
    cursor::page(&query, views, |view: &TargetView| view.name.clone()).map(Json)
}

/// Adds a cluster that answers, or changes one. The first cluster is the default target.
#[utoipa::path(
    post,
    path = "/targets",
    operation_id = "addTarget",
    tag = "targets",
    request_body = NewTarget,
    responses((status = 201, description = "The target", body = TargetView)),
)]
pub(super) async fn add(State(app): State<App>, body: Body) -> Result<(StatusCode, Json<TargetView>), Problem> {
    let mut new: NewTarget = body.json()?;
    let refuse = |detail: String| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "target-invalid", detail));
    if !Path::new(&new.kubeconfig).is_absolute() {
        return refuse(format!("the kubeconfig `{}` is no absolute path", new.kubeconfig));
    }
    if !(1..=100).contains(&new.request_percent) {
        return refuse(format!("requestPercent is {}; expected 1 to 100", new.request_percent));
    }
    if !new.domain.contains("{service}") {
        return refuse(format!("the domain `{}` has no `{{service}}` in it, so all services would have one name", new.domain));
    }
    let context = match new.context.take().filter(|context| !context.is_empty()) {
        Some(context) => context,
        None => current_context(Path::new(&new.kubeconfig)).await?,
    };
    let (access, store) = (app.access(), &app.inner.ports.store);
    let mut target = views::new_target(new, context);
    if target.name.is_empty() || target.name == LOCAL_TARGET || target.name.chars().any(char::is_control) {
        let why = if target.name == LOCAL_TARGET { ": it is the Docker Engine of this machine" } else { "" };
        return refuse(format!("`{}` can not name a cluster{why}; give it a name with `slipway target add NAME`", target.name));
    }
    let known = store.targets(&access).await?;
    let was_default = known.iter().any(|other| other.is_default && other.name == target.name);
    target.is_default |= was_default || known.iter().all(|other| other.cluster().is_none());
    let version = app.inner.ports.cluster.version(&target).await?;
    if let Some(wanted) = &target.cluster_issuer {
        let found = app.inner.ports.cluster.cluster_issuers(&target).await?;
        if !found.iter().any(|issuer| issuer.name == *wanted) {
            return refuse(without_issuer(wanted, &found));
        }
    }
    app.inner.engine.put_target(&access, &target).await?;
    Ok((StatusCode::CREATED, Json(views::target(&target, Some(version)))))
}

/// In words: the cluster has not the issuer that was named.
fn without_issuer(wanted: &str, found: &[ClusterIssuer]) -> String {
    let names: Vec<String> = found.iter().map(|issuer| format!("`{}`", issuer.name)).collect();
    let has = if names.is_empty() { "none at all".to_owned() } else { names.join(", ") };
    format!("the cluster has no ClusterIssuer `{wanted}` of cert-manager, it has {has}")
}

/// What `current-context` of a kubeconfig says.
async fn current_context(path: &Path) -> Result<String, Problem> {
    let refuse = |detail: String| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "target-invalid", detail).with_hint("name a context with `--context`")
    };
    let unreadable = |error: std::io::Error| refuse(format!("{} can not be read: {error}", path.display()));
    // A device or a pipe may have no end.
    let about = tokio::fs::metadata(path).await.map_err(unreadable)?;
    if !about.is_file() || about.len() > LARGEST_KUBECONFIG {
        return Err(refuse(format!("{} is no file of at most {LARGEST_KUBECONFIG} bytes", path.display())));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(unreadable)?;
    find_current_context(&text).ok_or_else(|| refuse(format!("{} has no current context", path.display())))
}

/// A kubeconfig is JSON, or YAML as kubectl writes it, with the key at the left edge.
fn find_current_context(text: &str) -> Option<String> {
    let found = if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        json.get("current-context")?.as_str()?.to_owned()
    } else {
        let value = text.lines().find_map(|line| line.strip_prefix("current-context:"))?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        value.trim_matches(['"', '\'']).to_owned()
    };
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::find_current_context;

    #[test]
    fn the_current_context_is_found_in_yaml_and_json() {
        for text in ["a: b\ncurrent-context: dev\n", "current-context: \"dev\" # x\n", r#"{"current-context": "dev"}"#] {
            assert_eq!(find_current_context(text).as_deref(), Some("dev"), "{text}");
        }
        for text in ["", "current-context: \"\"\n", "{}", "  current-context: nested\n"] {
            assert_eq!(find_current_context(text), None, "{text}");
        }
    }
}
