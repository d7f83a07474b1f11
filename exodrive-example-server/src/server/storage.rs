use tempfile::TempDir;

use super::StartError;
use crate::config::DatabaseUrl;

/// Which database is used; a temporary folder goes with this value.
#[derive(Debug)]
pub(super) struct Storage {
    database: DatabaseUrl,
    _temporary: Option<TempDir>,
}

impl Storage {
    pub(super) fn new(url: Option<DatabaseUrl>) -> Result<Self, StartError> {
        if let Some(database) = url {
            return Ok(Self {
                database,
                _temporary: None,
            });
        }
        let folder = TempDir::with_prefix("exodrive-").map_err(StartError::TemporaryFolder)?;
        Ok(Self {
            database: DatabaseUrl::Sqlite(folder.path().join("fleet.db")),
            _temporary: Some(folder),
        })
    }

    pub(super) fn database(&self) -> &DatabaseUrl {
        &self.database
    }
}
