//! Schemas of types that are not of the wire: the core knows nothing of OpenAPI, so what of it travels is described here.
//!
//! Words are taken from the types themselves; the shape of a failure is written down once more, and a test holds it to what is sent.

use std::borrow::Cow;

use slipway_core::deployment::{Activity, Phase};
use slipway_core::failure::{Code, FailureKind};
use slipway_core::model::{EnvironmentMode, ServiceType};
use slipway_core::plan::Action;
use slipway_core::running::RunningStatus;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// One of some words.
fn words<'a>(description: &str, words: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(description));
    RefOr::T(Schema::Object(object.build()))
}

macro_rules! word_schema {
    ($(#[$attribute:meta])* $schema:ident, $name:literal, $description:literal, $words:expr) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        pub struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                words($description, $words)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

word_schema! {
    /// The schema of an [`Action`].
    ActionSchema, "Action", "What is done to the services.", Action::ALL.map(Action::as_str)
}

word_schema! {
    /// The schema of a [`RunningStatus`].
    RunningStatusSchema, "RunningStatus", "How it stands with what runs of a service or an environment.",
    RunningStatus::ALL.map(RunningStatus::as_str)
}

word_schema! {
    /// The schema of a [`Phase`].
    PhaseSchema, "Phase", "Build or release.", [Phase::Build, Phase::Release].map(Phase::as_str)
}

word_schema! {
    /// The schema of an [`Activity`].
    ActivitySchema, "Activity", "What a running step does.", Activity::ALL.map(Activity::as_str)
}

word_schema! {
    /// The schema of a [`ServiceType`].
    ServiceTypeSchema, "ServiceType", "What a service is made from.", {
        use ServiceType::{Application, Container, Database, Helm, Job};
        [Application, Container, Database, Job, Helm].map(ServiceType::as_str)
    }
}

word_schema! {
    /// The schema of an [`EnvironmentMode`].
    EnvironmentModeSchema, "EnvironmentMode", "What an environment is for.", {
        use EnvironmentMode::{Development, Preview, Production, Staging};
        [Production, Staging, Development, Preview].map(EnvironmentMode::as_str)
    }
}

word_schema! {
    /// The schema of a [`Code`].
    CodeSchema, "FailureCode", "The stable name of a failure; each has a page in the documentation.",
    Code::ALL.map(Code::as_str)
}

word_schema! {
    /// The schema of a [`FailureKind`].
    FailureKindSchema, "FailureKind", "What may be done about a failure: try again, change something, or nothing.",
    ["retry", "permanent", "canceled"]
}

/// The schema of a [`Name`](slipway_core::model::Name).
#[derive(Debug, Clone, Copy)]
pub struct NameSchema;

impl PartialSchema for NameSchema {
    fn schema() -> RefOr<Schema> {
        let name =
            ObjectBuilder::new().schema_type(Type::String).description(Some("The name of a project, environment or service."));
        RefOr::T(Schema::Object(name.pattern(Some("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")).build()))
    }
}

impl ToSchema for NameSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Name")
    }
}

/// The schema of a [`Failure`](slipway_core::failure::Failure).
#[derive(Debug, Clone, serde::Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Failure, description = "Why something outside did not do what it should.")]
#[expect(dead_code, reason = "it is a description; what travels is the type of the core")]
pub struct FailureView {
    /// What may be done.
    #[schema(value_type = FailureKindSchema)]
    kind: FailureKind,
    /// Which failure it is.
    #[schema(value_type = CodeSchema)]
    code: Code,
    /// What is wrong, and where: one sentence without a full stop.
    message: String,
    /// What to do next, if anything is known.
    #[serde(default)]
    hint: Option<String>,
    /// The last lines that the failing thing said, oldest first.
    #[serde(default)]
    last_lines: Vec<String>,
}

#[cfg(test)]
mod tests {
    use slipway_core::failure::Failure;

    use super::*;

    #[test]
    fn the_schema_of_a_failure_has_the_fields_that_are_sent() {
        let mut failure = Failure::retry(Code::Internal, "it is away").with_hint("wait");
        failure.last_lines = vec!["gone".to_owned()];
        let sent = serde_json::to_value(&failure).unwrap();
        serde_json::from_value::<FailureView>(sent.clone()).unwrap();
        let schema = serde_json::to_value(FailureView::schema()).unwrap();
        let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(described, sent.as_object().unwrap().keys().collect::<Vec<_>>());
    }

    #[test]
    fn the_kinds_of_failure_are_the_words_that_are_sent() {
        let kinds = [FailureKind::Retry, FailureKind::Permanent, FailureKind::Canceled];
        let sent: Vec<_> = kinds.iter().map(|kind| serde_json::to_value(kind).unwrap()).collect();
        let schema = serde_json::to_value(FailureKindSchema::schema()).unwrap();
        assert_eq!(schema["enum"], serde_json::Value::Array(sent));
    }
}
