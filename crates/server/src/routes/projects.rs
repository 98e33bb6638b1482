//! Projects: what they give their environments.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use slipway_core::file::{self, Notation, Outer, ParseOptions};
use slipway_core::model::{FromProject, Name, Project, VariableName};
use slipway_ports::api::{AppliedProjectView, Page, PageQuery, ProjectView, SecretValue, SecretView};
use slipway_ports::{StoredEnvironment, StoredProject};

use crate::app::App;
use crate::cursor;
use crate::places::{ProjectPath, ProjectSecretPath};
use crate::precondition::{Precondition, Subject, Versioned};
use crate::problem::Problem;
use crate::request::{Body, Parameters, Place, name};
use crate::routes::environments::written;
use crate::schedules;

/// Lists the projects that have an environment or give their environments something.
#[utoipa::path(
    get,
    path = "/projects",
    operation_id = "listProjects",
    tag = "projects",
    params(PageQuery),
    responses((status = 200, description = "A page of them, by name", body = Page<ProjectView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<PageQuery>,
) -> Result<Json<Page<ProjectView>>, Problem> {
    let names = app.inner.ports.store.projects(&app.access()).await?;
    let page = cursor::page(&query, names, Name::to_string)?;
    let environments = app.inner.ports.store.environments(&app.access()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for project in &page.items {
        items.push(view(&app, project, &environments).await?.1);
    }
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Shows a project: its environments, and the secrets that it gives them, without their values.
///
/// A project needs no making: one that nobody has used yet has no environment and gives nothing.
#[utoipa::path(
    get,
    path = "/projects/{project}",
    operation_id = "showProject",
    tag = "projects",
    params(ProjectPath),
    responses((status = 200, description = "The project", body = ProjectView, headers(("ETag" = String, description = "The version of what it gives, as `If-Match` takes it")))),
)]
pub(super) async fn show(
    State(app): State<App>,
    Place(ProjectPath { project }): Place<ProjectPath>,
) -> Result<Versioned<ProjectView>, Problem> {
    let environments = app.inner.ports.store.environments(&app.access()).await?;
    let (version, view) = view(&app, &name(&project)?, &environments).await?;
    Ok(Versioned(version, view))
}

/// Writes the file of a project: YAML, or JSON for who accepts that by name.
#[utoipa::path(
    get,
    path = "/projects/{project}/file",
    operation_id = "exportProject",
    tag = "projects",
    params(ProjectPath),
    responses((status = 200, description = "The file", content((serde_json::Value = "application/yaml"), (serde_json::Value = "application/json")), headers(("ETag" = String, description = "The version of what it gives, as `If-Match` takes it")))),
)]
pub(super) async fn export(
    State(app): State<App>,
    Place(ProjectPath { project }): Place<ProjectPath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stored = app.inner.ports.store.project(&app.access(), &name(&project)?).await?;
    written(&headers, stored.version, |notation| file::write_project(&stored.project, notation))
}

/// Applies the file of a project: makes what it gives its environments what the file says.
///
/// The next deployment of each environment uses it. What is wrong with the file is told all at once; one that leaves out what
/// environments take is refused.
#[utoipa::path(
    post,
    path = "/projects:apply",
    operation_id = "applyProject",
    tag = "projects",
    params(Precondition),
    request_body(content = String, content_type = "application/yaml", description = "The file of the project, YAML or JSON"),
    responses((status = 200, description = "What changed", body = AppliedProjectView, headers(("ETag" = String, description = "The version of what it gives, as `If-Match` takes it")))),
)]
pub(super) async fn apply(
    State(app): State<App>,
    precondition: Precondition,
    body: Body,
) -> Result<Versioned<AppliedProjectView>, Problem> {
    let (wanted, mut view) = read(&app, body.text()?).await?;
    precondition.check(Subject::Project, view.version)?;
    if !view.changes.is_empty() {
        view.version = app.inner.engine.put_project(&app.access(), &wanted, view.version).await?.version;
    }
    Ok(Versioned(view.version, view))
}

/// Tells what applying the file of a project would do.
#[utoipa::path(
    post,
    path = "/projects:validate",
    operation_id = "validateProject",
    tag = "projects",
    request_body(content = String, content_type = "application/yaml", description = "The file of the project, YAML or JSON"),
    responses((status = 200, description = "What would change", body = AppliedProjectView)),
)]
pub(super) async fn validate(State(app): State<App>, body: Body) -> Result<Json<AppliedProjectView>, Problem> {
    Ok(Json(read(&app, body.text()?).await?.1))
}

/// What the file says, and how it differs from what is stored, of which it tells the version.
async fn read(app: &App, text: &str) -> Result<(Project, AppliedProjectView), Problem> {
    let wanted = file::parse_project(text).map_err(Problem::project_file)?;
    let StoredProject { project, version } = app.inner.ports.store.project(&app.access(), &wanted.name).await?;
    let changes = file::project_changes(&project, &wanted);
    if !changes.is_empty() {
        refuse_what_is_needed(app, &project, &wanted).await?;
    }
    let view = AppliedProjectView { name: wanted.name.to_string(), version, changes };
    Ok((wanted, view))
}

/// Refuses what would leave an environment without something that it takes from the project, or with variables in a circle.
async fn refuse_what_is_needed(app: &App, old: &Project, new: &Project) -> Result<(), Problem> {
    let mut needed = Vec::new();
    for stored in app.inner.ports.store.environments(&app.access()).await? {
        let environment = stored.environment;
        if environment.project != new.name {
            continue;
        }
        let text = file::write(&environment, Notation::Yaml).map_err(Problem::unwritten)?;
        let problems = |gives: &FromProject| {
            let options = ParseOptions { allow_file_urls: true, is_first: false };
            file::parse_in(&text, &options, Outer::Known(gives)).err().unwrap_or_default()
        };
        let before = problems(&old.gives);
        let fresh = problems(&new.gives).into_iter().filter(|problem| !before.contains(problem));
        needed.extend(fresh.map(|problem| format!("{}/{}, {}: {}", new.name, environment.name, problem.path, problem.message)));
    }
    let Some(first) = needed.first() else { return Ok(()) };
    let more = match needed.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    let detail = format!("an environment would not be right any more: {first}{more}");
    Err(Problem::new(StatusCode::CONFLICT, "project-needed", detail)
        .with_hint("change the environment first, or leave in the file of the project what it takes"))
}

/// Lists the secrets that the project declares, and tells which of them have a value. No answer ever holds one.
#[utoipa::path(
    get,
    path = "/projects/{project}/secrets",
    operation_id = "listProjectSecrets",
    tag = "projects",
    params(ProjectPath),
    responses((status = 200, description = "All of them, in file order", body = Vec<SecretView>)),
)]
pub(super) async fn list_secrets(
    State(app): State<App>,
    Place(ProjectPath { project }): Place<ProjectPath>,
) -> Result<Json<Vec<SecretView>>, Problem> {
    Ok(Json(view(&app, &name(&project)?, &[]).await?.1.secrets))
}

/// Sets the value of a secret that the project declares. No answer ever holds it.
#[utoipa::path(
    put,
    path = "/projects/{project}/secrets/{secret}",
    operation_id = "setProjectSecret",
    tag = "projects",
    params(ProjectSecretPath),
    request_body = SecretValue,
    responses((status = 204, description = "It is set")),
)]
pub(super) async fn set_secret(
    State(app): State<App>,
    Place(ProjectSecretPath { project, secret }): Place<ProjectSecretPath>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let project = name(&project)?;
    let SecretValue { value } = body.json()?;
    let secret = VariableName::new(secret).map_err(|error| Problem::bad_request(error.to_string()))?;
    let declared = store.project(&access, &project).await?.project.gives.secrets;
    if !declared.iter().any(|declared| declared == secret.as_str()) {
        return Err(Problem::not_found(format!("the project {project} declares no secret `{secret}`"))
            .with_hint(format!("declare it in the file of the project, `secrets: [{secret}]`, and apply that first")));
    }
    store.put_secret(&access, &project, None, secret.as_str(), &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a project gives, without values, and which of some environments are its own.
async fn view(app: &App, project: &Name, environments: &[StoredEnvironment]) -> Result<(u64, ProjectView), Problem> {
    let (access, store) = (app.access(), &app.inner.ports.store);
    let stored = store.project(&access, project).await?;
    let set = store.secret_names(&access, project, None).await?;
    let secret = |name: &String| SecretView { name: name.clone(), set: set.contains(name) };
    let own = environments.iter().filter(|stored| stored.environment.project == *project);
    let view = ProjectView {
        name: project.to_string(),
        version: stored.version,
        variables: stored.project.gives.variables.iter().map(|variable| variable.name.to_string()).collect(),
        secrets: stored.project.gives.secrets.iter().map(secret).collect(),
        schedules: stored.project.schedules.iter().map(schedules::rule).collect(),
        preview_limit: stored.project.preview_limit,
        environments: own.map(|stored| stored.environment.name.to_string()).collect(),
    };
    Ok((stored.version, view))
}
