//! Builder and registry: an image is a file that counts how often it was completed.

use async_trait::async_trait;
use slipway_core::failure::{Code, Failure};
use slipway_core::model::ImageReference;
use slipway_ports::{
    Activity, BuildRequest, Builder, BuiltImage, CancellationToken, Presence, Progress, Reader, Registry, RepositoryTag,
};

use super::{A_WHILE, World, digest, read};

#[async_trait]
impl Builder for World {
    /// `broken` fails, `hangs` goes on until it is canceled, the others succeed.
    async fn build(
        &self,
        request: &BuildRequest,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, Failure> {
        progress.activity(Activity::Building);
        let root = request.dockerfile_folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        progress.line(&format!("building {root}"));
        tokio::time::sleep(A_WHILE).await;
        self.points.reach("world.build.half-done");
        match root.as_str() {
            "broken" => return Err(Failure::permanent(Code::BuildFailed, "RUN make: exit code 2")),
            "hangs" => {
                self.write(&self.place("hangs", &root), "")?;
                cancel.cancelled().await;
                return Err(Failure::canceled("the build was canceled"));
            }
            _ => {}
        }
        let image = self.place("images", &request.destination.to_string());
        let completed = read(&image)?.and_then(|text| text.parse().ok()).unwrap_or(0_u32);
        self.write(&image, &(completed + 1).to_string())?;
        self.points.reach("world.build.pushed");
        Ok(BuiltImage { digest: digest(&request.destination.to_string()) })
    }

    async fn version(&self) -> Result<String, Failure> {
        Ok("scripted".to_owned())
    }
}

#[async_trait]
impl Registry for World {
    fn address(&self) -> &'static str {
        "registry.test:5000"
    }

    async fn presence(&self, image: &RepositoryTag) -> Result<Presence, Failure> {
        let found = read(&self.place("images", &image.to_string()))?;
        Ok(found.map_or(Presence::Absent, |_| Presence::Present(digest(&image.to_string()))))
    }

    async fn resolve(&self, reference: &ImageReference, _: &Reader) -> Result<String, Failure> {
        Ok(digest(&reference.to_string()))
    }

    async fn bases(&self, _: &RepositoryTag) -> Result<Vec<ImageReference>, Failure> {
        Ok(Vec::new())
    }

    async fn mirror(
        &self,
        source: &ImageReference,
        _: &Reader,
        progress: &dyn Progress,
        _: &CancellationToken,
    ) -> Result<String, Failure> {
        progress.activity(Activity::Mirroring);
        tokio::time::sleep(A_WHILE).await;
        let repository = format!("mirror/{}/{}", source.host(), source.path());
        self.write(&self.place("mirrored", &repository), source.digest().unwrap_or_default())?;
        Ok(repository)
    }
}
