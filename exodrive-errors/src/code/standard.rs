use http::StatusCode;

use super::ErrorCode;

/// The standard codes.
///
/// Their messages already say what to do next, so they carry no separate steps.
impl ErrorCode {
    /// 400: the request cannot be understood.
    pub const INVALID_REQUEST: Self = Self::new("INVALID_REQUEST", StatusCode::BAD_REQUEST)
        .message("The request is not valid, please check it and try again");

    /// 401: credentials are missing or not valid.
    pub const UNAUTHORIZED: Self = Self::new("UNAUTHORIZED", StatusCode::UNAUTHORIZED)
        .message("You need to sign in to do this");

    /// 403: the client is known and not allowed to do this.
    pub const FORBIDDEN: Self =
        Self::new("FORBIDDEN", StatusCode::FORBIDDEN).message("You are not allowed to do this");

    /// 404: there is nothing at this address.
    pub const NOT_FOUND: Self = Self::new("NOT_FOUND", StatusCode::NOT_FOUND)
        .message("We could not find what you asked for, please check the address");

    /// 405: the address exists and does not answer this method; the `Allow` header lists those it answers.
    pub const METHOD_NOT_ALLOWED: Self =
        Self::new("METHOD_NOT_ALLOWED", StatusCode::METHOD_NOT_ALLOWED)
            .message("This address does not support this method");

    /// 406: none of the media types the client accepts can be produced.
    pub const NOT_ACCEPTABLE: Self = Self::new("NOT_ACCEPTABLE", StatusCode::NOT_ACCEPTABLE)
        .message("This address cannot answer in any of the formats you accept");

    /// 408: the request did not arrive in time.
    pub const REQUEST_TIMEOUT: Self = Self::new("REQUEST_TIMEOUT", StatusCode::REQUEST_TIMEOUT)
        .message("The request took too long, please try again")
        .retryable(true);

    /// 409: the request conflicts with the present state.
    pub const CONFLICT: Self = Self::new("CONFLICT", StatusCode::CONFLICT)
        .message("This conflicts with the current state, please reload and try again");

    /// 410: what was at this address is gone for good.
    pub const GONE: Self =
        Self::new("GONE", StatusCode::GONE).message("What you asked for is no longer available");

    /// 412: a precondition such as `If-Match` does not hold.
    pub const PRECONDITION_FAILED: Self =
        Self::new("PRECONDITION_FAILED", StatusCode::PRECONDITION_FAILED)
            .message("This has changed since you last loaded it, please reload and try again");

    /// 413: the request body is larger than the service takes.
    pub const PAYLOAD_TOO_LARGE: Self =
        Self::new("PAYLOAD_TOO_LARGE", StatusCode::PAYLOAD_TOO_LARGE)
            .message("The request is too large, please send less data");

    /// 415: the service does not read this content type.
    pub const UNSUPPORTED_MEDIA_TYPE: Self =
        Self::new("UNSUPPORTED_MEDIA_TYPE", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .message("The content type of the request is not supported");

    /// 422: the request is understood and some of its values are not valid; `details.errors` lists them.
    pub const VALIDATION_ERROR: Self =
        Self::new("VALIDATION_ERROR", StatusCode::UNPROCESSABLE_ENTITY)
            .message("Some of the values you sent are not valid, please correct them");

    /// 429: too many requests; `details.retryAfter` and the `Retry-After` header say how long to wait.
    pub const RATE_LIMITED: Self = Self::new("RATE_LIMITED", StatusCode::TOO_MANY_REQUESTS)
        .message("Too many requests, please try again later")
        .retryable(true);

    /// 500: something failed that is nobody's business outside the service.
    pub const INTERNAL_ERROR: Self = Self::new("INTERNAL_ERROR", StatusCode::INTERNAL_SERVER_ERROR)
        .message("An unexpected error occurred");

    /// 500: the database failed.
    pub const DATABASE_ERROR: Self = Self::new("DATABASE_ERROR", StatusCode::INTERNAL_SERVER_ERROR)
        .message("We could not read or save your data, please try again later")
        .retryable(true);

    /// 500: the cache failed and the answer could not be had without it.
    pub const CACHE_ERROR: Self = Self::new("CACHE_ERROR", StatusCode::INTERNAL_SERVER_ERROR)
        .message("We could not prepare your answer, please try again later")
        .retryable(true);

    /// 502: a service this one depends on failed.
    pub const EXTERNAL_SERVICE_ERROR: Self =
        Self::new("EXTERNAL_SERVICE_ERROR", StatusCode::BAD_GATEWAY)
            .message("A service we depend on did not answer, please try again later")
            .retryable(true);

    /// 503: the service cannot answer for the moment.
    pub const SERVICE_UNAVAILABLE: Self =
        Self::new("SERVICE_UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE)
            .message("The service is not available at the moment, please try again later")
            .retryable(true);

    /// Every standard code, by status.
    pub const STANDARD: &'static [Self] = &[
        Self::INVALID_REQUEST,
        Self::UNAUTHORIZED,
        Self::FORBIDDEN,
        Self::NOT_FOUND,
        Self::METHOD_NOT_ALLOWED,
        Self::NOT_ACCEPTABLE,
        Self::REQUEST_TIMEOUT,
        Self::CONFLICT,
        Self::GONE,
        Self::PRECONDITION_FAILED,
        Self::PAYLOAD_TOO_LARGE,
        Self::UNSUPPORTED_MEDIA_TYPE,
        Self::VALIDATION_ERROR,
        Self::RATE_LIMITED,
        Self::INTERNAL_ERROR,
        Self::DATABASE_ERROR,
        Self::CACHE_ERROR,
        Self::EXTERNAL_SERVICE_ERROR,
        Self::SERVICE_UNAVAILABLE,
    ];

    /// The code for a status that says nothing more: the standard code of that status, otherwise
    /// [`INVALID_REQUEST`](Self::INVALID_REQUEST) for a 4xx and [`INTERNAL_ERROR`](Self::INTERNAL_ERROR) for the rest.
    ///
    /// The code returned is answered with `status` itself when that is a 4xx or 5xx, otherwise with 500.
    ///
    /// ```
    /// use exodrive_errors::ErrorCode;
    /// use http::StatusCode;
    ///
    /// assert_eq!(ErrorCode::for_status(StatusCode::NOT_FOUND), ErrorCode::NOT_FOUND);
    /// let teapot = ErrorCode::for_status(StatusCode::IM_A_TEAPOT);
    /// assert_eq!(teapot, ErrorCode::INVALID_REQUEST);
    /// assert_eq!(teapot.status(), StatusCode::IM_A_TEAPOT);
    /// ```
    #[must_use]
    pub fn for_status(status: StatusCode) -> Self {
        if let Some(code) = Self::STANDARD.iter().find(|code| code.status() == status) {
            return *code;
        }
        if status.is_client_error() {
            Self::INVALID_REQUEST.answered_with(status)
        } else if status.is_server_error() {
            Self::INTERNAL_ERROR.answered_with(status)
        } else {
            Self::INTERNAL_ERROR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_every_status_to_a_code_of_its_class() {
        for number in 100..1000 {
            let status = StatusCode::from_u16(number).unwrap();
            let code = ErrorCode::for_status(status);
            if (400..600).contains(&number) {
                assert_eq!(code.status(), status);
            } else {
                assert_eq!(code, ErrorCode::INTERNAL_ERROR);
                assert_eq!(code.status(), StatusCode::INTERNAL_SERVER_ERROR);
            }
        }
    }

    #[test]
    fn prefers_the_plain_code_where_a_status_has_several() {
        let code = ErrorCode::for_status(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(code, ErrorCode::INTERNAL_ERROR);
    }
}
