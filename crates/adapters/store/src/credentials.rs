//! Credentials of projects; what they send is sealed at rest.

use slipway_core::model::{CredentialPlace, Name};
use slipway_ports::{Credential, Login, SecretText, StoreError};
use sqlx::Row;

use crate::sqlite::{SqliteStore, damaged, unavailable};

/// A row sealed for one credential does not open as that of another, nor for another host.
pub(crate) fn sealed_for(project: &str, id: &str, place: &str) -> String {
    format!("credential/{project}/{id}/{place}")
}

impl SqliteStore {
    pub(crate) async fn write_credential(&self, project: &Name, credential: &Credential) -> Result<(), StoreError> {
        let login = serde_json::to_string(&credential.login).map(SecretText::new);
        let login = login.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let place = credential.place.to_string();
        let mut transaction = self.begin_write().await?;
        let sealed = self.keys.seal(&sealed_for(project.as_str(), &credential.id, &place), login.expose());
        sqlx::query(
            "INSERT INTO credential (project, name, id, place, sealed) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET id = excluded.id, place = excluded.place, sealed = excluded.sealed",
        )
        .bind(project.as_str())
        .bind(credential.name.as_str())
        .bind(&credential.id)
        .bind(place)
        .bind(sealed.map_err(StoreError::Unavailable)?)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    pub(crate) async fn read_credentials(&self, project: &Name) -> Result<Vec<Credential>, StoreError> {
        let _keys = self.keys.while_reading().await;
        let rows = sqlx::query("SELECT name, id, place, sealed FROM credential WHERE project = ? ORDER BY name")
            .bind(project.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        let credentials = rows.iter().map(|row| {
            let name: String = row.get(0);
            let what = format!("credential `{name}`");
            let text: String = row.get(2);
            let place: CredentialPlace = text.parse().map_err(|error| damaged(&what, error))?;
            let id: String = row.get(1);
            let sealed: Vec<u8> = row.get(3);
            let login = self.keys.unseal(&sealed_for(project.as_str(), &id, &text), &sealed).map(SecretText::new);
            let login: Login = serde_json::from_str(login.map_err(|reason| damaged(&what, reason))?.expose())
                .map_err(|_| damaged(&what, "what it sends is of another program"))?;
            let name = Name::new(name).map_err(|error| damaged(&what, error))?;
            Ok(Credential { id, name, place, login })
        });
        credentials.collect()
    }

    pub(crate) async fn forget_credential(&self, project: &Name, name: &Name) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let done = sqlx::query("DELETE FROM credential WHERE project = ? AND name = ?")
            .bind(project.as_str())
            .bind(name.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound(format!("credential `{name}` of project `{project}`")));
        }
        Ok(())
    }
}
