//! What is different between two environments, in words.

use serde::Serialize;
use serde_json::Value;

use crate::model::{Environment, Service, Stage};

/// The differences, each one line; empty when there is none. No value is shown, for a text may be confidential.
pub(super) fn between(old: Option<&Environment>, new: &Environment) -> Vec<String> {
    let mut changes = Vec::new();
    match old {
        None => changes.push(format!("environment `{}` is new", new.name)),
        Some(old) => {
            changes.extend(top(old, new));
            changes.extend(stages(&old.pipeline.stages, &new.pipeline.stages));
        }
    }
    let old_services = old.map_or(&[][..], |old| &old.services);
    for service in &new.services {
        match old_services.iter().find(|old| old.name == service.name) {
            None => changes.push(format!("service `{}` is new, in stage `{}`", service.name, service.stage)),
            Some(old) => changes.extend(of_service(old, service)),
        }
    }
    for gone in old_services.iter().filter(|old| new.service(&old.name).is_none()) {
        changes.push(format!("service `{}` is removed", gone.name));
    }
    if changes.is_empty() && old_services.iter().map(|service| &service.name).ne(new.services.iter().map(|service| &service.name))
    {
        changes.push("services are in another order".to_owned());
    }
    changes
}

fn top(old: &Environment, new: &Environment) -> Vec<String> {
    let without_lists = |environment: &Environment| {
        let mut environment = environment.clone();
        environment.services.clear();
        environment.pipeline.stages.clear();
        environment
    };
    let fields = differing(&without_lists(old), &without_lists(new));
    fields.into_iter().map(|field| format!("`{field}` is changed")).collect()
}

fn stages(old: &[Stage], new: &[Stage]) -> Vec<String> {
    let mut changes = Vec::new();
    for stage in new {
        match old.iter().find(|old| old.name == stage.name) {
            None => changes.push(format!("stage `{}` is new", stage.name)),
            Some(old) if old.default_for != stage.default_for => changes.push(match stage.default_for {
                Some(role) => format!("stage `{}` is the default for `{role}` now", stage.name),
                None => format!("stage `{}` is no default any more", stage.name),
            }),
            Some(old) if old != stage => changes.push(format!("stage `{}` is changed", stage.name)),
            Some(_) => {}
        }
    }
    for gone in old.iter().filter(|old| new.iter().all(|stage| stage.name != old.name)) {
        changes.push(format!("stage `{}` is removed", gone.name));
    }
    let kept = |from: &[Stage], other: &[Stage]| -> Vec<_> {
        from.iter().map(|stage| stage.name.clone()).filter(|name| other.iter().any(|stage| stage.name == *name)).collect()
    };
    if kept(old, new) != kept(new, old) {
        changes.push("stages are in another order".to_owned());
    }
    changes
}

fn of_service(old: &Service, new: &Service) -> Vec<String> {
    let mut changes = Vec::new();
    if old.stage != new.stage {
        changes.push(format!("service `{}` moves from stage `{}` to `{}`", new.name, old.stage, new.stage));
    }
    if old.skipped != new.skipped {
        let what = if new.skipped { "is skipped now" } else { "is not skipped any more" };
        changes.push(format!("service `{}` {what}", new.name));
    }
    if old.kind == new.kind {
        return changes;
    }
    if old.service_type() == new.service_type() {
        let fields = differing(&old.kind, &new.kind);
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        changes.push(format!("service `{}`: {} changed", new.name, fields.join(", ")));
    } else {
        changes.push(format!("service `{}` was `{}` and is `{}` now", new.name, old.service_type(), new.service_type()));
    }
    changes
}

/// The names of the fields in which two values differ, the innermost mapping's.
pub(super) fn differing(old: &impl Serialize, new: &impl Serialize) -> Vec<String> {
    let mut fields = Vec::new();
    if let (Ok(old), Ok(new)) = (serde_json::to_value(old), serde_json::to_value(new)) {
        compare(&old, &new, "", &mut fields);
    }
    fields.sort();
    fields
}

fn compare(old: &Value, new: &Value, path: &str, fields: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        fields.push(path.to_owned());
        return;
    };
    for (name, value) in after {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        compare(before.get(name).unwrap_or(&Value::Null), value, &path, fields);
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        fields.push(if path.is_empty() { name.clone() } else { format!("{path}.{name}") });
    }
}
