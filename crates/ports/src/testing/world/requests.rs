//! Pull requests in memory.

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};

use super::World;
use crate::{CancellationToken, CommitState, CommitStatus, HostPlace, HostedRequest, MarkedComment, RequestHosts};

impl World {
    /// A request is there, or is another one now.
    pub fn request(&self, request: HostedRequest) {
        self.told().requests.insert(request.number, request);
    }

    /// Somebody may write to every repository.
    pub fn writer(&self, person: &str) {
        self.told().writers.insert(person.to_owned());
    }

    /// The comment with a mark, as it stands now.
    pub fn comment(&self, mark: &str) -> Option<String> {
        self.told().comments.get(mark).cloned()
    }

    /// The statuses that a commit was given, in their order.
    pub fn statuses(&self, commit: &str) -> Vec<(CommitState, String)> {
        self.told().statuses.get(commit).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl RequestHosts for World {
    async fn request(&self, _: &HostPlace, number: u64, cancel: &CancellationToken) -> Result<HostedRequest, Failure> {
        let what = format!("ask for request {number}");
        self.act(&what, cancel).await?;
        let found = self.told().requests.get(&number).cloned();
        found.ok_or_else(|| Failure::permanent(Code::RevisionNotFound, format!("there is no request {number}")))
    }

    async fn may_write(&self, _: &HostPlace, person: &str, cancel: &CancellationToken) -> Result<bool, Failure> {
        self.act(&format!("ask whether {person} may write"), cancel).await?;
        Ok(self.told().writers.contains(person))
    }

    async fn set_status(
        &self,
        _: &HostPlace,
        commit: &str,
        status: &CommitStatus,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.act(&format!("set status of {commit}"), cancel).await?;
        let new = (status.state, status.description.clone());
        self.told().statuses.entry(commit.to_owned()).or_default().push(new);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn put_comment(
        &self,
        _: &HostPlace,
        number: u64,
        comment: &MarkedComment,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        self.act(&format!("comment on request {number}"), cancel).await?;
        self.told().comments.insert(comment.mark.clone(), comment.text.clone());
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }
}
