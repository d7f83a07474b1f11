use exodrive_faults::postgres_database;
use tempfile::TempDir;

use crate::config::DatabaseUrl;

/// Which kind of database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A database without tables. A file goes when this does; a database on the server goes with the server.
pub(crate) struct TestDatabase {
    pub(crate) url: DatabaseUrl,
    _folder: Option<TempDir>,
}

impl TestDatabase {
    pub(crate) async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().unwrap();
                Self {
                    url: DatabaseUrl::Sqlite(folder.path().join("fleet.db")),
                    _folder: Some(folder),
                }
            }
            Engine::Postgres => Self {
                url: postgres_database().await.parse().unwrap(),
                _folder: None,
            },
        }
    }
}
