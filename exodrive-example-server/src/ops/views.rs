//! What can be looked at. Each of these is a part of the page and JSON of its own.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::SystemTime;

use exodrive_cache::Mode;
use exodrive_ratelimit::{Entry, Event, Whom};
use exodrive_redis::RedisClient;
use serde::Serialize;

use crate::AppState;
use crate::flags::Feature;
use crate::meters::{Failure, Point};

/// How many events are shown.
const EVENTS: usize = 50;
/// How many of those who were refused most are shown.
const REFUSED: usize = 20;

/// Everything but the past.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    now: Point,
    queries: u64,
    saved: u64,
    redis: Option<Redis>,
    pools: Vec<Pool>,
    flags: Vec<Flag>,
    policies: Vec<Policy>,
    refused: Vec<Refused>,
    /// Nothing while the store cannot tell, and so with what follows.
    limits: Option<Vec<Limit>>,
    orders: Option<Vec<Order>>,
    events: Option<Vec<Happened>>,
    failures: Vec<Failure>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Redis {
    status: String,
    connections: usize,
    breaker_open: bool,
    last_error: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Pool {
    name: &'static str,
    used: u32,
    idle: u32,
    limit: u32,
}

#[derive(Serialize)]
pub(super) struct Flag {
    feature: &'static str,
    percent: u8,
    /// Whether an operator says so, and not the environment.
    overridden: bool,
}

#[derive(Serialize)]
pub(super) struct Policy {
    policy: String,
    /// `on`, `off`, `percentage` or `shadow`.
    mode: &'static str,
    /// Of the keys, in the mode `percentage`.
    percent: Option<u8>,
    /// Whether an operator says so.
    overridden: bool,
    /// How answers compared in shadow, on this instance.
    accuracy: Compared,
}

#[derive(Serialize)]
pub(super) struct Compared {
    same: u64,
    different: u64,
}

/// What a limit does: `enforce`, `shadow` or `off`.
#[derive(Serialize)]
pub(super) struct Limit {
    limit: String,
    mode: &'static str,
}

#[derive(Serialize)]
pub(super) struct Refused {
    whom: String,
    times: u64,
}

/// An order that is in force.
#[derive(Serialize)]
pub(super) struct Order {
    kind: &'static str,
    whom: Option<String>,
    limit: Option<String>,
    /// In seconds since 1970.
    until: Option<u64>,
    reason: String,
    actor: String,
    /// In words, with what has no field of its own.
    text: String,
}

#[derive(Serialize)]
pub(super) struct Happened {
    at: u64,
    kind: &'static str,
    about: String,
    by: String,
    detail: String,
}

impl Overview {
    pub(super) async fn of(state: &AppState) -> Self {
        Self {
            now: state.pulse.latest(),
            queries: state.repository.queries(),
            saved: state.pulse.saved(),
            redis: state.redis.as_ref().map(Redis::of),
            pools: pools(state),
            flags: flags(state),
            policies: policies(state),
            refused: refused(state),
            limits: limits(state).await,
            orders: orders(state).await,
            events: events(state).await,
            failures: state.pulse.failures(),
        }
    }
}

impl Redis {
    fn of(client: &RedisClient) -> Self {
        let health = client.health();
        Self {
            status: format!("{:?}", health.status()).to_lowercase(),
            connections: health.connections(),
            breaker_open: health.is_breaker_open(),
            last_error: health.last_error().map(ToString::to_string),
        }
    }
}

fn pools(state: &AppState) -> Vec<Pool> {
    let pools = state.repository.pools().into_iter();
    let pools = pools.map(|pool| Pool {
        name: pool.name,
        used: pool.used(),
        idle: pool.idle,
        limit: pool.limit,
    });
    pools.collect()
}

pub(super) fn flags(state: &AppState) -> Vec<Flag> {
    let flags = Feature::ALL.map(|feature| Flag {
        feature: feature.name(),
        percent: state.flags.rollout(feature).as_percent(),
        overridden: state.switchboard.overrides_feature(feature),
    });
    flags.into()
}

pub(super) fn policies(state: &AppState) -> Vec<Policy> {
    let policies = state.cache.policies().into_iter();
    policies.map(|policy| Policy::of(state, policy)).collect()
}

pub(super) async fn limits(state: &AppState) -> Option<Vec<Limit>> {
    let modes = state.limits.modes().await.ok()?.into_iter();
    let limits = modes.map(|(limit, mode)| Limit {
        limit,
        mode: mode.as_str(),
    });
    Some(limits.collect())
}

/// Whom this instance refused most, by address and by user.
pub(super) fn refused(state: &AppState) -> Vec<Refused> {
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    for limiter in [&state.limits.by_address, &state.limits.by_user] {
        for (subject, count) in limiter.control().top_refused() {
            *times.entry(Whom::from(subject).to_string()).or_default() += count;
        }
    }
    let mut refused: Vec<_> = times
        .into_iter()
        .map(|(whom, times)| Refused { whom, times })
        .collect();
    refused.sort_by_key(|refused| Reverse(refused.times));
    refused.truncate(REFUSED);
    refused
}

pub(super) async fn orders(state: &AppState) -> Option<Vec<Order>> {
    let entries = state.limits.by_address.control().entries().await.ok()?;
    Some(entries.iter().map(|entry| Order::of(entry)).collect())
}

pub(super) async fn events(state: &AppState) -> Option<Vec<Happened>> {
    let control = state.limits.by_address.control();
    let events = control.recent_events(EVENTS).await.ok()?;
    Some(events.iter().map(Happened::of).collect())
}

impl Policy {
    fn of(state: &AppState, policy: &str) -> Self {
        let (mode, percent) = match state.cache.mode(policy).unwrap_or(Mode::Off) {
            Mode::On => ("on", None),
            Mode::Off => ("off", None),
            Mode::Percentage(share) => ("percentage", Some(share.hundredths())),
            Mode::Shadow => ("shadow", None),
        };
        let accuracy = state.cache.accuracy(policy).unwrap_or_default();
        Self {
            policy: policy.to_owned(),
            mode,
            percent,
            overridden: state.switchboard.overrides_policy(policy),
            accuracy: Compared {
                same: accuracy.same,
                different: accuracy.different,
            },
        }
    }
}

impl Order {
    fn of(entry: &Entry) -> Self {
        Self {
            kind: entry.kind().as_str(),
            whom: entry.whom().map(Whom::to_string),
            limit: entry.limit().map(str::to_owned),
            until: entry.until().map(seconds),
            reason: entry.reason().to_owned(),
            actor: entry.actor().to_owned(),
            text: entry.to_string(),
        }
    }
}

impl Happened {
    fn of(event: &Event) -> Self {
        Self {
            at: seconds(event.at()),
            kind: event.kind().as_str(),
            about: event.about().to_owned(),
            by: event.by().to_owned(),
            detail: event.detail().to_owned(),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
