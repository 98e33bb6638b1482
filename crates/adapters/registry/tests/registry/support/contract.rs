//! What the client promises, whatever registry is at the other end.

use std::sync::Mutex;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use slipway_core::failure::{Code, FailureKind};
use slipway_core::model::ImageReference;
use slipway_ports::{Activity, BuildClaim, CancellationToken, Presence, Progress, Reader, Registry, RepositoryTag};
use slipway_registry::{Digest, OciRegistry, RegistrySettings};

use super::TestRegistry;

/// Collects the lines that a copy reports.
#[derive(Default)]
pub struct Lines(Mutex<Vec<String>>);

impl Lines {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Progress for Lines {
    fn activity(&self, _: Activity) {}

    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

pub fn reference(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap()
}

/// A client whose mirroring registry is at `address`.
pub fn client(address: &str) -> OciRegistry {
    OciRegistry::new(RegistrySettings { address: address.to_owned(), ..RegistrySettings::default() }).unwrap()
}

pub async fn mirror(registry: &OciRegistry, source: &ImageReference) -> Result<String, slipway_core::failure::Failure> {
    registry.mirror(source, &Reader::nobody(), &Lines::default(), &CancellationToken::new()).await
}

fn tag(repository: &str, tag: &str) -> RepositoryTag {
    RepositoryTag { repository: repository.to_owned(), tag: tag.to_owned() }
}

/// The whole contract, against the mirroring registry at `address`.
pub async fn holds_against(address: &str) {
    let source = TestRegistry::start().await;
    let client = client(address);
    let image = source.push_image("team/image", "v1", "image").await;
    let index = source.push_index("team/index", "v2", "index").await;

    absence_is_told_from_presence(&client).await;
    b01_of_two_servers_one_builds_an_image(address).await;
    an_image_and_an_index_are_copied_whole(&client, &source, &image, &index).await;
    a_second_copy_moves_nothing(&client, &source, &index).await;
    shared_blobs_are_not_copied_again(&client, &source).await;
    the_bases_of_an_image_are_told(&client, &source).await;
    an_image_that_lives_here_stays(&client).await;
    what_does_not_exist_fails(&client, &source).await;
    a_canceled_copy_says_so(&client, &source).await;
}

async fn absence_is_told_from_presence(client: &OciRegistry) {
    let never = client.presence(&tag("contract/never", "v1")).await.unwrap();
    assert_eq!(never, Presence::Absent);
    let unmade = client.presence(&tag("../never", "v1")).await.unwrap_err();
    assert_eq!(unmade.kind, FailureKind::Permanent);
}

async fn an_image_and_an_index_are_copied_whole(client: &OciRegistry, source: &TestRegistry, image: &Digest, index: &Digest) {
    let host = source.address.to_string().replace(':', "_");
    for (path, name, digest) in [("team/image", "v1", image), ("team/index", "v2", index)] {
        let named = reference(&format!("{}/{path}:{name}", source.address));
        assert_eq!(client.resolve(&named, &Reader::nobody()).await.unwrap(), digest.to_string());
        let repository = mirror(client, &named.with_digest(digest.to_string())).await.unwrap();
        assert_eq!(repository, format!("mirror/{host}/{path}"));
        let present = client.presence(&tag(&repository, name)).await.unwrap();
        assert_eq!(present, Presence::Present(digest.to_string()));
        assert_whole(&super::http(), client.address(), &repository, &digest.to_string()).await;
    }
}

/// Reads every manifest and blob below a digest and checks each against its own.
pub async fn assert_whole(http: &Client, address: &str, repository: &str, root: &str) {
    let mut pending = vec![("manifests", root.to_owned())];
    while let Some((kind, digest)) = pending.pop() {
        let url = format!("http://{address}/v2/{repository}/{kind}/{digest}");
        let accept = [super::OCI_INDEX, super::OCI_MANIFEST, super::DOCKER_LIST, super::DOCKER_MANIFEST].join(", ");
        let response = http.request(Method::GET, &url).header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        let content = response.bytes().await.unwrap();
        assert_eq!(Digest::sha256(&content).to_string(), digest);
        if kind == "blobs" {
            continue;
        }
        let manifest: Value = serde_json::from_slice(&content).unwrap();
        let listed = |value: &Value| value["digest"].as_str().unwrap().to_owned();
        let children = |key: &str| manifest[key].as_array().into_iter().flatten().map(listed).collect::<Vec<_>>();
        pending.extend(children("manifests").into_iter().map(|digest| ("manifests", digest)));
        pending.extend(children("layers").into_iter().map(|digest| ("blobs", digest)));
        pending.extend(manifest.get("config").map(|config| ("blobs", listed(config))));
    }
}

async fn a_second_copy_moves_nothing(client: &OciRegistry, source: &TestRegistry, index: &Digest) {
    let named = reference(&format!("{}/team/index:v2@{index}", source.address));
    let lines = Lines::default();
    client.mirror(&named, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
    assert_eq!(lines.text(), "the mirroring registry has the image already");
}

async fn the_bases_of_an_image_are_told(client: &OciRegistry, source: &TestRegistry) {
    let digest = source.push_built("team/built", "v5", "debian@12", &"5".repeat(64)).await;
    let repository = mirror(client, &reference(&format!("{}/team/built:v5@{digest}", source.address))).await.unwrap();
    let base = reference("debian:12").with_digest(format!("sha256:{}", "5".repeat(64)));
    assert_eq!(client.bases(&tag(&repository, "v5")).await.unwrap(), [base], "its provenance came with it");
    let none = client.bases(&tag(&repository, "never")).await.unwrap_err();
    assert_eq!(none.code, Code::ImageNotFound);
}

async fn shared_blobs_are_not_copied_again(client: &OciRegistry, source: &TestRegistry) {
    let mut manifest = source.image("team/image", "image").await;
    manifest["annotations"] = serde_json::json!({ "org.example": "same blobs, another manifest" });
    let digest = source.push_manifest("team/image", "v3", super::OCI_MANIFEST, &manifest).await;
    let lines = Lines::default();
    let named = reference(&format!("{}/team/image:v3@{digest}", source.address));
    client.mirror(&named, &Reader::nobody(), &lines, &CancellationToken::new()).await.unwrap();
    assert!(lines.text().contains("0 blobs copied (0.0 MB), 0 mounted, 3 already there"), "{}", lines.text());
}

async fn an_image_that_lives_here_stays(client: &OciRegistry) {
    let digest = Digest::sha256(b"any");
    let here = reference(&format!("{}/builds/git.example.com/shop/api@{digest}", client.address()));
    assert_eq!(mirror(client, &here).await.unwrap(), "builds/git.example.com/shop/api");
}

async fn what_does_not_exist_fails(client: &OciRegistry, source: &TestRegistry) {
    let absent = reference(&format!("{}/team/image:never", source.address));
    let failure = client.resolve(&absent, &Reader::nobody()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ImageNotFound));
    let digest = Digest::sha256(b"never pushed");
    let failure = mirror(client, &reference(&format!("{}/team/image@{digest}", source.address))).await.unwrap_err();
    assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ImageNotFound));
}

async fn a_canceled_copy_says_so(client: &OciRegistry, source: &TestRegistry) {
    let digest = source.push_image("team/canceled", "v1", "canceled").await;
    let named = reference(&format!("{}/team/canceled:v1@{digest}", source.address));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let canceled =
        tokio::time::timeout(Duration::from_secs(5), client.mirror(&named, &Reader::nobody(), &Lines::default(), &cancel)).await;
    assert_eq!(canceled.unwrap().unwrap_err().kind, FailureKind::Canceled);
}

/// Of servers that share the registry one has the turn to build; the other has it when it is given back.
async fn b01_of_two_servers_one_builds_an_image(address: &str) {
    let server = || {
        let settings = RegistrySettings { address: address.to_owned(), is_shared: true, ..RegistrySettings::default() };
        OciRegistry::new(settings).unwrap()
    };
    let (one, other, image) = (server(), server(), tag("builds/git.example/shop", "k1-claimed"));
    let BuildClaim::Ours(turn) = one.claim_build(&image).await.unwrap() else { panic!("nobody else builds it") };
    assert!(turn.has_others());
    assert!(matches!(other.claim_build(&image).await.unwrap(), BuildClaim::Theirs { .. }));
    assert_eq!(other.presence(&image).await.unwrap(), Presence::Absent, "a claim is no image");
    drop(turn);
    let taken = async {
        while !matches!(other.claim_build(&image).await.unwrap(), BuildClaim::Ours(_)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), taken).await.expect("the turn is given back, long before its lease is out");
    let alone = client(address).claim_build(&image).await.unwrap();
    assert!(matches!(alone, BuildClaim::Ours(turn) if !turn.has_others()), "where nobody else builds, nobody is asked");
}
