//! cert-manager, as far as it is looked at: its kinds are real, what they do is not there.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};
use slipway_ports::{Cluster as _, ClusterIssuer, IssuerState};

use crate::scene::Scene;

/// Tells the kinds of this test from those of a cert-manager that is really there.
const OURS: &str = "slipway.dev/test";
const KINDS: [(&str, &str, &str); 2] =
    [("ClusterIssuer", "clusterissuers", "Cluster"), ("Certificate", "certificates", "Namespaced")];

fn definition(kind: &str, plural: &str, scope: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.cert-manager.io"), "labels": {OURS: "certificates"},
            // The group is protected by its name alone; what an API server asks for is this.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}
        },
        "spec": {
            "group": "cert-manager.io", "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
            }]
        }
    })
}

async fn remove_kinds(definitions: &Api<CustomResourceDefinition>) {
    for (_, plural, _) in KINDS {
        let name = format!("{plural}.cert-manager.io");
        let Some(found) = definitions.get_opt(&name).await.unwrap() else { continue };
        let ours = found.metadata.labels.is_some_and(|labels| labels.contains_key(OURS));
        assert!(ours, "this cluster has a cert-manager: the test that makes {name} itself must not run here");
        definitions.delete(&name, &DeleteParams::default()).await.unwrap();
        let uid = found.metadata.uid.unwrap();
        await_condition(definitions.clone(), &name, conditions::is_deleted(&uid)).await.unwrap();
    }
}

async fn issuers(scene: &Scene) -> Vec<ClusterIssuer> {
    scene.cluster.cluster_issuers(&scene.target).await.unwrap()
}

async fn issuers_are_told(scene: &Scene, definitions: &Api<CustomResourceDefinition>) {
    assert_eq!(issuers(scene).await, [], "there is no cert-manager");
    let ours = PatchParams::apply("test").force();
    for (kind, plural, scope) in KINDS {
        let definition = definition(kind, plural, scope);
        let name = definition["metadata"]["name"].as_str().unwrap();
        definitions.patch(name, &ours, &Patch::Apply(&definition)).await.unwrap();
        await_condition(definitions.clone(), name, conditions::is_crd_established()).await.unwrap();
    }
    assert_eq!(issuers(scene).await, [], "it has no issuer");

    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", "ClusterIssuer"));
    let api: Api<DynamicObject> = Api::all_with(scene.client.clone(), &resource);
    for name in ["staging", "letsencrypt", "fresh"] {
        let issuer = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": name}, "spec": {"selfSigned": {}}
        });
        api.patch(name, &ours, &Patch::Apply(&issuer)).await.unwrap();
    }
    for (name, status, message) in [("staging", "False", "no account:\n404."), ("letsencrypt", "True", "")] {
        let conditions = json!([{"type": "Ready", "status": status, "message": message}]);
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": {"conditions": conditions}})))
            .await
            .unwrap();
    }
    let issuer = |name: &str, state| ClusterIssuer { name: name.to_owned(), state };
    let not_ready = |reason: &str| IssuerState::NotReady(reason.to_owned());
    let expected = [
        issuer("fresh", not_ready("cert-manager has not looked at it yet")),
        issuer("letsencrypt", IssuerState::Ready),
        issuer("staging", not_ready("no account: 404")),
    ];
    assert_eq!(issuers(scene).await, expected);
}

async fn certificates_go_with_their_release(scene: &Scene) {
    let tls = |name: &str, certificate: Option<&str>| {
        let annotations = certificate.map(|certificate| json!({"cert-manager.io/certificate-name": certificate}));
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "annotations": annotations}, "stringData": {"tls.crt": "", "tls.key": ""}
        })
    };
    let (ours, of_another) = ("api-tls-0123abcd", "api-tls-web-tls-0123abcd");
    for name in [ours, of_another] {
        scene.apply(tls(name, Some(name))).await;
        let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": name}});
        scene.apply(certificate).await;
    }
    // What a person made stays, however he calls it.
    scene.apply(tls("api-tls-00000000", None)).await;
    scene.apply(tls("api-tls-mine", Some("api-tls-mine"))).await;
    for _ in 0..2 {
        scene.cluster.remove_leftovers(&scene.target, &scene.namespace, "api").await.unwrap();
    }
    let names = |items: Vec<kube::core::ObjectMeta>| items.into_iter().filter_map(|item| item.name).collect::<Vec<_>>();
    let secrets: Api<Secret> = Api::namespaced(scene.client.clone(), &scene.namespace);
    let left = secrets.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(names(left.into_iter().map(|item| item.metadata).collect()), ["api-tls-00000000", "api-tls-mine", of_another]);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", "Certificate"));
    let api: Api<DynamicObject> = Api::namespaced_with(scene.client.clone(), &scene.namespace, &resource);
    let left = api.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(names(left.into_iter().map(|item| item.metadata).collect()), [of_another]);
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_are_told_and_certificates_go_with_their_release() {
    let scene = std::sync::Arc::new(Scene::new("certificates").await);
    let definitions: Api<CustomResourceDefinition> = Api::all(scene.client.clone());
    remove_kinds(&definitions).await;
    let story = tokio::spawn({
        let (scene, definitions) = (scene.clone(), definitions.clone());
        async move {
            issuers_are_told(&scene, &definitions).await;
            certificates_go_with_their_release(&scene).await;
        }
    });
    let told = story.await;
    remove_kinds(&definitions).await;
    told.unwrap();
    // Without cert-manager nothing of it is asked for.
    scene.cluster.remove_leftovers(&scene.target, &scene.namespace, "api").await.unwrap();
}
