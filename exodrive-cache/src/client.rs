//! What a client asks of its own answer, kept while the handler is asked for everybody's.

use http::header;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::cache_control::CacheControl;
use crate::serve::Asked;

const CONDITIONS: [HeaderName; 4] = [
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::RANGE,
];

/// The method, conditions, range and directives of one request.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    method: Method,
    headers: HeaderMap,
    /// `Cache-Control`, where the policy lets clients have a say.
    pub(crate) directives: CacheControl,
}

impl Client {
    pub(crate) fn of(request: &Parts, directives: CacheControl) -> Self {
        let mut headers = HeaderMap::new();
        for name in &CONDITIONS {
            for value in request.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        Self {
            method: request.method.clone(),
            headers,
            directives,
        }
    }

    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.method,
            headers: Some(&self.headers),
        }
    }
}
