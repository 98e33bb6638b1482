//! Variables of an environment and of its services.

use serde::{Deserialize, Serialize};

use super::VariableName;

/// A variable as the file declares it; nothing in it is a secret value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Unique in its scope.
    pub name: VariableName,
    /// Where its value comes from.
    pub value: VariableValue,
}

/// Where the value of a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VariableValue {
    /// A text in which `{{NAME}}` stands for another variable.
    Text(String),
    /// The value of a secret of the environment.
    Secret(String),
    /// Another variable under this name.
    Alias(String),
    /// The value of a variable of a wider scope, replaced in this one.
    Override(String),
    /// A text that is mounted as a file; the variable is the path.
    File {
        /// The content, in which `{{NAME}}` stands for another variable.
        content: String,
        /// The absolute path in the container.
        mount: String,
    },
}
