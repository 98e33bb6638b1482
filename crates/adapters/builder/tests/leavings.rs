//! What real builds are given, and what they leave: secrets, platforms, provenance, base images.
#![cfg(feature = "builder-tests")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use slipway_core::failure::Code;
use slipway_ports::{BuildRequest, RepositoryTag, SecretText};
use support::{BASE, Fixture, Seen, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_base_that_was_built_on_is_recorded_with_its_digest_and_a_rebuild_takes_the_one_that_moved() {
    let fixture = Fixture::start().await;
    let base = |text: &str| BuildRequest {
        destination: RepositoryTag { repository: "base".to_owned(), tag: "1".to_owned() },
        ..fixture.request(&format!("{BASE}ENV WHICH={text}\n"))
    };
    let request = fixture.request(&format!("FROM {}/base:1\nCOPY Dockerfile /\n", fixture.registry.address));
    let mut digests = Vec::new();
    for which in ["first", "second"] {
        let base = fixture.build(&base(which), &Seen::default()).await.unwrap().digest;
        let built = fixture.build(&request, &Seen::default()).await.unwrap();
        let [provenance] = &fixture.provenance(&built)[..] else { panic!("it has one provenance") };
        let [dependency] = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap()[..] else {
            panic!("it has one base: {provenance}")
        };
        let uri = dependency["uri"].as_str().unwrap();
        assert!(uri.starts_with(&format!("pkg:docker/{}/base@1?platform=linux", fixture.registry.address)), "{uri}");
        assert_eq!(format!("sha256:{}", dependency["digest"]["sha256"].as_str().unwrap()), base);
        digests.push(fixture.images(&built));
    }
    assert_ne!(digests[0], digests[1]);
    fixture.end().await;
}

/// Busybox for two machines: the one that is not ours says so, and is a program that our kernel does not run.
fn of_each_machine(context: &Path) {
    let program = std::fs::read(context.join("busybox")).unwrap();
    // The field of an ELF header that says for which machine it is.
    for (name, machine) in [("amd64", 62), ("arm64", 183)] {
        let mut program = program.clone();
        program[18] = machine;
        let path = context.join(format!("busybox-{name}"));
        std::fs::write(&path, program).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_platforms_make_one_index_and_a_program_without_emulation_says_what_to_install() {
    let fixture = Fixture::start().await;
    let (own, foreign) =
        if cfg!(target_arch = "aarch64") { ("linux/arm64", "linux/amd64") } else { ("linux/amd64", "linux/arm64") };
    let platforms = vec![own.to_owned(), foreign.to_owned()];
    let request = BuildRequest { platforms: platforms.clone(), ..fixture.request(BASE) };
    let image = fixture.build(&request, &Seen::default()).await.unwrap();
    let images = fixture.images(&image);
    assert_eq!(images.iter().map(|(platform, _)| platform).collect::<Vec<_>>(), [own, foreign]);
    for stored in images.iter().map(|(_, digest)| digest).chain([&image.digest]).map(|digest| fixture.stored(digest)) {
        assert_eq!(stored["annotations"]["org.opencontainers.image.revision"], "a, \"b\"");
    }
    assert_eq!(fixture.provenance(&image).len(), 2);

    let running =
        BASE.replace("COPY busybox", "ARG TARGETARCH\nCOPY busybox-$TARGETARCH") + "RUN echo \"it runs on $(uname -m)\"\n";
    for platforms in [platforms, vec![foreign.to_owned()]] {
        let request = BuildRequest { platforms, ..fixture.request(&running) };
        of_each_machine(&request.context);
        let failure = fixture.build(&request, &Seen::default()).await.unwrap_err();
        assert_eq!(failure.code, Code::EmulationMissing, "{failure} {:?}", failure.last_lines);
        assert!(failure.message.contains(&format!("lacks emulation for {foreign}")), "{failure}");
        assert!(failure.hint.unwrap().contains("binfmt"));
    }
    fixture.end().await;
}

/// The files below a folder that hold a text, as they are or compressed.
fn files_with(text: &str, folder: &Path) -> Vec<PathBuf> {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(bytes) = std::fs::read(&path).ok().filter(|_| kind.is_file()) else { continue };
            let plain = || Command::new("gzip").arg("-dc").arg(&path).stderr(Stdio::null()).output().unwrap().stdout;
            if holds(&bytes) || (bytes.starts_with(&[0x1f, 0x8b]) && holds(&plain())) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_seen_by_the_step_that_mounts_it_and_left_nowhere() {
    const CANARY: &str = "canary-7d1c0a55e2";
    let fixture = Fixture::start().await;
    let mount = "RUN --mount=type=secret,id=TOKEN,required=true";
    let careful = format!("{BASE}{mount} /bin/busybox rev /run/secrets/TOKEN; /bin/busybox sleep 2\nRUN env\n");
    let given = |dockerfile: &str| BuildRequest {
        secrets: [("TOKEN".to_owned(), SecretText::new(CANARY)), ("PATH".to_owned(), SecretText::new("/nowhere"))].into(),
        ..fixture.request(dockerfile)
    };
    let seen = Seen::default();
    let reversed: String = CANARY.chars().rev().collect();
    let (request, looking) = (given(&careful), async {
        seen.until(&reversed).await;
        assert_eq!(running(CANARY), Vec::<PathBuf>::new(), "no list of processes shows it");
    });
    let (built, ()) = tokio::join!(fixture.build(&request, &seen), looking);
    let images = fixture.images(&built.unwrap());
    assert!(!seen.has(CANARY), "{:#?}", seen.lines);
    assert_eq!(files_with(CANARY, fixture.folder.path()), Vec::<PathBuf>::new(), "neither image nor cache nor daemon keep it");
    let changed = BuildRequest { secrets: [("TOKEN".to_owned(), SecretText::new("another"))].into(), ..request.clone() };
    let again = fixture.build(&changed, &Seen::default()).await.unwrap();
    assert_eq!(fixture.images(&again), images, "what is cached goes by no secret");

    let without = BuildRequest { secrets: [].into(), ..fixture.request(&careful.replace("sleep 2", "sleep 0")) };
    let failure = fixture.build(&without, &Seen::default()).await.unwrap_err();
    assert!(failure.code == Code::BuildFailed && failure.message.contains("TOKEN"), "{failure}");
    // What looks for it would have found it.
    fixture
        .build(&given(&format!("{BASE}{mount} /bin/busybox cp /run/secrets/TOKEN /leaked\n")), &Seen::default())
        .await
        .unwrap();
    assert!(!files_with(CANARY, &fixture.folder.path().join("registry")).is_empty());
    fixture.end().await;
}
