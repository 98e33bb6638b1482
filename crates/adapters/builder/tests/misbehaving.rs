//! A builder that floods, hangs, or ends well without an image, is bounded and told apart.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use slipway_builder::{BuildKit, BuildKitSettings, Transport};
use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_core::model::{Bytes, Millicores};
use slipway_ports::{Activity, BuildRequest, Builder, BuiltImage, CancellationToken, Progress, RepositoryTag, Silent};

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Progress for Lines {
    fn activity(&self, _: Activity) {}

    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

fn builder(folder: &Path, mode: &str) -> BuildKit {
    let buildctl = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fake/buildctl");
    let settings = BuildKitSettings {
        registry: "127.0.0.1:1".to_owned(),
        registry_is_plain: true,
        credentials: Vec::new(),
        folder: folder.to_owned(),
        frontends: Vec::new(),
    };
    BuildKit::at(buildctl, format!("fake:{mode}"), Transport::Plain, settings).unwrap()
}

fn request(timeout: Duration) -> BuildRequest {
    BuildRequest {
        context: "/nowhere".into(),
        dockerfile_folder: "/nowhere".into(),
        target: None,
        args: [("A".to_owned(), "a\n'\"$(touch /tmp/x); b".to_owned())].into(),
        secrets: [].into(),
        reader: slipway_ports::Reader::nobody(),
        platforms: Vec::new(),
        line: "a line".to_owned(),
        cache_scope: None,
        cpu: Millicores(1000),
        memory: Bytes::mebi(64),
        timeout,
        destination: RepositoryTag { repository: "builds/x".to_owned(), tag: "k1-0".to_owned() },
        annotations: [].into(),
    }
}

async fn build(mode: &str, progress: &dyn Progress) -> Result<BuiltImage, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let result =
        builder(folder.path(), mode).build(&request(Duration::from_secs(120)), progress, &CancellationToken::new()).await;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["docker"], "nothing of a build is left behind");
    result
}

#[tokio::test]
async fn a_flood_without_line_ends_binary_and_long_is_bounded() {
    let lines = Lines::default();
    let failure = build("flood", &lines).await.unwrap_err();
    assert_eq!(failure.code, Code::BuildFailed, "{failure}");
    assert!(failure.last_lines.len() <= 20 && failure.last_lines.iter().all(|line| line.len() <= 2000));
    let lines = lines.0.into_inner().unwrap();
    assert!(lines.iter().map(String::len).sum::<usize>() < 17 << 20);
    assert!(lines.iter().all(|line| line.len() < 20_000 && !line.contains(char::is_control)));
    assert!(lines.iter().any(|line| line.contains("too long and is left out")));
    assert!(lines.last().unwrap().starts_with("[log cut"));
}

#[tokio::test]
async fn an_end_without_an_image_is_its_own_failure() {
    for mode in ["nothing", "badmeta"] {
        let failure = build(mode, &Silent).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (Code::BuildWithoutImage, FailureKind::Permanent), "{mode}");
    }
    let failure = build("silent", &Silent).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::BuilderUnavailable, FailureKind::Retry));
}

/// Waits for the file that the hanging program writes, and reads the processes in it.
async fn processes(place: &Path) -> Vec<u32> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(text) = std::fs::read_to_string(place) {
            return text.split(' ').map(|id| id.parse().unwrap()).collect();
        }
        assert!(Instant::now() < end, "the program did not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn assert_ended(processes: &[u32]) {
    let end = Instant::now() + Duration::from_secs(10);
    let runs = |id: &u32| {
        // A zombie has ended: its parent may be some other program that does not wait for it.
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    while processes.iter().any(runs) {
        assert!(Instant::now() < end, "a process outlived its build: {processes:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_hanging_build_ends_at_its_time_with_all_its_processes() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("processes");
    let builder = builder(folder.path(), &format!("hang@{}", place.display()));
    let failure = builder.build(&request(Duration::from_secs(2)), &Silent, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::BuildTimeout, FailureKind::Permanent));
    assert_ended(&processes(&place).await).await;
}

#[tokio::test]
async fn a_canceled_build_ends_with_all_its_processes() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("processes");
    let builder = builder(folder.path(), &format!("hang@{}", place.display()));
    let cancel = CancellationToken::new();
    let (request, silent) = (request(Duration::from_secs(60)), Silent);
    let (result, started) = tokio::join!(builder.build(&request, &silent, &cancel), async {
        let started = processes(&place).await;
        cancel.cancel();
        started
    });
    assert_eq!(result.unwrap_err().kind, FailureKind::Canceled);
    assert_ended(&started).await;
}

#[tokio::test]
async fn arguments_arrive_as_they_are_and_the_environment_of_the_server_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("seen");
    let builder = builder(folder.path(), &format!("arguments@{}", place.display()));
    let ended = builder.build(&request(Duration::from_secs(60)), &Silent, &CancellationToken::new()).await;
    assert_eq!(ended.unwrap_err().code, Code::BuildWithoutImage);
    let seen: serde_json::Value = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let arguments = seen["arguments"].as_array().unwrap();
    assert!(arguments.iter().any(|argument| argument == "build-arg:A=a\n'\"$(touch /tmp/x); b"), "{arguments:?}");
    let environment: Vec<&str> = seen["environment"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert!(
        environment.contains(&"DOCKER_CONFIG") && !environment.iter().any(|name| name.starts_with("CARGO")),
        "{environment:?}"
    );
}

#[tokio::test]
async fn a_given_builder_that_is_too_old_is_refused_before_it_builds() {
    let failure = build("old", &Silent).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::BuilderUnavailable, FailureKind::Permanent));
    assert!(failure.message.contains("0.9.3 is too old"), "{failure}");
}

#[tokio::test]
async fn a_builder_that_is_not_installed_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let settings = BuildKitSettings {
        registry: "r".to_owned(),
        registry_is_plain: true,
        credentials: Vec::new(),
        folder: folder.path().to_owned(),
        frontends: Vec::new(),
    };
    let builder = BuildKit::at("/nowhere/buildctl", "unix:///nowhere", Transport::Plain, settings).unwrap();
    let failure = builder.build(&request(Duration::from_secs(5)), &Silent, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.code, Code::BuilderUnavailable);
    assert!(failure.hint.unwrap().contains("BuildKit 0.28.1"));
}
