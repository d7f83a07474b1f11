//! The scripts, one function each.

use std::sync::LazyLock;

use exodrive_redis::{Error, FromReply, RedisClient, Reply, Script};
use smallvec::SmallVec;

use super::key::Keys;
use crate::Rule;
use crate::reading::{Reading, Stamp};
use crate::store::{Charge, Settlement, Source, Verdict};
use crate::time::Wait;

static CHECK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../../../lua/rules.lua"),
        include_str!("../../../lua/check.lua")
    ))
});

static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("../../../lua/rules.lua"),
        include_str!("../../../lua/settle.lua")
    ))
});

/// What `check.lua` is to do besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    /// Measure and refuse in any case.
    pub(super) measure: bool,
    /// The key of the version of the orders, to be read in the same call.
    pub(super) version: Option<&'a str>,
}

/// Decides all charges in one call of `check.lua`.
pub(super) async fn check(
    redis: &RedisClient,
    keys: &Keys,
    charges: &[Charge<'_>],
    now: String,
    ask: Ask<'_>,
) -> Result<Verdict, Error> {
    let mut names: Vec<String> = charges
        .iter()
        .map(|charge| keys.of(charge.rule(), charge.limit(), charge.subject()))
        .collect();
    names.extend(ask.version.map(str::to_owned));
    let mut call = CHECK.keys(names).arg(now).arg(u32::from(ask.measure));
    for charge in charges {
        let (kind, numbers) = arguments(charge.rule());
        let shadow = u32::from(charge.is_shadow());
        call = call.arg(kind).args(numbers).arg(charge.cost()).arg(shadow);
    }
    let Checked(verdict) = redis.invoke(&call).await?;
    if verdict.readings().len() == charges.len() {
        Ok(verdict)
    } else {
        Err(Error::unexpected("a reading for each charge"))
    }
}

/// Makes all corrections in one call of `settle.lua`.
pub(super) async fn settle<'a>(
    redis: &RedisClient,
    keys: &Keys,
    settlements: impl ExactSizeIterator<Item = &'a Settlement> + Clone,
    now: String,
) -> Result<(), Error> {
    let names = settlements
        .clone()
        .map(|settlement| keys.of(settlement.rule(), settlement.limit(), settlement.subject()));
    let mut call = SETTLE.keys(names).arg(now);
    for settlement in settlements {
        let (kind, numbers) = arguments(settlement.rule());
        let stamp = settlement.stamp();
        call = call
            .arg(kind)
            .args(numbers)
            .args([settlement.refund(), settlement.extra()])
            .args([stamp.at, stamp.level]);
    }
    redis.invoke(&call).await
}

fn arguments(rule: Rule) -> (&'static str, [u64; 3]) {
    match rule {
        Rule::Gcra(gcra) => ("g", [gcra.unit(), gcra.drain(), gcra.burst().into()]),
        Rule::Window(window) => ("w", [window.segment(), window.max().into(), 0]),
    }
}

/// The reply of `check.lua`.
struct Checked(Verdict);

impl FromReply for Checked {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        const EXPECTED: &str = "the reply of a check";
        let numbers = Vec::<i64>::from_reply(reply)?;
        let Some(([admitted, now, version], states)) = numbers.split_first_chunk() else {
            return Err(Error::unexpected(EXPECTED));
        };
        let admitted = *admitted == 1;
        let now = u64::try_from(*now).map_err(|_| Error::unexpected(EXPECTED))?;
        let (states, []) = states.as_chunks() else {
            return Err(Error::unexpected(EXPECTED));
        };
        let readings: Option<SmallVec<[Reading; 2]>> = states
            .iter()
            .map(|state| reading(state, admitted, now))
            .collect();
        let readings = readings.ok_or_else(|| Error::unexpected(EXPECTED))?;
        let verdict = Verdict::new(Source::REDIS, admitted, readings);
        // A version that was not asked for is negative.
        Ok(Self(match u64::try_from(*version) {
            Ok(version) => verdict.with_orders(version),
            Err(_) => verdict,
        }))
    }
}

fn reading(state: &[i64; 4], admitted: bool, now: u64) -> Option<Reading> {
    let [remaining, retry_after, reset_after, level] = *state;
    let level = u64::try_from(level).ok()?;
    let retry_after = match retry_after {
        -1 => Wait::FOR_EVER,
        wait => Wait::of_micros(wait.try_into().ok()?),
    };
    let stamp = (admitted && retry_after == Wait::NONE).then_some(Stamp {
        at: now,
        level,
        place: 0,
    });
    Some(Reading::measured(
        remaining.try_into().ok()?,
        retry_after,
        Wait::of_micros(reset_after.try_into().ok()?),
        stamp,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(numbers: &[i64]) -> Result<Verdict, Error> {
        let numbers = numbers.iter().copied().map(Reply::Integer).collect();
        Checked::from_reply(Reply::Array(numbers)).map(|Checked(verdict)| verdict)
    }

    #[test]
    fn reads_what_was_decided() {
        let verdict = read(&[1, 7, 12, 3, 0, 9, 4, 0, 5, 6, 8]).unwrap();
        assert!(verdict.admitted());
        assert_eq!(verdict.orders(), Some(12));
        let [made, shadow] = verdict.readings() else {
            panic!("two readings")
        };
        let stamp = Stamp {
            at: 7,
            level: 4,
            place: 0,
        };
        assert_eq!((made.remaining(), made.stamp()), (3, Some(stamp)));
        assert_eq!((shadow.fits(), shadow.stamp()), (false, None));

        let refused = read(&[0, 7, -1, 3, 0, 9, 4, 0, -1, 6, 8]).unwrap();
        assert!(!refused.admitted());
        assert_eq!(refused.orders(), None);
        assert_eq!(refused.readings()[0].stamp(), None);
        assert_eq!(refused.readings()[1].retry_after(), None);
    }

    #[test]
    fn a_reply_of_another_shape_is_an_error() {
        for numbers in [
            &[][..],
            &[1],
            &[1, 7],
            &[1, 7, 0, 3],
            &[1, -7, 0, 3, 0, 9, 4],
            &[1, 7, 0, -3, 0, 9, 4],
            &[1, 7, 0, 3, -2, 9, 4],
            &[1, 7, 0, 1 << 32, 0, 9, 4],
        ] {
            assert!(read(numbers).is_err(), "{numbers:?}");
        }
    }
}
