//! What the variables of an environment may take from its project.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::VariableValue;
use crate::variables::references;

use super::super::Outer;
use super::Names;

/// What a project defines, as far as an environment may take from it.
#[derive(Default)]
pub(super) struct OfProject {
    /// Its variables.
    pub(super) names: Names,
    /// Its secrets.
    pub(super) secrets: BTreeSet<String>,
    needs: BTreeMap<String, Vec<String>>,
}

impl OfProject {
    pub(super) fn of(outer: Outer<'_>) -> Self {
        let Outer::Known(given) = outer else {
            return Self { names: Names { all: BTreeSet::new(), is_complete: false }, ..Self::default() };
        };
        let needs = |value: &VariableValue| match value {
            VariableValue::Text(text) | VariableValue::Override(text) => references(text).map(String::from).collect(),
            VariableValue::Alias(other) => vec![other.clone()],
            VariableValue::Secret(_) | VariableValue::File { .. } => Vec::new(),
        };
        let needs: BTreeMap<_, _> =
            given.variables.iter().map(|variable| (variable.name.to_string(), needs(&variable.value))).collect();
        Self {
            names: Names { all: needs.keys().cloned().collect(), is_complete: true },
            secrets: given.secrets.iter().cloned().collect(),
            needs,
        }
    }

    /// What each of its variables is made of.
    pub(super) fn needs(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.needs.iter().map(|(name, needs)| (name.as_str(), needs.as_slice()))
    }
}
