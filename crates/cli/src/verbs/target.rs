//! `slipway target`: where the server deploys to.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use slipway_ports::api::{NewTarget, TargetKind, TargetView};

use crate::client::Client;
use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// Add a cluster, or list the targets that the server knows.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a cluster, or change one that is known.
    Add(Add),
    /// List the targets that the server knows.
    List,
}

#[derive(Debug, Args)]
struct Add {
    /// Its name; absent: that of its context.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    cluster: Cluster,
    /// Environments that name no target run here.
    #[arg(long)]
    default: bool,
}

/// How a cluster is reached, and what is reached in it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Cluster {
    /// The kubeconfig.
    #[arg(long, value_name = "FILE", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in it; absent: its current one.
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// Host names of public ports.
    #[arg(long, value_name = "PATTERN", default_value = "{service}.{environment}.{project}.localhost")]
    pub(crate) domain: String,
    /// The port under which the Ingress controller is reached; absent: the scheme's own.
    #[arg(long, value_name = "PORT")]
    pub(crate) ingress_port: Option<u16>,
    /// What signs certificates for public hosts, a cluster issuer of cert-manager; absent: they are served without TLS.
    #[arg(long = "cluster-issuer", value_name = "NAME")]
    pub(crate) issuer: Option<String>,
    /// CPU and memory requests as a share of the limits.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) request_percent: u8,
}

impl Cluster {
    /// The kubeconfig that was named, else the user's own if it is there.
    pub(crate) fn found(&self) -> Option<PathBuf> {
        let named = self.kubeconfig.clone().filter(|path| !path.as_os_str().is_empty());
        named.or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(PathBuf::from(home).join(".kube/config")).filter(|path| path.exists())
        })
    }
}

/// Adds a cluster that a kubeconfig describes.
pub(crate) async fn add(client: &Client, name: Option<String>, cluster: &Cluster, default: bool) -> Result<TargetView, Stop> {
    let Some(kubeconfig) = cluster.found() else {
        return Err(Stop::new(Exit::NotFound, "there is no kubeconfig: neither KUBECONFIG nor ~/.kube/config names a cluster")
            .with_hint("name one with `--kubeconfig FILE`"));
    };
    let kubeconfig = std::fs::canonicalize(&kubeconfig).map_err(|error| Stop::file(&kubeconfig, "read", &error))?;
    let new = NewTarget {
        name,
        kubeconfig: kubeconfig.display().to_string(),
        context: cluster.context.clone(),
        domain: cluster.domain.clone(),
        ingress_port: cluster.ingress_port,
        cluster_issuer: cluster.issuer.clone(),
        request_percent: cluster.request_percent,
        default,
    };
    client.post("/targets", &new).await
}

pub(crate) async fn run(context: &Context, arguments: &Target) -> Result<Exit, Stop> {
    let client = context.client()?;
    match &arguments.verb {
        Verb::Add(arguments) => {
            let target = add(&client, arguments.name.clone(), &arguments.cluster, arguments.default).await?;
            match context.output {
                Output::Json => output::json(&target)?,
                Output::Text => output::tell(describe(&target)),
            }
        }
        Verb::List => {
            let targets: Vec<TargetView> = client.list("/targets").await?;
            match context.output {
                Output::Json => output::json(&targets)?,
                Output::Text if targets.is_empty() => {
                    output::tell("no target yet; `slipway target add --kubeconfig FILE` adds one");
                }
                Output::Text => list(&targets)?,
            }
        }
    }
    Ok(Exit::Done)
}

/// A target in one line.
pub(crate) fn describe(target: &TargetView) -> String {
    let version = target.version.as_ref().map_or(String::new(), |version| {
        let product = match target.kind {
            TargetKind::Kubernetes => "Kubernetes",
            TargetKind::Docker => "Docker Engine",
        };
        format!(", {product} {version}")
    });
    let tls = target.cluster_issuer.as_ref().map_or(String::new(), |issuer| format!(", TLS by {issuer}"));
    let default = if target.default { ", the default" } else { "" };
    format!("target {}{version}{tls}{default}", target.name)
}

fn list(targets: &[TargetView]) -> Result<(), Stop> {
    let row = |target: &TargetView| {
        vec![
            target.name.clone(),
            if target.default { "yes".to_owned() } else { String::new() },
            target.kind.as_str().to_owned(),
            target.context.clone().unwrap_or_default(),
            target.domain.clone(),
            target.cluster_issuer.clone().unwrap_or_default(),
            target.kubeconfig.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = targets.iter().map(row).collect();
    output::table(&["NAME", "DEFAULT", "KIND", "CONTEXT", "DOMAIN", "ISSUER", "KUBECONFIG"], &rows)
}
