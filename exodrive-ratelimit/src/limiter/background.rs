//! Work that no request waits for.

use std::future::Future;
use std::task::{Context, Waker};

use tokio::runtime::Handle;

/// Does as much as can be done at once here, and leaves the rest to the runtime.
///
/// What a store in memory is asked is then done when this returns, with or without a runtime; what travels is on its
/// way.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    let mut work = Box::pin(work);
    let mut context = Context::from_waker(Waker::noop());
    if work.as_mut().poll(&mut context).is_pending()
        && let Ok(runtime) = Handle::try_current()
    {
        runtime.spawn(work);
    }
}
