use std::panic;

use exodrive_errors::{ApiError, ErrorCode};
use tracing::Instrument;

/// Runs a change and the telling of it to the end, even if the client hangs up in between.
///
/// A handler is dropped with its connection. Dropped after the commit and before the event is published, it
/// would leave answers in the cache that are out of date and nobody to remove them.
pub(super) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        // A panic goes on as if it had happened here; otherwise the runtime is shutting down.
        Err(error) => match error.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            Err(_) => Err(ApiError::new(ErrorCode::SERVICE_UNAVAILABLE)),
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn goes_on_when_the_client_hangs_up() {
        let (commit, committed) = oneshot::channel::<()>();
        let (publish, published) = oneshot::channel();
        let mut change = Box::pin(uninterrupted(async move {
            committed.await.unwrap();
            publish.send("published").unwrap();
            Ok(())
        }));
        // The handler is polled until it waits for the change, then dropped.
        tokio::select! {
            biased;
            _ = &mut change => unreachable!("nothing is committed"),
            () = tokio::task::yield_now() => {}
        }
        drop(change);
        commit.send(()).unwrap();
        assert_eq!(published.await, Ok("published"));
    }

    #[tokio::test]
    async fn panics_where_the_change_panicked() {
        let change = uninterrupted::<()>(async { panic!("on purpose") });
        let error = tokio::spawn(change).await.unwrap_err();
        assert_eq!(error.into_panic().downcast_ref(), Some(&"on purpose"));
    }
}
