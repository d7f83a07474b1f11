//! What is sent.

use std::fmt;

/// A command with its arguments.
///
/// Connections are shared, so a command that blocks (`BLPOP`), changes its connection (`SELECT`,
/// `MULTI`, `CLIENT REPLY`) or subscribes it has no place here.
///
/// ```
/// use exodrive_redis::Command;
///
/// let set = Command::new("SET").arg("fleet").arg([0_u8, 159, 146, 150]).arg("PX").arg(60_000);
/// // An argument may be a secret, so none is shown.
/// assert_eq!(format!("{set:?}"), "Command { name: \"SET\", arguments: 4 }");
/// ```
#[derive(Clone)]
pub struct Command {
    name: &'static str,
    packed: redis::Cmd,
}

/// A value that can be an argument: text, bytes or an integer, owned or borrowed.
///
/// An integer is sent in decimal. This trait is sealed.
pub trait Argument: sealed::Write {}

impl Command {
    /// Creates a command of one word, such as `GET`; a subcommand is its first argument.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let mut packed = redis::Cmd::new();
        packed.arg(name);
        Self { name, packed }
    }

    /// Adds one argument, as it is: nothing in it needs escaping.
    #[must_use]
    pub fn arg(mut self, argument: impl Argument) -> Self {
        argument.write(&mut self.packed);
        self
    }

    /// Adds each of `arguments`.
    #[must_use]
    pub fn args(self, arguments: impl IntoIterator<Item: Argument>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub(crate) const fn packed(&self) -> &redis::Cmd {
        &self.packed
    }

    pub(crate) fn into_packed(self) -> redis::Cmd {
        self.packed
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("name", &self.name)
            .field("arguments", &(self.packed.args_iter().len() - 1))
            .finish()
    }
}

mod sealed {
    /// Sealed, so that the protocol crate beneath stays out of this crate's interface.
    #[expect(unnameable_types, reason = "this is what seals the trait")]
    pub trait Write {
        #[doc(hidden)]
        fn write(&self, command: &mut redis::Cmd);
    }
}

macro_rules! argument {
    ($($kind:ty => |$value:ident| $written:expr),* $(,)?) => {$(
        impl Argument for $kind {}

        impl sealed::Write for $kind {
            fn write(&self, command: &mut redis::Cmd) {
                let $value = self;
                command.arg($written);
            }
        }
    )*};
}

argument! {
    str => |text| text,
    String => |text| text.as_str(),
    [u8] => |bytes| bytes,
    Vec<u8> => |bytes| bytes.as_slice(),
    i32 => |integer| *integer,
    i64 => |integer| *integer,
    u16 => |integer| *integer,
    u32 => |integer| *integer,
    u64 => |integer| *integer,
    usize => |integer| *integer,
}

impl<const N: usize> Argument for [u8; N] {}

impl<const N: usize> sealed::Write for [u8; N] {
    fn write(&self, command: &mut redis::Cmd) {
        command.arg(self.as_slice());
    }
}

impl<A: Argument + ?Sized> Argument for &A {}

impl<A: Argument + ?Sized> sealed::Write for &A {
    fn write(&self, command: &mut redis::Cmd) {
        A::write(self, command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_every_argument_as_one_string_of_bytes() {
        let command = Command::new("X")
            .arg("text")
            .arg(String::from("owned"))
            .arg(b"\r\n\0")
            .arg(vec![255_u8])
            .arg(&[1_u8, 2][..])
            .args([-7_i64, 42])
            .arg("");
        let sent = command.packed().get_packed_command();
        let expected =
            b"*9\r\n$1\r\nX\r\n$4\r\ntext\r\n$5\r\nowned\r\n$3\r\n\r\n\0\r\n$1\r\n\xff\r\n\
            $2\r\n\x01\x02\r\n$2\r\n-7\r\n$2\r\n42\r\n$0\r\n\r\n";
        assert_eq!(sent, expected);
    }
}
