use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::StartError;
use crate::config::DatabaseUrl;

/// Where the database's file is; a temporary folder goes with this value.
#[derive(Debug)]
pub(super) struct Storage {
    file: PathBuf,
    _temporary: Option<TempDir>,
}

impl Storage {
    pub(super) fn new(url: Option<&DatabaseUrl>) -> Result<Self, StartError> {
        match url {
            Some(DatabaseUrl::Sqlite(file)) => Ok(Self {
                file: file.clone(),
                _temporary: None,
            }),
            None => {
                let folder =
                    TempDir::with_prefix("exodrive-").map_err(StartError::TemporaryFolder)?;
                Ok(Self {
                    file: folder.path().join("fleet.db"),
                    _temporary: Some(folder),
                })
            }
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}
