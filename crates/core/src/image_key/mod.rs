//! The content address of a build (B2): what goes into an image, as one key.
//!
//! The key is the SHA-256 of a versioned encoding in which every name and value is preceded by its length, so that no two sets
//! of inputs share one encoding. What is not an input by design: base images, the network, build secrets, limits.

mod declared;
mod listing;
mod repository;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use declared::{DockerfileProblem, declared_args};
pub use listing::{BuildKey, KeyInput};
pub use repository::build_repository;

/// `k1-` and 64 hex digits: the same inputs give the same key on every machine, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageKey(String);

/// Everything that decides what a build makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInputs<'a> {
    /// What stands for the build context, as the repositories' port tells it.
    pub context_tree: &'a str,
    /// The text of the Dockerfile.
    pub dockerfile: &'a str,
    /// The stage to build; `None`: the last.
    pub target: Option<&'a str>,
    /// OCI platforms, in any order; empty: the builder's own.
    pub platforms: &'a [String],
    /// Values of the build arguments that the Dockerfile declares; see [`declared_args`].
    pub args: &'a BTreeMap<String, String>,
}

impl KeyInputs<'_> {
    /// The platforms, each once and sorted: an image does not depend on the order in which they were named.
    fn platform_set(&self) -> Vec<&str> {
        let set: BTreeSet<&str> = self.platforms.iter().map(String::as_str).collect();
        set.into_iter().collect()
    }
}

impl ImageKey {
    /// The key of a build with these inputs.
    pub fn of(inputs: &KeyInputs<'_>) -> Self {
        let mut encoding = Encoding::new();
        encoding.field("context", &[inputs.context_tree]);
        encoding.field("dockerfile", &[inputs.dockerfile]);
        encoding.field("target", inputs.target.as_slice());
        encoding.field("platforms", &inputs.platform_set());
        let args: Vec<&str> = inputs.args.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        encoding.field("args", &args);
        Self(format!("k1-{}", encoding.finish()))
    }

    /// The key as text; it is also the image's tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first version of the encoding: a header, then each field as its name, the count of its values, and the values.
struct Encoding(Sha256);

impl Encoding {
    fn new() -> Self {
        let mut encoding = Self(Sha256::new());
        encoding.text("slipway image key 1");
        encoding
    }

    fn field(&mut self, name: &str, values: &[&str]) {
        self.text(name);
        self.number(values.len());
        for value in values {
            self.text(value);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_be_bytes());
    }

    fn finish(self) -> String {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in self.0.finalize() {
            write!(hex, "{byte:02x}").expect("writing into a String cannot fail");
        }
        hex
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Owned {
        context_tree: String,
        dockerfile: String,
        target: Option<String>,
        platforms: Vec<String>,
        args: BTreeMap<String, String>,
    }

    impl Owned {
        fn key(&self) -> ImageKey {
            ImageKey::of(&KeyInputs {
                context_tree: &self.context_tree,
                dockerfile: &self.dockerfile,
                target: self.target.as_deref(),
                platforms: &self.platforms,
                args: &self.args,
            })
        }

        fn meaning(&self) -> Self {
            let mut same = self.clone();
            same.platforms.sort();
            same.platforms.dedup();
            same
        }
    }

    fn owned() -> impl Strategy<Value = Owned> {
        let text = "[a-c/=]{0,3}";
        (text, text, option::of(text), vec(text, 0..3), btree_map(text, text, 0..3)).prop_map(
            |(context_tree, dockerfile, target, platforms, args)| Owned { context_tree, dockerfile, target, platforms, args },
        )
    }

    fn shop() -> Owned {
        Owned {
            context_tree: "tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904".to_owned(),
            dockerfile: "FROM scratch\n".to_owned(),
            target: None,
            platforms: Vec::new(),
            args: BTreeMap::new(),
        }
    }

    #[test]
    fn keys_are_frozen() {
        let plain = shop();
        assert_eq!(plain.key().as_str(), "k1-616e9ff97a9c56bad1f527e289fbc61f19c3c459a5e7a385baed9f854ca5c0eb");
        let full = Owned {
            target: Some("runtime".to_owned()),
            platforms: vec!["linux/arm64".to_owned(), "linux/amd64".to_owned()],
            args: BTreeMap::from([("RUST_LOG".to_owned(), "warn".to_owned()), ("GREETING".to_owned(), "gr\u{fc}n\n".to_owned())]),
            ..shop()
        };
        assert_eq!(full.key().as_str(), "k1-cdbc863b580534d3b2061ead784c81b56cd77ee220ff7b9cc776b44e3c9f3a10");
    }

    #[test]
    fn no_target_is_not_an_empty_target() {
        assert_ne!(shop().key(), Owned { target: Some(String::new()), ..shop() }.key());
    }

    proptest! {
        /// From a small alphabet, so that near-collisions such as a moved boundary do come up.
        #[test]
        fn two_keys_are_equal_exactly_when_the_inputs_are(one in owned(), other in owned()) {
            prop_assert_eq!(one.key() == other.key(), one.meaning() == other.meaning());
        }

        #[test]
        fn every_single_input_changes_the_key(inputs in owned(), text in "[a-c]{4}") {
            let key = inputs.key();
            prop_assert_ne!(&key, &Owned { context_tree: text.clone(), ..inputs.clone() }.key());
            prop_assert_ne!(&key, &Owned { dockerfile: text.clone(), ..inputs.clone() }.key());
            prop_assert_ne!(&key, &Owned { target: Some(text.clone()), ..inputs.clone() }.key());
            let mut platforms = inputs.platforms.clone();
            platforms.push(text.clone());
            prop_assert_ne!(&key, &Owned { platforms, ..inputs.clone() }.key());
            let mut args = inputs.args.clone();
            args.insert(text.clone(), String::new());
            prop_assert_ne!(&key, &Owned { args: args.clone(), ..inputs.clone() }.key());
            let without_value = Owned { args: args.clone(), ..inputs.clone() }.key();
            args.insert(text.clone(), text);
            prop_assert_ne!(&without_value, &Owned { args, ..inputs }.key());
        }

        #[test]
        fn the_order_in_which_arguments_and_platforms_are_given_changes_nothing(
            inputs in owned(),
            shuffled in Just(["A", "B", "C", "D"]).prop_shuffle(),
        ) {
            let mut sorted = shuffled;
            sorted.sort_unstable();
            let with = |names: [&str; 4]| Owned {
                args: names.iter().map(|name| ((*name).to_owned(), format!("{name}-value"))).collect(),
                platforms: names.iter().map(|name| format!("linux/{name}")).collect(),
                ..inputs.clone()
            };
            prop_assert_eq!(with(shuffled).key(), with(sorted).key());
        }
    }
}
