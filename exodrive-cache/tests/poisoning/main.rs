//! What one client sends never reaches the answer that another one gets, over a socket.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod canaries;
mod connection;
mod denial;
mod framing;
