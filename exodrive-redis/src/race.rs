//! Asking several servers the same thing.

use tokio::task::JoinSet;

use crate::error::Error;

/// Returns the first good answer, so that a server that is gone delays nobody.
///
/// # Errors
///
/// With the last error when all have failed, or with `none` when there are no attempts.
pub(crate) async fn first_answer<T: Send + 'static>(
    attempts: impl Iterator<Item = impl Future<Output = Result<T, Error>> + Send + 'static>,
    none: Error,
) -> Result<T, Error> {
    let mut answers: JoinSet<_> = attempts.collect();
    let mut last = none;
    while let Some(answer) = answers.join_next().await {
        match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => last = error,
            // The runtime is shutting down.
            Err(_) => {}
        }
    }
    Err(last)
}
