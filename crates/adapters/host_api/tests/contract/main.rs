//! The contract of `RequestHosts`: one suite, run against a server that answers as each of the five hosts documents.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod bitbucket_cloud;
mod bitbucket_data_center;
mod cases;
mod comment_cases;
mod fake;
mod github;
mod gitlab;
mod hostile_cases;
mod requests;
mod server;
mod single;
mod world;

/// Runs every case against every host.
macro_rules! contract {
    ($($file:ident: [$($case:ident),+ $(,)?];)+) => {
        contract!(@host on_github GITHUB $($file: [$($case),+];)+);
        contract!(@host on_gitea GITEA $($file: [$($case),+];)+);
        contract!(@host on_gitlab GITLAB $($file: [$($case),+];)+);
        contract!(@host on_bitbucket_cloud BITBUCKET_CLOUD $($file: [$($case),+];)+);
        contract!(@host on_bitbucket_data_center BITBUCKET_DATA_CENTER $($file: [$($case),+];)+);
    };
    (@host $module:ident $host:ident $($file:ident: [$($case:ident),+];)+) => {
        mod $module {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::$file::$case(&crate::server::Server::start(crate::fake::$host).await).await;
                }
            )+)+
        }
    };
}

contract! {
    cases: [
        a_request_is_read,
        a_request_that_is_over_is_told,
        a_fork_is_told,
        a_fork_that_is_gone_is_told_as_one,
        who_may_write_is_told_or_refused,
        that_it_could_not_be_found_out_who_may_write_is_never_a_no,
        a_status_is_set_and_set_again,
        what_is_no_commit_has_no_status,
    ];
    comment_cases: [
        a_comment_is_written_once_and_then_in_its_place,
        a_comment_that_is_the_same_is_not_sent,
        a_comment_is_found_among_many,
        what_a_stranger_marks_is_not_written_over,
        a_token_without_a_name_finds_its_comment,
        comments_without_an_end_are_not_added_to,
        a_mark_that_could_be_seen_is_refused,
    ];
    hostile_cases: [
        refusals_are_told_by_their_kind,
        a_limit_of_calls_is_worth_another_try,
        a_host_that_is_away_is_worth_another_try,
        a_silent_host_is_left_when_it_is_canceled,
        an_answer_that_is_too_large_is_not_read,
        an_answer_of_another_form_is_refused,
        texts_are_held_to_the_rules_of_deliveries,
        names_stay_in_their_part_of_a_path,
        a_redirect_is_not_followed,
        the_token_is_never_told,
    ];
    requests: [what_is_sent];
}
