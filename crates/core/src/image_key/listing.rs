//! An image key with everything that it is made of, for whoever asks why it is this one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ImageKey, KeyInputs};
use crate::names::sha256_hex;

/// The key of a build, and its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildKey {
    /// The key.
    pub key: ImageKey,
    /// The commit that it was read from, 40 hex digits; no input by itself.
    pub commit: String,
    /// Everything that the key depends on, always in the same order.
    pub inputs: Vec<KeyInput>,
}

/// One input of an image key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyInput {
    /// Which.
    pub name: String,
    /// What stands for it; empty where nothing was asked for.
    pub value: String,
}

impl BuildKey {
    /// The key of these inputs, read from a commit. `submodules` are the commits of those in the context, by their paths: the
    /// context tree stands for them already, and a person wants to see them.
    pub fn of(commit: &str, inputs: &KeyInputs<'_>, submodules: &BTreeMap<String, String>) -> Self {
        let input = |name: String, value: &str| KeyInput { name, value: value.to_owned() };
        let mut listed = vec![input("context tree".to_owned(), inputs.context_tree)];
        listed.extend(submodules.iter().map(|(path, commit)| input(format!("submodule {path}"), commit)));
        listed.push(input("Dockerfile".to_owned(), &format!("sha256:{}", sha256_hex(inputs.dockerfile.as_bytes()))));
        listed.push(input("target".to_owned(), inputs.target.unwrap_or_default()));
        listed.push(input("platforms".to_owned(), &inputs.platform_set().join(",")));
        listed.extend(inputs.args.iter().map(|(name, value)| input(format!("arg {name}"), value)));
        Self { key: ImageKey::of(inputs), commit: commit.to_owned(), inputs: listed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b02_every_input_of_the_key_is_listed_in_one_order() {
        let args = BTreeMap::from([("RUST_LOG".to_owned(), "warn".to_owned()), ("GREETING".to_owned(), "hello".to_owned())]);
        let platforms = ["linux/arm64", "linux/amd64", "linux/arm64"].map(str::to_owned);
        let inputs = KeyInputs {
            context_tree: "tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            dockerfile: "FROM scratch\n",
            target: Some("runtime"),
            platforms: &platforms,
            args: &args,
        };
        let submodules = BTreeMap::from([("vendor/lib".to_owned(), "1".repeat(40))]);
        let listed = BuildKey::of(&"2".repeat(40), &inputs, &submodules);
        assert_eq!(listed.key, ImageKey::of(&inputs));
        let lines: Vec<String> = listed.inputs.iter().map(|input| format!("{}={}", input.name, input.value)).collect();
        assert_eq!(
            lines,
            [
                "context tree=tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904",
                "submodule vendor/lib=1111111111111111111111111111111111111111",
                "Dockerfile=sha256:bb57c7da220a8753d7bdabac0d3afdb6efa742e4c736c5bc93ab40dfd5e23b9b",
                "target=runtime",
                "platforms=linux/amd64,linux/arm64",
                "arg GREETING=hello",
                "arg RUST_LOG=warn",
            ]
        );
    }

    #[test]
    fn what_nobody_asked_for_is_listed_as_empty() {
        let inputs = KeyInputs { context_tree: "tree:0", dockerfile: "", target: None, platforms: &[], args: &BTreeMap::new() };
        let listed = BuildKey::of("0", &inputs, &BTreeMap::new());
        let empty: Vec<&str> =
            listed.inputs.iter().filter(|input| input.value.is_empty()).map(|input| input.name.as_str()).collect();
        assert_eq!(empty, ["target", "platforms"]);
    }
}
