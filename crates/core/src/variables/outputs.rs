//! What a lifecycle job leaves for services of later stages: the file `/slipway-output/output.json`, read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::resolved::Resolved;
use crate::model::{Environment, Name, Service, ServiceKind, VariableName};

/// The file that a job writes.
pub const OUTPUT_PATH: &str = "/slipway-output/output.json";

/// What the names of all outputs begin with.
pub const OUTPUT_PREFIX: &str = "SLIPWAY_JOB_";

/// Most bytes of the file. A kubelet hands over the last 4,096: of a file with as many, something may be missing.
pub const MOST_OUTPUT_BYTES: usize = 4095;

/// Most outputs of a job.
const MOST_OUTPUTS: usize = 100;

/// The outputs of a job, by name: upper case, `-` becomes `_`.
pub type JobOutputs = BTreeMap<String, Resolved>;

/// The outputs that a service or a build may take from.
#[derive(Debug, Clone, Copy)]
pub enum Outputs<'a> {
    /// None at all: builds do not see them, nor what takes from them.
    OfNoBuild,
    /// Those of the jobs of earlier stages, as variables.
    Written(&'a BTreeMap<VariableName, Resolved>),
}

/// One entry of the file. What `terraform output -json` writes beside them is allowed, and left.
#[derive(Deserialize)]
struct Entry {
    value: Value,
    #[serde(default = "Entry::careful")]
    sensitive: bool,
}

impl Entry {
    /// What does not say that anybody may see it is sensitive.
    fn careful() -> bool {
        true
    }
}

/// Reads what a job wrote; on failure what is wrong and what was expected. The words quote no value.
pub fn parse_outputs(text: &str) -> Result<JobOutputs, String> {
    if text.len() > MOST_OUTPUT_BYTES {
        return Err(format!("it has more than {MOST_OUTPUT_BYTES} bytes"));
    }
    // The parser's own words may quote what it read.
    let place = |error: &serde_json::Error| format!("line {}, column {}", error.line(), error.column());
    let entries: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("at {} it is no JSON object", place(&error)))?;
    if entries.len() > MOST_OUTPUTS {
        return Err(format!("it has {} outputs, and {MOST_OUTPUTS} is the most", entries.len()));
    }
    let mut outputs = JobOutputs::new();
    for (written, entry) in entries {
        let name = output_part(&written).ok_or_else(|| {
            let shown: String = written.chars().filter(|character| !character.is_control()).take(40).collect();
            format!("the name `{shown}` has other characters than letters, digits, `_` and `-`, or more than 100")
        })?;
        let wrong = || format!("the output `{written}` is not of the form {{\"value\": …, \"sensitive\": true}}");
        let entry: Entry = serde_json::from_value(entry).map_err(|_| wrong())?;
        let value = match entry.value {
            Value::Null => return Err(format!("the output `{written}` has no value: it is null")),
            Value::String(text) => text,
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
        };
        if value.contains('\0') {
            return Err(format!("the value of the output `{written}` holds a NUL, which no variable can"));
        }
        if outputs.insert(name.clone(), Resolved::new(value, entry.sensitive)).is_some() {
            return Err(format!("two outputs become `{name}`: case, and `-` or `_`, make no difference"));
        }
    }
    Ok(outputs)
}

/// The name of an output as it stands in a variable's.
fn output_part(written: &str) -> Option<String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let is_good = !written.is_empty() && written.len() <= 100 && written.chars().all(plain);
    is_good.then(|| written.to_ascii_uppercase().replace('-', "_"))
}

/// What the names of a job's outputs begin with.
pub fn output_prefix(job: &Name) -> String {
    format!("{OUTPUT_PREFIX}{}_", job.as_variable_part())
}

/// The jobs of earlier stages than a service's, whose outputs it may take from.
pub fn earlier_jobs<'a>(environment: &'a Environment, service: &Service) -> impl Iterator<Item = &'a Name> {
    let order = |service: &Service| environment.pipeline.stages.iter().position(|stage| stage.name == service.stage);
    let own = order(service);
    let is_earlier = move |other: &&Service| matches!(&other.kind, ServiceKind::Job(_)) && order(other) < own;
    environment.services.iter().filter(is_earlier).map(|job| &job.name)
}

/// The variables that the outputs of jobs are.
pub fn output_variables<'a>(jobs: impl Iterator<Item = (&'a Name, &'a JobOutputs)>) -> BTreeMap<VariableName, Resolved> {
    let mut all = BTreeMap::new();
    for (job, outputs) in jobs {
        let prefix = output_prefix(job);
        let named =
            |(name, value): (&String, &Resolved)| Some((VariableName::new(format!("{prefix}{name}")).ok()?, value.clone()));
        all.extend(outputs.iter().filter_map(named));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terraform_writes_is_read_and_values_become_texts() {
        let text = r#"{"db-url": {"sensitive": true, "type": "string", "value": "p@ss"},
            "PORT": {"value": 5432, "sensitive": false}, "tags": {"value": ["a"], "sensitive": false}, "quiet": {"value": "x"}}"#;
        let outputs = parse_outputs(text).unwrap();
        assert_eq!(outputs["DB_URL"], Resolved::secret("p@ss"));
        assert_eq!(outputs["PORT"], Resolved::plain("5432"));
        assert_eq!(outputs["TAGS"], Resolved::plain("[\"a\"]"));
        assert!(outputs["QUIET"].is_secret(), "what does not say is sensitive");
    }

    #[test]
    fn a_bad_file_is_refused_and_no_value_quoted() {
        let canary = "canary-77f1";
        let bad = [
            format!("[\"{canary}\"]"),
            format!("{{\"A\": \"{canary}\"}}"),
            format!("{{\"A\": {{\"value\": \"{canary}\", \"sensitive\": \"yes\"}}}}"),
            format!("{{\"A B\": {{\"value\": \"{canary}\"}}}}"),
            format!("{{\"a-b\": {{\"value\": \"{canary}\"}}, \"A_B\": {{\"value\": \"1\"}}}}"),
            format!("{{\"A\": {{\"value\": \"{canary}\\u0000\"}}}}"),
            format!("{{\"A\": {{\"value\": \"{canary}"),
            "{\"A\": {\"value\": null}}".to_owned(),
            format!("{{\"A\": {{\"value\": \"{}\"}}}}", "x".repeat(MOST_OUTPUT_BYTES)),
            String::new(),
        ];
        for text in bad {
            let wrong = parse_outputs(&text).unwrap_err();
            assert!(!wrong.contains(canary), "{wrong}");
        }
        assert!(parse_outputs("{}").unwrap().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}|[{}\":a,\\[\\]0-9]{0,80}") {
            let _ = parse_outputs(&text);
        }
    }
}
