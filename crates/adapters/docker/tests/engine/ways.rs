//! Ways into containers, and what they say: commands with input, ports, lines that are followed, of before, and from a time on.

use std::time::Duration;

use slipway_ports::{
    CancellationToken, Cluster, ConnectRequest, ExecInput, ExecOutput, ExecRequest, ExecStreams, LogPods, LogQuery, PodLine,
    PodsOf, Workloads,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::scene::{Scene, container, docker, eventually, web};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reads_its_input_to_the_end_and_tells_its_exit_code() {
    let scene = Scene::new("exec").await;
    scene.release(&scene.request(&web(""), "d1")).await.unwrap();
    let request = ExecRequest {
        namespace: scene.namespace.clone(),
        release: "web".to_owned(),
        of: PodsOf::Release,
        pod: None,
        container: None,
        command: ["sh", "-c", "cat; echo wrong >&2; exit 9"].map(str::to_owned).to_vec(),
        terminal: false,
        input: true,
    };
    let (sender, input) = mpsc::channel(4);
    let (output, mut said) = mpsc::channel(4);
    for part in ["one\n", "two\n"] {
        sender.send(ExecInput::Bytes(part.as_bytes().to_vec())).await.unwrap();
    }
    drop(sender);
    let never = CancellationToken::new();
    let reading = async {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(part) = said.recv().await {
            match part {
                ExecOutput::Stdout(bytes) => out.extend(bytes),
                ExecOutput::Stderr(bytes) => err.extend(bytes),
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    };
    let streams = ExecStreams { input, output };
    let (code, said) = tokio::join!(scene.local.exec(&scene.target, &request, streams, &never), reading);
    assert_eq!((code.unwrap(), said), (9, ("one\ntwo\n".to_owned(), "wrong\n".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_port_of_a_container_is_reached_also_one_that_nothing_else_asks() {
    let scene = Scene::new("connect").await;
    let keys = "    command: [perl, /server.pl, http, '7000']";
    scene.release(&scene.request(&container("web", keys), "d1")).await.unwrap();
    let request = ConnectRequest {
        namespace: scene.namespace.clone(),
        release: "web".to_owned(),
        of: PodsOf::Release,
        pod: None,
        port: 7000,
    };
    let mut connection = scene.local.connect(&scene.target, &request).await.unwrap();
    connection.stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    connection.stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("d1"), "{answer}");
    assert_eq!(vec![connection.pod], scene.up().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_followed_over_a_restart_and_into_the_next_version_each_of_them_once() {
    let scene = Scene::new("follow").await;
    let service = container("web", "    command: [perl, /server.pl, none]");
    scene.release(&scene.request(&service, "d1")).await.unwrap();
    let query = LogQuery {
        namespace: scene.namespace.clone(),
        release: "web".to_owned(),
        of: PodsOf::Release,
        pods: LogPods::All,
        follow: true,
        tail: None,
        since: None,
        previous: false,
    };
    let (sender, mut lines) = mpsc::channel::<PodLine>(16);
    let stop = CancellationToken::new();
    let following = scene.local.logs(&scene.target, &query, sender, &stop);
    let acting = async {
        let mut said = Vec::new();
        for (text, times) in [("ready", 1), ("ready", 2), ("version d2 begins", 1)] {
            while said.iter().filter(|line| *line == text).count() < times {
                let line = tokio::time::timeout(Duration::from_secs(30), lines.recv()).await.expect("a line comes").unwrap();
                said.push(line.text);
            }
            match (text, times) {
                ("ready", 1) => docker().restart_container(&scene.up().await[0], None).await.unwrap(),
                ("ready", 2) => scene.release(&scene.request(&service, "d2")).await.unwrap(),
                _ => {}
            }
        }
        stop.cancel();
        said
    };
    let (ended, said) = tokio::join!(following, acting);
    ended.unwrap();
    let count = |text: &str| said.iter().filter(|line| *line == text).count();
    assert_eq!((count("version d1 begins"), count("version d2 begins")), (2, 1), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_from_a_time_on_are_those_alone() {
    let scene = Scene::new("since").await;
    let service = container(
        "web",
        "    command: [perl, -e, '$| = 1; for (1 .. 1000) { print \"line $_\\n\"; select undef, undef, undef, 0.1 }']",
    );
    scene.release(&scene.request(&service, "d1")).await.unwrap();
    let query = |since| LogQuery {
        namespace: scene.namespace.clone(),
        release: "web".to_owned(),
        of: PodsOf::Release,
        pods: LogPods::All,
        follow: false,
        tail: None,
        since,
        previous: false,
    };
    let read = |query: LogQuery| {
        let scene = &scene;
        async move {
            let (sender, mut lines) = mpsc::channel::<PodLine>(2000);
            scene.local.logs(&scene.target, &query, sender, &CancellationToken::new()).await.unwrap();
            let mut all = Vec::new();
            while let Some(line) = lines.recv().await {
                all.push(line);
            }
            all
        }
    };
    let all = eventually("ten lines", || async { Some(read(query(None)).await).filter(|all| all.len() >= 10) }).await;
    let later = read(query(all[5].at)).await;
    assert_eq!((&all[0].text, later[0].clone()), (&"line 1".to_owned(), all[5].clone()));
}
