use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::index;
use serde::{Deserialize, Serialize};

/// A random sample of all that was seen so far. Of n numbers, each is in it with the same probability, size / n.
///
/// The numbers are the places of images among those of all tasks. The images themselves are on the device anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reservoir {
    size: usize,
    num_seen: u64,
    kept: Vec<i32>,
}

/// A number that entered a reservoir.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Where it is in the reservoir.
    pub(super) slot: usize,
    /// Where it was among the numbers that were seen together.
    pub(super) position: usize,
}

impl Reservoir {
    /// An empty one, with room for `size` numbers, at least 1.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            num_seen: 0,
            kept: Vec::new(),
        }
    }

    /// How many numbers were seen so far.
    pub(super) fn num_seen(&self) -> u64 {
        self.num_seen
    }

    /// How many numbers are in it.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The numbers in the given slots.
    pub(super) fn at(&self, slots: &[usize]) -> Vec<i32> {
        slots.iter().map(|slot| self.kept[*slot]).collect()
    }

    /// Sees numbers, one after the other. Returns those that entered, in this order: a later one may have taken the slot
    /// of an earlier one.
    ///
    /// While there is room, each enters. After that, the n-th number of all takes one of n slots at random, if it is one
    /// of those that there are.
    pub(super) fn see(&mut self, numbers: &[i32], rng: &mut ChaCha8Rng) -> Vec<Placed> {
        let mut placed = Vec::new();
        for (position, number) in numbers.iter().enumerate() {
            self.num_seen += 1;
            let slot = if self.kept.len() < self.size {
                self.kept.push(*number);
                self.kept.len() - 1
            } else {
                match usize::try_from(rng.random_range(0..self.num_seen)) {
                    Ok(slot) if slot < self.size => slot,
                    _ => continue,
                }
            };
            self.kept[slot] = *number;
            placed.push(Placed { slot, position });
        }
        placed
    }

    /// Up to `count` slots, drawn at random and without repetition from those with numbers below `end`. They are in the
    /// order of their numbers.
    pub(super) fn draw(&self, count: usize, end: i32, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let is_below = |slot: &usize| self.kept[*slot] < end;
        let slots: Vec<usize> = (0..self.kept.len()).filter(is_below).collect();
        let drawn = index::sample(rng, slots.len(), count.min(slots.len()));
        let mut drawn: Vec<usize> = drawn.iter().map(|index| slots[index]).collect();
        drawn.sort_unstable_by_key(|slot| (self.kept[*slot], *slot));
        drawn
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn filled(size: usize, numbers: i32, seed: u64) -> Reservoir {
        let mut reservoir = Reservoir::new(size);
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let numbers: Vec<i32> = (0..numbers).collect();
        for numbers in numbers.chunks(3) {
            reservoir.see(numbers, rng);
        }
        reservoir
    }

    #[test]
    fn every_number_is_kept_with_the_same_probability() {
        let (size, numbers, rounds) = (5, 20, 4000);
        let mut counts = vec![0_u32; 20];
        for seed in 0..rounds {
            let reservoir = filled(size, numbers, seed);
            assert_eq!((reservoir.len(), reservoir.num_seen()), (5, 20));
            for number in &reservoir.kept {
                counts[*number as usize] += 1;
            }
        }
        let share = size as f64 / f64::from(numbers);
        let expected = rounds as f64 * share;
        // Each count is binomial. A deviation of five standard errors is as rare as one in a million.
        let tolerance = 5.0 * (expected * (1.0 - share)).sqrt();
        for count in counts {
            let deviation = (f64::from(count) - expected).abs();
            assert!(deviation < tolerance, "{count} for {expected}");
        }
    }

    #[test]
    fn what_entered_is_where_it_says() {
        let mut reservoir = Reservoir::new(4);
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let mut mirror = [-1; 4];
        let mut num_entered = 0;
        for start in (0..90).step_by(3) {
            let numbers: Vec<i32> = (start..start + 3).collect();
            for Placed { slot, position } in reservoir.see(&numbers, rng) {
                mirror[slot] = numbers[position];
                num_entered += 1;
            }
            let held: Vec<i32> = mirror.into_iter().filter(|it| *it >= 0).collect();
            assert_eq!(reservoir.kept, held);
        }
        assert!((5..90).contains(&num_entered), "{num_entered}");
    }

    #[test]
    fn draws_do_not_repeat_and_stay_below_the_end() {
        let reservoir = filled(30, 60, 2);
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let num_below = reservoir.kept.iter().filter(|it| **it < 20).count();
        assert!((1..30).contains(&num_below), "{num_below}");
        for count in [1, num_below, 100] {
            let drawn = reservoir.at(&reservoir.draw(count, 20, rng));
            assert_eq!(drawn.len(), count.min(num_below));
            assert!(drawn.is_sorted_by(|one, next| one < next));
            assert!(drawn.iter().all(|number| *number < 20));
        }
        assert_eq!(reservoir.draw(100, 60, rng).len(), 30);
        assert!(reservoir.draw(5, 0, rng).is_empty());
        let draw = |seed| reservoir.draw(10, 60, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(draw(4), draw(4));
        assert_ne!(draw(4), draw(5));
    }

    #[test]
    fn a_number_that_is_seen_again_counts_again() {
        let mut reservoir = Reservoir::new(3);
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        reservoir.see(&[7, 7, 7], rng);
        assert_eq!(reservoir.draw(3, 8, rng), [0, 1, 2]);
        assert_eq!(reservoir.at(&[0, 1, 2]), [7, 7, 7]);
    }
}
