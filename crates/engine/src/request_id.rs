//! Ids of requests that may be made again.

use sha2::{Digest as _, Sha256};

/// A UUID that is the same for the same parts, and for no others: a request that is made again is found by it.
pub fn request_id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
