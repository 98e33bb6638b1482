//! What a Docker Engine does not do is refused before anything begins.

use std::time::Duration;

use crate::support::{Bench, access, container, environment, only, placed};
use slipway_core::model::{ChartSource, HelmService, PathFilter, ServiceKind, ServiceType};
use slipway_core::plan::Action;
use slipway_engine::EngineError;
use slipway_ports::{Store, Target};

#[tokio::test]
async fn a_helm_service_is_refused_on_the_local_target_when_the_deployment_is_asked_for() {
    let chart =
        ChartSource::Oci { reference: "oci://charts.test/grafana".to_owned(), version: "1.0.0".to_owned(), credential: None };
    let helm = ServiceKind::Helm(HelmService {
        chart,
        values: serde_json::Value::Null,
        set: std::collections::BTreeMap::new(),
        values_files: Vec::new(),
        auto_deploy: false,
        paths: PathFilter::default(),
        timeout: Duration::from_secs(60),
        allow_cluster_wide_resources: false,
        variables: Vec::new(),
        secrets: Vec::new(),
    });
    let bench = Bench::with(&environment(vec![container("cache"), placed("dashboards", ServiceType::Container, helm)])).await;
    bench.store.put_target(&access(), &Target::local(8080, true)).await.unwrap();
    let refused = bench.try_deploy("demo").await.unwrap_err();
    let EngineError::Refused(words) = refused else { panic!("{refused:?}") };
    assert!(words.contains("`dashboards`") && words.contains("not-supported") && words.contains("`local`"), "{words}");
    let (_, deployment) = bench.act_on(Action::Deploy, only(&[("cache", None)])).await;
    assert!(
        deployment.plan().service(&crate::support::name("dashboards")).is_none(),
        "the others are deployed when they are named"
    );
}
