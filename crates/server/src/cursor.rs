//! Where a page of a list begins: the key of the last item of the page before, wrapped so that nobody reads meaning into it.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use slipway_core::model::Name;
use slipway_ports::api::{Page, PageQuery};

use crate::problem::Problem;

/// As many items as a page has when nothing is said.
const USUAL: u32 = 100;
/// As many items as a page has at most.
const MOST: u32 = 500;

/// The page that is asked for, of a list in the order of its keys.
pub(crate) fn page<T>(query: &PageQuery, items: Vec<T>, key: impl Fn(&T) -> String) -> Result<Page<T>, Problem> {
    let after = query.cursor.as_deref().map(read).transpose()?;
    let rest = items.into_iter().skip_while(|item| after.as_ref().is_some_and(|after| key(item) <= *after));
    Ok(first(query, rest, &key))
}

/// The page of what comes after the cursor already. One item more than `limit` says that another page follows.
pub(crate) fn first<T>(query: &PageQuery, rest: impl IntoIterator<Item = T>, key: impl Fn(&T) -> String) -> Page<T> {
    let mut rest = rest.into_iter();
    let items: Vec<T> = rest.by_ref().take(limit(query) as usize).collect();
    let next_cursor = rest.next().and(items.last()).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
    Page { items, next_cursor }
}

/// How many items the page has at most.
pub(crate) fn limit(query: &PageQuery) -> u32 {
    query.limit.unwrap_or(USUAL).clamp(1, MOST)
}

/// The two names of which the key of the page before is made, with a space between.
pub(crate) fn names(query: &PageQuery) -> Result<Option<(Name, Name)>, Problem> {
    let Some(cursor) = query.cursor.as_deref() else { return Ok(None) };
    let key = read(cursor)?;
    let (one, other) = key.split_once(' ').ok_or_else(|| invalid(cursor))?;
    let name = |text| Name::new(text).map_err(|_| invalid(cursor));
    Ok(Some((name(one)?, name(other)?)))
}

fn read(cursor: &str) -> Result<String, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid(cursor))?;
    String::from_utf8(bytes).map_err(|_| invalid(cursor))
}

/// A cursor that is a number.
pub(crate) fn number(cursor: &str) -> Result<u64, Problem> {
    cursor.parse().map_err(|_| invalid(cursor))
}

fn invalid(cursor: &str) -> Problem {
    let detail = format!("the cursor {cursor:?} does not read: expected what `nextCursor` of the page before says");
    Problem::new(StatusCode::BAD_REQUEST, "cursor-invalid", detail).with_hint("leave `cursor` out to begin anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cursor: Option<&str>, limit: Option<u32>) -> PageQuery {
        PageQuery { cursor: cursor.map(str::to_owned), limit }
    }

    #[test]
    fn a_cursor_of_two_names_is_read_back_and_another_is_refused() {
        let read = |key: &str| names(&query(Some(&URL_SAFE_NO_PAD.encode(key)), None));
        let (project, name) = read("shop test").unwrap().unwrap();
        assert_eq!((project.as_str(), name.as_str()), ("shop", "test"));
        assert!(names(&query(None, None)).unwrap().is_none());
        for wrong in ["shop", "shop Test", "shop test more", " "] {
            assert_eq!(read(wrong).unwrap_err().0.code, "cursor-invalid", "{wrong}");
        }
    }

    #[test]
    fn pages_follow_each_other_and_nothing_is_left_out() {
        let items = || ('a'..='g').map(String::from).collect::<Vec<_>>();
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(&query(cursor.as_deref(), Some(3)), items(), Clone::clone).unwrap();
            found.push(page.items.concat());
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, ["abc", "def", "g"]);
        let exact = page(&query(None, Some(7)), items(), Clone::clone).unwrap();
        assert_eq!((exact.items.len(), exact.next_cursor), (7, None), "the last page says that it is the last");
    }

    #[test]
    fn an_item_that_went_meanwhile_skips_no_other() {
        let first = page(&query(None, Some(2)), vec!["a", "b", "c"], |item| (*item).to_owned()).unwrap();
        let next = page(&query(first.next_cursor.as_deref(), None), vec!["a", "c"], |item| (*item).to_owned()).unwrap();
        assert_eq!(next.items, ["c"]);
    }

    #[test]
    fn a_cursor_that_does_not_read_is_told() {
        for cursor in ["%", "a b", "_w"] {
            let problem = page(&query(Some(cursor), None), vec![String::new()], Clone::clone).unwrap_err();
            assert_eq!((problem.0.status, problem.0.code.as_str()), (400, "cursor-invalid"), "{cursor}");
        }
        assert_eq!(number("-1").unwrap_err().0.code, "cursor-invalid");
    }
}
