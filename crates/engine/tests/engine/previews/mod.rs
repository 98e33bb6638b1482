//! Environments for pull requests, from the delivery that tells of one to the end of the preview, over a world in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::support::{Bench, SHOP, access, application, commit, container, environment, name, within};
use slipway_core::auto_deploy::{Changed, Notice, RequestWhat, What};
use slipway_core::deployment::{Actor, Outcome, Timestamp};
use slipway_core::failure::{Code, Failure};
use slipway_core::model::{
    Environment, EnvironmentMode, Name, PreviewWhen, Previews, Project, Variable, VariableName, VariableValue,
};
use slipway_core::plan::{Action, Version};
use slipway_engine::{Clock, Settings};
use slipway_ports::{
    CancellationToken, CommitState, Credential, Delivery, Effect, EffectKind, HostedRequest, Login, NewDelivery, SecretText,
    Store as _, StoreError, StoredEnvironment, Webhook, Webhooks as _,
};

mod forks;

const FORK: &str = "https://git.test/eve/shop.git";

/// `shop/demo`, whose `api` is on `main`, with previews and a secret.
fn with_previews() -> Environment {
    let mut environment = environment(vec![application("api"), container("cache")]);
    environment.previews = Some(Previews { enabled: true, when: PreviewWhen::Opened, forks: false, time_to_live: None });
    environment.secrets = vec!["KEY".to_owned()];
    environment.variables =
        vec![Variable { name: VariableName::new("TOKEN").expect("a name"), value: VariableValue::Secret("KEY".to_owned()) }];
    environment
}

fn notice(what: What) -> Notice {
    Notice { repository: vec![SHOP.to_owned()], repository_name: "acme/shop".to_owned(), sender: Some("ada".to_owned()), what }
}

fn request(what: RequestWhat, fork: Option<&str>) -> Notice {
    notice(What::Request {
        number: 7,
        what,
        from: "feature".to_owned(),
        into: "main".to_owned(),
        head: commit(2),
        head_repository: vec![fork.unwrap_or(SHOP).to_owned()],
        from_fork: fork.is_some(),
        title: "A feature".to_owned(),
        link: Some("https://git.test/shop/pulls/7".to_owned()),
    })
}

/// The request as its host shows it, at a commit.
fn hosted(head: u8, fork: Option<&str>) -> HostedRequest {
    HostedRequest {
        number: 7,
        is_open: true,
        from: "feature".to_owned(),
        into: "main".to_owned(),
        head: commit(head),
        head_repository: vec![fork.unwrap_or(SHOP).to_owned()],
        from_fork: fork.is_some(),
        title: "A feature".to_owned(),
        link: None,
    }
}

fn opened() -> Notice {
    request(RequestWhat::Opened, None)
}

fn merged() -> Notice {
    request(RequestWhat::Closed { merged: true }, None)
}

fn comment(by: &str, may_write: bool) -> Notice {
    notice(What::Comment { number: 7, text: "/slipway preview".to_owned(), by: by.to_owned(), may_write, link: None })
}

/// A server that works on deliveries, deletes previews and tells hosts, beside a test.
struct Running {
    bench: Bench,
    now: Arc<AtomicI64>,
    stop: CancellationToken,
}

impl Running {
    async fn with(environment: &Environment) -> Self {
        let now = Arc::new(AtomicI64::new(1_000_000));
        let reads = now.clone();
        let clock = Clock::new(move || Timestamp(reads.load(Ordering::SeqCst)));
        let bench = Bench::with_settings(
            environment,
            Settings { clock, page: Some("https://slipway.test/".to_owned()), ..Settings::default() },
        )
        .await;
        bench.with_webhook().await;
        bench.secret("KEY", "hunter2").await;
        bench.world.commit(SHOP, &commit(2));
        bench.world.commit(FORK, &commit(3));
        let credential = Credential {
            id: "1".to_owned(),
            name: name("robot"),
            place: "git https://git.test".parse().expect("a place"),
            login: Login::Password { user: "robot".to_owned(), password: SecretText::new("token") },
        };
        bench.store.put_credential(&access(), &name("shop"), &credential).await.expect("kept");
        let running = Self { bench, now, stop: CancellationToken::new() };
        running.start();
        running
    }

    fn start(&self) {
        let (engine, stop) = (self.bench.engine.clone(), self.stop.clone());
        tokio::spawn(async move {
            tokio::join!(engine.keep_following(&stop), engine.keep_previews(&stop), engine.keep_telling_requests(&stop));
        });
    }

    async fn tell(&self, id: &str, notice: Notice) -> Vec<Effect> {
        let new = NewDelivery {
            webhook: "hook".to_owned(),
            id: id.to_owned(),
            event: "pull_request".to_owned(),
            notices: vec![notice],
            at: Timestamp(self.now.load(Ordering::SeqCst)),
        };
        assert!(self.bench.store.take_delivery(&new).await.expect("taken"));
        self.bench.engine.tell_of_delivery();
        self.settled(id).await
    }

    async fn settled(&self, id: &str) -> Vec<Effect> {
        within(async {
            loop {
                let all = self.bench.store.deliveries(&access(), "hook", 100).await.expect("read");
                let found = all.into_iter().find(|delivery: &Delivery| delivery.told.id == id).expect("it was taken");
                if let Some((_, effects)) = found.settled {
                    return effects;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
    }

    async fn one(&self, id: &str, notice: Notice) -> Effect {
        let effects = self.tell(id, notice).await;
        let [effect] = &effects[..] else { panic!("one effect: {effects:#?}") };
        effect.clone()
    }

    async fn preview(&self, preview: &str) -> Result<StoredEnvironment, StoreError> {
        self.bench.store.environment(&access(), &name("shop"), &name(preview)).await
    }

    /// The end of the deployment that something brought about.
    async fn ends(&self, effect: &Effect) -> Outcome {
        let (id, _) = effect.deployment.as_ref().unwrap_or_else(|| panic!("no deployment: {effect:?}"));
        crate::support::outcome(&self.bench.end_of(id).await)
    }

    /// The commit that the first service takes in the deployment that something brought about.
    async fn takes(&self, effect: &Effect) -> Version {
        let (id, _) = effect.deployment.as_ref().unwrap_or_else(|| panic!("no deployment: {effect:?}"));
        self.bench.end_of(id).await.plan().services[0].version.clone()
    }

    async fn until(&self, is_so: impl AsyncFn() -> bool) {
        within(async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    async fn is_gone(&self, preview: &str) {
        self.until(async || matches!(self.preview(preview).await, Err(StoreError::NotFound(_)))).await;
    }

    /// The same while the clock is paused, which goes on whenever all wait.
    async fn is_gone_in_time(&self, preview: &str) {
        for _ in 0..10_000 {
            if matches!(self.preview(preview).await, Err(StoreError::NotFound(_))) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("`{preview}` is there after three hours");
    }

    async fn comment_says(&self, words: &str) {
        self.until(async || self.bench.world.comment("preview:shop/demo").is_some_and(|text| text.contains(words))).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn a_request_has_a_preview_from_its_opening_to_its_merge() {
    let running = Running::with(&with_previews()).await;
    let made = running.one("opened", opened()).await;
    let place: Option<(Name, Name)> = Some((name("shop"), name("demo-pr-7")));
    assert_eq!((made.kind, &made.environment, &*made.why), (EffectKind::Deployed, &place, "the request is open"));
    assert_eq!(running.ends(&made).await, Outcome::Succeeded);
    let (_, deployment) =
        running.bench.engine.deployment(&access(), &made.deployment.clone().expect("one").0).await.expect("it is there");
    let trigger = deployment.trigger();
    assert_eq!((&*trigger.source, &*trigger.actor.0), ("request", "acme/shop #7"));
    assert_eq!(trigger.link.as_deref(), Some("https://git.test/shop/pulls/7"));
    assert_eq!(deployment.plan().services.len(), 2, "all services, not those of the request alone");
    let preview = running.preview("demo-pr-7").await.expect("it is made").environment;
    assert_eq!(preview.mode, EnvironmentMode::Preview);
    let secrets = running.bench.store.secrets(&name("shop"), Some(&name("demo-pr-7"))).await.expect("read");
    assert_eq!(secrets.get("KEY").map(SecretText::expose), Some("hunter2"));
    running.comment_says("deployed").await;
    let statuses = running.bench.world.statuses(&commit(2));
    assert_eq!(statuses.last(), Some(&(CommitState::Success, "deployed".to_owned())), "{statuses:?}");
    let closed = running.one("closed", merged()).await;
    assert_eq!((closed.kind, &closed.environment, &*closed.why), (EffectKind::Deleted, &place, "the request was merged"));
    running.is_gone("demo-pr-7").await;
    running.comment_says("deleted").await;
    assert!(running.preview("demo").await.is_ok(), "what it was made after stays");
    let again = running.one("reopened", opened()).await;
    assert_eq!((again.kind, &again.environment), (EffectKind::Deployed, &place), "a request that is opened again has one again");
}

#[tokio::test]
async fn c13_a_push_to_the_request_deploys_what_it_touches_and_nothing_when_nothing_is_new() {
    let running = Running::with(&with_previews()).await;
    let made = running.one("opened", opened()).await;
    running.ends(&made).await;
    let same = running.one("words", request(RequestWhat::Updated, None)).await;
    assert_eq!((same.kind, &*same.why), (EffectKind::Ignored, "`api` is deployed from 2222222 already"));
    running.bench.world.commit(SHOP, &commit(4));
    running.bench.world.changed(&commit(2), &commit(4), Changed::Paths(vec!["main.rs".to_owned()]));
    let pushed = running.one("pushed", request(RequestWhat::Updated, None)).await;
    assert_eq!((pushed.kind, &*pushed.why), (EffectKind::Deployed, "`api`: main.rs changed"));
    assert_eq!(running.ends(&pushed).await, Outcome::Succeeded);
    running
        .until(async || running.bench.world.statuses(&commit(4)).iter().any(|(state, _)| *state == CommitState::Success))
        .await;
}

#[tokio::test]
async fn a_preview_that_fails_says_why_on_the_request() {
    let running = Running::with(&with_previews()).await;
    let failure = Failure::permanent(Code::BuildFailed, "step `RUN make` ended with 2\n```\nand more");
    running.bench.world.fail("build api", failure);
    let made = running.one("opened", opened()).await;
    assert_eq!(running.ends(&made).await, Outcome::Failed);
    running.comment_says("`api` failed (build-failed)").await;
    let comment = running.bench.world.comment("preview:shop/demo").expect("one");
    assert!(comment.contains("\n````\nstep `RUN make` ended with 2\n```\nand more\n````\n"), "{comment}");
    running
        .until(async || {
            let wanted = (CommitState::Failure, "failed: api: step `RUN make` ended with 2".to_owned());
            running.bench.world.statuses(&commit(2)).contains(&wanted)
        })
        .await;
}

#[tokio::test]
async fn previews_may_be_asked_for_by_comments_alone() {
    let mut environment = with_previews();
    environment.previews.as_mut().expect("they are on").when = PreviewWhen::Asked;
    let running = Running::with(&environment).await;
    assert!(running.one("opened", opened()).await.why.contains("when a comment `/slipway preview` asks for it"));
    assert_eq!(
        running
            .one(
                "talk",
                notice(What::Comment { number: 7, text: "nice".to_owned(), by: "ada".to_owned(), may_write: true, link: None })
            )
            .await
            .why,
        "the comment has no line `/slipway preview`"
    );
    let unknown = running.one("unknown", comment("ada", true)).await;
    assert_eq!((unknown.kind, &*unknown.why), (EffectKind::Failed, "there is no request 7 (revision-not-found)"));
    running.bench.world.request(HostedRequest { is_open: false, ..hosted(2, None) });
    assert_eq!(running.one("late", comment("ada", true)).await.why, "the request is closed");
    running.bench.world.request(hosted(2, None));
    let made = running.one("asked", comment("ada", true)).await;
    assert_eq!(running.ends(&made).await, Outcome::Succeeded);
    let again = running.one("again", comment("ada", true)).await;
    assert_eq!((again.kind, &*again.why), (EffectKind::Deployed, "a comment asks for it"));
}

#[tokio::test]
async fn a_request_that_is_told_of_by_two_ways_at_a_time_has_one_preview() {
    let running = Running::with(&with_previews()).await;
    let other = Webhook {
        id: "other".to_owned(),
        host: "gitea".to_owned(),
        project: None,
        made_by: Actor("me".to_owned()),
        made_at: Timestamp(1),
    };
    running.bench.store.put_webhook(&access(), &other, &SecretText::new("s")).await.expect("kept");
    for webhook in ["hook", "other"] {
        let (id, event, notices) = ("opened".to_owned(), "pull_request".to_owned(), vec![opened()]);
        let new = NewDelivery { webhook: webhook.to_owned(), id, event, notices, at: Timestamp(1_000_000) };
        assert!(running.bench.store.take_delivery(&new).await.expect("taken"));
    }
    running.bench.engine.tell_of_delivery();
    running.settled("opened").await;
    running.until(async || running.bench.store.open_deliveries().await.is_ok_and(|open| open.is_empty())).await;
    let all = running.bench.store.environments(&access()).await.expect("read");
    let names: Vec<_> = all.iter().map(|stored| stored.environment.name.as_str()).collect();
    assert_eq!(names, ["demo", "demo-pr-7"]);
}

#[tokio::test]
async fn a_host_that_refuses_the_token_is_not_asked_again_and_again() {
    let running = Running::with(&with_previews()).await;
    let refused = || Failure::permanent(Code::RepositoryUnauthorized, "the token may not");
    let what = format!("set status of {}", commit(2));
    for _ in 0..9 {
        running.bench.world.fail(&what, refused());
    }
    let made = running.one("opened", opened()).await;
    assert_eq!(running.ends(&made).await, Outcome::Succeeded);
    running.one("closed", merged()).await;
    running.is_gone("demo-pr-7").await;
    assert!(running.bench.world.count(&what) <= 4, "once for each state that it had: {}", running.bench.world.count(&what));
}

#[tokio::test(start_paused = true)]
async fn a_preview_lives_as_long_as_it_is_deployed_again() {
    let mut environment = with_previews();
    environment.previews.as_mut().expect("they are on").time_to_live = Some(Duration::from_secs(3600));
    let running = Running::with(&environment).await;
    let made = running.one("opened", opened()).await;
    running.ends(&made).await;
    running.now.fetch_add(3_500_000, Ordering::SeqCst);
    running.bench.world.commit(SHOP, &commit(4));
    let pushed = running.one("pushed", request(RequestWhat::Updated, None)).await;
    running.ends(&pushed).await;
    running.now.fetch_add(3_500_000, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(
        running.preview("demo-pr-7").await.is_ok_and(|stored| stored.environment.preview.is_some_and(|it| it.over.is_none()))
    );
    running.now.fetch_add(200_000, Ordering::SeqCst);
    running.is_gone_in_time("demo-pr-7").await;
}

#[tokio::test]
async fn a_merge_ends_what_is_being_deployed() {
    let running = Running::with(&with_previews()).await;
    running.bench.world.hold("build api");
    let made = running.one("opened", opened()).await;
    running.bench.begun("build api").await;
    running.tell("closed", merged()).await;
    assert_eq!(running.ends(&made).await, Outcome::Canceled);
    running.is_gone("demo-pr-7").await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_fails_is_tried_again() {
    let running = Running::with(&with_previews()).await;
    let made = running.one("opened", opened()).await;
    running.ends(&made).await;
    running.bench.world.fail("uninstall api", Failure::permanent(Code::ClusterRefused, "not now"));
    running.tell("closed", merged()).await;
    running.is_gone_in_time("demo-pr-7").await;
    assert_eq!(running.bench.world.count("uninstall api"), 2);
}

#[tokio::test]
async fn a_preview_that_somebody_deletes_is_forgotten_and_one_of_whose_services_he_deletes_is_not() {
    let running = Running::with(&with_previews()).await;
    let made = running.one("opened", opened()).await;
    running.ends(&made).await;
    let part =
        running.bench.ask("demo-pr-7", Action::Delete, crate::support::only(&[("cache", None)]), "me").await.expect("taken");
    running.bench.end_of(&part.summary.id).await;
    let whole =
        running.bench.ask("demo-pr-7", Action::Restart, crate::support::only(&[("api", None)]), "me").await.expect("it is there");
    running.bench.end_of(&whole.summary.id).await;
    assert!(
        running.preview("demo-pr-7").await.is_ok_and(|stored| stored.environment.preview.is_some_and(|it| it.over.is_none()))
    );
    running.bench.ask("demo-pr-7", Action::Delete, slipway_core::plan::Request::default(), "me").await.expect("taken");
    running.is_gone("demo-pr-7").await;
}

#[tokio::test]
async fn a_project_has_a_bounded_number_of_previews() {
    let running = Running::with(&with_previews()).await;
    let stored = running.bench.store.project(&access(), &name("shop")).await.expect("read");
    let bounded = Project { preview_limit: 3, ..stored.project };
    running.bench.store.put_project(&access(), &bounded, stored.version).await.expect("kept");
    for number in 1..=3 {
        let mut other = with_previews();
        other.name = name(&format!("old-{number}"));
        other.preview = Some(slipway_core::model::Preview {
            of: name("demo"),
            host: "gitea".to_owned(),
            repository: SHOP.to_owned(),
            repository_name: "acme/shop".to_owned(),
            number: 100 + number,
            branch: "feature".to_owned(),
            fork: None,
            title: String::new(),
            link: None,
            time_to_live: None,
            over: None,
        });
        other.previews = None;
        running.bench.store.put_environment(&access(), &other, 0).await.expect("kept");
    }
    let ignored = running.one("opened", opened()).await;
    assert_eq!((ignored.kind, &*ignored.why), (EffectKind::Ignored, "the project has 3 previews, and may have 3 at a time"));
    assert!(running.preview("demo-pr-7").await.is_err());
}

#[tokio::test]
async fn b06_a_server_that_was_killed_at_any_write_of_a_preview_leaves_one_that_the_next_goes_on_with() {
    let running = Running::with(&with_previews()).await;
    let made = running.one("opened", opened()).await;
    running.ends(&made).await;
    // Killed before the delivery was settled: it is worked on again, and brings about nothing new.
    running.bench.store.unsettle("opened");
    running.bench.engine.tell_of_delivery();
    let effects = running.settled("opened").await;
    let all = running.bench.store.deployments(&access(), &name("shop"), &name("demo-pr-7"), None, 9).await.expect("read");
    assert_eq!(all.len(), 1, "{effects:#?}");
    // Killed before it was deployed: it is there, and nobody has asked for it.
    let stored = running.preview("demo-pr-7").await.expect("it is there");
    let mut bare = stored.environment.clone();
    let told = bare.preview.as_mut().expect("it is one");
    (bare.name, told.number) = (name("demo-pr-8"), 8);
    running.bench.store.put_environment(&access(), &bare, 0).await.expect("kept");
    let secret = SecretText::new("hunter2");
    running.bench.store.put_secret(&access(), &name("shop"), Some(&bare.name), "KEY", &secret).await.expect("kept");
    let mut eight = opened();
    let What::Request { number, .. } = &mut eight.what else { unreachable!("it is a request") };
    *number = 8;
    let effect = running.one("eight", eight).await;
    assert_eq!((effect.kind, &*effect.why), (EffectKind::Deployed, "it was made and not deployed yet"));
    // Killed after it was marked: the next server deletes it.
    running.stop.cancel();
    running.ends(&effect).await;
    let stored = running.preview("demo-pr-8").await.expect("it is there");
    let mut marked = stored.environment.clone();
    marked.preview.as_mut().expect("it is one").over = Some("the request was closed".to_owned());
    running.bench.store.put_environment(&access(), &marked, stored.version).await.expect("kept");
    let (engine, stop) = (running.bench.engine.clone(), CancellationToken::new());
    let stops = stop.clone();
    let keeping = tokio::spawn(async move { engine.keep_previews(&stops).await });
    running.is_gone("demo-pr-8").await;
    stop.cancel();
    keeping.await.expect("it ends");
}
