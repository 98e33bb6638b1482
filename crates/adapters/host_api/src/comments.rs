//! A comment that is found again by its mark, and written anew where it stands.

use slipway_core::failure::{Code, Failure, FailureKind};
use slipway_ports::MarkedComment;

use crate::caller::{Answer, LARGEST, LARGEST_PAGE};
use crate::dialect::{Owner, Whose, Written};
use crate::refusal;
use crate::talk::{MOST_PAGES, Talk};

/// What became of looking for a comment on a page.
enum Found {
    /// It is as it should be.
    Settled,
    /// It is not on this page.
    Nothing,
}

impl Talk<'_> {
    /// Writes the comment, or writes anew the first one that has the mark and is the owner's of the token.
    ///
    /// Somebody else may have written the mark into a comment of his own. Where the host says whose the token is, that one is passed
    /// over; where it does not, writing it anew is refused, and the next one is tried.
    pub(crate) async fn put_comment(&self, number: u64, comment: &MarkedComment) -> Result<(), Failure> {
        let mark = self.dialect.mark(checked(&comment.mark)?);
        let text = format!("{}\n\n{mark}", comment.text.trim_end());
        let (mut page, mut owner) = (None, None);
        for _ in 0..MOST_PAGES {
            let ask = self.dialect.comments(number, page)?;
            let answer = self.caller.ask(&ask, LARGEST_PAGE).await?;
            let comments = refusal::told(&ask, self.dialect.read_comments(page, &answer))?;
            let marked = comments.items.into_iter().filter(|written| has_line(&written.text, &mark)).collect::<Vec<_>>();
            if !marked.is_empty() && owner.is_none() {
                owner = Some(self.owner(&answer).await?);
            }
            let owner = owner.as_ref().unwrap_or(&Owner::Untold);
            let own = marked.into_iter().filter(|written| owner.may_have(written));
            match self.rewrite_first(number, own, &text).await? {
                Found::Settled => return Ok(()),
                Found::Nothing if comments.next.is_some() => page = comments.next,
                Found::Nothing => return self.caller.ask(&self.dialect.write(number, &text)?, LARGEST).await.map(|_| ()),
            }
        }
        Err(refusal::endless(&self.dialect.comments(number, page)?))
    }

    async fn rewrite_first(&self, number: u64, own: impl Iterator<Item = Written>, text: &str) -> Result<Found, Failure> {
        for written in own {
            if is_same(&written.text, text) {
                return Ok(Found::Settled);
            }
            match self.caller.ask(&self.dialect.rewrite(number, &written, text)?, LARGEST).await {
                Ok(_) => return Ok(Found::Settled),
                // It is of somebody else, or went in between.
                Err(failure) if is_not_ours(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Found::Nothing)
    }

    async fn owner(&self, comments: &Answer) -> Result<Owner, Failure> {
        let ask = match self.dialect.owner(comments)? {
            Whose::Told(owner) => return Ok(owner),
            Whose::Ask(ask) => ask,
        };
        match self.caller.ask(&ask, LARGEST).await {
            Ok(answer) => refusal::told(&ask, self.dialect.read_owner(&answer.body)),
            Err(failure) if is_not_ours(&failure) => Ok(self.dialect.owner_of_refused()),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether a host says that the token may not, or that there is no such thing.
fn is_not_ours(failure: &Failure) -> bool {
    failure.kind == FailureKind::Permanent && matches!(failure.code, Code::RepositoryUnauthorized | Code::RevisionNotFound)
}

fn has_line(text: &str, mark: &str) -> bool {
    text.lines().any(|line| line.trim() == mark)
}

/// Whether two texts are one; hosts may change how lines end.
fn is_same(a: &str, b: &str) -> bool {
    a.trim_end().lines().eq(b.trim_end().lines())
}

/// A mark that stays in its place.
fn checked(mark: &str) -> Result<&str, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b':');
    if !mark.is_empty() && mark.bytes().all(is_plain) {
        return Ok(mark);
    }
    Err(Failure::permanent(Code::Internal, format!("`{}` is no mark of a comment", mark.escape_debug())))
}
