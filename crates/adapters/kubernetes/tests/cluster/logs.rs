//! Lines of pods, those that are there and those that come.

use std::time::Duration;

use slipway_core::failure::FailureKind;
use slipway_ports::{CancellationToken, Cluster, LogPods, LogQuery, PodLine, PodsOf, RolloutKind};
use tokio::sync::mpsc;

use crate::scene::{Scene, Told, deployment, job, shell};

fn query(scene: &Scene, follow: bool, tail: Option<u32>) -> LogQuery {
    LogQuery {
        namespace: scene.namespace.clone(),
        release: "api".to_owned(),
        of: PodsOf::Release,
        pods: LogPods::All,
        follow,
        tail,
        since: None,
        previous: false,
    }
}

async fn next(lines: &mut mpsc::Receiver<PodLine>) -> PodLine {
    tokio::time::timeout(Duration::from_secs(90), lines.recv()).await.expect("a line in time").expect("a line")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_a_job_are_read_to_their_end() {
    let scene = Scene::new("joblog").await;
    scene.apply(job("echo one; echo; echo three", 60)).await;
    scene.watch(RolloutKind::Job { name: "api-run".to_owned() }, 120, &Told::default()).await.unwrap();
    for (tail, wanted) in [(None, vec!["one", "", "three"]), (Some(1), vec!["three"])] {
        let (sender, mut lines) = mpsc::channel(10);
        scene.cluster.logs(&scene.target, &query(&scene, false, tail), sender, &CancellationToken::new()).await.unwrap();
        let mut texts = Vec::new();
        while let Some(line) = lines.recv().await {
            texts.push(line.text);
        }
        assert_eq!(texts, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_lines_and_new_pods_are_followed_until_somebody_stops() {
    let scene = Scene::new("follow").await;
    let script = |word: &str| format!("i=0; while true; do echo {word} $i; i=$((i+1)); sleep 1; done");
    scene.apply(deployment(1, shell(&script("old")))).await;
    let (sender, mut lines) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let query = query(&scene, true, None);
    let read = scene.cluster.logs(&scene.target, &query, sender, &cancel);
    let listen = async {
        for number in 0..3 {
            assert_eq!(next(&mut lines).await.text, format!("old {number}"));
        }
        scene.apply(deployment(1, shell(&script("new")))).await;
        let mut wanted = 0;
        while wanted < 3 {
            let line = next(&mut lines).await;
            if line.text.starts_with("new") {
                assert_eq!(line.text, format!("new {wanted}"));
                wanted += 1;
            }
        }
        cancel.cancel();
    };
    let (ended, ()) = tokio::join!(read, listen);
    assert_eq!(ended.unwrap_err().kind, FailureKind::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_ends_when_the_receiver_goes() {
    let scene = Scene::new("gone").await;
    let (sender, lines) = mpsc::channel(1);
    drop(lines);
    let (query, cancel) = (query(&scene, true, None), CancellationToken::new());
    let read = scene.cluster.logs(&scene.target, &query, sender, &cancel);
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("it ends").unwrap();
}
