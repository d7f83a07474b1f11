//! How often each of many things is asked for.

use fastrand::Rng;

/// Zipf's law with exponent one: the second is asked for half as often as the first, the tenth a tenth as often.
#[derive(Debug)]
pub(crate) struct Popularity(Vec<f64>);

impl Popularity {
    pub(crate) fn of(things: usize) -> Self {
        let shares = (1..=things).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        Self(shares.collect())
    }

    pub(crate) fn draw(&self, random: &mut Rng) -> usize {
        let sum = self.0.last().copied().unwrap_or_default();
        let drawn = random.f64() * sum;
        self.0.partition_point(|share| *share <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_for_the_second() {
        let (popularity, mut random) = (Popularity::of(100), Rng::with_seed(1));
        let mut counts = [0; 100];
        for _ in 0..100_000 {
            counts[popularity.draw(&mut random)] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[1]);
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        assert!(counts.iter().all(|count| *count > 0));
    }
}
