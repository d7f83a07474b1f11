//! What an operator can switch: features, policies of the cache and limits. The token has been checked before.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use exodrive_cache::{Invalidation, Mode, Percent};
use exodrive_errors::{ApiError, ErrorCode};
use exodrive_ratelimit::Mode as LimitMode;
use http::StatusCode;
use serde::Deserialize;

use super::actions::{Done, control, done, reason, store_failed, wrong};
use super::guard::Operator;
use crate::AppState;
use crate::flags::{Feature, Rollout};
use crate::switchboard::Order;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRollout {
    percent: u8,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum NewPolicyMode {
    Mode(PolicyMode),
    /// For this share of all keys.
    Percent(u8),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum PolicyMode {
    On,
    Off,
    Shadow,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewLimitMode {
    mode: KnownLimitMode,
    /// Without it the mode holds until it is taken back.
    seconds: Option<u64>,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KnownLimitMode {
    Enforce,
    Shadow,
    Off,
}

pub(super) async fn set_flag(
    State(state): State<AppState>,
    Path(feature): Path<String>,
    Json(NewRollout { percent }): Json<NewRollout>,
) -> Result<Json<Done>, ApiError> {
    let feature = feature_named(&feature)?;
    let rollout = rollout(percent)?;
    Ok(turn(&state, Order::Feature(feature, Some(rollout))).await)
}

pub(super) async fn reset_flag(
    State(state): State<AppState>,
    Path(feature): Path<String>,
) -> Result<Json<Done>, ApiError> {
    let feature = feature_named(&feature)?;
    Ok(turn(&state, Order::Feature(feature, None)).await)
}

pub(super) async fn set_policy(
    State(state): State<AppState>,
    Path(policy): Path<String>,
    Json(mode): Json<NewPolicyMode>,
) -> Result<Json<Done>, ApiError> {
    check_policy(&state, &policy)?;
    let mode = match mode {
        NewPolicyMode::Mode(PolicyMode::On) => Mode::On,
        NewPolicyMode::Mode(PolicyMode::Off) => Mode::Off,
        NewPolicyMode::Mode(PolicyMode::Shadow) => Mode::Shadow,
        NewPolicyMode::Percent(percent) => {
            Mode::Percentage(Percent::new(rollout(percent)?.as_percent()))
        }
    };
    Ok(turn(&state, Order::Policy(policy, Some(mode))).await)
}

pub(super) async fn reset_policy(
    State(state): State<AppState>,
    Path(policy): Path<String>,
) -> Result<Json<Done>, ApiError> {
    check_policy(&state, &policy)?;
    Ok(turn(&state, Order::Policy(policy, None)).await)
}

pub(super) async fn set_limit(
    State(state): State<AppState>,
    Extension(operator): Extension<Operator>,
    Path(limit): Path<String>,
    Json(new): Json<NewLimitMode>,
) -> Result<StatusCode, ApiError> {
    check_limit(&state, &limit).await?;
    let mode = match new.mode {
        KnownLimitMode::Enforce => LimitMode::Enforce,
        KnownLimitMode::Shadow => LimitMode::Shadow,
        KnownLimitMode::Off => LimitMode::Off,
    };
    let lasting = new.seconds.map(Duration::from_secs);
    control(&state, operator)
        .set_mode(&limit, mode, lasting, reason(&new.reason))
        .await
        .map_err(store_failed)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reset_limit(
    State(state): State<AppState>,
    Extension(operator): Extension<Operator>,
    Path(limit): Path<String>,
) -> Result<StatusCode, ApiError> {
    check_limit(&state, &limit).await?;
    let control = control(&state, operator);
    control.lift_mode(&limit).await.map_err(store_failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The way back: every feature off, and nothing kept.
pub(super) async fn roll_back(State(state): State<AppState>) -> Result<Json<Done>, ApiError> {
    let off = Feature::ALL.map(|feature| Order::Feature(feature, Some(Rollout::OFF)));
    let reach = state.switchboard.turn(off).await;
    let removed = done(state.cache.invalidate_all(Invalidation::Hard).await)?;
    Ok(Json(removed.and(reach.into())))
}

async fn turn(state: &AppState, order: Order) -> Json<Done> {
    Json(state.switchboard.turn([order]).await.into())
}

fn rollout(percent: u8) -> Result<Rollout, ApiError> {
    Rollout::percent(percent).ok_or_else(|| wrong("Say for how many of a hundred, from 0 to 100"))
}

fn feature_named(name: &str) -> Result<Feature, ApiError> {
    Feature::named(name).ok_or_else(|| unknown("There is no such feature"))
}

fn check_policy(state: &AppState, policy: &str) -> Result<(), ApiError> {
    match state.cache.mode(policy) {
        Ok(_) => Ok(()),
        Err(error) => Err(unknown("There is no such policy").source(error)),
    }
}

async fn check_limit(state: &AppState, limit: &str) -> Result<(), ApiError> {
    let limits = state.limits.modes().await.map_err(store_failed)?;
    match limits.iter().any(|(name, _)| name == limit) {
        true => Ok(()),
        false => Err(unknown("There is no such limit")),
    }
}

fn unknown(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::NOT_FOUND).message(message)
}
