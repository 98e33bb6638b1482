//! Outputs of jobs: read once a job has ended, kept sealed beside the secrets of the environment, handed to services of later stages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slipway_core::deployment::WrittenOutputs;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{Environment, Name, Service, VariableName};
use slipway_core::names::sha256_hex;
use slipway_core::variables::{self, JobOutputs, MOST_OUTPUT_BYTES, OUTPUT_PATH, Resolved};
use slipway_ports::{Access, JobOutput, SecretText};

use crate::engine::Shared;
use crate::secrets;
use crate::workload_variables::store_failure;

/// Where the outputs of a job lie among the secrets of its environment; no secret of a file has such a name.
const PLACE: &str = "slipway:outputs:";

/// The outputs of a job, and the run that wrote them. It lies in the store only, sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    run: String,
    outputs: BTreeMap<String, KeptOutput>,
}

#[derive(Serialize, Deserialize)]
struct KeptOutput {
    value: SecretText,
    sensitive: bool,
}

impl KeptOutput {
    fn resolved(&self) -> Resolved {
        if self.sensitive { Resolved::secret(self.value.expose()) } else { Resolved::plain(self.value.expose()) }
    }
}

/// The secrets of an environment, and apart from them what its jobs left.
pub(crate) struct KeptSecrets {
    /// Those that somebody set, and those that Slipway made.
    pub(crate) secrets: BTreeMap<String, SecretText>,
    outputs: BTreeMap<Name, JobOutputs>,
}

impl KeptSecrets {
    /// Reads all of them.
    pub(crate) async fn read(shared: &Shared, environment: &Environment) -> Result<Self, Failure> {
        let all = secrets::seen_by(&*shared.ports.store, environment).await;
        let mut kept = Self { secrets: BTreeMap::new(), outputs: BTreeMap::new() };
        for (name, value) in all.map_err(|error| store_failure(&error))? {
            match name.strip_prefix(PLACE).map(Name::new) {
                Some(Ok(job)) => {
                    let outputs = unpack(&job, &value)?.outputs;
                    let outputs = outputs.into_iter().map(|(name, output)| (name, output.resolved()));
                    kept.outputs.insert(job, outputs.collect());
                }
                Some(Err(_)) | None => {
                    kept.secrets.insert(name, value);
                }
            }
        }
        Ok(kept)
    }

    /// What a service sees of the outputs: those of jobs of earlier stages.
    pub(crate) fn seen_by(&self, environment: &Environment, service: &Service) -> BTreeMap<VariableName, Resolved> {
        let jobs = variables::earlier_jobs(environment, service);
        variables::output_variables(jobs.filter_map(|job| Some((job, self.outputs.get(job)?))))
    }

    /// Everything that no log may show.
    pub(crate) fn sensitive(&self) -> impl Iterator<Item = SecretText> + '_ {
        let outputs = self.outputs.values().flat_map(BTreeMap::values).filter(|output| output.is_secret());
        self.secrets.values().cloned().chain(outputs.map(|output| SecretText::new(output.expose())))
    }
}

fn unpack(job: &Name, value: &SecretText) -> Result<Kept, Failure> {
    let damaged = |_| Failure::permanent(Code::Internal, format!("the stored outputs of the job `{job}` do not read back"));
    serde_json::from_str(value.expose()).map_err(damaged)
}

/// The values of a job's output that are sensitive; of one that can not be read, all of it.
pub(crate) fn sensitive(written: &JobOutput) -> Vec<SecretText> {
    match written {
        JobOutput::Nothing | JobOutput::Gone => Vec::new(),
        JobOutput::Written(text) => match variables::parse_outputs(text.expose()) {
            Ok(outputs) => {
                let secret = outputs.values().filter(|output| output.is_secret());
                secret.map(|output| SecretText::new(output.expose())).collect()
            }
            Err(_) => text.expose().lines().map(SecretText::new).collect(),
        },
    }
}

/// What a job of this run left, read and checked.
pub(crate) enum Left {
    /// These outputs, which are not kept yet.
    New(JobOutputs),
    /// An earlier attempt kept them.
    Kept(JobOutputs),
    /// Nobody knows: the pod went before its output was read. The job has done its work all the same; a service that needs an
    /// output of it will fail.
    Unknown,
}

impl Left {
    /// What is known of them.
    pub(crate) fn outputs(self) -> JobOutputs {
        match self {
            Self::New(outputs) | Self::Kept(outputs) => outputs,
            Self::Unknown => JobOutputs::new(),
        }
    }
}

/// Reads what a job left. When the target does not show it any more, an earlier attempt of this run has kept it, or nobody knows.
pub(crate) async fn left(
    shared: &Shared,
    environment: &Environment,
    job: &Name,
    run: &str,
    written: &JobOutput,
) -> Result<Left, Failure> {
    match written {
        JobOutput::Nothing => Ok(Left::New(JobOutputs::new())),
        JobOutput::Written(text) if text.expose().trim().is_empty() => Ok(Left::New(JobOutputs::new())),
        JobOutput::Written(text) => variables::parse_outputs(text.expose()).map(Left::New).map_err(|wrong| {
            let expected = "{\"NAME\": {\"value\": \"text\", \"sensitive\": true}}";
            let rules = format!("in all at most {MOST_OUTPUT_BYTES} bytes and 100 outputs");
            Failure::permanent(Code::OutputInvalid, format!("the job `{job}` wrote a bad {OUTPUT_PATH}: {wrong}"))
                .with_hint(format!("expected is JSON of the form {expected}, {rules}; correct the job, then deploy again"))
        }),
        JobOutput::Gone => {
            let all = shared.ports.store.secrets(&environment.project, Some(&environment.name)).await;
            let all = all.map_err(|error| store_failure(&error))?;
            let kept = all.get(&format!("{PLACE}{job}")).map(|value| unpack(job, value)).transpose()?;
            let Some(kept) = kept.filter(|kept| kept.run == run) else { return Ok(Left::Unknown) };
            Ok(Left::Kept(kept.outputs.into_iter().map(|(name, output)| (name, output.resolved())).collect()))
        }
    }
}

/// Keeps the outputs of a run, in the place of those of the run before.
pub(crate) async fn keep(
    shared: &Shared,
    environment: &Environment,
    job: &Name,
    run: &str,
    outputs: &JobOutputs,
) -> Result<(), Failure> {
    let kept = |(name, value): (&String, &Resolved)| {
        (name.clone(), KeptOutput { value: SecretText::new(value.expose()), sensitive: value.is_secret() })
    };
    let kept = Kept { run: run.to_owned(), outputs: outputs.iter().map(kept).collect() };
    let text = serde_json::to_string(&kept).map(SecretText::new);
    let text = text.map_err(|error| Failure::permanent(Code::Internal, error.to_string()))?;
    let (store, access) = (&shared.ports.store, Access::owner("server"));
    let place = format!("{PLACE}{job}");
    let put = store.put_secret(&access, &environment.project, Some(&environment.name), &place, &text).await;
    put.map_err(|error| store_failure(&error))
}

/// What the facts say of outputs: the salt keeps the digest from telling of short values.
pub(crate) fn record(outputs: &JobOutputs, salt: &SecretText) -> WrittenOutputs {
    let mut hashed = Vec::new();
    for part in std::iter::once(salt.expose()).chain(outputs.iter().flat_map(|(name, value)| [name.as_str(), value.expose()])) {
        hashed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        hashed.extend_from_slice(part.as_bytes());
    }
    WrittenOutputs { names: outputs.keys().cloned().collect(), digest: format!("sha256:{}", sha256_hex(&hashed)) }
}
