//! What every store must forget with an environment.

use slipway_core::deployment::{Event, Fact, Outcome, Phase, Timestamp};

use super::notifications::message;
use super::store_contract::{deployment, environment, name};
use crate::{Access, LogLine, MessageDelivery, MessageState, SecretText, Sign, Store, StoreError};

pub(super) async fn a_removed_environment_leaves_nothing(store: &dyn Store, owner: &Access) {
    let (project, staging) = (name("void"), name("staging"));
    store.put_environment(owner, &environment("void"), 0).await.expect("kept");
    store.put_environment(owner, &environment("near"), 0).await.expect("kept");
    store.put_secret(owner, &project, Some(&staging), "KEY", &SecretText::new("v")).await.expect("kept");
    store.put_secret(owner, &project, None, "OF_PROJECT", &SecretText::new("v")).await.expect("kept");
    store.create_deployment(owner, &deployment("d-void", "void")).await.expect("the environment exists");
    store.create_deployment(owner, &deployment("d-near", "near")).await.expect("the environment exists");
    let line = LogLine { at: Timestamp(7), service: name("api"), phase: Phase::Build, text: "one".to_owned() };
    store.append_log("d-void", std::slice::from_ref(&line)).await.expect("kept");
    assert_eq!(store.remove_environment(owner, &project, &staging).await, Ok(false), "one has not finished");
    assert!(store.deployment(owner, "d-void").await.is_ok());
    let finished = Event { at: Timestamp(9), fact: Fact::Finished { outcome: Outcome::Succeeded } };
    store.append("d-void", 1, &[finished]).await.expect("it takes the fact");
    let stranger = Access { projects: Some(vec![name("shop")]), ..owner.clone() };
    assert!(matches!(store.remove_environment(&stranger, &project, &staging).await, Err(StoreError::NotFound(_))));
    let (of_it, of_another) = (message("m-void", "void.staging.1"), message("m-near", "near.staging.1"));
    store.keep_messages(None, &[of_it.clone(), of_another.clone()]).await.expect("kept");
    store.record_attempt(&of_it, Sign::Failing, Timestamp(9)).await.expect("written");
    assert_eq!(store.remove_environment(owner, &project, &staging).await, Ok(true));
    assert_eq!(store.open_messages().await, Ok(vec![of_another.clone()]), "nobody whom it named is told any more");
    assert!(store.receiver_standings().await.expect("read").is_empty());
    let over = MessageDelivery { state: MessageState::Delivered { at: Timestamp(9) }, ..of_another };
    store.record_attempt(&over, Sign::Well, Timestamp(9)).await.expect("written");
    assert!(matches!(store.remove_environment(owner, &project, &staging).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.deployment(owner, "d-void").await, Err(StoreError::NotFound(_))));
    assert!(store.secrets(&project, Some(&staging)).await.expect("read").is_empty());
    assert_eq!(store.secrets(&project, None).await.map(|secrets| secrets.len()), Ok(1), "the project's own stays");
    assert!(store.deployment(owner, "d-near").await.is_ok());
    store.put_environment(owner, &environment("void"), 0).await.expect("it may come again");
    let again = store.create_deployment(owner, &deployment("d-void-again", "void")).await.expect("it exists");
    assert_eq!(again.number, 1, "it is another environment");
}
