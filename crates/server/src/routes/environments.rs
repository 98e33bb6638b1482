//! Environments: applied, listed, planned.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use slipway_core::file::{self, Applied, ApplyOptions, Notation, Outer, ParseOptions};
use slipway_core::model::{FromProject, VariableName};
use slipway_core::plan::Action;
use slipway_ports::api::{
    AppliedView, ApplyQuery, DeployBody, EnvironmentView, Page, PageQuery, PlanView, SecretValue, SecretView,
};
use slipway_ports::{StoreError, StoredEnvironment, Target};

use super::deployments;
use crate::app::App;
use crate::places::{EnvironmentPath, SecretPath};
use crate::precondition::{Precondition, Subject, Versioned, entity_tag};
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::{cursor, views};

/// Lists the environments.
#[utoipa::path(
    get,
    path = "/environments",
    operation_id = "listEnvironments",
    tag = "environments",
    params(PageQuery),
    responses((status = 200, description = "A page of them, by project and name", body = Page<EnvironmentView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<EnvironmentView>>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let targets = store.targets(&access).await?;
    // A space is before everything that stands in a name, so that the order is that of project and name.
    let key = |stored: &StoredEnvironment| format!("{} {}", stored.environment.project, stored.environment.name);
    let after = cursor::names(&query)?;
    let after = after.as_ref().map(|(project, name)| (project, name));
    let found = store.environments_after(&access, after, cursor::limit(&query) + 1).await?;
    let page = cursor::first(&query, found, key);
    let mut items = Vec::with_capacity(page.items.len());
    for stored in &page.items {
        match view(&app, stored, &targets).await {
            Ok(shown) => items.push(shown),
            // A preview that was forgotten since it was listed.
            Err(StoreError::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Shows an environment as it is stored, and what was last done to it.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}",
    operation_id = "showEnvironment",
    tag = "environments",
    params(EnvironmentPath),
    responses((status = 200, description = "The environment", body = EnvironmentView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn show(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Versioned<EnvironmentView>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let stored = store.environment(&access, &name(&project)?, &name(&environment)?).await?;
    let targets = store.targets(&access).await?;
    Ok(Versioned(stored.version, view(&app, &stored, &targets).await?))
}

/// Writes the environment file of what is stored: YAML, or JSON for who accepts that by name.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/file",
    operation_id = "exportEnvironment",
    tag = "environments",
    params(EnvironmentPath),
    responses((status = 200, description = "The file", content((serde_json::Value = "application/yaml"), (serde_json::Value = "application/json")), headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn export(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stored = app.inner.ports.store.environment(&app.access(), &name(&project)?, &name(&environment)?).await?;
    written(&headers, stored.version, |notation| file::write(&stored.environment, notation))
}

/// A file in the notation that the request accepts, with the version of what it says.
pub(super) fn written(
    headers: &HeaderMap,
    version: u64,
    write: impl FnOnce(Notation) -> Result<String, String>,
) -> Result<Response, Problem> {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    let (notation, media_type) = if accepted.contains("application/json") {
        (Notation::Json, "application/json")
    } else {
        (Notation::Yaml, "application/yaml")
    };
    let text = write(notation).map_err(Problem::unwritten)?;
    Ok(([(header::CONTENT_TYPE, media_type.to_owned()), (header::ETAG, entity_tag(version))], text).into_response())
}

/// Applies an environment file: makes the stored environment what the file says.
///
/// What is wrong with the file is told all at once.
#[utoipa::path(
    post,
    path = "/environments:apply",
    operation_id = "applyEnvironment",
    tag = "environments",
    params(
        ApplyQuery,
        Precondition,
        ("If-None-Match" = Option<String>, Header, description = "`*`: only an environment that is not there yet is made"),
    ),
    request_body(content = String, content_type = "application/yaml", description = "The environment file, YAML or JSON"),
    responses((status = 200, description = "What changed", body = AppliedView, headers(("ETag" = String, description = "The version of the environment, as `If-Match` takes it")))),
)]
pub(super) async fn apply(
    State(app): State<App>,
    Parameters(query): Parameters<ApplyQuery>,
    precondition: Precondition,
    body: Body,
) -> Result<Versioned<AppliedView>, Problem> {
    let (applied, version) = read(&app, query, body.text()?).await?;
    precondition.check(Subject::Environment, version)?;
    if version > 0 && applied.changes.is_empty() {
        return Ok(Versioned(version, views::applied(&applied, version)));
    }
    let stored = app.inner.engine.put_environment(&app.access(), &applied.environment, version).await?;
    Ok(Versioned(stored.version, views::applied(&applied, stored.version)))
}

/// Tells what applying an environment file would do.
#[utoipa::path(
    post,
    path = "/environments:validate",
    operation_id = "validateEnvironment",
    tag = "environments",
    params(ApplyQuery),
    request_body(content = String, content_type = "application/yaml", description = "The environment file, YAML or JSON"),
    responses((status = 200, description = "What would change", body = AppliedView)),
)]
pub(super) async fn validate(
    State(app): State<App>,
    Parameters(query): Parameters<ApplyQuery>,
    body: Body,
) -> Result<Json<AppliedView>, Problem> {
    let (applied, version) = read(&app, query, body.text()?).await?;
    Ok(Json(views::applied(&applied, version)))
}

/// What the file makes of the stored environment, and the version that it has now; 0 when there is none.
async fn read(app: &App, query: ApplyQuery, text: &str) -> Result<(Applied, u64), Problem> {
    let options = ParseOptions { allow_file_urls: app.inner.allow_file_urls, is_first: false };
    let (access, store) = (app.access(), &app.inner.ports.store);
    // What the project gives is to be known before the file is read; of a file without a readable project nothing is right anyway.
    let given = match file::project_of(text) {
        Some(project) => store.project(&access, &project).await?.project.gives,
        None => FromProject::default(),
    };
    let file = file::parse_in(text, &options, Outer::Known(&given)).map_err(Problem::file)?;
    let existing = match store.environment(&access, &file.project, &file.name).await {
        Ok(stored) => Some(stored),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let version = existing.as_ref().map_or(0, |stored| stored.version);
    let existing = existing.as_ref().map(|stored| &stored.environment);
    let applied = file::apply(existing, &file, ApplyOptions { prune: query.prune }).map_err(Problem::file)?;
    Ok((applied, version))
}

/// Tells what a deployment would do now, and why.
#[utoipa::path(
    post,
    path = "/environments/{project}/{environment}/plan",
    operation_id = "planDeployment",
    tag = "deployments",
    params(EnvironmentPath),
    request_body = Option<DeployBody>,
    responses((status = 200, description = "The plan", body = PlanView)),
)]
pub(super) async fn plan(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
    body: Body,
) -> Result<Json<PlanView>, Problem> {
    let body: DeployBody = body.json()?;
    deployments::check(&body)?;
    let (project, environment) = (name(&project)?, name(&environment)?);
    let action = body.action.unwrap_or(Action::Deploy);
    let preview = app.inner.engine.plan(&app.access(), &project, &environment, action, &views::request(&body)).await?;
    Ok(Json(views::plan(&preview)))
}

/// Lists the secrets that the environment declares, and tells which of them have a value. No answer ever holds one.
#[utoipa::path(
    get,
    path = "/environments/{project}/{environment}/secrets",
    operation_id = "listSecrets",
    tag = "environments",
    params(EnvironmentPath),
    responses((status = 200, description = "All of them, in file order", body = Vec<SecretView>)),
)]
pub(super) async fn list_secrets(
    State(app): State<App>,
    Place(EnvironmentPath { project, environment }): Place<EnvironmentPath>,
) -> Result<Json<Vec<SecretView>>, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let (project, environment) = (name(&project)?, name(&environment)?);
    let stored = store.environment(&access, &project, &environment).await?.environment;
    let set = store.secret_names(&access, &project, Some(&environment)).await?;
    let view = |name: &String| SecretView { name: name.clone(), set: set.contains(name) };
    Ok(Json(stored.secrets.iter().map(view).collect()))
}

/// Sets the value of a secret that the environment declares. No answer ever holds it.
#[utoipa::path(
    put,
    path = "/environments/{project}/{environment}/secrets/{secret}",
    operation_id = "setSecret",
    tag = "environments",
    params(SecretPath),
    request_body = SecretValue,
    responses((status = 204, description = "It is set")),
)]
pub(super) async fn set_secret(
    State(app): State<App>,
    Place(SecretPath { project, environment, secret }): Place<SecretPath>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let (project, environment) = (name(&project)?, name(&environment)?);
    let SecretValue { value } = body.json()?;
    let secret = VariableName::new(secret).map_err(|error| Problem::bad_request(error.to_string()))?;
    let stored = store.environment(&access, &project, &environment).await?.environment;
    if !stored.secrets.iter().any(|declared| declared == secret.as_str()) {
        return Err(Problem::not_found(format!("{project}/{environment} declares no secret `{secret}`"))
            .with_hint(format!("declare it in the environment file, `secrets: [{secret}]`, and apply that first")));
    }
    store.put_secret(&access, &project, Some(&environment), secret.as_str(), &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn view(app: &App, stored: &StoredEnvironment, targets: &[Target]) -> Result<EnvironmentView, StoreError> {
    let environment = &stored.environment;
    let (access, store) = (app.access(), &app.inner.ports.store);
    let last = store.deployments(&access, &environment.project, &environment.name, None, 1).await?;
    let rules = store.project(&access, &environment.project).await?.project.schedules;
    Ok(views::environment(stored, &rules, views::target_of(stored, targets), last.first()))
}
