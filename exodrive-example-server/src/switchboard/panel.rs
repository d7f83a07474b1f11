use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use exodrive_cache::{Cache, Mode};
use exodrive_redis::{Error, ErrorKind, RedisClient, Script};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Order;
use super::board::{Board, Given};
use crate::answers::Answers;
use crate::flags::{Feature, Flags};

static SWITCHES: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../../lua/switches.lua")));

/// Where all instances keep their orders.
const KEY: &str = "exodrive-switches";
/// How long after an order the others know of it, at most.
const EVERY: Duration = Duration::from_secs(1);
/// How long a start waits for Redis. Without it the first requests would meet features that were switched off.
const PATIENCE: Duration = Duration::from_secs(1);

/// Switches features and policies, here and on every instance that shares the Redis.
///
/// Cloning is cheap and gives a handle to the same switches.
#[derive(Clone, Debug)]
pub(crate) struct Switchboard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    flags: Flags,
    cache: Cache<Answers>,
    redis: Option<RedisClient>,
    /// Held while switches are turned, so that they end up as the board says.
    board: Mutex<Board>,
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Every instance obeys it, the others within a second.
    Everywhere,
    /// This instance obeys it, the others once Redis is back.
    Here,
}

impl Switchboard {
    pub(crate) fn new(flags: Flags, cache: Cache<Answers>, redis: Option<RedisClient>) -> Self {
        let shared = Shared {
            flags,
            cache,
            redis,
            board: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes over what all instances know, if Redis is there, and follows it from then on, until the chores end.
    pub(crate) async fn follow(&self, chores: &mut JoinSet<()>) {
        let Some(redis) = &self.shared.redis else {
            return;
        };
        // Without Redis, what this instance was started with applies.
        let _ = timeout(PATIENCE, self.shared.catch_up(redis)).await;
        chores.spawn(keep_up(self.shared.clone(), redis.clone()));
    }

    /// Obeys orders from now on, and tells the other instances.
    pub(crate) async fn turn(&self, orders: impl IntoIterator<Item = Order>) -> Reach {
        let Some(redis) = &self.shared.redis else {
            self.shared.take(orders);
            // There are no others.
            return Reach::Everywhere;
        };
        // An order that is given now is later than all that can be heard of. What cannot is no reason not to obey.
        let _ = self.shared.exchange(redis).await;
        self.shared.take(orders);
        match self.shared.exchange(redis).await {
            Ok(()) => Reach::Everywhere,
            Err(error) => {
                tracing::warn!(%error, "the other instances do not know of an order yet");
                Reach::Here
            }
        }
    }

    /// Whether an order about the feature is in force.
    pub(crate) fn overrides_feature(&self, feature: Feature) -> bool {
        self.overrides(&Order::Feature(feature, None))
    }

    /// Whether an order about the policy is in force.
    pub(crate) fn overrides_policy(&self, policy: &str) -> bool {
        self.overrides(&Order::Policy(policy.to_owned(), None))
    }

    fn overrides(&self, order: &Order) -> bool {
        self.shared.board.lock().overrides(&order.switch())
    }
}

/// Hears of orders that were given elsewhere, and tells those that could not be told.
async fn keep_up(shared: Arc<Shared>, redis: RedisClient) {
    let mut is_shared = true;
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let outcome = shared.exchange(&redis).await;
        match &outcome {
            Err(error) if is_shared => {
                tracing::warn!(%error, "features and policies stay as they are until Redis answers");
            }
            Ok(()) if !is_shared => tracing::info!("features and policies are shared again"),
            _ => {}
        }
        is_shared = outcome.is_ok();
    }
}

impl Shared {
    fn take(&self, orders: impl IntoIterator<Item = Order>) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_micros() as u64;
        let mut board = self.board.lock();
        for order in orders {
            self.obey(&order);
            board.take(order, now);
        }
    }

    /// The first exchange. A server that is known to be away is not waited for.
    async fn catch_up(&self, redis: &RedisClient) -> Result<(), Error> {
        let mut health = redis.watch();
        // An error says that the handle is gone, which the exchange will find, too.
        let _ = health
            .wait_for(|health| health.is_connected() || health.last_error().is_some())
            .await;
        loop {
            match self.exchange(redis).await {
                // A busy machine may take longer the first time.
                Err(error) if error.kind() == ErrorKind::Timeout => {}
                outcome => return outcome,
            }
        }
    }

    /// Tells everything that is known here, and hears everything that is known anywhere.
    async fn exchange(&self, redis: &RedisClient) -> Result<(), Error> {
        let told = self.board.lock().all();
        let call = told
            .into_iter()
            .fold(SWITCHES.keys([KEY]), |call, Given { order, at }| {
                call.args([order.switch(), at.to_string(), order.position()])
            });
        let agreed: Vec<[String; 3]> = redis.invoke(&call).await?;
        let agreed = agreed.iter().filter_map(|[switch, at, position]| {
            let (order, at) = (Order::read(switch, position)?, at.parse().ok()?);
            Some(Given { order, at })
        });
        let mut board = self.board.lock();
        for order in board.hear(agreed) {
            self.obey(&order);
        }
        Ok(())
    }

    fn obey(&self, order: &Order) {
        match order {
            Order::Feature(feature, rollout) => {
                let rollout = rollout.unwrap_or_else(|| self.flags.initial(*feature));
                self.flags.set(*feature, rollout);
            }
            Order::Policy(policy, mode) => {
                // A newer version may have more policies, and a policy is on unless somebody says otherwise.
                if self
                    .cache
                    .set_mode(policy, mode.unwrap_or(Mode::On))
                    .is_err()
                {
                    tracing::debug!(policy, "there is no such policy to switch");
                }
            }
        }
    }
}
