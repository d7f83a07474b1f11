use exodrive_cache::{Mode, Percent};

use crate::flags::{Feature, Rollout};

/// How something is to be switched; without a position, as the instance was started.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    Feature(Feature, Option<Rollout>),
    Policy(String, Option<Mode>),
}

const FEATURE: &str = "feature/";
const POLICY: &str = "policy/";
const DEFAULT: &str = "default";

impl Order {
    /// Reads an order as [`switch`](Self::switch) and [`position`](Self::position) write it; nothing if this version
    /// does not know the like.
    pub(super) fn read(switch: &str, position: &str) -> Option<Self> {
        if let Some(name) = switch.strip_prefix(FEATURE) {
            let rollout = match position {
                DEFAULT => None,
                position => Some(rollout(position)?),
            };
            return Some(Self::Feature(Feature::named(name)?, rollout));
        }
        let policy = switch.strip_prefix(POLICY)?.to_owned();
        let mode = match position {
            DEFAULT => None,
            position => Some(mode(position)?),
        };
        Some(Self::Policy(policy, mode))
    }

    /// What is switched. A later order about the same switch takes the place of this one.
    pub(super) fn switch(&self) -> String {
        match self {
            Self::Feature(feature, _) => format!("{FEATURE}{}", feature.name()),
            Self::Policy(policy, _) => format!("{POLICY}{policy}"),
        }
    }

    /// How it is switched.
    pub(super) fn position(&self) -> String {
        match self {
            Self::Feature(_, None) | Self::Policy(_, None) => DEFAULT.to_owned(),
            Self::Feature(_, Some(rollout)) => rollout.as_percent().to_string(),
            Self::Policy(_, Some(Mode::Percentage(share))) => share.hundredths().to_string(),
            Self::Policy(_, Some(mode)) => mode.to_string(),
        }
    }

    /// Whether it is about something else than what the instance was started with.
    pub(super) fn is_override(&self) -> bool {
        match self {
            Self::Feature(_, rollout) => rollout.is_some(),
            Self::Policy(_, mode) => mode.is_some(),
        }
    }
}

fn rollout(position: &str) -> Option<Rollout> {
    position.parse().ok().and_then(Rollout::percent)
}

fn mode(position: &str) -> Option<Mode> {
    let named = [Mode::On, Mode::Off, Mode::Shadow];
    let named = named.into_iter().find(|mode| mode.to_string() == position);
    named.or_else(|| {
        let share = rollout(position)?;
        Some(Mode::Percentage(Percent::new(share.as_percent())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written() {
        let feature = |rollout| Order::Feature(Feature::RateLimiting, rollout);
        let policy = |mode| Order::Policy("fleet".to_owned(), mode);
        for (order, position) in [
            (feature(None), "default"),
            (feature(Some(Rollout::OFF)), "0"),
            (feature(Rollout::percent(30)), "30"),
            (policy(None), "default"),
            (policy(Some(Mode::On)), "on"),
            (policy(Some(Mode::Off)), "off"),
            (policy(Some(Mode::Shadow)), "shadow"),
            (policy(Some(Mode::Percentage(Percent::new(30)))), "30"),
        ] {
            assert_eq!(order.position(), position);
            assert_eq!(Order::read(&order.switch(), position), Some(order));
        }
    }

    #[test]
    fn is_nothing_where_a_newer_version_wrote_it() {
        for (switch, position) in [
            ("feature/warp-drive", "100"),
            ("feature/rate-limiting", "shadow"),
            ("feature/rate-limiting", "101"),
            ("policy/fleet", "sometimes"),
            ("limit/public", "off"),
        ] {
            assert_eq!(Order::read(switch, position), None, "{switch} {position}");
        }
    }
}
