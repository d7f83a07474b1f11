//! What an operator can do. The token has been checked before.

use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use exodrive_cache::{Invalidated, Invalidation, StoreError as CacheError, Tag};
use exodrive_errors::{ApiError, ErrorCode};
use exodrive_ratelimit::{Control, Override, StoreError};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::guard::Operator;
use super::whom;
use crate::AppState;
use crate::caching::outdated_by;
use crate::domain::CarId;
use crate::limits::Counters;
use crate::switchboard::Reach;

/// What is said of orders that say nothing.
const NO_REASON: &str = "no reason given";

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Ban,
    Allow,
    Deny,
    Override,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewOrder {
    kind: Kind,
    whom: String,
    /// Without it the order holds until it is lifted; a ban always ends.
    seconds: Option<u64>,
    #[serde(default)]
    reason: String,
    /// For an override: of which limit, else of all.
    limit: Option<String>,
    /// For an override: how many times the limit.
    times: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OldOrder {
    kind: Kind,
    whom: String,
    limit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Purge {
    /// What an event of this name about this car makes outdated.
    Event {
        name: String,
        car: CarId,
    },
    Tag(String),
    Policy(String),
    All {},
}

/// How far what was asked for has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Done {
    /// `applied`, or `deferred` for other instances until Redis can be reached.
    result: &'static str,
}

impl Done {
    const APPLIED: Self = Self { result: "applied" };
    const DEFERRED: Self = Self { result: "deferred" };

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        if self == Self::APPLIED { other } else { self }
    }
}

impl From<Reach> for Done {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Everywhere => Self::APPLIED,
            Reach::Here => Self::DEFERRED,
        }
    }
}

/// Nothing: the guard has said that the token is right.
pub(super) async fn check() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub(super) async fn order(
    State(state): State<AppState>,
    Extension(operator): Extension<Operator>,
    Json(order): Json<NewOrder>,
) -> Result<StatusCode, ApiError> {
    let control = control(&state, operator);
    let whom = whom::read(&order.whom)?;
    let lasting = order.seconds.map(Duration::from_secs);
    let reason = reason(&order.reason);
    match order.kind {
        Kind::Ban => {
            let lasting =
                lasting.ok_or_else(|| wrong("A ban has an end; say after how many seconds"))?;
            control.ban(whom, lasting, reason).await
        }
        Kind::Allow => control.allow(whom, lasting, reason).await,
        Kind::Deny => control.deny(whom, lasting, reason).await,
        Kind::Override => {
            let times = order
                .times
                .filter(|times| (0.001..=1_000.0).contains(times));
            let times =
                times.ok_or_else(|| wrong("Say how many times the limit, from 0.001 to 1000"))?;
            let limit = order.limit.as_deref();
            control
                .resize(whom, limit, Override::times(times), lasting, reason)
                .await
        }
    }
    .map_err(store_failed)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lift(
    State(state): State<AppState>,
    Extension(operator): Extension<Operator>,
    Json(order): Json<OldOrder>,
) -> Result<StatusCode, ApiError> {
    let control = control(&state, operator);
    let whom = whom::read(&order.whom)?;
    match order.kind {
        Kind::Ban => control.unban(whom).await,
        Kind::Allow => control.lift_allow(whom).await,
        Kind::Deny => control.lift_deny(whom).await,
        Kind::Override => control.lift_resize(whom, order.limit.as_deref()).await,
    }
    .map_err(store_failed)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn purge(
    State(state): State<AppState>,
    Json(purge): Json<Purge>,
) -> Result<Json<Done>, ApiError> {
    tracing::warn!(what = ?purge, "kept answers are purged");
    let cache = &state.cache;
    let tags = match purge {
        Purge::All {} => return done(cache.invalidate_all(Invalidation::Hard).await).map(Json),
        Purge::Event { name, car } => {
            outdated_by(&name, &car).ok_or_else(|| wrong("There is no such event"))?
        }
        Purge::Policy(name) if !cache.policies().contains(&&*name) => {
            return Err(wrong("There is no such policy"));
        }
        Purge::Policy(text) | Purge::Tag(text) => vec![Tag::new(text)],
    };
    done(cache.invalidate(&tags, Invalidation::Hard).await).map(Json)
}

/// Both limiters obey the orders of one, since they count in the same store.
pub(super) fn control(state: &AppState, Operator(name): Operator) -> Control<Counters> {
    state.limits.by_address.control().by(name)
}

pub(super) fn reason(given: &str) -> &str {
    match given.trim() {
        "" => NO_REASON,
        reason => reason,
    }
}

pub(super) fn done(result: Result<Invalidated, CacheError>) -> Result<Done, ApiError> {
    match result {
        Ok(Invalidated::Applied) => Ok(Done::APPLIED),
        Ok(Invalidated::Deferred) => Ok(Done::DEFERRED),
        Err(error) => Err(ApiError::new(ErrorCode::CACHE_ERROR).source(error)),
    }
}

pub(super) fn wrong(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::VALIDATION_ERROR).message(message)
}

pub(super) fn store_failed(error: StoreError) -> ApiError {
    ApiError::new(ErrorCode::SERVICE_UNAVAILABLE)
        .message("The order may not have been kept")
        .help("See whether it is in the list; if not, give it again.")
        .source(error)
}
