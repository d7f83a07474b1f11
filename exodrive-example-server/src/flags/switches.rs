use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::ConnectInfo;
use http::Request;
use http::header::{AUTHORIZATION, HeaderName};

use super::{Feature, FlaggedLayer, Rollout};

/// For whom each feature is on at the moment.
///
/// Cloning is cheap and gives a handle to the same switches.
#[derive(Clone, Debug)]
pub struct Flags {
    percents: Arc<[AtomicU8; Feature::ALL.len()]>,
    initial: [Rollout; Feature::ALL.len()],
}

impl Flags {
    /// Switches in the positions that `initial` says.
    pub fn new(initial: impl Fn(Feature) -> Rollout) -> Self {
        let initial = Feature::ALL.map(initial);
        let percents = initial.map(|rollout| AtomicU8::new(rollout.as_percent()));
        Self {
            percents: Arc::new(percents),
            initial,
        }
    }

    /// For whom the feature was on at first.
    #[must_use]
    pub fn initial(&self, feature: Feature) -> Rollout {
        self.initial[feature as usize]
    }

    /// For whom the feature is on.
    #[must_use]
    pub fn rollout(&self, feature: Feature) -> Rollout {
        // Only positions that are rollouts are ever stored.
        Rollout::percent(self.switch(feature).load(Ordering::Relaxed)).unwrap_or(Rollout::OFF)
    }

    /// Turns the feature on or off, for requests from now on and on this instance, and returns how it was.
    pub(crate) fn set(&self, feature: Feature, rollout: Rollout) -> Rollout {
        let before = self
            .switch(feature)
            .swap(rollout.as_percent(), Ordering::Relaxed);
        let before = Rollout::percent(before).unwrap_or(Rollout::OFF);
        tracing::warn!(feature = feature.name(), %before, now = %rollout, "a feature was switched");
        before
    }

    /// The layer, for the requests for which the feature is on.
    #[must_use]
    pub fn layer<L>(&self, feature: Feature, layer: L) -> FlaggedLayer<L> {
        FlaggedLayer::new(self.clone(), feature, layer)
    }

    /// Whether the feature is on for whoever sent the request.
    pub(super) fn is_on<B>(&self, feature: Feature, request: &Request<B>) -> bool {
        self.rollout(feature).reaches(feature, || client(request))
    }

    fn switch(&self, feature: Feature) -> &AtomicU8 {
        &self.percents[feature as usize]
    }
}

/// What tells clients apart: their key, or else where they come from.
///
/// Nothing of it is checked. A client who wants to may thus choose on which side of a rollout to be, as long as it is
/// under way.
fn client<B>(request: &Request<B>) -> Vec<u8> {
    const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let header = |name: &HeaderName| request.headers().get(name).map(|value| value.as_bytes());
    if let Some(key) = header(&AUTHORIZATION) {
        return key.to_owned();
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let mut origin = peer
        .map_or_else(String::new, |peer| peer.ip().to_string())
        .into_bytes();
    origin.extend_from_slice(header(&X_FORWARDED_FOR).unwrap_or_default());
    origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_clients_apart_by_key_then_by_origin() {
        let request = |headers: &[(&str, &str)]| {
            let mut request = Request::new(());
            let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4_000)));
            request.extensions_mut().insert(peer);
            for (name, value) in headers {
                let name: HeaderName = name.parse().unwrap();
                request.headers_mut().insert(name, value.parse().unwrap());
            }
            client(&request)
        };
        let key = ("authorization", "Bearer key");
        let proxied = ("x-forwarded-for", "198.51.100.7");
        assert_eq!(request(&[key, proxied]), request(&[key]));
        assert_ne!(request(&[proxied]), request(&[]));
        assert_eq!(request(&[]), b"192.0.2.1");
    }

    #[test]
    fn tells_how_a_feature_was() {
        let flags = Flags::new(|_| Rollout::ON);
        let handle = flags.clone();
        assert_eq!(flags.set(Feature::RedisCache, Rollout::OFF), Rollout::ON);
        assert_eq!(handle.rollout(Feature::RedisCache), Rollout::OFF);
        assert_eq!(handle.initial(Feature::RedisCache), Rollout::ON);
        assert_eq!(handle.rollout(Feature::RateLimiting), Rollout::ON);
    }
}
