use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use exodrive_errors::{ApiError, ErrorCode};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};

use super::ApiKeys;

/// Puts the user whose key the request shows into its extensions, for [`axum::middleware::from_fn_with_state`].
///
/// # Errors
///
/// If the request shows a key that is nobody's, or credentials that are no API key: 401, with a challenge as
/// RFC 6750 section 3 words it.
pub async fn authenticate(
    State(keys): State<ApiKeys>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if request.headers().contains_key(AUTHORIZATION) {
        let user = bearer(request.headers())
            .and_then(|key| keys.user(key))
            .cloned()
            .ok_or_else(unknown_key)?;
        request.extensions_mut().insert(user);
    }
    Ok(next.run(request).await)
}

/// The bearer token; the scheme's name is written in any case of letters (RFC 9110 section 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    // Two credentials are as good as none: nobody can say which of them counts.
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

fn unknown_key() -> ApiError {
    ApiError::new(ErrorCode::UNAUTHORIZED)
        .message("This API key is not valid")
        .help("Check the key and send it as \"Authorization: Bearer <key>\".")
        .header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static(r#"Bearer realm="exodrive", error="invalid_token""#),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let values = values.iter().copied().map(HeaderValue::from_static);
        values.map(|value| (AUTHORIZATION, value)).collect()
    }

    #[test]
    fn reads_the_token_of_the_bearer_scheme_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(bearer(&headers(&[value])), Some("abc"), "{value}");
        }
    }

    #[test]
    fn reads_nothing_from_other_schemes_or_two_credentials() {
        for values in [
            &["Basic abc"][..],
            &["Bearer"],
            &["abc"],
            &["Bearer abc", "Bearer abc"],
            &[],
        ] {
            assert_eq!(bearer(&headers(values)), None, "{values:?}");
        }
    }
}
