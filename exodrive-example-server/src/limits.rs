//! Who may ask how often, and where that is counted.

use std::sync::Arc;

use exodrive_ratelimit::store::{Charge, Ledger, Settlement, Verdict};
use exodrive_ratelimit::{
    BuildError, Builder, ClientIp, DAY, HOUR, Limit, MINUTE, MemoryStore, Mode, Penalty,
    RateLimiter, RedisStore, Store, StoreError, Subject,
};
use exodrive_redis::RedisClient;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::config::Config;
use crate::domain::User;

/// The limits of the API, and where they are counted. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Limits {
    pub(crate) by_address: Limiter,
    pub(crate) by_user: Limiter,
}

type Limiter = RateLimiter<Counters>;

/// Where requests are counted.
#[derive(Clone, Debug)]
pub(crate) enum Counters {
    /// In this process, which is right where it is the only instance.
    Memory(Arc<MemoryStore>),
    /// In Redis, by all instances together.
    Redis(RedisStore),
}

impl Limits {
    /// Counts in Redis if there is a handle. The server need not be there: until it is, this instance counts for itself.
    ///
    /// # Errors
    ///
    /// If a limit makes no sense.
    pub fn new(config: &Config, redis: Option<RedisClient>) -> Result<Self, BuildError> {
        let counters = match redis {
            Some(redis) => Counters::Redis(RedisStore::new(redis).namespace("exodrive")),
            None => Counters::Memory(Arc::default()),
        };
        Ok(Self {
            by_address: by_address(config, counters.clone())?,
            by_user: by_user(config, counters)?,
        })
    }

    /// What each limit does at the moment.
    pub(crate) async fn modes(&self) -> Result<Vec<(String, Mode)>, StoreError> {
        let mut modes = self.by_address.control().modes().await?;
        modes.extend(self.by_user.control().modes().await?);
        Ok(modes)
    }
}

impl Store for Counters {
    async fn check(&self, charges: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        match self {
            Self::Memory(store) => store.check(charges).await,
            Self::Redis(store) => store.check(charges).await,
        }
    }

    fn check_now(&self, charges: &[Charge<'_>]) -> Option<Verdict> {
        match self {
            Self::Memory(store) => store.check_now(charges),
            Self::Redis(store) => store.check_now(charges),
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        match self {
            Self::Memory(store) => store.settle(settlements).await,
            Self::Redis(store) => store.settle(settlements).await,
        }
    }

    async fn reset(&self, charges: &[Charge<'_>]) -> Result<(), StoreError> {
        match self {
            Self::Memory(store) => store.reset(charges).await,
            Self::Redis(store) => store.reset(charges).await,
        }
    }

    fn ledger(&self) -> Ledger {
        match self {
            Self::Memory(store) => store.ledger(),
            Self::Redis(store) => store.ledger(),
        }
    }
}

/// The limits by address, which apply before authentication.
///
/// Requests that show no key share the public limit of their address. Requests that do are not
/// charged to it, or one client could use up what its neighbours behind the same address need to
/// sign in; only the keys that turn out to be nobody's count.
fn by_address(config: &Config, store: Counters) -> Result<Limiter, BuildError> {
    let public = Limit::sliding_window(
        "public",
        config.rate_limit_max_requests,
        config.rate_limit_window,
    );
    let authentication = Limit::sliding_window("authentication", 60, MINUTE);
    builder(config, store)
        .client_ip(ClientIp::trusted_proxies(config.trusted_proxies.iter()))
        .limit(
            public
                .by_ip()
                .on(|request| is_limited(request) && !shows_a_key(request)),
        )
        .limit(
            authentication
                .by_ip()
                .on(|request| is_limited(request) && shows_a_key(request))
                .settle(|response| u32::from(response.status == StatusCode::UNAUTHORIZED)),
        )
        .build()
}

/// The limits of a user, who is known after authentication.
fn by_user(config: &Config, store: Counters) -> Result<Limiter, BuildError> {
    let authenticated = Limit::sliding_window("authenticated", 120, MINUTE);
    let booking = Limit::sliding_window("booking", 10, HOUR);
    builder(config, store)
        .identify(|request| {
            let user = request.extensions.get::<User>()?;
            Some(Subject::user(&user.id))
        })
        .limit(authenticated.by_user().on(is_limited))
        .limit(
            booking
                .by_user()
                .on(is_booking)
                .settle(|response| u32::from(response.status.is_success())),
        )
        .build()
}

/// What both limiters have in common.
fn builder(config: &Config, store: Counters) -> Builder<Counters> {
    let builder = RateLimiter::builder(store).instances(config.rate_limit_instances);
    match config.rate_limit_ban_after {
        0 => builder,
        refusals => builder.penalty(
            Penalty::after(refusals)
                .strikes_within(10 * MINUTE)
                .ban(config.rate_limit_ban)
                .at_most(DAY),
        ),
    }
}

fn shows_a_key(request: &Parts) -> bool {
    request.headers.contains_key(AUTHORIZATION)
}

fn is_booking(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path() == "/api/v1/bookings"
}

fn is_limited(request: &Parts) -> bool {
    !is_always_admitted(request.uri.path())
}

/// Whoever watches over the service has to reach it while it refuses everybody else.
pub(crate) fn is_always_admitted(path: &str) -> bool {
    matches!(path, "/healthz" | "/metrics" | "/readyz")
}
