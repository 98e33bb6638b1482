//! A server whose builds and rollouts are simulated: the real API, store, engine and page, and a world in memory that takes its time.
//! For work on the page, its fast tests and its benchmark; it stands beside the real thing.
//!
//! ```console
//! $ cargo run -p slipway-server --example simulated -- --services 500 --stages 30
//! ```
//!
//! It prints one line, `http://127.0.0.1:PORT TOKEN`, once it listens. The environment is `demo/simulated`; a service whose name ends
//! with `-breaks` fails in its build, one with `-fails` in its rollout.
#![expect(clippy::print_stdout, reason = "whoever starts it reads where it listens")]

use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use slipway_core::file::{self, ApplyOptions, ParseOptions};
use slipway_engine::{Engine, Ports, Settings};
use slipway_ports::testing::{Pace, World};
use slipway_ports::{Access, Addresses, CancellationToken, Platform, SecretText, StoreError, Target};
use slipway_server::{App, Files, HttpNotifier, KeyRotation, PublicUrl, Site, answer, router};
use slipway_store::SqliteStore;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Arguments {
    /// Where it listens; port 0: any that is free.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The folder of its database; absent: one that goes with it.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Services of the environment; two in three are built.
    #[arg(long, default_value_t = 12)]
    services: usize,
    /// Stages that they are spread over.
    #[arg(long, default_value_t = 4)]
    stages: usize,
    /// Further services, by name: such as `worker-fails`.
    #[arg(long)]
    also: Vec<String>,
    /// Milliseconds of a build, on average.
    #[arg(long, default_value_t = 3000)]
    build: u64,
    /// Milliseconds of a rollout, on average.
    #[arg(long, default_value_t = 2000)]
    rollout: u64,
    /// Lines of the log of a build.
    #[arg(long, default_value_t = 200)]
    lines: u32,
    /// Where a proxy shows it.
    #[arg(long)]
    public_url: Option<PublicUrl>,
    /// End with the standard input, so that it does not outlive who started it.
    #[arg(long)]
    until_input_ends: bool,
    /// What a browser signs in with.
    #[arg(long, default_value = "simulated")]
    token: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let home = arguments.home.clone().unwrap_or_else(|| folder.path().to_owned());
    std::fs::create_dir_all(&home)?;
    let store = SqliteStore::open(&home.join("db"), &home.join("key")).await?;
    let world = Arc::new(World::default());
    world.paced(Pace {
        build: Duration::from_millis(arguments.build),
        lines: arguments.lines,
        rollout: Duration::from_millis(arguments.rollout),
    });
    let keys = KeyRotation::new(store.clone(), None);
    let ports = Ports {
        store: Arc::new(store),
        repositories: world.clone(),
        builder: world.clone(),
        registry: world.clone(),
        charts: world.clone(),
        releases: world.clone(),
        cluster: world.clone(),
        requests: world.clone(),
    };
    furnish(&ports, &arguments).await?;
    let engine = Engine::new(ports.clone(), Settings::default());
    engine.recover().await?;
    let listener = TcpListener::bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    let token = SecretText::new(&arguments.token);
    let site = Site::new(address, arguments.public_url.clone(), Files::Built);
    let (following, stops) = (engine.clone(), shutdown.clone());
    tokio::spawn(async move { tokio::join!(following.keep_following(&stops), following.keep_previews(&stops)) });
    let notifier = Arc::new(HttpNotifier::new(Addresses::default())?);
    let app = App::new((engine, ports, world, notifier), keys, token, site, false, shutdown.clone());
    let telling = app.clone();
    tokio::spawn(async move { telling.keep_notifying().await });
    println!("http://{address} {}", arguments.token);
    if arguments.until_input_ends {
        std::thread::spawn(|| {
            // A failure is an end of the input too.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(0)
        });
    }
    answer(listener, router(app), shutdown).await;
    Ok(())
}

/// A target, and the environment unless an earlier run left it.
async fn furnish(ports: &Ports, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let access = Access::owner("simulated");
    let target = Target {
        name: "simulated".to_owned(),
        platform: Platform::kubernetes("/nowhere", "simulated"),
        domain: "{service}.{environment}.localhost".to_owned(),
        ingress_port: None,
        cluster_issuer: None,
        request_percent: 100,
        is_default: true,
    };
    ports.store.put_target(&access, &target).await?;
    let text = environment(arguments);
    let file = file::parse(&text, &ParseOptions::default()).map_err(|problems| format!("{problems:?}"))?;
    let applied = file::apply(None, &file, ApplyOptions::default()).map_err(|problems| format!("{problems:?}"))?;
    match ports.store.put_environment(&access, &applied.environment, 0).await {
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The environment file of so many services.
fn environment(arguments: &Arguments) -> String {
    let stages = arguments.stages.max(1);
    let stage = |number: usize| format!("Stage {:02}", number.min(stages - 1) + 1);
    let mut text = String::from("apiVersion: slipway.dev/v1\nkind: Environment\nproject: demo\nname: simulated\n");
    text.push_str("pipeline:\n  stages:\n");
    for number in 0..stages {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    - name: {}", stage(number));
    }
    text.push_str("services:\n");
    let names = (1..=arguments.services).map(|number| format!("service-{number:03}")).chain(arguments.also.iter().cloned());
    for (number, name) in names.enumerate() {
        let _ = writeln!(text, "  - name: {name}\n    stage: {}", stage(number * stages / arguments.services.max(1)));
        if number % 3 == 2 && !name.ends_with("-breaks") {
            let _ = writeln!(text, "    container: {{image: {{name: docker.io/library/{name}, tag: \"1.0\"}}}}");
        } else {
            let _ = writeln!(
                text,
                "    application: {{git: {{url: \"https://git.example/{name}.git\", branch: main, root: {name}}}}}"
            );
        }
        let _ = writeln!(text, "    ports: [{{internal: 8080, protocol: http, public: true}}]");
    }
    text
}
