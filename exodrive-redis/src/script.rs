//! Lua scripts that are sent once and then called by their digest.

use std::fmt;

use crate::command::Argument;
use crate::command::Command;

/// A Lua script, with its SHA-1 digest computed once.
///
/// Keep it in a `static`; a call clones and hashes nothing. Every key the script touches is one of
/// its keys and every value one of its arguments, so that the text is always the same.
///
/// ```
/// use std::sync::LazyLock;
///
/// use exodrive_redis::Error;
/// use exodrive_redis::RedisClient;
/// use exodrive_redis::Script;
///
/// /// KEYS[1] counter; ARGV[1] units to add. Returns the new count.
/// static ADD: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])"));
///
/// async fn add(redis: &RedisClient, counter: &str, units: u32) -> Result<i64, Error> {
///     redis.invoke(&ADD.keys([counter]).arg(units)).await
/// }
/// ```
pub struct Script {
    body: String,
    digest: String,
}

/// One call of a [`Script`], built by [`Script::keys`].
#[derive(Debug)]
pub struct Invocation<'a> {
    script: &'a Script,
    call: Command,
}

impl Script {
    /// Creates a script from its Lua text.
    #[must_use]
    pub fn new(body: impl Into<String>) -> Self {
        let body = body.into();
        let digest = redis::Script::new(&body).get_hash().to_owned();
        Self { body, digest }
    }

    /// Begins a call with `keys`, which the script sees as `KEYS`.
    ///
    /// In Redis Cluster, all of them belong to one slot.
    #[must_use]
    pub fn keys<K: Argument>(
        &self,
        keys: impl IntoIterator<Item = K, IntoIter: ExactSizeIterator>,
    ) -> Invocation<'_> {
        let keys = keys.into_iter();
        let call = Command::new("EVALSHA").arg(&self.digest).arg(keys.len());
        Invocation {
            script: self,
            call: call.args(keys),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Invocation<'_> {
    /// Adds one argument, which the script sees next in `ARGV`.
    #[must_use]
    pub fn arg(self, argument: impl Argument) -> Self {
        let call = self.call.arg(argument);
        Self { call, ..self }
    }

    /// Adds each of `arguments`.
    #[must_use]
    pub fn args(self, arguments: impl IntoIterator<Item: Argument>) -> Self {
        let call = self.call.args(arguments);
        Self { call, ..self }
    }

    /// The command that calls the script by its digest.
    pub(crate) const fn call(&self) -> &Command {
        &self.call
    }

    /// The command that tells the server the script.
    pub(crate) fn load(&self) -> Command {
        Command::new("SCRIPT").arg("LOAD").arg(&self.script.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_by_the_digest_the_server_will_compute() {
        // The digest is that of FIPS 180-4 over the text, as `SCRIPT LOAD` returns it.
        let script = Script::new("return 1");
        let call = script.keys(["a", "b"]).arg(7).args(["x"]);
        let sent: Vec<_> = call.call().packed().args_iter().collect();
        let expected = [
            "EVALSHA",
            "e0e1f9fabfc9d4800c877a703b823ac0578ff8db",
            "2",
            "a",
            "b",
            "7",
            "x",
        ];
        assert_eq!(sent.len(), expected.len());
        for (sent, expected) in sent.iter().zip(expected) {
            assert!(matches!(sent, redis::Arg::Simple(bytes) if *bytes == expected.as_bytes()));
        }
    }
}
