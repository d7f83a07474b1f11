//! Input that is read and checked before a handler runs; what is wrong with it is answered with an envelope.

use axum::extract::{FromRequest, FromRequestParts, Request};
use exodrive_errors::ApiError;
use garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::domain::Today;
use crate::errors::{invalid_body, invalid_query};

/// A JSON body whose fields passed their checks.
pub(super) struct Json<T>(pub(super) T);

/// A query string whose parameters passed their checks.
pub(super) struct Query<T>(pub(super) T);

/// The parameters of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(super) struct Path<T>(pub(super) T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = Today>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let axum::Json(value) = axum::Json::<T>::from_request(request, state).await?;
        value
            .validate_with(&Today::utc())
            .map_err(|report| invalid_body(&report))?;
        Ok(Self(value))
    }
}

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let axum::extract::Query(value) =
            axum::extract::Query::<T>::from_request_parts(parts, state).await?;
        value.validate().map_err(|report| invalid_query(&report))?;
        Ok(Self(value))
    }
}
