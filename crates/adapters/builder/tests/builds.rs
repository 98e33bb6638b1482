//! Real builds, and the daemon that does them.
#![cfg(feature = "builder-tests")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use slipway_builder::{BuildKit, BuildKitPrograms, DaemonSettings, LocalBuildkitd, Transport};
use slipway_core::failure::{Code, FailureKind};
use slipway_core::model::{Bytes, Millicores, Name};
use slipway_ports::{Activity, BuildRequest, Builder, CancellationToken, Credential, Login, Reader, RepositoryTag, SecretText};
use support::{BASE, Fixture, Registry, Seen, builder_settings, running, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_is_pushed_with_its_arguments_and_a_second_one_is_cached() {
    let fixture = Fixture::start().await;
    assert!(fixture.builder.version().await.unwrap().starts_with("0."));
    let mut request = fixture.request(&format!(
        "{}ARG GREETING\nRUN echo \"said: $GREETING\"\nFROM scratch AS last\nCOPY missing /\n",
        BASE.replace("scratch", "scratch AS wanted")
    ));
    request.args = [("GREETING".to_owned(), "a \"b\", $(c)=d".to_owned())].into();
    request.target = Some("wanted".to_owned());
    let seen = Seen::default();
    let image = fixture.build(&request, &seen).await.unwrap();
    assert!(seen.has("said: a \"b\", $(c)=d"), "{:#?}", seen.lines);
    assert_eq!(*seen.activities.lock().unwrap(), [Activity::Building, Activity::Pushing]);
    let images = fixture.images(&image);
    let [(_, digest)] = &images[..] else { panic!("one platform has one image: {images:?}") };
    for stored in [fixture.stored(&image.digest), fixture.stored(digest)] {
        assert_eq!(stored["annotations"]["org.opencontainers.image.revision"], "a, \"b\"");
    }
    let [provenance] = &fixture.provenance(&image)[..] else { panic!("it has one provenance") };
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    assert!(!provenance.to_string().contains("$(c)=d"), "no value of an argument is in it: {provenance}");
    let again = Seen::default();
    assert_eq!(fixture.images(&fixture.build(&request, &again).await.unwrap()), images, "the same layers make the same image");
    assert!(again.has("CACHED"));
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_build_ends_with_its_own_failure() {
    let fixture = Fixture::start().await;
    let missing = fixture.request("FROM scratch\n");
    std::fs::remove_file(missing.dockerfile_folder.join("Dockerfile")).unwrap();
    let slow = BuildRequest { timeout: Duration::from_secs(3), ..fixture.request(&format!("{BASE}RUN /bin/busybox sleep 47\n")) };
    let hungry = format!("{BASE}RUN /bin/busybox awk 'BEGIN{{s=\"x\"; while(1) s=s s}}'\n");
    let nobase = format!("FROM {}/no/such:1\nRUN true\n", fixture.registry.address);
    for (request, code, words) in [
        (fixture.request(&format!("{BASE}RUN echo about to; exit 7\n")), Code::BuildFailed, "exit code 7"),
        (fixture.request("FROM scratch\nRUNN true\n"), Code::DockerfileInvalid, "line 2"),
        (missing, Code::DockerfileNotFound, "no Dockerfile"),
        (slow, Code::BuildTimeout, "3 s"),
        (fixture.request(&hungry), Code::BuildOutOfMemory, "128Mi"),
        (fixture.request(&nobase), Code::ImageNotFound, "no/such:1"),
        (fixture.request("# syntax=evil.invalid/frontend:1\nFROM scratch\n"), Code::DockerfileInvalid, "evil.invalid"),
    ] {
        let failure = fixture.build(&request, &Seen::default()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind), (code, FailureKind::Permanent), "{failure} {:#?}", failure.last_lines);
        assert!(failure.message.contains(words), "{failure}");
        if code == Code::BuildFailed {
            assert_eq!(failure.last_lines, ["about to"]);
        }
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_down_may_be_tried_again() {
    let fixture = Fixture::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let daemon = fixture.builder.local().unwrap();
    let settings = builder_settings(&fixture.folder.path().join("other"), &closed);
    let other = BuildKit::at(&daemon.programs().buildctl, daemon.address(), Transport::Plain, settings).unwrap();
    let failure = other.build(&fixture.request(BASE), &Seen::default(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.code, failure.kind), (Code::RegistryUnavailable, FailureKind::Retry), "{failure}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canceled_build_leaves_no_step_running() {
    let fixture = Fixture::start().await;
    let request = fixture.request(&format!("{BASE}RUN echo begun; exec /bin/busybox sleep 4711\n"));
    let (seen, cancel) = (Seen::default(), CancellationToken::new());
    let (result, ()) = tokio::join!(fixture.builder.build(&request, &seen, &cancel), async {
        seen.until("begun").await;
        cancel.cancel();
    });
    assert_eq!(result.unwrap_err().kind, FailureKind::Canceled);
    let end = Instant::now() + Duration::from_secs(10);
    while !running("sleep\x004711").is_empty() {
        assert!(Instant::now() < end, "the step still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_is_adopted_by_the_next_server_and_started_again_when_it_died() {
    let fixture = Fixture::start().await;
    let folder = fixture.folder.path().join("k");
    let configuration = folder.join("buildkitd.toml").display().to_string();
    let daemons = || running(&configuration);
    let first = daemons();
    assert_eq!(first.len(), 1);
    let adopted = LocalBuildkitd::start(&folder, &settings(&fixture.registry), BuildKitPrograms::find().unwrap()).await.unwrap();
    assert_eq!(daemons(), first, "the daemon that answers is taken over");
    let id = first[0].file_name().unwrap().to_str().unwrap();
    assert!(Command::new("kill").args(["-KILL", "--", id]).status().unwrap().success());
    let request = fixture.request(BASE);
    let image = fixture.build(&request, &Seen::default()).await.unwrap();
    assert!(image.digest.starts_with("sha256:"));
    assert_ne!(daemons(), first);
    let changed = DaemonSettings { most_parallel_steps: 2, ..settings(&fixture.registry) };
    let before = daemons();
    let restarted = LocalBuildkitd::start(&folder, &changed, BuildKitPrograms::find().unwrap()).await.unwrap();
    assert_ne!(daemons(), before, "a changed configuration takes effect");
    adopted.stop().await.unwrap();
    restarted.stop().await.unwrap();
    assert_eq!(daemons(), Vec::<PathBuf>::new());
}

/// Where the kernel keeps the cgroup of a build with this limit: no other test, and no server beside them, has it.
fn cgroup_of_the_build(file: &str, limit: &str) -> Option<PathBuf> {
    let trees = ["", "memory", "cpu"].map(|tree| Path::new("/sys/fs/cgroup").join(tree));
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut builds = trees.into_iter().flat_map(below).flat_map(below);
    builds.find(|build| std::fs::read_to_string(build.join(file)).is_ok_and(|text| text.trim() == limit))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_the_steps_of_a_build_together_stay_within_its_memory() {
    let fixture = Fixture::start().await;
    // Two steps run beside each other; each fits by itself, and waits for the other with what it holds.
    let step = |name: &str, other: &str| {
        format!(
            "FROM base AS {name}\nRUN --mount=type=tmpfs,target=/held --mount=type=cache,target=/met \
             /bin/busybox dd if=/dev/zero of=/held/x bs=1M count=80 && /bin/busybox touch /met/{name} && \
             until [ -e /met/{other} ]; do /bin/busybox sleep 0.1; done && /bin/busybox touch /done\n"
        )
    };
    let base = BASE.replace("scratch", "scratch AS base");
    let both = format!(
        "{base}{}{}FROM scratch\nCOPY --from=one /done /one\nCOPY --from=two /done /two\n",
        step("one", "two"),
        step("two", "one")
    );
    let enough = BuildRequest { memory: Bytes::mebi(256), ..fixture.request(&both) };
    fixture.build(&enough, &Seen::default()).await.expect("both fit into 256 MiB");
    let little = BuildRequest { memory: Bytes::mebi(128), ..fixture.request(&both.replace("/met", "/again")) };
    let failure = fixture.build(&little, &Seen::default()).await.unwrap_err();
    assert_eq!(failure.code, Code::BuildOutOfMemory, "{failure:?}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mounted_cache_is_seen_by_builds_of_its_scope_alone() {
    let fixture = Fixture::start().await;
    let build = async |scope: Option<&str>, step: &str| {
        let dockerfile = format!("{BASE}RUN --mount=type=cache,target=/met {step}\n");
        let request = BuildRequest { cache_scope: scope.map(str::to_owned), ..fixture.request(&dockerfile) };
        fixture.build(&request, &Seen::default()).await.map(|_| ())
    };
    build(Some("fork-1"), "/bin/busybox touch /met/left-by-a-fork").await.expect("it is written");
    build(Some("fork-1"), "[ -e /met/left-by-a-fork ]").await.expect("its own scope sees it");
    for other in [None, Some("fork-2")] {
        build(other, "[ ! -e /met/left-by-a-fork ]").await.unwrap_or_else(|failure| panic!("{other:?}: {failure}"));
    }
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_the_build_has_a_cgroup_with_its_limits_which_goes_with_it() {
    let fixture = Fixture::start().await;
    let (cpu, memory) = (Millicores(1230), Bytes(123 << 20));
    let request =
        BuildRequest { cpu, memory, ..fixture.request(&format!("{BASE}RUN echo it has begun; /bin/busybox sleep 1000\n")) };
    let (seen, cancel) = (Seen::default(), CancellationToken::new());
    let building = fixture.builder.build(&request, &seen, &cancel);
    let looking = async {
        seen.until("it has begun").await;
        let find = |one_tree: &str, limit: &str, tree_each: &str, the_same: &str| {
            cgroup_of_the_build(one_tree, limit).or_else(|| cgroup_of_the_build(tree_each, the_same))
        };
        let bytes = memory.0.to_string();
        let found = [
            find("memory.max", &bytes, "memory.limit_in_bytes", &bytes),
            find("cpu.max", "123000 100000", "cpu.cfs_quota_us", "123000"),
        ];
        cancel.cancel();
        found.map(|folder| folder.expect("the build has a cgroup with its limit"))
    };
    let (built, folders) = tokio::join!(building, looking);
    assert_eq!(built.unwrap_err().kind, FailureKind::Canceled);
    // Its processes have been killed; the kernel gives the folder back when they have ended.
    let seen = Seen::default();
    let next = fixture.request(&format!("{BASE}RUN echo next\n"));
    fixture.build(&next, &seen).await.unwrap();
    assert!(folders.iter().all(|folder| !folder.exists()), "{folders:?}");
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_builder_that_never_built_it_begins_with_the_cache_of_the_line_in_the_registry() {
    let fixture = Fixture::start().await;
    let stages = format!(
        "{}RUN echo made in an inner stage > /made\nFROM scratch\nCOPY --from=inner /made /\n",
        BASE.replace("scratch", "scratch AS inner")
    );
    let request = fixture.request(&stages);
    let images = fixture.images(&fixture.build(&request, &Seen::default()).await.unwrap());
    fixture.builder.local().unwrap().stop().await.unwrap();
    std::fs::remove_dir_all(fixture.folder.path().join("k/state")).unwrap();
    let seen = Seen::default();
    assert_eq!(fixture.images(&fixture.build(&request, &seen).await.unwrap()), images);
    assert!(seen.has("CACHED"), "{:#?}", seen.lines);
    fixture.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_a_killed_server_left_is_ended_by_one_that_never_needed_it() {
    let fixture = Fixture::start().await;
    let folder = fixture.folder.path().join("k");
    let configuration = folder.join("buildkitd.toml").display().to_string();
    assert_eq!(running(&configuration).len(), 1);
    LocalBuildkitd::stop_left_behind(&folder).await.unwrap();
    assert!(running(&configuration).is_empty());
    LocalBuildkitd::stop_left_behind(&folder).await.expect("there is none, and that is well");
}

#[tokio::test]
async fn a_private_base_image_is_read_with_the_credential_of_the_project_and_shared_with_nobody_else() {
    let fixture = Fixture::start().await;
    let base = fixture.request("FROM scratch\nCOPY busybox /busybox\n");
    let base = BuildRequest {
        destination: RepositoryTag { repository: "acme/base".to_owned(), tag: "1".to_owned() },
        line: format!("{}-base", fixture.folder.path().display()),
        ..base
    };
    fixture.build(&base, &Seen::default()).await.unwrap();
    let locked = Registry::locked(fixture.folder.path());
    let robot = |password: &str| {
        let login = Login::Password { user: "reader".to_owned(), password: SecretText::new(password) };
        let place = format!("registry {}", locked.address).parse().unwrap();
        Reader::new(vec![Credential { id: "1".to_owned(), name: Name::new("robot").unwrap(), place, login }])
    };
    let reference = format!("{}/acme/base:1", locked.address);
    let request = |marker: &str| fixture.request(&format!("FROM {reference}\nRUN [\"/busybox\", \"echo\", \"{marker}\"]\n"));
    let refused = async |reader: Reader, marker: &str| {
        let built = fixture.build(&BuildRequest { reader, ..request(marker) }, &Seen::default()).await;
        let failure = built.expect_err(marker);
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::RegistryUnauthorized), "{failure:?}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    };
    refused(Reader::nobody(), "before").await;
    let seen = Seen::default();
    fixture.build(&BuildRequest { reader: robot("canary-one"), ..request("mine") }, &seen).await.unwrap();
    assert!(!seen.lines.lock().unwrap().iter().any(|line| line.contains("canary")));
    // The builder holds it now, and gives it to nobody who may not read it.
    refused(Reader::nobody(), "after").await;
    refused(robot("canary-wrong"), "wrong").await;
    // No file of the builder's client is left with the password.
    let mut pending = vec![fixture.folder.path().join("builder")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            } else {
                let content = std::fs::read_to_string(entry.path()).unwrap_or_default();
                assert!(!content.contains("cmVhZGVyOmNhbmFyeS"), "{}", entry.path().display());
            }
        }
    }
}
