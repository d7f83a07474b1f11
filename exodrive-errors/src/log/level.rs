/// How urgent an event of the log is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the levels of `tracing` are these five"
)]
pub enum LogLevel {
    /// `ERROR` of `tracing`.
    Error,
    /// `WARN` of `tracing`.
    Warn,
    /// `INFO` of `tracing`.
    Info,
    /// `DEBUG` of `tracing`.
    Debug,
    /// `TRACE` of `tracing`.
    Trace,
}
