//! As much of Gitea's API as previews ask for, which remembers what it was told.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::git_host::Api;

/// What the API was told.
#[derive(Default)]
pub(crate) struct Gitea(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// Of one request, in their order.
    comments: Vec<String>,
    /// A commit with its status, in their order.
    statuses: Vec<(String, Value)>,
    pull_request: Value,
}

impl Gitea {
    /// Answers as the host of `acme/shop`.
    pub(crate) fn api(self: &Arc<Self>) -> Arc<Api> {
        let gitea = self.clone();
        Arc::new(move |method, path, body| Some(gitea.answer(method, path.strip_prefix("/api/v1/")?, body)))
    }

    /// The comments under the request.
    pub(crate) fn comments(&self) -> Vec<String> {
        self.told(|told| told.comments.clone())
    }

    /// The newest status of a commit: its state and its description.
    pub(crate) fn status(&self, commit: &str) -> Option<(String, String)> {
        self.told(|told| {
            let (_, status) = told.statuses.iter().rev().find(|(of, _)| of == commit)?;
            let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
            Some((text("state"), text("description")))
        })
    }

    /// The request as it is now.
    pub(crate) fn pull_request(&self, request: Value) {
        self.told(|told| told.pull_request = request);
    }

    fn told<T>(&self, work: impl FnOnce(&mut Told) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let text = body["body"].as_str().unwrap_or_default().to_owned();
        let parts: Vec<_> = path.split('/').collect();
        let robot = json!({"login": "robot"});
        let comment = |number: usize, text: &str| json!({"id": number + 1, "body": text, "user": robot});
        let (status, answer) = self.told(|told| match (method, &parts[..]) {
            ("GET", ["user"]) => (200, robot.clone()),
            ("GET", ["repos", "acme", "shop", "pulls", _]) => (200, told.pull_request.clone()),
            ("GET", ["repos", "acme", "shop", "issues", _, "comments"]) => {
                (200, told.comments.iter().enumerate().map(|(number, text)| comment(number, text)).collect())
            }
            ("POST", ["repos", "acme", "shop", "issues", _, "comments"]) => {
                told.comments.push(text.clone());
                (201, comment(told.comments.len() - 1, &text))
            }
            ("PATCH", ["repos", "acme", "shop", "issues", "comments", id]) => {
                let number = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
                match number.and_then(|number| Some((number, told.comments.get_mut(number)?))) {
                    Some((number, old)) => {
                        old.clone_from(&text);
                        (200, comment(number, &text))
                    }
                    None => (404, json!({})),
                }
            }
            ("POST", ["repos", "acme", "shop", "statuses", commit]) => {
                told.statuses.push(((*commit).to_owned(), body.clone()));
                (201, body)
            }
            _ => (404, json!({"message": format!("no {method} {path}")})),
        });
        (status, answer.to_string())
    }
}
