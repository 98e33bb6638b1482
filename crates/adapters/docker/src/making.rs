//! Containers made: volumes, the container, its files, its start.
//!
//! What a server that was killed has asked the engine for goes on in the engine. A container of the name may be being made: the name
//! is taken then, nothing is found by it, and nothing ever will be if the engine gives it up. Or one may be being removed. No event
//! tells that the name is free again, so it is asked for anew, for a while.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, VolumeCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ServiceKind;
use slipway_ports::SecretText;
use tokio::time::Instant;

use crate::containers::{Container, invalid, name};
use crate::engine::{failure, is_missing, status, words};
use crate::names::labels;
use crate::output;
use crate::record::Wanted;
use crate::spec::Blueprint;

/// The longest that a name may be taken by what is under way.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first pause before a name is asked for anew; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A container to make.
pub(crate) struct New<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) wanted: &'a Wanted,
    pub(crate) blueprint: &'a Blueprint,
    /// What comes after the name of the service.
    pub(crate) suffix: String,
    pub(crate) ordinal: u32,
    pub(crate) secret: &'a BTreeMap<String, SecretText>,
}

/// Why an attempt has made no container.
enum NotMade {
    /// One of its name is being made or removed; with what the engine says.
    UnderWay(String),
    Failed(Failure),
}

impl From<Failure> for NotMade {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl New<'_> {
    /// Makes it with its volumes and files, and starts it. One of its name that is there already is taken.
    pub(crate) async fn start(&self, docker: &Docker) -> Result<(), Failure> {
        for (name, _) in self.blueprint.volumes(self.namespace, self.service(), self.ordinal) {
            let labels = labels(self.namespace, self.service()).into_iter().collect();
            let volume = VolumeCreateRequest { name: Some(name), labels: Some(labels), ..VolumeCreateRequest::default() };
            docker.create_volume(volume).await.map_err(|error| failure("make a volume", &error))?;
        }
        let name = name(self.namespace, self.service(), &self.suffix);
        let body = self.blueprint.body(self.namespace, self.wanted, self.ordinal, self.secret);
        let (mut pause, deadline) = (FIRST_PAUSE, Instant::now() + PATIENCE);
        loop {
            match self.attempt(docker, &name, &body).await {
                Ok(()) => return Ok(()),
                Err(NotMade::Failed(failure)) => return Err(failure),
                Err(NotMade::UnderWay(said)) if Instant::now() + pause > deadline => {
                    let seconds = PATIENCE.as_secs();
                    let message = format!("the Docker Engine has made or removed a container `{name}` for {seconds} s: {said}");
                    return Err(Failure::retry(Code::ClusterRefused, message));
                }
                Err(NotMade::UnderWay(_)) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn service(&self) -> &str {
        self.wanted.service.name.as_str()
    }

    async fn attempt(&self, docker: &Docker, name: &str, body: &ContainerCreateBody) -> Result<(), NotMade> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let id = match docker.create_container(Some(options), body.clone()).await {
            Ok(created) => created.id,
            Err(error) if status(&error) == Some(409) => match self.taken(docker, name).await? {
                Some(id) => id,
                None => return Err(NotMade::UnderWay(words(&error))),
            },
            Err(error) => return Err(invalid(self.service(), &error).into()),
        };
        self.write_files(docker, &id).await?;
        docker.start_container(&id, None).await.map_err(|error| unless_leaving(&error, || invalid(self.service(), &error)))
    }

    /// The container that has the name, unless it is not there yet or soon not any more. An attempt before a crash made it; whether it
    /// has its files is not known.
    async fn taken(&self, docker: &Docker, name: &str) -> Result<Option<String>, Failure> {
        let found = match docker.inspect_container(name, None).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failure("show a container", &error)),
        };
        match Container::read(found) {
            Some(found) if found.namespace == self.namespace && found.service == self.service() => {
                Ok(Some(found.id).filter(|_| !found.is_leaving))
            }
            _ => {
                let message = format!("`{name}` is the name of a container that is not of `{}`", self.service());
                Err(Failure::permanent(Code::ContainerConfigInvalid, message).with_hint("rename or remove that container"))
            }
        }
    }

    async fn write_files(&self, docker: &Docker, id: &str) -> Result<(), NotMade> {
        let files = self.blueprint.files(self.wanted, self.secret)?;
        let is_job = matches!(self.wanted.service.kind, ServiceKind::Job(_));
        if files.is_empty() && !is_job {
            return Ok(());
        }
        let packed = pack(&files, is_job)
            .map_err(|error| Failure::permanent(Code::Internal, format!("files can not be packed: {error}")))?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let sent = docker.upload_to_container(id, Some(options), bollard::body_full(packed.into())).await;
        sent.map_err(|error| {
            unless_leaving(&error, || {
                let paths: Vec<_> = files.keys().map(String::as_str).collect();
                let (paths, service) = (paths.join(", "), self.service());
                let message = format!("the files {paths} can not be put into `{service}`: {}", words(&error));
                Failure::permanent(Code::ContainerConfigInvalid, message)
            })
        })
    }
}

/// What a refusal means for a container that was there a moment ago: it is being removed, or the refusal is of the container itself.
fn unless_leaving(error: &Error, refused: impl FnOnce() -> Failure) -> NotMade {
    let said = words(error);
    match status(error) {
        Some(404) if said.contains("No such container") => NotMade::UnderWay(said),
        Some(409) if said.contains("marked for removal") => NotMade::UnderWay(said),
        _ => NotMade::Failed(refused()),
    }
}

/// Files as the engine takes them. Everybody in the container can read them, and nobody writes.
fn pack(files: &BTreeMap<String, SecretText>, is_job: bool) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    if is_job {
        output::folder(&mut archive)?;
    }
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.expose().len() as u64);
        header.set_mode(0o444);
        archive.append_data(&mut header, path.trim_start_matches('/'), content.expose().as_bytes())?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use axum::Json;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::spec::tests::wanted;

    /// What an engine is asked, and what it answers: method and end of the path, status, body.
    type Talk = Vec<(&'static str, u16, Value)>;

    /// Makes a container at an engine that answers as it is told; fails for a request that is not the next of the talk.
    async fn started(talk: Talk) -> Result<(), Failure> {
        let left = Arc::new(Mutex::new(VecDeque::from(talk)));
        let answers = left.clone();
        let engine = axum::Router::new().fallback(move |request: Request| {
            let asked = format!("{} {}", request.method(), request.uri().path());
            let is_asked = |(next, ..): &mut (&str, u16, Value)| {
                next.split_once(' ').is_some_and(|(method, path)| asked.starts_with(method) && asked.ends_with(path))
            };
            let (status, body) = match answers.lock().unwrap().pop_front_if(is_asked) {
                Some((_, status, body)) => (status, body),
                None => (400, says(&format!("not the next of the talk: {asked}"))),
            };
            std::future::ready((StatusCode::from_u16(status).unwrap(), Json(body)))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, engine).await });
        let docker = Docker::connect_with_http(&url, 5, bollard::API_DEFAULT_VERSION).unwrap();
        let mut wanted = wanted("  - {name: web, container: {image: {name: a.test/web, tag: '1'}}}");
        wanted.files.clear();
        let (blueprint, secret) = (Blueprint::of(&wanted).unwrap(), BTreeMap::new());
        let new = New {
            namespace: "ns",
            wanted: &wanted,
            blueprint: &blueprint,
            suffix: "a-0".to_owned(),
            ordinal: 0,
            secret: &secret,
        };
        let made = new.start(&docker).await;
        assert!(made.is_err() || left.lock().unwrap().is_empty(), "{left:?} was not asked");
        made
    }

    fn says(message: &str) -> Value {
        json!({ "message": message })
    }

    fn container(service: &str, status: &str) -> Value {
        json!({"Id": "c1", "Name": "/ns-web-a-0", "State": {"Status": status}, "Config": {"Labels": {
            "slipway.dev/namespace": "ns", "slipway.dev/service": service, "slipway.dev/generation": "a", "slipway.dev/ordinal": "0"
        }}})
    }

    const CREATE: &str = "POST /containers/create";
    const SHOW: &str = "GET /containers/ns-web-a-0/json";
    const START: &str = "POST /containers/c1/start";
    const TAKEN: &str = "Conflict. The container name is already in use by container \"c1\".";

    #[tokio::test]
    async fn b06_a_container_that_the_engine_still_makes_for_a_killed_server_is_taken_when_it_is_there() {
        let under_way = [(CREATE, 409, says(TAKEN)), (SHOW, 404, says("No such container: ns-web-a-0"))];
        let talk = [
            &under_way[..],
            &under_way[..],
            &[(CREATE, 409, says(TAKEN)), (SHOW, 200, container("web", "created")), (START, 204, Value::Null)],
        ];
        started(talk.concat()).await.unwrap();
    }

    #[tokio::test]
    async fn b06_a_container_that_the_engine_gave_up_or_still_removes_is_made_anew() {
        let talk = vec![
            (CREATE, 409, says(TAKEN)),
            (SHOW, 404, says("No such container: ns-web-a-0")),
            (CREATE, 409, says(TAKEN)),
            (SHOW, 200, container("web", "removing")),
            (CREATE, 409, says(TAKEN)),
            (SHOW, 200, container("web", "exited")),
            (START, 409, says("container is marked for removal and cannot be started")),
            (CREATE, 201, json!({"Id": "c1", "Warnings": []})),
            (START, 204, Value::Null),
        ];
        started(talk).await.unwrap();
    }

    #[tokio::test]
    async fn a_container_of_somebody_else_is_not_taken() {
        let talk = vec![(CREATE, 409, says(TAKEN)), (SHOW, 200, container("api", "running"))];
        let failure = started(talk).await.unwrap_err();
        assert_eq!(failure.message, "`ns-web-a-0` is the name of a container that is not of `web`");
    }

    #[test]
    fn files_are_packed_for_all_to_read() {
        let packed = pack(&BTreeMap::from([("/etc/app/config".to_owned(), SecretText::new("a: b"))]), false).unwrap();
        let mut archive = tar::Archive::new(packed.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("etc/app/config"));
        assert_eq!(entry.header().mode().unwrap(), 0o444);
    }
}
