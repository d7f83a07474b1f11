//! Invalidation by unsafe methods (RFC 9111, section 4.4).

use http::header::{CONTENT_LOCATION, LOCATION};
use http::request;
use http::response;
use http::{HeaderName, Method, Uri};

use crate::Tag;
use crate::admission::authority;

/// Returns the tag that the answers of one target carry under a transparent policy.
pub(crate) fn tag(authority: &str, uri: &Uri) -> Tag {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let authority = authority.to_ascii_lowercase();
    Tag::new(format!("target://{authority}{target}"))
}

/// Returns what a request may change, before it is sent on; none if its method is safe.
pub(crate) fn of_unsafe(request: &request::Parts) -> Option<Changed> {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    if safe.contains(&request.method) {
        return None;
    }
    Some(Changed {
        authority: authority(request).unwrap_or_default().to_owned(),
        uri: request.uri.clone(),
    })
}

/// The target of a request with an unsafe method.
#[derive(Debug)]
pub(crate) struct Changed {
    authority: String,
    uri: Uri,
}

impl Changed {
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns what the answer says was changed: nothing if the request failed, else its target and
    /// the places on the same origin that the answer names.
    pub(crate) fn tags(&self, answer: &response::Parts) -> Vec<Tag> {
        if !answer.status.is_success() && !answer.status.is_redirection() {
            return Vec::new();
        }
        let named = [LOCATION, CONTENT_LOCATION];
        let named = named.iter().filter_map(|name| self.named(answer, name));
        [tag(&self.authority, &self.uri)]
            .into_iter()
            .chain(named)
            .collect()
    }

    fn named(&self, answer: &response::Parts, name: &HeaderName) -> Option<Tag> {
        let place = answer.headers.get(name)?.to_str().ok()?;
        let uri: Uri = place.parse().ok()?;
        match uri.authority() {
            Some(authority) if !authority.as_str().eq_ignore_ascii_case(&self.authority) => None,
            Some(_) => Some(tag(&self.authority, &uri)),
            None if place.starts_with('/') => Some(tag(&self.authority, &uri)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};

    use super::*;

    fn changed(method: &str, status: u16, place: &str) -> Vec<String> {
        let request = Request::builder()
            .method(method)
            .uri("/cars/1?a=b")
            .header("host", "Example.com")
            .body(())
            .unwrap();
        let answer = Response::builder()
            .status(status)
            .header("location", place)
            .body(())
            .unwrap();
        let Some(changed) = of_unsafe(&request.into_parts().0) else {
            return Vec::new();
        };
        let tags = changed.tags(&answer.into_parts().0);
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_change_invalidates_its_target_and_what_it_names() {
        let target = "target://example.com/cars/1?a=b";
        let named = "target://example.com/cars/2";
        assert_eq!(changed("POST", 201, "/cars/2"), [target, named]);
        assert_eq!(
            changed("PUT", 204, "http://example.COM/cars/2"),
            [target, named]
        );
        assert_eq!(
            changed("M-SEARCH", 200, "http://other.example/cars/2"),
            [target]
        );
        assert_eq!(changed("DELETE", 303, "cars/2"), [target]);
    }

    #[test]
    fn what_changes_nothing_invalidates_nothing() {
        assert!(changed("POST", 404, "/cars/2").is_empty());
        assert!(changed("POST", 500, "/cars/2").is_empty());
        assert!(changed("GET", 200, "/cars/2").is_empty());
        assert!(changed("OPTIONS", 200, "/cars/2").is_empty());
    }
}
