//! `slipway port-forward`: ports of a service on this machine.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use futures::{SinkExt as _, StreamExt as _};
use slipway_core::model::Name;
use slipway_ports::api::{ForwardControl, RunningView};
use slipway_server::Home;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, WebSocket, encoded};
use crate::context::Context;
use crate::output::{self, Output};
use crate::stop::{Exit, Stop};

/// How many bytes are read at a time.
const BUFFER: usize = 32 * 1024;

/// Forward ports of this machine to a service: every connection to a pod that is ready then.
#[derive(Debug, Args)]
pub(crate) struct PortForward {
    /// The service.
    #[arg(value_name = "SERVICE")]
    service: Name,
    /// A port of the pod, and of 127.0.0.1; another one there by `LOCAL:PORT`, one that is free by `:PORT`.
    #[arg(required = true, value_name = "[LOCAL:]PORT")]
    ports: Vec<Ports>,
    /// To this pod only.
    #[arg(long, value_name = "POD")]
    pod: Option<String>,
}

/// A port here and one there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ports {
    local: u16,
    remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let read = match text.split_once(':') {
            None => port(text).map(|port| Self { local: port, remote: port }),
            // The system finds one.
            Some(("", remote)) => port(remote).map(|remote| Self { local: 0, remote }),
            Some((local, remote)) => port(local).zip(port(remote)).map(|(local, remote)| Self { local, remote }),
        };
        read.ok_or_else(|| format!("`{text}` is no port; expected `PORT`, `LOCAL:PORT` or `:PORT` with numbers from 1 to 65535"))
    }
}

/// Where connections go.
#[derive(Debug)]
struct Route {
    home: Home,
    path: String,
    service: Name,
    remote: u16,
    /// The pod of the last connection, so that a new one is told.
    last: Mutex<String>,
}

pub(crate) async fn run(context: &Context, arguments: &PortForward) -> Result<Exit, Stop> {
    let selection = context.selection()?;
    let service = &arguments.service;
    let running: RunningView = context.client()?.get(&format!("{}/running", selection.path())).await?;
    if !running.services.iter().any(|known| known.name == service.as_str()) {
        return Err(Stop::new(Exit::NotFound, format!("{selection} has no service `{service}`")));
    }
    let mut tasks = JoinSet::new();
    for Ports { local, remote } in &arguments.ports {
        let listener = TcpListener::bind(("127.0.0.1", *local)).await.map_err(|error| {
            Stop::new(Exit::Refused, format!("127.0.0.1:{local} can not be listened on: {error}"))
                .with_hint(format!("name another port of this machine, `LOCAL:{remote}`, or `:{remote}` for one that is free"))
        })?;
        let address = listener.local_addr().map_err(|error| Stop::new(Exit::Internal, error.to_string()))?;
        match context.output {
            Output::Text => output::line(format!("{address} -> {service}:{remote}"))?,
            Output::Json => {
                let line = serde_json::json!({"address": address.to_string(), "service": service, "port": remote});
                output::line(line)?;
            }
        }
        let pod = arguments.pod.as_deref().map_or(String::new(), |pod| format!("?pod={}", encoded(pod)));
        let route = Route {
            home: context.home.clone(),
            path: format!("{}/services/{service}/ports/{remote}{pod}", selection.path()),
            service: service.clone(),
            remote: *remote,
            last: Mutex::default(),
        };
        tasks.spawn(accept(listener, Arc::new(route)));
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Err(Stop::silent(Exit::Interrupted)),
        // None of them ends by itself but for a system that gives no more connections.
        _ = tasks.join_next() => Err(Stop::new(Exit::Internal, "no more connections can be accepted")),
    }
}

async fn accept(listener: TcpListener, route: Arc<Route>) {
    while let Ok((connection, _)) = listener.accept().await {
        let route = route.clone();
        tokio::spawn(async move {
            if let Err(stop) = forward(connection, &route).await {
                let hint = stop.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                output::tell(format!("a connection to {}:{} was not made: {stop}{hint}", route.service, route.remote));
            }
        });
    }
}

/// One connection, to a pod that the server picks.
async fn forward(connection: TcpStream, route: &Route) -> Result<(), Stop> {
    // A server that came back may listen elsewhere.
    let mut socket = Client::of(&route.home)?.websocket(&route.path).await?;
    let pod = loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(ForwardControl::Pod(pod)) => break pod,
                Ok(ForwardControl::End) | Err(_) => return Err(Stop::new(Exit::Internal, "the server does not say which pod")),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return Err(Stop::new(Exit::Unreachable, "the server ended it early")),
        }
    };
    {
        let mut last = route.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != pod {
            output::tell(format!("{}:{} is pod {pod}", route.service, route.remote));
            *last = pod;
        }
    }
    pass(connection, socket).await;
    Ok(())
}

/// Passes bytes both ways until the pod's side ends, or the connection here breaks.
async fn pass(connection: TcpStream, socket: WebSocket) {
    // Small answers are wanted at once. A socket that refuses is closing.
    let _ = connection.set_nodelay(true);
    let (mut sink, mut stream) = socket.split();
    let (mut from_here, mut to_here) = connection.into_split();
    let outward = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            match from_here.read(&mut buffer).await {
                Ok(0) => {
                    let end = serde_json::to_string(&ForwardControl::End).ok()?;
                    sink.send(Message::text(end)).await.ok()?;
                    // What the pod still has to say comes.
                    std::future::pending::<()>().await;
                }
                Ok(count) => sink.send(Message::binary(buffer[..count].to_vec())).await.ok()?,
                Err(_) => return None::<()>,
            }
        }
    };
    let inward = async {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Binary(bytes) if to_here.write_all(&bytes).await.is_err() => return,
                Message::Close(_) => break,
                _ => {}
            }
        }
        // The end of the pod's side is the end here; one that has left does not see it.
        let _ = to_here.shutdown().await;
    };
    tokio::select! {
        _ = outward => {}
        () = inward => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_or_refused() {
        for (text, local, remote) in [("8080", 8080, 8080), ("9000:8080", 9000, 8080), (":5432", 0, 5432)] {
            assert_eq!(text.parse(), Ok(Ports { local, remote }));
        }
        for text in ["", "0", "x", "1:2:3", "8080:", "70000", "-1", "0:80"] {
            assert!(text.parse::<Ports>().unwrap_err().contains("expected"), "{text}");
        }
    }
}
