use std::io;

/// Listens for a signal to stop from now on, and returns what waits for it and tells its name.
///
/// # Errors
///
/// If the signals cannot be listened for.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Listens for a signal to stop from now on, and returns what waits for it and tells its name.
///
/// # Errors
///
/// If the signals cannot be listened for.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = &'static str>> {
    let mut pressed = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        pressed.recv().await;
        "Ctrl-C"
    })
}
