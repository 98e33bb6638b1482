//! What can be asked of a pipeline.

use crate::model::{Name, StageName};

/// One change of the stages, or of where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new stage. It is the default of no type, whatever its name (C10).
    AddStage {
        /// No other stage has it.
        name: StageName,
        /// What a person says about it; may be empty.
        description: String,
        /// Whether somebody must approve before it starts.
        approval_required: bool,
        /// Where it stands.
        position: Position,
    },
    /// Another name for a stage. A default stage loses its role by it (C10).
    RenameStage {
        /// The stage.
        stage: StageName,
        /// Its name from now on.
        name: StageName,
    },
    /// What a person says about a stage.
    DescribeStage {
        /// The stage.
        stage: StageName,
        /// The new description; may be empty.
        description: String,
    },
    /// Whether somebody must approve before a stage starts.
    SetApproval {
        /// The stage.
        stage: StageName,
        /// Whether.
        required: bool,
    },
    /// Another place for a stage; the others keep their order.
    MoveStage {
        /// The stage.
        stage: StageName,
        /// Where it goes.
        position: Position,
    },
    /// A stage goes. Its services are moved first, or it has none.
    DeleteStage {
        /// The stage.
        stage: StageName,
        /// Where its services go; absent: it must have none.
        move_services_to: Option<StageName>,
    },
    /// All stages, in their new order.
    OrderStages {
        /// Each stage once.
        stages: Vec<StageName>,
    },
    /// Another stage for a service (C11).
    MoveService {
        /// The service.
        service: Name,
        /// Its stage from now on.
        stage: StageName,
    },
    /// A service is left out of what is done to the whole environment.
    SkipService {
        /// The service.
        service: Name,
    },
    /// A service takes part again in what is done to the whole environment.
    UnskipService {
        /// The service.
        service: Name,
    },
}

/// A place among the stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// Right before this stage.
    Before(StageName),
    /// Right after this stage.
    After(StageName),
}
