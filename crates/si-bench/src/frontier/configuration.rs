use std::ops::{Range, RangeInclusive};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::methods::{MethodSpec, methods};

use super::network::{HiddenUnits, NetworkKind};

/// Settings that all networks of a configuration share, drawn at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its number, from 1.
    pub number: usize,
    /// Units of each of the two hidden layers: a multiple of `block`.
    pub hidden_sizes: Vec<usize>,
    /// Learning rate η.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Units of a block of local winner-take-all.
    pub block: usize,
    /// Sums of a unit of Maxout.
    pub pieces: usize,
}

/// Units of a hidden layer, before they are rounded down to whole blocks.
pub(super) const WIDTHS: RangeInclusive<usize> = 100..=400;
/// Units of a block, and sums of a unit.
pub(super) const GROUPS: RangeInclusive<usize> = 2..=5;
/// Powers of ten of the learning rate.
pub(super) const POWERS: Range<f64> = -2.0..-0.5;
/// Momentum.
pub(super) const MOMENTA: Range<f64> = 0.5..0.9;
/// Probability that a hidden unit is dropped.
pub(super) const DROPOUT_RATE: f64 = 0.5;

impl Configuration {
    /// The configuration `number` of `seed`. It does not depend on how many there are.
    pub(super) fn draw(seed: u64, number: usize) -> Self {
        let mut rng = generator(seed, number);
        let block = rng.random_range(GROUPS);
        let pieces = rng.random_range(GROUPS);
        let mut width = || rng.random_range(WIDTHS) / block * block;
        let hidden_sizes = vec![width(), width()];
        Self {
            number,
            hidden_sizes,
            learning_rate: rounded(10_f64.powf(rng.random_range(POWERS))),
            momentum: rounded(rng.random_range(MOMENTA)),
            block,
            pieces,
        }
    }

    /// The method of each network, in the order of [`NetworkKind::all`].
    pub(super) fn methods(&self) -> Vec<MethodSpec> {
        let method = |kind: NetworkKind| {
            let units = match kind.units {
                HiddenUnits::Relu => None,
                HiddenUnits::Lwta => Some(("lwta", format!(":block={}", self.block))),
                HiddenUnits::Maxout => Some(("maxout", format!(":pieces={}", self.pieces))),
            };
            match (units, kind.has_dropout) {
                (None, false) => "none".to_string(),
                (None, true) => format!("dropout:rate={DROPOUT_RATE}"),
                (Some((key, size)), false) => format!("{key}{size}"),
                (Some((key, size)), true) => format!("{key}+dropout{size}:rate={DROPOUT_RATE}"),
            }
        };
        let list: Vec<String> = NetworkKind::all().map(method).collect();
        methods(&list.join(","))
    }

    /// The sizes of the hidden layers, as in `256-128`.
    pub(super) fn sizes(&self) -> String {
        let sizes: Vec<String> = self.hidden_sizes.iter().map(usize::to_string).collect();
        sizes.join("-")
    }

    /// Sums of a hidden unit in a network of that kind.
    pub(super) fn sums_per_unit(&self, kind: NetworkKind) -> usize {
        match kind.units {
            HiddenUnits::Relu | HiddenUnits::Lwta => 1,
            HiddenUnits::Maxout => self.pieces,
        }
    }
}

/// Each configuration has a separate generator.
fn generator(seed: u64, number: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, number as u64]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// To four decimals: the last digits of a power may depend on the machine, and a study may be resumed on another.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_configuration_follows_from_its_seed_and_number() {
        assert_eq!(Configuration::draw(3, 7), Configuration::draw(3, 7));
        assert_ne!(
            Configuration::draw(3, 7).hidden_sizes,
            Configuration::draw(4, 7).hidden_sizes
        );
        assert_ne!(
            Configuration::draw(3, 7).hidden_sizes,
            Configuration::draw(3, 8).hidden_sizes
        );
    }

    #[test]
    fn every_setting_is_in_its_range_and_takes_many_values() {
        let drawn: Vec<Configuration> = (1..=500).map(|it| Configuration::draw(0, it)).collect();
        let rates = 10_f64.powf(POWERS.start)..=10_f64.powf(POWERS.end);
        for one in &drawn {
            assert!(GROUPS.contains(&one.block) && GROUPS.contains(&one.pieces));
            for size in &one.hidden_sizes {
                let widest = size + one.block - 1;
                assert!(widest >= *WIDTHS.start() && size <= WIDTHS.end(), "{one:?}");
                assert!(size.is_multiple_of(one.block), "{one:?}");
            }
            assert!(rates.contains(&one.learning_rate), "{one:?}");
            let momenta = MOMENTA.start..=MOMENTA.end;
            assert!(momenta.contains(&one.momentum), "{one:?}");
        }
        let blocks: BTreeSet<usize> = drawn.iter().map(|it| it.block).collect();
        let pieces: BTreeSet<usize> = drawn.iter().map(|it| it.pieces).collect();
        assert!(GROUPS.eq(blocks) && GROUPS.eq(pieces));
        // Half of the powers are below the middle.
        let middle = 10_f64.powf((POWERS.start + POWERS.end) / 2.0);
        let low = drawn.iter().filter(|it| it.learning_rate < middle).count();
        assert!((200..300).contains(&low), "{low}");
    }

    #[test]
    fn each_network_has_the_drawn_sizes() {
        let drawn = Configuration {
            block: 3,
            pieces: 4,
            ..Configuration::draw(0, 1)
        };
        let methods: Vec<String> = drawn.methods().iter().map(|it| it.to_string()).collect();
        assert_eq!(
            methods,
            [
                "none",
                "dropout:rate=0.5",
                "lwta:block=3",
                "lwta+dropout:block=3:rate=0.5",
                "maxout:pieces=4",
                "maxout+dropout:pieces=4:rate=0.5"
            ]
        );
        let sums = NetworkKind::all().map(|kind| drawn.sums_per_unit(kind));
        assert!(sums.eq([1, 1, 1, 1, 4, 4]));
    }
}
