//! The template of the matched route, kept without copying it.

use std::sync::Arc;

use http::Extensions;

use crate::panic;
use crate::settings::Settings;

/// A matched route, or none.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    Unknown,
    Found(Arc<str>),
    #[cfg(feature = "axum")]
    Matched(axum::extract::MatchedPath),
}

impl Route {
    /// The application's answer first; axum's `MatchedPath` where it has none.
    pub(crate) fn find(extensions: &Extensions, settings: &Settings) -> Self {
        let found = settings
            .find_route
            .as_ref()
            .and_then(|find| panic::catch(|| find(extensions)).unwrap_or_default());
        if let Some(route) = found {
            return Self::Found(route);
        }
        #[cfg(feature = "axum")]
        if let Some(path) = extensions.get::<axum::extract::MatchedPath>() {
            return Self::Matched(path.clone());
        }
        Self::Unknown
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::Found(route) => Some(route),
            #[cfg(feature = "axum")]
            Self::Matched(path) => Some(path.as_str()),
        }
    }
}
