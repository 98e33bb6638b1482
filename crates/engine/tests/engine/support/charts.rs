//! Services whose chart is the user's own.

use std::time::Duration;

use serde_json::json;
use slipway_core::model::{
    ChartSource, GitRevision, GitSource, HelmService, PathFilter, Service, ServiceKind, ValuesFile, Variable, VariableName,
    VariableValue,
};

use super::{SHOP, container};

/// The repository of the files of values.
pub(crate) const VALUES: &str = "https://git.test/values.git";

/// A branch of a repository.
pub(crate) fn git(url: &str, root: &str) -> GitSource {
    GitSource { url: url.to_owned(), revision: GitRevision::Branch("main".to_owned()), root: root.to_owned(), credential: None }
}

/// A service with a chart of the shop, and a file of values.
pub(crate) fn chart(color: &str) -> Service {
    let variable =
        Variable { name: VariableName::new("COLOR").expect("a good name"), value: VariableValue::Text("red".to_owned()) };
    let helm = HelmService {
        chart: ChartSource::Git(git(SHOP, "charts/app")),
        values: json!({"color": color, "secret": "{{SLIPWAY_SECRET_NAME}}"}),
        set: std::collections::BTreeMap::new(),
        values_files: vec![ValuesFile { git: git(VALUES, "staging.yaml") }],
        auto_deploy: false,
        paths: PathFilter::default(),
        timeout: Duration::from_secs(60),
        allow_cluster_wide_resources: false,
        variables: vec![variable],
        secrets: Vec::new(),
    };
    Service { kind: ServiceKind::Helm(helm), ..container("app") }
}

/// The same service with its chart from elsewhere, without files of values.
pub(crate) fn chart_from(source: ChartSource) -> Service {
    let mut service = chart("red");
    if let ServiceKind::Helm(helm) = &mut service.kind {
        helm.chart = source;
        helm.values_files.clear();
    }
    service
}

/// Places of packed charts, and how a journal calls them.
pub(crate) fn sources() -> [(ChartSource, &'static str); 2] {
    let (reference, url) = ("oci://ghcr.test/acme/app".to_owned(), "https://charts.test".to_owned());
    [
        (ChartSource::Oci { reference, version: "1.2.3".to_owned(), credential: None }, "oci://ghcr.test/acme/app"),
        (
            ChartSource::Repository { url, name: "app".to_owned(), version: "1.2.3".to_owned(), credential: None },
            "app of https://charts.test",
        ),
    ]
}
