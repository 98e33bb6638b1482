//! The calls of the port, carried out in the dialect of a host.

use slipway_core::auto_deploy::told;
use slipway_core::failure::{Code, Failure};
use slipway_ports::{CancellationToken, CommitStatus, HostPlace, HostedRequest};

use crate::caller::{Caller, Clients, LARGEST};
use crate::dialect::{Dialect, dialect};
use crate::place::Place;
use crate::refusal;

/// The most pages of one list that are read.
pub(crate) const MOST_PAGES: usize = 20;

/// A repository whose host is asked.
pub(crate) struct Talk<'c> {
    pub(crate) dialect: Box<dyn Dialect>,
    pub(crate) caller: Caller<'c>,
}

impl<'c> Talk<'c> {
    pub(crate) fn new(clients: &'c Clients, at: &HostPlace, cancel: &'c CancellationToken) -> Result<Self, Failure> {
        let dialect = dialect(&at.host, &Place::of(&at.url)?)?;
        let caller = Caller::new(clients, at, dialect.as_ref(), cancel)?;
        Ok(Self { dialect, caller })
    }

    pub(crate) async fn request(&self, number: u64) -> Result<HostedRequest, Failure> {
        let ask = self.dialect.request(number)?;
        let answer = self.caller.ask(&ask, LARGEST).await?;
        let (request, more) = refusal::told(&ask, self.dialect.read_request(number, &answer.body))?;
        let Some(ask) = more else { return Ok(request) };
        let told = match self.caller.ask(&ask, LARGEST).await {
            Ok(answer) => Some(answer.body),
            Err(failure) if failure.code == Code::RevisionNotFound => None,
            Err(failure) => return Err(failure),
        };
        let request = refusal::told(&ask, self.dialect.complete(request, told.as_deref()))?;
        request.ok_or_else(|| refusal::moved(&ask))
    }

    pub(crate) async fn may_write(&self, person: &str) -> Result<bool, Failure> {
        let mut page = None;
        for _ in 0..MOST_PAGES {
            let ask = self.dialect.rights(person, page)?;
            let answer = self.caller.ask(&ask, LARGEST).await?;
            let rights = refusal::told(&ask, self.dialect.read_rights(person, page, &answer.body))?;
            if rights.items.contains(&true) {
                return Ok(true);
            }
            if rights.next.is_none() {
                return Ok(false);
            }
            page = rights.next;
        }
        Err(refusal::endless(&self.dialect.rights(person, page)?))
    }

    pub(crate) async fn set_status(&self, commit: &str, status: &CommitStatus) -> Result<(), Failure> {
        let commit = told::some_commit(commit)
            .map_err(|unfit| Failure::permanent(Code::RevisionNotFound, format!("`{}` {unfit}", told::line(commit))))?;
        let ask = self.dialect.status(&commit, status)?;
        let answer = self.caller.call(&ask, LARGEST).await?;
        let is_set = answer.status.is_success() || self.dialect.is_set(status, &answer);
        if is_set { Ok(()) } else { Err(self.caller.refused(&ask, &answer)) }
    }
}
