use axum::extract::FromRequestParts;
use exodrive_errors::{ApiError, ErrorCode};
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;

use crate::domain::User;

/// A user who may change the fleet. A handler that takes one answers everyone else with 401 or 403.
pub(crate) struct Administrator;

/// A handler that takes a user answers anonymous requests with 401.
impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or_else(no_key)
    }
}

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let user = User::from_request_parts(parts, state).await?;
        if user.is_administrator() {
            Ok(Self)
        } else {
            Err(ApiError::new(ErrorCode::FORBIDDEN)
                .message("Only administrators may change the fleet")
                .help("Use the API key of an administrator."))
        }
    }
}

fn no_key() -> ApiError {
    ApiError::new(ErrorCode::UNAUTHORIZED)
        .message("This needs an API key")
        .help("Send your key as \"Authorization: Bearer <key>\".")
        .header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static(r#"Bearer realm="exodrive""#),
        )
}
