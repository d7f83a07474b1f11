use axum::extract::State;
use axum::response::IntoResponse;
use exodrive_errors::ApiError;
use http::StatusCode;
use http::header::LOCATION;
use jiff::Timestamp;

use super::extract::{Json, Path, Query};
use super::period::PeriodQuery;
use super::uninterrupted::uninterrupted;
use crate::AppState;
use crate::auth::Administrator;
use crate::domain::{Availability, Car, CarId, NewCar, Today, UpdateCar};
use crate::events::{CarCreated, CarDeleted, CarUpdated};

/// One car
#[utoipa::path(
    get,
    path = "/api/v1/cars/{id}",
    tag = "cars",
    operation_id = "showCar",
    params(("id" = CarId, Path)),
    responses(
        (status = 200, description = "The car", body = Car),
        (status = 404),
    ),
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Path(id): Path<CarId>,
) -> Result<axum::Json<Car>, ApiError> {
    Ok(axum::Json(state.repository.car(&id).await?))
}

/// Whether a car is free, when it is not, and what it would cost
#[utoipa::path(
    get,
    path = "/api/v1/cars/{id}/availability",
    tag = "cars",
    operation_id = "showAvailability",
    params(
        ("id" = CarId, Path),
        ("from" = Date, Query, description = "The day it is picked up"),
        ("to" = Date, Query, description = "The day it is returned"),
    ),
    responses(
        (status = 200, description = "The answer", body = Availability),
        (status = 404),
    ),
)]
pub(super) async fn availability(
    State(state): State<AppState>,
    Path(id): Path<CarId>,
    Query(days): Query<PeriodQuery>,
) -> Result<axum::Json<Availability>, ApiError> {
    let period = days.required()?;
    let availability = state.repository.availability(&id, period).await?;
    Ok(axum::Json(availability))
}

/// Adds a car to the fleet
#[utoipa::path(
    post,
    path = "/api/v1/cars",
    tag = "cars",
    operation_id = "addCar",
    security(("apiKey" = [])),
    request_body = NewCar,
    responses(
        (status = 201, description = "The car", body = Car, headers(
            ("location" = String, description = "Its address")
        )),
        (status = 403),
        (status = 409),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    _: Administrator,
    Json(new): Json<NewCar>,
) -> Result<impl IntoResponse, ApiError> {
    let car = uninterrupted(async move {
        let car = state.repository.create_car(&new).await?;
        let car_id = car.summary.id.clone();
        state.publish(&CarCreated { car_id }).await;
        Ok(car)
    })
    .await?;
    let location = format!("/api/v1/cars/{}", car.summary.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], axum::Json(car)))
}

/// Changes a car; bookings keep the price they were made at
#[utoipa::path(
    put,
    path = "/api/v1/cars/{id}",
    tag = "cars",
    operation_id = "changeCar",
    security(("apiKey" = [])),
    params(("id" = CarId, Path)),
    request_body = UpdateCar,
    responses(
        (status = 200, description = "The car", body = Car),
        (status = 403),
        (status = 404),
        (status = 409),
    ),
)]
pub(super) async fn update(
    State(state): State<AppState>,
    _: Administrator,
    Path(id): Path<CarId>,
    Json(update): Json<UpdateCar>,
) -> Result<axum::Json<Car>, ApiError> {
    let car = uninterrupted(async move {
        let car = state.repository.update_car(&id, &update).await?;
        state.publish(&CarUpdated { car_id: id }).await;
        Ok(car)
    })
    .await?;
    Ok(axum::Json(car))
}

/// Takes a car without bookings ahead out of the fleet
#[utoipa::path(
    delete,
    path = "/api/v1/cars/{id}",
    tag = "cars",
    operation_id = "removeCar",
    security(("apiKey" = [])),
    params(("id" = CarId, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 403),
        (status = 404),
        (status = 409),
    ),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    _: Administrator,
    Path(id): Path<CarId>,
) -> Result<StatusCode, ApiError> {
    uninterrupted(async move {
        state
            .repository
            .delete_car(&id, Today::utc(), Timestamp::now())
            .await?;
        state.publish(&CarDeleted { car_id: id }).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
