//! The marks of schedules in memory, and what every store must do with them.

use async_trait::async_trait;
use slipway_core::deployment::Timestamp;
use slipway_core::model::Name;

use super::MemoryStore;
use crate::{ScheduleMark, ScheduleMarks, Store, StoreError};

#[async_trait]
impl ScheduleMarks for MemoryStore {
    async fn schedule_mark(&self, project: &Name, environment: &Name) -> Result<Option<ScheduleMark>, StoreError> {
        Ok(self.tables().schedule_marks.get(&(project.clone(), environment.clone())).cloned())
    }

    async fn put_schedule_mark(&self, project: &Name, environment: &Name, mark: &ScheduleMark) -> Result<(), StoreError> {
        self.tables().schedule_marks.insert((project.clone(), environment.clone()), mark.clone());
        Ok(())
    }
}

pub(super) async fn a_mark_is_kept_for_each_environment(store: &dyn Store) {
    let name = |text: &str| Name::new(text).expect("the names of the suite are names");
    let (project, one, two) = (name("shop"), name("one"), name("two"));
    assert_eq!(store.schedule_mark(&project, &one).await.expect("read"), None);
    let mut mark = ScheduleMark { of: "[1]".to_owned(), at: Timestamp(5) };
    store.put_schedule_mark(&project, &one, &mark).await.expect("kept");
    mark.at = Timestamp(7);
    store.put_schedule_mark(&project, &one, &mark).await.expect("kept again");
    assert_eq!(store.schedule_mark(&project, &one).await.expect("read"), Some(mark));
    assert_eq!(store.schedule_mark(&project, &two).await.expect("read"), None);
}
