use std::fmt;
use std::str::FromStr;

use crate::Error;

use super::ExperimentConfig;

/// The share of an experiment's seeds that one process does, written `i/n`: the `i`-th of `n` shares, from 1.
///
/// The seeds are dealt like cards: the first one to shard 1, the second one to shard 2, and after shard `n` to shard 1
/// again. All conditions of a seed belong to the same shard, so they can be compared before the other shards are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    // In this order, so that shards of one experiment sort by their index.
    count: usize,
    index: usize,
}

impl Shard {
    /// The shard with `index` in `1..=count`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if `index` is outside that range.
    pub fn new(index: usize, count: usize) -> Result<Self, Error> {
        if (1..=count).contains(&index) {
            Ok(Self { count, index })
        } else {
            Err(Error::Config(format!(
                "there is no shard {index} of {count}: shards are counted from 1 to their number"
            )))
        }
    }

    /// Its number, from 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// The number of shards.
    pub fn count(self) -> usize {
        self.count
    }

    /// Its seeds, in order.
    pub fn seeds(self, config: &ExperimentConfig) -> impl Iterator<Item = u64> + use<> {
        config.seeds().skip(self.index - 1).step_by(self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            let index: usize = index.trim().parse().ok()?;
            Some((index, count.trim().parse().ok()?))
        });
        let (index, count) = numbers.ok_or_else(|| {
            Error::Config(format!(
                "{text:?} is not a shard: give its number and how many there are, as in 2/8"
            ))
        })?;
        Self::new(index, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_seed_belongs_to_exactly_one_shard() {
        for count in 1..=9 {
            for num_seeds in [1, 2, 7] {
                let config = ExperimentConfig {
                    first_seed: 40,
                    ..fixture::config(&[1.0], num_seeds)
                };
                let seeds = (1..=count).flat_map(|index| {
                    let shard = Shard::new(index, count).expect("it is in range");
                    shard.seeds(&config)
                });
                let mut seeds: Vec<u64> = seeds.collect();
                seeds.sort_unstable();
                assert_eq!(seeds, config.seeds().collect::<Vec<_>>(), "{count} shards");
            }
        }
    }

    #[test]
    fn the_seeds_are_dealt_in_turn() {
        let config = fixture::config(&[1.0], 7);
        let second: Shard = "2/3".parse().expect("a shard");
        assert_eq!(second.seeds(&config).collect::<Vec<_>>(), [1, 4]);
    }

    #[test]
    fn a_shard_reads_back_as_it_is_written_and_others_are_refused() {
        let shard = Shard::new(3, 8).expect("it is in range");
        assert_eq!(shard.to_string().parse::<Shard>().ok(), Some(shard));
        for text in ["", "3", "3/", "/8", "a/b", "-1/8", "1/2/3"] {
            let error = text.parse::<Shard>().expect_err(text).to_string();
            assert!(error.contains("is not a shard"), "{error}");
        }
        for text in ["0/8", "9/8", "0/0"] {
            let error = text.parse::<Shard>().expect_err(text).to_string();
            assert!(error.contains("there is no shard"), "{error}");
        }
    }
}
