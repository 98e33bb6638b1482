//! What a container is made of: its program, variables, files, and how many there are.

use std::collections::BTreeMap;

use slipway_core::failure::Code;
use slipway_ports::{CancellationToken, MadeFrom, Releases, SecretText};

use crate::images;
use crate::scene::{Scene, container, web};

#[tokio::test(flavor = "multi_thread")]
async fn entrypoint_arguments_variables_and_files_arrive_as_they_are_written() {
    let scene = Scene::new("made").await;
    let odd = [
        ("LINES", "one\ntwo\n"),
        ("QUOTES", r#"a "b" 'c' $HOME \n `id` %s"#),
        ("EQUALS", "=a=b="),
        ("UMLAUTS", "äöü → 日本語 🚀"),
        ("EMPTY", ""),
        ("SPACES", "  two  "),
    ];
    let service = container(
        "web",
        r#"    entrypoint: [perl, -e]
    command: ['print join("|", @ARGV), "\n"; $| = 1; sleep 1 while 1', '--']
    args: ['a b', '$HOME', '', '*', "it's"]"#,
    );
    let mut request = scene.request_with(&service, "d1", &odd);
    let content = "first line\n\ttab, ünïcode, no end";
    let data = odd.map(|(name, value)| (name.to_owned(), SecretText::new(value)));
    let mut data = BTreeMap::from(data);
    data.insert("file.0".to_owned(), SecretText::new(content));
    scene.put_secret("web-files", &service, data);
    request.variables_secret = Some("web-files".to_owned());
    let mount = "/etc/made/for this/test.conf";
    request.files = BTreeMap::from([(mount.to_owned(), "file.0".to_owned())]);
    scene.release(&request).await.unwrap();
    for (name, value) in odd {
        let print = format!("print $ENV{{{name}}}");
        assert_eq!(scene.exec("web", None, &["perl", "-e", &print]).await, (0, value.to_owned()), "{name}");
    }
    assert_eq!(
        scene.exec("web", None, &["perl", "-e", "print exists $ENV{'file.0'} ? 1 : 0"]).await.1,
        "0",
        "a file is no variable"
    );
    assert_eq!(scene.exec("web", None, &["cat", mount]).await, (0, content.to_owned()));
    let as_another = "$) = 65534; $> = 65534; open(my $file, '<', '/etc/made/for this/test.conf') or die $!; print <$file>";
    assert_eq!(scene.exec("web", None, &["perl", "-e", as_another]).await, (0, content.to_owned()), "any user reads it");
    let (_, said) = scene
        .exec(
            "web",
            None,
            &["perl", "-e", "local $/; open(my $f, '<', '/proc/1/cmdline'); print join('|', split(/\\0/, <$f>, -1))"],
        )
        .await;
    assert!(said.ends_with("|--|a b|$HOME||*|it's|"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_as_many_instances_as_the_least_that_is_asked_for() {
    let scene = Scene::new("count").await;
    let of = |count: u32, deployment: &str| {
        scene.request_with(
            &web(&format!("    instances: {{min: {count}, max: 5}}")),
            deployment,
            &[("VERSION", "v"), ("READY", "1")],
        )
    };
    let first = of(1, "d1");
    scene.release(&first).await.unwrap();
    let before = scene.up().await;
    assert_eq!(before.len(), 1);
    // The same variables: more of the same containers.
    let more = slipway_ports::ReleaseRequest { variables_secret: first.variables_secret.clone(), ..of(3, "d2") };
    scene.release(&more).await.unwrap();
    let three = scene.up().await;
    assert!(three.len() == 3 && three.contains(&before[0]), "the one that was there goes on: {three:?}");
    assert_eq!(scene.answers().await, ["v", "v", "v"]);
    let fewer = slipway_ports::ReleaseRequest { variables_secret: first.variables_secret.clone(), ..of(2, "d3") };
    scene.release(&fewer).await.unwrap();
    assert_eq!(scene.up().await, three[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_that_fail_go_and_those_that_were_there_stay() {
    let scene = Scene::new("more").await;
    let service = |count: u32| {
        let command = "    command: [perl, -e, 'exit 4 if (() = gethostbyname(\"web\")) > 5; exec qw(perl /server.pl none)']";
        container("web", &format!("{command}\n    instances: {{min: {count}, max: {count}}}"))
    };
    let first = scene.request(&service(1), "d1");
    scene.release(&first).await.unwrap();
    let before = scene.containers().await;
    let more =
        slipway_ports::ReleaseRequest { variables_secret: first.variables_secret.clone(), ..scene.request(&service(3), "d2") };
    let failure = scene.release(&more).await.unwrap_err();
    assert!(failure.message.contains("exit code 4"), "{failure:?}");
    scene.rollback(&more, "d2").await;
    assert_eq!(scene.containers().await, before, "as it was before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_made_or_pulled_is_told_at_once_and_the_version_before_serves_on() {
    let scene = Scene::new("refused").await;
    scene.release(&scene.request(&web(""), "d1")).await.unwrap();
    let before = scene.containers().await;
    let mut unknown = scene.request(&web(""), "d2");
    unknown.made_from = MadeFrom::Image(images::absent());
    let failure = scene.upgrade(&unknown).await.unwrap_err();
    assert_eq!(failure.code, Code::ImagePullFailed, "{failure:?}");
    let missing = scene.request(&container("web", "    command: [/absent]\n    entrypoint: [/absent]"), "d3");
    let failure = scene.upgrade(&missing).await.unwrap_err();
    assert_eq!(failure.code, Code::ContainerConfigInvalid, "{failure:?}");
    assert!(failure.message.contains("/absent"), "{failure:?}");
    scene.rollback(&missing, "d3").await;
    assert_eq!(scene.containers().await, before);
    assert_eq!(scene.answers().await, ["d1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_canceled_ends_as_canceled() {
    let scene = Scene::new("pull").await;
    let canceled = CancellationToken::new();
    canceled.cancel();
    let failure = scene.local.upgrade(&scene.target, &scene.request(&web(""), "d1"), &canceled).await.unwrap_err();
    assert_eq!(failure.kind, slipway_core::failure::FailureKind::Canceled, "{failure:?}");
    assert_eq!(scene.containers().await, []);
}
