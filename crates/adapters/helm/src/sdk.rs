//! Releases by Helm's own SDK, in the worker.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{HelmService, ServiceKind};
use slipway_core::plan::ObjectRef;
use slipway_ports::{
    CancellationToken, ChartNeeds, DEPLOYMENT_LABEL, MadeFrom, ReleaseRequest, ReleaseStatus, Releases, Revision, Target,
    Upgraded, UserChart, async_trait,
};
use tokio::sync::RwLock;

use crate::access::cluster_of;
use crate::failure::{from_call, from_rendering};
use crate::options::HelmOptions;
use crate::rollback::{MadeRevision, RollbackGoal, rollback_goal};
use crate::user_chart;
use crate::values::{generate, inputs};
use crate::worker::{
    Call, CallError, ClusterAccess, Interpolation, KnownNeeds, KnownRevision, PackedBytes, Revisions, SetValue, Supervisor,
    SupervisorOptions, ValuesText,
};

/// What is being rendered hears no cancellation.
const RENDERING_GRACE: Duration = Duration::from_secs(2);

/// The label of a revision of a chart that is not Slipway's own; the worker waits for the end of its objects.
const USER_CHART_LABEL: &str = "slipway.dev/chart";

/// Releases through the Helm worker.
#[derive(Debug)]
pub struct HelmSdk {
    supervisor: Supervisor,
    /// Renders charts of users for the first time. What hangs or dies there has changed nothing, and ends no release of others.
    renderer: Supervisor,
    /// Renderings share it; one that must be alone has it alone.
    rendering: RwLock<()>,
    options: HelmOptions,
}

impl HelmSdk {
    /// With this worker program; it is started with the first call.
    pub fn new(program: impl Into<PathBuf>, options: HelmOptions) -> std::io::Result<Self> {
        let program = program.into();
        let supervisor = Supervisor::new(&program, SupervisorOptions::default())?;
        let renderer = Supervisor::new(program, SupervisorOptions { grace: RENDERING_GRACE, ..SupervisorOptions::default() })?;
        Ok(Self { supervisor, renderer, rendering: RwLock::new(()), options })
    }

    /// A call that only reads.
    async fn read(&self, subject: &str, call: Call) -> Result<Value, Failure> {
        self.supervisor
            .call(call, self.options.operation, &CancellationToken::new())
            .await
            .map_err(|error| from_call(subject, error))
    }

    /// What Helm has recorded of a release, newest first.
    async fn history(
        &self,
        subject: &str,
        target: &Target,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<MadeRevision>, Failure> {
        let answer = self.read(subject, about("history", cluster_of(target)?, namespace, release)).await?;
        let known: Revisions = understood(subject, answer)?;
        let made = known.revisions.into_iter().map(|mut known| MadeRevision {
            revision: known.revision,
            status: known.status,
            deployment: known.labels.remove(DEPLOYMENT_LABEL),
        });
        Ok(made.collect())
    }

    /// Renders and checks a chart of a user's own, and only then releases it.
    async fn upgrade_user_chart(
        &self,
        subject: &str,
        target: &Target,
        request: &ReleaseRequest,
        helm: &HelmService,
        chart: &UserChart,
        cancel: &CancellationToken,
    ) -> Result<Upgraded, Failure> {
        user_chart::check_with_dependencies(chart)?;
        let mut labels = request.labels.clone();
        labels.insert(USER_CHART_LABEL.to_owned(), "user".to_owned());
        let dependencies = chart.dependencies.iter().map(|fetched| PackedBytes::of(&fetched.archive, fetched.is_folder));
        let packed = PackedBytes::of(&chart.archive, chart.is_folder).with(dependencies.collect());
        let files = chart.values_files.iter().map(|(name, text)| ValuesText { name: name.clone(), text: text.clone() });
        let set = helm.set.iter().map(|(path, value)| SetValue { path: path.clone(), value: value.clone() });
        let check = Call {
            chart: Some(packed),
            values: helm.values.clone(),
            values_files: files.collect(),
            set: set.collect(),
            interpolation: Some(Interpolation { variables: chart.variables.clone(), secrets: chart.secrets.clone() }),
            namespaced_only: !helm.allow_cluster_wide_resources,
            lookup: true,
            labels,
            history_max: Some(self.options.history),
            ..about("check", cluster_of(target)?, &request.namespace, request.service.name.as_str())
        };
        let upgrade = Call { op: "upgrade", ..check.clone() };
        self.render(check, cancel).await.map_err(|error| from_rendering(subject, error))?;
        let answer = self.write(subject, upgrade, helm.timeout, cancel).await;
        upgraded(subject, answer.map_err(|error| from_call(subject, error))?)
    }

    /// Renders a chart for the first time. When the renderer dies under several, each is rendered once more, alone: then it is known
    /// whose fault it was.
    async fn render(&self, check: Call, cancel: &CancellationToken) -> Result<Value, CallError> {
        let among_others = {
            let _others_too = self.rendering.read().await;
            self.renderer.call(check.clone(), self.options.rendering, cancel).await
        };
        match among_others {
            Err(CallError::Died(death)) if !death.alone || !death.crashed => {
                let _alone = self.rendering.write().await;
                self.renderer.call(check, self.options.rendering, cancel).await
            }
            answered => answered,
        }
    }

    /// A call that writes a release. When the worker dies under it, the release is put right by the next one.
    async fn write(&self, subject: &str, call: Call, longest: Duration, cancel: &CancellationToken) -> Result<Value, CallError> {
        let recover = Call {
            op: "recover",
            cluster: call.cluster.clone(),
            namespace: call.namespace.clone(),
            release: call.release.clone(),
            ..Call::default()
        };
        let result = self.supervisor.call(call, longest, cancel).await;
        if matches!(result, Err(CallError::Died(_) | CallError::Overdue(_) | CallError::Canceled)) {
            let recovered = self.supervisor.call(recover, self.options.operation, &CancellationToken::new()).await;
            if let Err(error) = recovered {
                tracing::warn!(subject, %error, "the release is left as it is; the next operation on it puts it right");
            }
        }
        result
    }
}

#[async_trait]
impl Releases for HelmSdk {
    fn inputs(&self, _: &Target, request: &ReleaseRequest) -> Result<String, Failure> {
        inputs(request)
    }

    async fn upgrade(&self, target: &Target, request: &ReleaseRequest, cancel: &CancellationToken) -> Result<Upgraded, Failure> {
        let subject = subject(&request.namespace, request.service.name.as_str());
        if let (ServiceKind::Helm(helm), MadeFrom::Chart(chart)) = (&request.service.kind, &request.made_from) {
            return self.upgrade_user_chart(&subject, target, request, helm, chart, cancel).await;
        }
        let generated = generate(request)?;
        let call = Call {
            chart: Some(PackedBytes::new(&generated.chart.packed().archive)),
            values: generated.values,
            labels: request.labels.clone(),
            history_max: Some(self.options.history),
            // Our own charts are tested, and the API server checks what it applies.
            disable_validation: true,
            ..about("upgrade", cluster_of(target)?, &request.namespace, request.service.name.as_str())
        };
        let answer = self.write(&subject, call, self.options.operation, cancel).await;
        upgraded(&subject, answer.map_err(|error| from_call(&subject, error))?)
    }

    async fn rollback(
        &self,
        target: &Target,
        namespace: &str,
        release: &str,
        deployment: &str,
    ) -> Result<Option<Revision>, Failure> {
        let subject = subject(namespace, release);
        let known = self.history(&subject, target, namespace, release).await?;
        let goal = match rollback_goal(&known, deployment) {
            RollbackGoal::There(revision) => return Ok(Some(revision)),
            RollbackGoal::Nothing => return Ok(None),
            RollbackGoal::To(revision) => revision,
        };
        let call = Call {
            history_max: Some(self.options.history),
            revision: Some(goal.0),
            ..about("rollback", cluster_of(target)?, namespace, release)
        };
        match self.write(&subject, call, self.options.hooks, &CancellationToken::new()).await {
            Ok(answer) => revision(&subject, answer).map(Some),
            Err(error) => Err(from_call(&subject, error)),
        }
    }

    async fn uninstall(&self, target: &Target, namespace: &str, release: &str) -> Result<(), Failure> {
        let subject = subject(namespace, release);
        let call = about("uninstall", cluster_of(target)?, namespace, release);
        let gone = self.write(&subject, call, self.options.hooks, &CancellationToken::new()).await;
        gone.map_err(|error| from_call(&subject, error))?;
        Ok(())
    }

    async fn pack_chart(&self, folder: &Path) -> Result<Vec<u8>, Failure> {
        let folder = folder.to_owned();
        let packed = tokio::task::spawn_blocking(move || user_chart::pack(&folder)).await;
        packed.map_err(|error| Failure::retry(Code::Internal, format!("the packing of a chart broke off: {error}")))?
    }

    async fn chart_needs(&self, archive: &[u8], is_folder: bool) -> Result<ChartNeeds, Failure> {
        user_chart::check(archive)?;
        let call = Call { op: "needs", chart: Some(PackedBytes::of(archive, is_folder)), ..Call::default() };
        let answer = self.render(call, &CancellationToken::new()).await.map_err(|error| from_rendering("the chart", error))?;
        understood::<KnownNeeds>("the chart", answer).map(ChartNeeds::from)
    }

    async fn objects(&self, target: &Target, namespace: &str, release: &str) -> Result<Vec<ObjectRef>, Failure> {
        let subject = subject(namespace, release);
        let answer = self.read(&subject, about("status", cluster_of(target)?, namespace, release)).await?;
        let known: Revisions = understood(&subject, answer)?;
        let newest = known.revisions.into_iter().next();
        Ok(newest.into_iter().flat_map(|newest| newest.objects).map(ObjectRef::from).collect())
    }

    async fn status(&self, target: &Target, namespace: &str, release: &str) -> Result<Option<ReleaseStatus>, Failure> {
        let subject = subject(namespace, release);
        let known = self.history(&subject, target, namespace, release).await?;
        Ok(known.into_iter().next().map(|newest| ReleaseStatus {
            revision: Revision(newest.revision),
            status: newest.status,
            deployment: newest.deployment,
        }))
    }

    async fn version(&self) -> Result<String, Failure> {
        self.supervisor.version().await.map_err(|error| from_call("Helm", error))
    }
}

/// How a release is called in a failure.
pub(crate) fn subject(namespace: &str, release: &str) -> String {
    format!("release `{release}` in namespace `{namespace}`")
}

fn about(op: &'static str, cluster: ClusterAccess, namespace: &str, release: &str) -> Call {
    Call { op, cluster: Some(cluster), namespace: namespace.to_owned(), release: release.to_owned(), ..Call::default() }
}

fn upgraded(subject: &str, answer: Value) -> Result<Upgraded, Failure> {
    let known: KnownRevision = understood(subject, answer)?;
    let objects = known.objects.into_iter().map(ObjectRef::from).collect();
    Ok(Upgraded { revision: Revision(known.revision), objects })
}

fn revision(subject: &str, answer: Value) -> Result<Revision, Failure> {
    let known: KnownRevision = understood(subject, answer)?;
    Ok(Revision(known.revision))
}

fn understood<T: serde::de::DeserializeOwned>(subject: &str, answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| {
        Failure::permanent(Code::Internal, format!("{subject}: the Helm worker's answer is not understood: {error}"))
    })
}
