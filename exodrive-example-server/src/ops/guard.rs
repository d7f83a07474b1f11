use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use exodrive_errors::{ApiError, ErrorCode};
use http::HeaderValue;
use http::header::{HOST, WWW_AUTHENTICATE};
use http::uri::Authority;

use super::AdminToken;
use crate::auth::bearer;

/// Whoever has the token, as orders and the log call them.
#[derive(Clone, Debug)]
pub(super) struct Operator(pub(super) String);

/// Lets operators through and nobody else, and writes down every attempt.
pub(super) async fn guard(
    State(token): State<Option<AdminToken>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let audit = |result: &str| {
        tracing::info!(target: "audit", peer = %peer.ip(), %method, path, result, "operation");
    };
    let Some(token) = token else {
        audit("read-only");
        return Err(ApiError::new(ErrorCode::FORBIDDEN)
            .message("This server is read-only")
            .help("Start it with ADMIN_TOKEN to allow changes."));
    };
    if !bearer(request.headers()).is_some_and(|shown| token.is(shown.as_bytes())) {
        audit("wrong token");
        return Err(ApiError::new(ErrorCode::UNAUTHORIZED)
            .message("This is not the admin token")
            .help("Send the ADMIN_TOKEN of the server as \"Authorization: Bearer <token>\".")
            .header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Bearer realm="operations""#),
            ));
    }
    let operator = Operator(format!("operator at {}", peer.ip()));
    request.extensions_mut().insert(operator);
    let response = next.run(request).await;
    audit(response.status().as_str());
    Ok(response)
}

/// Refuses names that are not of this machine, for a listener that only this machine reaches.
///
/// A page from elsewhere can let its own name point to the loopback address, and its scripts would be of the same origin
/// as this one. Only the name they ask for gives them away.
pub(super) async fn no_foreign_names(request: Request, next: Next) -> Result<Response, ApiError> {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().cloned();
    let authority = authority.or_else(|| host?.parse().ok());
    if authority.is_some_and(|authority| is_of_this_machine(&authority)) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::new(ErrorCode::FORBIDDEN)
        .message("This page has no such name")
        .help("Ask for it by its address, or as localhost."))
}

fn is_of_this_machine(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_of_this_machine() {
        for (name, expected) in [
            ("localhost:8081", true),
            ("127.0.0.1:8081", true),
            ("[::1]:8081", true),
            ("evil.example:8081", false),
            ("localhost.evil.example", false),
        ] {
            assert_eq!(
                is_of_this_machine(&name.parse().unwrap()),
                expected,
                "{name}"
            );
        }
    }
}
