//! What can go wrong with objects.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use crate::error::BoxError;

/// The cache has no policy for these objects.
#[derive(Debug, thiserror::Error)]
#[error(
    "no policy for objects of type `{object}` is named {name:?}; add it with `CacheBuilder::objects`"
)]
pub struct UnknownObjects {
    name: Box<str>,
    object: &'static str,
}

/// An object could not be loaded, and there is none in the store that may be served instead.
///
/// Whoever waited for the same load has a clone of it. It is not remembered: the next one who asks loads anew.
#[derive(Clone, Debug)]
pub struct LoadError(Failure);

/// Why an object could not be loaded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The loader returned an error, which is the [source](std::error::Error::source).
    Loader,
    /// The loader panicked.
    Panicked,
    /// It took longer than [`ObjectPolicy::timeout`](crate::ObjectPolicy::timeout).
    Slow,
    /// [`ObjectPolicy::max_loads`](crate::ObjectPolicy::max_loads) were under way.
    Overloaded,
}

#[derive(Clone, Debug)]
enum Failure {
    Loader(Arc<BoxError>),
    Panicked,
    Slow,
    Overloaded,
}

// === impl UnknownObjects ===

impl UnknownObjects {
    pub(super) fn of<T>(name: &str) -> Self {
        Self {
            name: name.into(),
            object: type_name::<T>(),
        }
    }
}

// === impl LoadError ===

impl LoadError {
    pub(super) const PANICKED: Self = Self(Failure::Panicked);
    pub(super) const SLOW: Self = Self(Failure::Slow);
    pub(super) const OVERLOADED: Self = Self(Failure::Overloaded);

    pub(super) fn of_loader(error: BoxError) -> Self {
        Self(Failure::Loader(error.into()))
    }

    /// Returns why the object could not be loaded.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        match self.0 {
            Failure::Loader(_) => LoadErrorKind::Loader,
            Failure::Panicked => LoadErrorKind::Panicked,
            Failure::Slow => LoadErrorKind::Slow,
            Failure::Overloaded => LoadErrorKind::Overloaded,
        }
    }

    /// Returns the loader's error, if that is what went wrong and it is one of type `E`.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0 {
            Failure::Loader(error) => error.downcast_ref(),
            Failure::Panicked | Failure::Slow | Failure::Overloaded => None,
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Failure::Loader(_) => "the object could not be loaded",
            Failure::Panicked => "the object's loader panicked",
            Failure::Slow => "loading the object took too long",
            Failure::Overloaded => "too many objects are being loaded",
        })
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Failure::Loader(error) => Some(&***error),
            Failure::Panicked | Failure::Slow | Failure::Overloaded => None,
        }
    }
}
