use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::User;
use crate::repository::{Repository, RepositoryError};

/// Every user by the hash of their API key, held in memory so that no request asks the database who is asking.
///
/// The keys themselves are nowhere: the database has their BLAKE3 hashes, and long random keys need no salt.
/// Cloning is cheap.
#[derive(Clone)]
pub struct ApiKeys {
    users: Arc<HashMap<blake3::Hash, User>>,
}

impl ApiKeys {
    /// Reads everyone's key hash from the database.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn load(repository: &Repository) -> Result<Self, RepositoryError> {
        let holders = repository.key_holders().await?;
        let users = holders
            .into_iter()
            .map(|holder| (holder.key_hash, holder.user))
            .collect();
        Ok(Self {
            users: Arc::new(users),
        })
    }

    /// Whose key it is.
    ///
    /// How long this takes says nothing about any key: what is compared are hashes, which no client can choose.
    #[must_use]
    pub fn user(&self, key: &str) -> Option<&User> {
        self.users.get(&blake3::hash(key.as_bytes()))
    }
}

/// Only how many there are: hashes have no place in a log.
impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeys")
            .field("users", &self.users.len())
            .finish()
    }
}
