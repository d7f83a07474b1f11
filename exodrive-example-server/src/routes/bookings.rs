use axum::extract::State;
use exodrive_errors::{ApiError, ErrorCode, FieldViolation};
use http::StatusCode;
use jiff::Timestamp;

use super::extract::{Json, Path};
use super::uninterrupted::uninterrupted;
use crate::AppState;
use crate::domain::{Booking, BookingId, NewBooking, User};
use crate::errors::wrong_period;
use crate::events::{BookingCancelled, BookingCreated};

/// Books a car
///
/// Charged to the limit `booking` if it succeeds.
#[utoipa::path(
    post,
    path = "/api/v1/bookings",
    tag = "bookings",
    operation_id = "book",
    security(("apiKey" = [])),
    request_body = NewBooking,
    responses(
        (status = 201, description = "The booking", body = Booking),
        (status = 404),
        (status = 409),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    user: User,
    Json(new): Json<NewBooking>,
) -> Result<(StatusCode, axum::Json<Booking>), ApiError> {
    let period = new
        .period()
        .map_err(|error| wrong_period(error, FieldViolation::body))?;
    let booking = uninterrupted(async move {
        let booking = state
            .repository
            .book(&new.car_id, &user.id, period, Timestamp::now())
            .await?;
        state.publish(&BookingCreated::from(&booking)).await;
        Ok(booking)
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(booking)))
}

/// Cancels a booking
#[utoipa::path(
    delete,
    path = "/api/v1/bookings/{id}",
    tag = "bookings",
    operation_id = "cancelBooking",
    security(("apiKey" = [])),
    params(("id" = BookingId, Path)),
    responses(
        (status = 204, description = "It is cancelled"),
        (status = 403),
        (status = 404),
    ),
)]
pub(super) async fn cancel(
    State(state): State<AppState>,
    user: User,
    Path(id): Path<BookingId>,
) -> Result<StatusCode, ApiError> {
    let booking = state.repository.booking(&id).await?;
    if !booking.may_be_cancelled_by(&user) {
        return Err(ApiError::new(ErrorCode::FORBIDDEN)
            .message("This booking was made by someone else")
            .help("Use the API key the booking was made with."));
    }
    uninterrupted(async move {
        let booking = state.repository.cancel(&id, Timestamp::now()).await?;
        state.publish(&BookingCancelled::from(&booking)).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
