//! The objects of a manifest, as Helm has rendered and recorded it.

use serde::Deserialize;
use slipway_core::plan::ObjectRef;

/// What names an object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
}

/// The objects of a manifest in its order, as the worker lists them: one that names no namespace is in that of the release.
pub(crate) fn objects(manifest: &str, namespace: &str) -> Result<Vec<ObjectRef>, String> {
    let heads: Vec<Option<Head>> = serde_saphyr::from_multiple(manifest).map_err(|error| error.to_string())?;
    let objects = heads.into_iter().flatten().filter(|head| !head.kind.is_empty()).map(|head| ObjectRef {
        api_version: head.api_version,
        kind: head.kind,
        namespace: Some(head.metadata.namespace).filter(|own| !own.is_empty()).unwrap_or_else(|| namespace.to_owned()),
        name: head.metadata.name,
    });
    Ok(objects.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MANIFEST: &str = r#"---
# Source: app/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {x: "1"}
data:
  text: |
    ---
    kind: Secret
---
# Source: app/templates/empty.yaml
---
# Source: app/templates/b.yaml
kind: Deployment
apiVersion: apps/v1
metadata: {name: b, namespace: elsewhere}
spec: [1, {y: z}]
"#;

    #[test]
    fn the_objects_of_a_manifest_are_told_in_its_order() {
        let object = |api_version: &str, kind: &str, namespace: &str, name: &str| ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let expected = [object("v1", "ConfigMap", "shop", "a"), object("apps/v1", "Deployment", "elsewhere", "b")];
        assert_eq!(objects(MANIFEST, "shop").unwrap(), expected);
        assert_eq!(objects("", "shop").unwrap(), []);
        assert!(objects("kind: [", "shop").is_err());
    }

    proptest! {
        #[test]
        fn no_manifest_makes_it_panic(text in "(kind: a\n)?[-a-z0-9:\\[\\]{}&*!'\"|> \n]{0,80}") {
            let _ = objects(&text, "shop");
        }
    }
}
