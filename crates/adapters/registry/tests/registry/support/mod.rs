//! What the registry's tests share: a registry on a free port, images to put into it, and requests to it.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the test of floods has a copy of its own, and uses a part of it"
)]

pub mod contract;

use std::net::SocketAddr;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use slipway_registry::Digest;
use slipway_registry::embedded::{Auth, Storage, router};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An HTTP client that talks to this machine only.
pub fn http() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().expect("a client without TLS settings can be made")
}

/// Serves any router on a free loopback port.
pub async fn serve(service: axum::Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    let task = tokio::spawn(async move { axum::serve(listener, service).await.expect("serving does not end") });
    (address, task)
}

/// An embedded registry over a temporary directory.
pub struct TestRegistry {
    pub address: SocketAddr,
    pub storage: Storage,
    pub http: Client,
    pub directory: TempDir,
}

impl TestRegistry {
    pub async fn start() -> Self {
        Self::with_auth(Auth::Anonymous).await
    }

    pub async fn with_auth(auth: Auth) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let storage = Storage::open(directory.path()).expect("an empty directory opens");
        let (address, _) = serve(router(storage.clone(), auth)).await;
        Self { address, storage, http: http(), directory }
    }

    pub fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}/v2/{path}", self.address))
    }

    pub async fn send(&self, method: Method, path: &str) -> Response {
        self.at(method, path).send().await.expect("the registry answers")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path).await
    }

    /// Asks for a path exactly as it is written: HTTP libraries resolve dots before they send.
    pub async fn raw_get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.expect("the registry listens");
        let request = format!("GET /v2/{path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("the registry reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("the registry answers text");
        answer
    }

    /// Opens an upload; returns the path of its session below `/v2/`.
    pub async fn open_upload(&self, repository: &str) -> String {
        let response = self.send(Method::POST, &format!("{repository}/blobs/uploads/")).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        header(&response, "location").trim_start_matches("/v2/").to_owned()
    }

    pub async fn push_blob(&self, repository: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let path = format!("{repository}/blobs/uploads/?digest={digest}");
        let response = self.at(Method::POST, &path).body(content.to_vec()).send().await.expect("the registry answers");
        assert_eq!(response.status(), StatusCode::CREATED);
        digest
    }

    pub async fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, content: &Value) -> Response {
        let request = self.at(Method::PUT, &format!("{repository}/manifests/{reference}"));
        request.header("content-type", media_type).body(content.to_string()).send().await.expect("the registry answers")
    }

    /// Pushes a manifest that must be taken; returns its digest.
    pub async fn push_manifest(&self, repository: &str, reference: &str, media_type: &str, content: &Value) -> Digest {
        let response = self.put_manifest(repository, reference, media_type, content).await;
        let status = response.status();
        assert_eq!(status, StatusCode::CREATED, "{}", response.text().await.unwrap_or_default());
        Digest::sha256(content.to_string().as_bytes())
    }

    /// Pushes an image of one configuration and two layers.
    pub async fn push_image(&self, repository: &str, tag: &str, seed: &str) -> Digest {
        let manifest = self.image(repository, seed).await;
        self.push_manifest(repository, tag, OCI_MANIFEST, &manifest).await
    }

    /// Pushes the blobs of an image; returns its manifest.
    pub async fn image(&self, repository: &str, seed: &str) -> Value {
        let mut parts = Vec::new();
        for (media_type, content) in [
            (CONFIG, json!({ "architecture": "amd64", "os": "linux", "seed": seed }).to_string().into_bytes()),
            (LAYER, format!("layer one of {seed}").into_bytes()),
            (LAYER, seed.as_bytes().repeat(100_000)),
        ] {
            let digest = self.push_blob(repository, &content).await;
            parts.push(descriptor(media_type, &digest, content.len()));
        }
        let config = parts.remove(0);
        json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": parts })
    }

    /// Pushes an index as BuildKit does: an image, and beside it its provenance, which names a base.
    pub async fn push_built(&self, repository: &str, tag: &str, base: &str, digest: &str) -> Digest {
        let image = self.image(repository, tag).await;
        let image_digest = self.push_manifest(repository, "unnamed", OCI_MANIFEST, &image).await;
        let image = descriptor(OCI_MANIFEST, &image_digest, image.to_string().len());
        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": { "buildDefinition": { "resolvedDependencies": [
                { "uri": format!("pkg:docker/{base}?platform=linux%2Famd64"), "digest": { "sha256": digest } }] } } })
        .to_string();
        let mut layer =
            descriptor("application/vnd.in-toto+json", &self.push_blob(repository, statement.as_bytes()).await, statement.len());
        layer["annotations"] = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" });
        let config = descriptor("application/vnd.oci.empty.v1+json", &self.push_blob(repository, b"{}").await, 2);
        let attestation = json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer],
            "artifactType": "application/vnd.docker.attestation.manifest.v1+json", "subject": image });
        let attestation_digest = self.push_manifest(repository, "unnamed", OCI_MANIFEST, &attestation).await;
        let mut listed = descriptor(OCI_MANIFEST, &attestation_digest, attestation.to_string().len());
        listed["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image_digest.to_string() });
        listed["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
        self.send(Method::DELETE, &format!("{repository}/manifests/unnamed")).await;
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [image, listed] });
        self.push_manifest(repository, tag, OCI_INDEX, &index).await
    }

    /// Pushes an index of two images; returns its digest.
    pub async fn push_index(&self, repository: &str, tag: &str, seed: &str) -> Digest {
        let mut entries = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let manifest = self.image(repository, &format!("{seed}-{architecture}")).await;
            let length = manifest.to_string().len();
            let digest = Digest::sha256(manifest.to_string().as_bytes());
            self.push_manifest(repository, &digest.to_string(), OCI_MANIFEST, &manifest).await;
            let mut entry = descriptor(OCI_MANIFEST, &digest, length);
            entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
            entries.push(entry);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
        self.push_manifest(repository, tag, OCI_INDEX, &index).await
    }
}

pub fn descriptor(media_type: &str, digest: &Digest, size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size })
}

pub fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("the answer has no header {name}"));
    value.to_str().expect("the header is text").to_owned()
}

/// Asserts the status and the specification's error code of an answer.
pub async fn assert_refused(response: Response, status: StatusCode, code: &str) {
    let actual = response.status();
    let body: Value = response.json().await.expect("an error has a JSON body");
    assert_eq!((actual, body["errors"][0]["code"].as_str()), (status, Some(code)), "{body}");
    assert!(body["errors"][0]["message"].as_str().is_some_and(|message| !message.is_empty()));
}
