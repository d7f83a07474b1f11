use exodrive_cache::{Cache, Event};
use exodrive_redis::RedisClient;

use crate::answers::Answers;
use crate::auth::ApiKeys;
use crate::flags::Flags;
use crate::limits::Limits;
use crate::meters::{Exposition, Pulse};
use crate::repository::Repository;
use crate::switchboard::Switchboard;

/// What every request can reach. Cloning is cheap.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppState {
    /// Cars, bookings and users.
    pub repository: Repository,
    /// Who holds which API key.
    pub keys: ApiKeys,
    /// The answers that are kept, and the rules that say when they go.
    pub cache: Cache<Answers>,
    /// Which features are on for whom.
    pub flags: Flags,
    /// Who may ask how often.
    pub limits: Limits,
    /// What instances share, if there is any.
    pub redis: Option<RedisClient>,
    /// What was counted.
    pub exposition: Exposition,
    /// What happened lately.
    pub pulse: Pulse,
    /// What operators switch.
    pub(crate) switchboard: Switchboard,
}

impl AppState {
    /// Brings together what requests need.
    #[must_use]
    pub fn new(
        repository: Repository,
        keys: ApiKeys,
        cache: Cache<Answers>,
        flags: Flags,
        limits: Limits,
        redis: Option<RedisClient>,
        exposition: Exposition,
    ) -> Self {
        let switchboard = Switchboard::new(flags.clone(), cache.clone(), redis.clone());
        Self {
            repository,
            keys,
            cache,
            flags,
            limits,
            redis,
            exposition,
            pulse: Pulse::default(),
            switchboard,
        }
    }

    /// Tells what happened, after it was committed.
    ///
    /// A failure is logged and changes nothing else: the change is made, and kept answers grow old by themselves.
    pub(crate) async fn publish<E: Event>(&self, event: &E) {
        match self.cache.publish(event).await {
            Ok(published) if published.deferred().is_empty() => {}
            Ok(_) => {
                tracing::warn!(
                    event = E::NAME,
                    "other instances hear of it once Redis is back"
                );
            }
            Err(error) => {
                tracing::error!(event = E::NAME, %error, "cached answers may be out of date until they expire");
            }
        }
    }
}
