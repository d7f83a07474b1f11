//! Every benchmark, one after the other, into one table.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark of what fails measures nothing"
)]

mod cache;
mod cache_redis;
mod errors;
mod ratelimit;
mod ratelimit_redis;
mod redis;

fn main() {
    exodrive_benches::run(&[
        ("cache", cache::run),
        ("cache_redis", cache_redis::run),
        ("errors", errors::run),
        ("ratelimit", ratelimit::run),
        ("ratelimit_redis", ratelimit_redis::run),
        ("redis", redis::run),
    ]);
}
