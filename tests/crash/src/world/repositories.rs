//! Git: one commit, in which every folder has a Dockerfile.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use slipway_core::auto_deploy::Changed;
use slipway_core::failure::Failure;
use slipway_core::model::GitRevision;
use slipway_core::names::sha256_hex;
use slipway_ports::{CancellationToken, Export, Reader, Repositories, Tips, TreeFacts, TreeQuery};

use super::{A_WHILE, World};

#[async_trait]
impl Repositories for World {
    async fn fetch(&self, _: &str, _: &Reader, _: &CancellationToken) -> Result<(), Failure> {
        tokio::time::sleep(A_WHILE).await;
        Ok(())
    }

    async fn resolve(&self, _: &str, _: &Reader, _: &GitRevision) -> Result<String, Failure> {
        Ok("c".repeat(40))
    }

    async fn facts(&self, query: &TreeQuery, _: &Reader) -> Result<TreeFacts, Failure> {
        let context_tree = sha256_hex(query.root.as_bytes())[..40].to_owned();
        Ok(TreeFacts { context_tree, dockerfile: "FROM scratch\n".to_owned(), submodules: BTreeMap::new() })
    }

    async fn export(&self, query: &TreeQuery, _: &Reader, into: &Path, _: &CancellationToken) -> Result<Export, Failure> {
        Ok(Export { context: into.to_owned(), dockerfile_folder: into.join(&query.root) })
    }

    async fn export_folder(&self, _: &TreeQuery, _: &Reader, _: &Path, _: &CancellationToken) -> Result<(), Failure> {
        Ok(())
    }

    async fn text(&self, _: &str, _: &str, _: &str, _: &Reader) -> Result<String, Failure> {
        Ok(String::new())
    }

    async fn tips(&self, _: &str, _: &Reader, _: &CancellationToken) -> Result<Tips, Failure> {
        Ok(Tips { default_branch: Some("main".to_owned()), branches: BTreeMap::from([("main".to_owned(), "c".repeat(40))]) })
    }

    async fn changed_paths(&self, _: &str, _: &Reader, _: &str, _: &str) -> Result<Changed, Failure> {
        Ok(Changed::Paths(Vec::new()))
    }
}
