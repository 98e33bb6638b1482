//! What was used lately, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by their keys, of which those that were not used lately are forgotten.
///
/// There are two generations. A value that is used is in the young one; when that is full, it becomes the old one, and what was old
/// and not used meanwhile is gone.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    /// The sizes of the young ones.
    size: usize,
    /// The most that one generation holds.
    most: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// Holds values of about this size together.
    pub(crate) fn holding(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), size: 0, most: most / 2 }
    }

    /// The value of a key, if it was used lately.
    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, size)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), size);
        Some(value)
    }

    /// Keeps a value of this size; one that is too large is not kept.
    pub(crate) fn insert(&mut self, key: K, value: V, size: usize) {
        if size > self.most {
            return;
        }
        if self.size + size > self.most {
            self.old = std::mem::take(&mut self.young);
            self.size = 0;
        }
        let replaced = self.young.insert(key, (value, size));
        self.size += size;
        self.size -= replaced.map_or(0, |(_, size)| size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_forgotten_within_the_bound() {
        let mut recent = Recent::holding(20);
        recent.insert("kept", 0, 1);
        for number in 1..1000 {
            recent.insert(Box::leak(number.to_string().into_boxed_str()), number, 1);
            assert_eq!(recent.get(&"kept"), Some(0), "after {number}");
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!((recent.get(&"999"), recent.get(&"1")), (Some(999), None));
        recent.insert("too large", 1, 11);
        assert_eq!(recent.get(&"too large"), None);
    }
}
