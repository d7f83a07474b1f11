use super::statement::Statement;
use super::{Repository, RepositoryError, sql};
use crate::domain::User;

/// A user and the hash of the API key that proves it is them.
pub(crate) struct KeyHolder {
    pub(crate) user: User,
    pub(crate) key_hash: blake3::Hash,
}

impl Repository {
    /// Everyone who has an API key.
    pub(crate) async fn key_holders(&self) -> Result<Vec<KeyHolder>, RepositoryError> {
        self.read(Statement::new(sql::USERS)).await
    }
}
