//! Which slot a key belongs to.

use redis::Arg;

/// One of the parts that the keys of a cluster are divided into (Redis Cluster Specification, "Key
/// distribution model").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u16);

impl Slot {
    /// How many there are.
    pub(crate) const COUNT: u16 = 16_384;

    /// Returns the slot of a key: that of its hash tag, if it has one.
    pub(crate) fn of_key(key: &[u8]) -> Self {
        Self(crc16(hash_tag(key).unwrap_or(key)) % Self::COUNT)
    }

    /// Returns the slot of the first key of a command.
    ///
    /// This is a guess that is right for nearly every command. Where it is wrong, the server that is
    /// asked says so and names the right one, so nothing but time depends on it.
    pub(crate) fn of_command(command: &redis::Cmd) -> Option<Self> {
        let mut words = command.args_iter().filter_map(|word| match word {
            Arg::Simple(word) => Some(word),
            _ => None,
        });
        let key = match words.next()? {
            b"EVALSHA" | b"EVAL" | b"FCALL" | b"EVALSHA_RO" | b"EVAL_RO" | b"FCALL_RO" => {
                let keys = words.nth(1)?;
                words.next().filter(|_| keys != b"0")
            }
            b"BITOP" | b"MEMORY" | b"OBJECT" | b"XGROUP" | b"XINFO" => words.nth(1),
            b"XREAD" | b"XREADGROUP" => {
                words.find(|word| word.eq_ignore_ascii_case(b"STREAMS"))?;
                words.next()
            }
            _ => words.next(),
        };
        key.map(Self::of_key)
    }
}

/// What stands between the first brace and the next one that closes, if that is anything.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let begin = key.iter().position(|byte| *byte == b'{')? + 1;
    let length = key[begin..].iter().position(|byte| *byte == b'}')?;
    (length > 0).then(|| &key[begin..begin + length])
}

/// The cyclic redundancy check that the specification calls XMODEM: polynomial 0x1021 from zero.
fn crc16(bytes: &[u8]) -> u16 {
    const TABLE: [u16; 256] = table();
    bytes.iter().fold(0, |crc, byte| {
        (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)]
    })
}

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc >> 15;
            crc = (crc << 1) ^ (carry * 0x1021);
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn computes_the_check_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn keys_of_one_hash_tag_share_a_slot() {
        let slot = |key: &str| Slot::of_key(key.as_bytes());
        assert_eq!(slot("a"), Slot(15_495));
        assert_eq!(slot("{user1000}.following"), slot("user1000"));
        // As the specification has it: only the first brace counts, and an empty tag is none.
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
        assert_eq!(slot("open{"), Slot(crc16(b"open{") % Slot::COUNT));
    }

    #[test]
    fn finds_the_key_of_a_command() {
        let key = Some(Slot::of_key(b"key"));
        let table = [
            (&["GET", "key"][..], key),
            (&["EVALSHA", "digest", "2", "key", "other", "argument"], key),
            (&["EVALSHA", "digest", "0", "argument"], None),
            (&["XREAD", "COUNT", "9", "streams", "key", "0-0"], key),
            (&["OBJECT", "FREQ", "key"], key),
            (&["PING"], None),
        ];
        for (words, expected) in table {
            let command = Command::new(words[0]).args(&words[1..]);
            assert_eq!(Slot::of_command(command.packed()), expected, "{words:?}");
        }
    }
}
