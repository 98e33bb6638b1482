//! Registries and Helm repositories where the server may not be sent.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use slipway_core::address::AddressRule;
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::{Addresses, ChartPlace, Charts as _, Reader, Registry as _};
use slipway_registry::{ChartArchives, OciRegistry, RegistrySettings};

use crate::support::contract::reference;
use crate::support::{TestRegistry, serve};

/// The settings of a server that others reach, and that may be sent to these addresses beside the open internet.
fn shared(address: &str, allowed: &[&str]) -> RegistrySettings {
    let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
    let addresses = Addresses::new(AddressRule { is_local: false, allowed });
    RegistrySettings { address: address.to_owned(), addresses, ..RegistrySettings::default() }
}

fn assert_refused(failure: &Failure, why: &str) {
    assert_eq!((failure.code, failure.kind), (Code::AddressRefused, FailureKind::Permanent), "{failure}");
    assert!(failure.message.contains(why), "{failure}");
}

#[tokio::test]
async fn a_registry_inside_is_asked_where_it_is_allowed_or_set() {
    let registry = TestRegistry::start().await;
    let digest = registry.push_image("shop/api", "v1", "the image").await.to_string();
    let place = registry.address.to_string();
    let named = reference(&format!("{place}/shop/api:v1"));
    let asked = async |settings: RegistrySettings, image: &str| {
        OciRegistry::new(settings).unwrap().resolve(&reference(image), &Reader::nobody()).await
    };
    let nowhere = "127.0.0.1:1";
    let refused = asked(shared(nowhere, &[]), &named.to_string()).await.unwrap_err();
    assert_refused(&refused, &format!("{named}: it is not asked: 127.0.0.1 is not of the open internet"));
    let refused = asked(shared(nowhere, &["0.0.0.0/0"]), "169.254.169.254/a:v1").await.unwrap_err();
    assert_refused(&refused, "a metadata address");
    assert_eq!(asked(shared(nowhere, &["127.0.0.0/8"]), &named.to_string()).await.unwrap(), digest);
    // The operator's own settings need no more words.
    assert_eq!(asked(shared(&place, &[]), &named.to_string()).await.unwrap(), digest);
    let mirrors = [("quay.io".to_owned(), format!("http://{place}"))].into();
    let settings = RegistrySettings { mirrors, ..shared(nowhere, &[]) };
    assert_eq!(asked(settings, "quay.io/shop/api:v1").await.unwrap(), digest);
}

#[tokio::test]
async fn a_registry_of_a_users_sends_nobody_inside_for_a_token() {
    let challenge = "Bearer realm=\"http://10.9.9.9/token\",service=\"registry\"";
    let service = Router::new().fallback(async move || (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]));
    let (address, _) = serve(service).await;
    let client = OciRegistry::new(shared("127.0.0.1:1", &["127.0.0.0/8"])).unwrap();
    let failure = client.resolve(&reference(&format!("{address}/a:v1")), &Reader::nobody()).await.unwrap_err();
    assert_refused(&failure, "10.9.9.9 is not of the open internet");
}

#[tokio::test]
async fn a_helm_repository_is_no_way_inside() {
    let (address, _) =
        serve(Router::new().fallback(async || Redirect::temporary("https://10.9.9.9/index.yaml").into_response())).await;
    let place = ChartPlace::Repository { url: format!("http://{address}/charts"), name: "app".to_owned() };
    for (allowed, why) in [(&[][..], "127.0.0.1 is not of the open"), (&["127.0.0.0/8"], "10.9.9.9 is not of the open")] {
        let folder = tempfile::tempdir().unwrap();
        let registry = Arc::new(OciRegistry::new(shared("127.0.0.1:1", allowed)).unwrap());
        let charts = ChartArchives::new(registry, folder.path().join("charts")).unwrap();
        assert_refused(&charts.resolve(&place, "1.0.0", &Reader::nobody()).await.unwrap_err(), why);
    }
}
