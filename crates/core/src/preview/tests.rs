//! What a preview has, and what is told of it.

use proptest::prelude::*;

use super::{
    Asked, IntoBranch, NotMade, Progress, PullRequest, ServiceLine, Wanted, asks_for_preview, make, names, renew, report,
    services_on,
};
use crate::auto_deploy::same_repository;
use crate::clone::{CloneRequest, ServiceCloneRequest, clone_environment, clone_service};
use crate::file::{ApplyOptions, Outer, ParseOptions, apply, parse_in};
use crate::model::{Environment, EnvironmentMode, FromProject, GitRevision, Name, Previews};
use crate::pipeline_edit::RefusalCode;

const SHOP: &str = "https://git.example/acme/shop.git";
const LOOKED_AT: &str = "0123abcd0123abcd0123abcd0123abcd0123abcd";
const FILE: &str = "
apiVersion: slipway.dev/v1
kind: Environment
project: shop
name: staging
secrets: [KEY]
previews: {enabled: true, timeToLive: 72h}
schedules: [{start: {weekdays: [monday], time: '08:00'}}]
services:
- name: api
  application: {git: {url: 'https://git.example/acme/shop.git', branch: main, root: api}, autoDeploy: false}
- name: web
  skipped: true
  application: {git: {url: 'git@git.example:acme/shop', root: web}}
  ports: [{internal: 80, public: true, host: www.example.com}]
- name: pinned
  application: {git: {url: 'https://git.example/acme/shop.git', commit: 0123456789012345678901234567890123456789}}
- name: other
  application: {git: {url: 'https://git.example/acme/other.git', branch: main}, autoDeploy: true}
- name: cache
  container: {image: {name: redis, tag: '7'}, autoDeploy: true}
";

fn staging() -> Environment {
    let file = parse_in(FILE, &ParseOptions::default(), Outer::Unknown).unwrap_or_else(|problems| panic!("{problems:?}"));
    apply(None, &file, ApplyOptions::default()).unwrap().environment
}

fn request() -> PullRequest {
    PullRequest {
        number: 7,
        from: "feature".to_owned(),
        into: "main".to_owned(),
        asked_for: None,
        head_repository: vec![SHOP.to_owned()],
        from_fork: false,
        title: "A feature".to_owned(),
        link: Some("https://git.example/acme/shop/pulls/7".to_owned()),
    }
}

fn made(of: &Environment, request: &PullRequest, is_default: bool) -> Result<Environment, NotMade> {
    make(&Wanted {
        of,
        gives: &FromProject::default(),
        previews: &Previews { time_to_live: None, ..of.previews.clone().unwrap() },
        host: "gitea",
        repository: SHOP,
        repository_name: "acme/shop",
        request,
        into: IntoBranch { name: "main", is_default },
        name: &names(&of.name, SHOP, request.number)[0],
    })
}

fn source<'e>(environment: &'e Environment, service: &str) -> (&'e str, &'e GitRevision) {
    let service = environment.service(&Name::new(service).unwrap()).unwrap();
    let source = service.git_sources()[0];
    (&source.url, &source.revision)
}

fn branch(name: &str) -> GitRevision {
    GitRevision::Branch(name.to_owned())
}

#[test]
fn a_preview_takes_the_branch_of_the_request_where_its_environment_takes_the_other() {
    let of = staging();
    let preview = made(&of, &request(), true).unwrap();
    assert_eq!((preview.name.as_str(), preview.mode), ("staging-pr-7", EnvironmentMode::Preview));
    assert_eq!(source(&preview, "api"), (SHOP, &branch("feature")));
    assert_eq!(source(&preview, "web"), ("git@git.example:acme/shop", &branch("feature")));
    assert!(matches!(source(&preview, "pinned").1, GitRevision::Commit(_)));
    assert_eq!(source(&preview, "other"), ("https://git.example/acme/other.git", &branch("main")));
    let deploys: Vec<_> = preview.services.iter().map(super::super::model::Service::auto_deploys).collect();
    assert_eq!(deploys, [true, true, false, false, false], "a push to the request's branch, and to nothing else");
    assert!(preview.services[1].skipped, "what is skipped stays so");
    let told = preview.preview.as_ref().unwrap();
    assert_eq!((told.of.as_str(), &*told.request(), told.fork.as_deref()), ("staging", "acme/shop #7", None));
    assert!(!preview.is_of_fork() && preview.previews.is_none() && preview.schedules.is_empty());
    let pinned = made(&of, &request(), false).unwrap();
    assert_eq!(source(&pinned, "web").1, &GitRevision::DefaultBranch, "another branch is the default one");
}

#[test]
fn the_services_of_a_request_are_those_on_the_branch_that_it_goes_into() {
    let of = staging();
    let on = |name: &str, is_default: bool| {
        let found = services_on(&of, |url| same_repository(url, SHOP), IntoBranch { name, is_default });
        found.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(on("main", true), ["api", "web"]);
    assert_eq!(on("main", false), ["api"]);
    assert_eq!(on("release", false), [""; 0]);
}

#[test]
fn a_fork_is_on_the_same_host_and_is_reached_in_the_same_way() {
    let of = staging();
    let from = |urls: &[&str]| {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        let asked_for = Some(LOOKED_AT.to_owned());
        made(&of, &PullRequest { from_fork: true, head_repository: urls, asked_for, ..request() }, true)
    };
    let preview = from(&["git@git.example:eve/shop.git", "https://git.example/eve/shop.git"]).unwrap();
    assert_eq!(source(&preview, "api").0, "https://git.example/eve/shop.git");
    assert!(preview.is_of_fork());
    assert!(preview.services.iter().all(|service| !service.auto_deploys()), "nobody has looked at what comes next");
    assert_eq!(preview.preview.unwrap().head_repository(), "https://git.example/eve/shop.git");
    assert_eq!(from(&["https://evil.example/eve/shop.git"]), Err(NotMade::OtherHost));
    assert_eq!(from(&[]), Err(NotMade::NoHead));
    assert_eq!(from(&[SHOP]), Err(NotMade::NoHead), "what says that it is a fork and names no other repository");
}

#[test]
fn what_is_taken_of_a_fork_is_the_commit_that_was_looked_at_until_forks_are_trusted() {
    let of = staging();
    let fork = |asked_for: Option<&str>| PullRequest {
        from_fork: true,
        head_repository: vec!["https://git.example/eve/shop.git".to_owned()],
        asked_for: asked_for.map(str::to_owned),
        ..request()
    };
    let preview = made(&of, &fork(Some(LOOKED_AT)), true).unwrap();
    assert_eq!(source(&preview, "api").1, &GitRevision::Commit(LOOKED_AT.to_owned()));
    assert_eq!(made(&of, &fork(None), true), Err(NotMade::NoCommit));
    assert_eq!(made(&of, &fork(Some(&LOOKED_AT[..12])), true), Err(NotMade::NoCommit), "another may begin like it");
    let previews = of.previews.clone().unwrap();
    let next = "9".repeat(40);
    let renewed = renew(&preview, &fork(Some(&next)), &previews).unwrap();
    assert_eq!(source(&renewed, "web").1, &GitRevision::Commit(next));
    assert_eq!(source(&renewed, "other"), source(&of, "other"));
    assert_eq!(renew(&renewed, &fork(Some(LOOKED_AT)), &previews), Ok(preview), "nothing else differs");
    let trusted = renew(&renewed, &fork(None), &Previews { forks: true, ..previews.clone() }).unwrap();
    assert_eq!(source(&trusted, "api").1, &branch("feature"));
    let deploys: Vec<_> = trusted.services.iter().map(super::super::model::Service::auto_deploys).collect();
    assert_eq!(deploys, [true, true, false, false, false]);
    let of_its_own = made(&of, &request(), true).unwrap();
    assert_eq!(renew(&of_its_own, &request(), &previews), Ok(of_its_own.clone()), "what is no fork follows its branch already");
}

#[test]
fn what_somebody_else_wrote_is_not_cloned_out_of_its_preview() {
    let of = staging();
    let urls = vec!["https://git.example/eve/shop.git".to_owned()];
    let fork = PullRequest { from_fork: true, head_repository: urls, asked_for: Some(LOOKED_AT.to_owned()), ..request() };
    let preview = made(&of, &fork, true).unwrap();
    let copy = CloneRequest { name: Name::new("copy").unwrap(), project: None, target: None, mode: None, services: None };
    let refusal = clone_environment(&preview, &copy, &FromProject::default()).unwrap_err();
    assert_eq!(refusal.code(), RefusalCode::CloneOfFork);
    assert_eq!(
        (refusal.to_string(), refusal.hint()),
        (
            "shop/staging-pr-7 is the preview of a request from a fork, and what it runs would see the secrets of another environment".to_owned(),
            "clone `staging`, or name the fork's repository and commit in the environment's own file".to_owned()
        )
    );
    let api =
        ServiceCloneRequest { service: Name::new("api").unwrap(), name: Some(Name::new("b").unwrap()), with_variables: true };
    assert_eq!(clone_service(&preview, &api, &of, &FromProject::default()).unwrap_err(), refusal);
}

#[test]
fn a_service_is_put_into_a_preview_as_into_any_environment() {
    let of = staging();
    let mut preview = made(&of, &request(), true).unwrap();
    preview.services.retain(|service| service.name.as_str() != "cache");
    let cache = ServiceCloneRequest { service: Name::new("cache").unwrap(), name: None, with_variables: true };
    let with_cache = clone_service(&of, &cache, &preview, &FromProject::default()).unwrap().environment;
    assert_eq!((with_cache.services.len(), &with_cache.preview), (5, &preview.preview));
}

#[test]
fn a_comment_asks_by_a_line_that_is_the_command() {
    for asks in ["/slipway preview", "Please:\r\n/slipway preview\r\n", "/slipway  preview  "] {
        assert_eq!(asks_for_preview(asks), Some(Asked { commit: None }), "{asks:?}");
    }
    let asked = asks_for_preview("Fine.\n/slipway preview 0123ABC\n").unwrap();
    assert_eq!(asked.commit, Some("0123ABC"));
    assert!(asked.is_for(LOOKED_AT) && !asked.is_for(&LOOKED_AT[..6]) && !asked.is_for("0123abd") && !asked.is_for("0123abé"));
    assert!(Asked { commit: None }.is_for(LOOKED_AT));
    for other in [
        "",
        "> /slipway preview",
        "run /slipway preview",
        "/slipway preview now",
        "/slipway preview 0123ab",
        "/slipway preview 0123abc 0123abc",
        "/slipway previews",
        "    /slipway preview",
    ] {
        assert_eq!(asks_for_preview(other), None, "{other:?}");
    }
}

#[test]
fn a_preview_without_a_deployment_is_being_made_and_one_that_is_over_says_why() {
    let of = staging();
    let mut environment = made(&of, &request(), true).unwrap();
    let urls = [ServiceLine { service: Name::new("api").unwrap(), url: "http://api.test".to_owned() }];
    let told = |environment: &Environment, is_deleted| {
        let preview = environment.preview.as_ref().unwrap();
        report(&Progress { environment, preview, newest: None, link: Some("http://page"), urls: &urls, is_deleted })
    };
    let report = told(&environment, false);
    assert_eq!(report.status, None);
    assert_eq!(
        report.comment,
        "**Preview [`staging-pr-7`](http://page)** of `staging`: not deployed yet\n\n| service | URL |\n| --- | --- |\n| `api` | <http://api.test> |\n"
    );
    environment.preview.as_mut().unwrap().over = Some("the request was merged".to_owned());
    assert_eq!(
        told(&environment, false).comment,
        "**Preview [`staging-pr-7`](http://page)** of `staging`: the request was merged\n"
    );
    assert_eq!(told(&environment, true).comment, "**Preview [`staging-pr-7`](http://page)** of `staging`: deleted\n");
}

proptest! {
    #[test]
    fn every_preview_has_a_name_and_no_two_requests_share_their_second(
        of in "[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
        number in any::<u64>(),
        (a, b) in ("[a-z]{1,9}", "[a-z]{1,9}"),
    ) {
        let of = Name::new(of).unwrap();
        let [first, second] = names(&of, &a, number);
        let end = format!("-pr-{number}");
        prop_assert!(first.as_str().ends_with(&end) && second.as_str().contains(&end), "{} {}", first, second);
        prop_assert!(first != second);
        prop_assert_eq!(a == b, names(&of, &b, number)[1] == second);
        prop_assert!(names(&of, &a, number.wrapping_add(1))[1] != second);
    }
}
