//! Who has which slots, as a server of the cluster tells it.

use crate::cluster::redirect::Address;
use crate::cluster::slot::Slot;
use crate::error::Error;
use crate::reply::FromReply;
use crate::reply::Reply;

/// Neighbouring slots of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: Slot,
    pub(crate) last: Slot,
    pub(crate) master: Address,
}

/// Reads the reply to `CLUSTER SLOTS` of a server on the host `from`, in the order of the slots.
pub(crate) fn read(reply: Reply, from: &str) -> Result<Vec<Range>, Error> {
    let ranges = Vec::<Reply>::from_reply(reply)?.into_iter();
    let mut ranges: Vec<_> = ranges
        .map(|range| read_range(range, from))
        .collect::<Result<_, _>>()?;
    ranges.sort_unstable_by_key(|range| range.first);
    Ok(ranges)
}

/// Returns whether no slot is left out.
pub(crate) fn is_complete(ranges: impl IntoIterator<Item = (Slot, Slot)>) -> bool {
    let mut next = 0;
    let neighbours = ranges.into_iter().all(|(first, last)| {
        let neighbour = first.0 <= next;
        next = last.0 + 1;
        neighbour
    });
    neighbours && next == Slot::COUNT
}

const EXPECTED: Error = Error::unexpected("the slots of a cluster");

/// Reads first slot, last slot, master and replicas; each of those is host, port and more.
fn read_range(range: Reply, from: &str) -> Result<Range, Error> {
    let mut parts = Vec::<Reply>::from_reply(range)?.into_iter();
    let mut part = || parts.next().ok_or(EXPECTED);
    let mut slot = || match number(part()?)? {
        slot if slot < Slot::COUNT => Ok(Slot(slot)),
        _ => Err(EXPECTED),
    };
    let (first, last) = (slot()?, slot()?);
    let mut master = Vec::<Reply>::from_reply(part()?)?.into_iter();
    let (Some(host), Some(port)) = (master.next(), master.next()) else {
        return Err(EXPECTED);
    };
    // A server that does not know its own name answers with nothing or a question mark.
    let host = Option::<String>::from_reply(host)?.filter(|host| !matches!(&**host, "" | "?"));
    Ok(Range {
        first,
        last,
        master: Address {
            host: host.unwrap_or_else(|| from.to_owned()),
            port: number(port)?,
        },
    })
}

fn number(reply: Reply) -> Result<u16, Error> {
    u16::try_from(i64::from_reply(reply)?).map_err(|_| EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: Reply, port: i64) -> Reply {
        let server = |host, port| Reply::Array(vec![host, Reply::Integer(port), Reply::Nil]);
        let replica = server(Reply::Bytes(b"replica".to_vec()), 9);
        Reply::Array(vec![
            Reply::Integer(first),
            Reply::Integer(last),
            server(host, port),
            replica,
        ])
    }

    #[test]
    fn reads_masters_in_the_order_of_their_slots() {
        let host = |host: &str| Reply::Bytes(host.as_bytes().to_vec());
        let reply = Reply::Array(vec![
            range(8_192, 16_383, host("10.0.0.2"), 7_001),
            range(0, 8_191, Reply::Nil, 7_000),
        ]);
        let ranges = read(reply, "here").unwrap();
        let masters: Vec<_> = ranges
            .iter()
            .map(|range| {
                (
                    range.first.0,
                    range.last.0,
                    range.master.host.as_str(),
                    range.master.port,
                )
            })
            .collect();
        assert_eq!(
            masters,
            [
                (0, 8_191, "here", 7_000),
                (8_192, 16_383, "10.0.0.2", 7_001)
            ]
        );
    }

    #[test]
    fn is_complete_with_every_slot() {
        let complete = |ranges: &[(u16, u16)]| {
            is_complete(
                ranges
                    .iter()
                    .map(|(first, last)| (Slot(*first), Slot(*last))),
            )
        };
        assert!(complete(&[(0, 16_383)]));
        assert!(complete(&[(0, 99), (100, 16_383)]));
        assert!(!complete(&[]));
        assert!(!complete(&[(0, 99), (101, 16_383)]));
        assert!(!complete(&[(1, 16_383)]));
        assert!(!complete(&[(0, 16_382)]));
    }

    #[test]
    fn refuses_what_is_no_slot_or_no_server() {
        let wrong = [
            Reply::Nil,
            Reply::Array(vec![Reply::Integer(1)]),
            Reply::Array(vec![range(0, 16_384, Reply::Nil, 7_000)]),
            Reply::Array(vec![range(-1, 5, Reply::Nil, 7_000)]),
            Reply::Array(vec![range(0, 5, Reply::Nil, 70_000)]),
            Reply::Array(vec![Reply::Array(vec![
                Reply::Integer(0),
                Reply::Integer(5),
            ])]),
        ];
        for reply in wrong {
            assert!(read(reply.clone(), "here").is_err(), "{reply:?}");
        }
    }
}
