/// A linear map from the values of an axis to the units of a drawing.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Maps the ends of `from`, which must differ, to those of `to`.
    pub(crate) fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        Self { from, to }
    }

    /// The position of `value`. Values beyond an end are at that end.
    pub(crate) fn at(self, value: f64) -> f64 {
        self.place(self.share(value).clamp(0.0, 1.0))
    }

    /// The position of `value`, also beyond the ends.
    pub(crate) fn beyond(self, value: f64) -> f64 {
        self.place(self.share(value))
    }

    fn share(self, value: f64) -> f64 {
        (value - self.from.0) / (self.from.1 - self.from.0)
    }

    fn place(self, share: f64) -> f64 {
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// Marks of an axis: their values, and their labels, all with the same number of decimals.
pub(crate) struct Ticks {
    pub(crate) values: Vec<f64>,
    pub(crate) labels: Vec<String>,
}

impl Ticks {
    /// At most `max_count` round values between `low` and `high`, in steps of 1, 2 or 5 times a
    /// power of ten.
    pub(crate) fn round(low: f64, high: f64, max_count: usize) -> Self {
        let fitting = (-6..6)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit, power)))
            .find(|(digit, power)| {
                let step = digit * 10f64.powi(*power);
                count(low, high, step) <= max_count
            });
        let Some((digit, power)) = fitting else {
            return Self {
                values: Vec::new(),
                labels: Vec::new(),
            };
        };
        let step = digit * 10f64.powi(power);
        let first = (low / step - NEARLY).ceil();
        let values: Vec<f64> = (0..count(low, high, step))
            .map(|index| (first + index as f64) * step)
            .collect();
        let decimals = usize::try_from(-power).unwrap_or(0);
        let labels = values
            .iter()
            .map(|value| format!("{value:.decimals$}"))
            .collect();
        Self { values, labels }
    }

    /// Whole numbers from 1 to `last`, at most `max_count` of them.
    pub(crate) fn whole(last: usize, max_count: usize) -> Self {
        let step = last.div_ceil(max_count.max(1)).max(1);
        let values = (1..=last).filter(|value| value % step == 0 || step == 1);
        let (values, labels) = values
            .map(|value| (value as f64, value.to_string()))
            .unzip();
        Self { values, labels }
    }
}

/// Share of a step that counts as rounding error, so that 0.5 is a multiple of 0.1.
const NEARLY: f64 = 1e-9;

fn count(low: f64, high: f64, step: f64) -> usize {
    let steps = (high / step + NEARLY).floor() - (low / step - NEARLY).ceil();
    // A cast of a negative number is 0.
    (steps + 1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            Ticks::round(0.47, 1.0, 6).labels,
            ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
        );
        assert_eq!(
            Ticks::round(0.1, 1.0, 6).labels,
            ["0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            Ticks::round(0.95, 1.0, 6).labels,
            ["0.95", "0.96", "0.97", "0.98", "0.99", "1.00"]
        );
        assert_eq!(Ticks::round(0.0, 1e12, 6).labels.len(), 0);
    }

    #[test]
    fn whole_ticks_thin_out() {
        assert_eq!(Ticks::whole(5, 6).labels, ["1", "2", "3", "4", "5"]);
        assert_eq!(Ticks::whole(10, 6).labels, ["2", "4", "6", "8", "10"]);
        assert_eq!(Ticks::whole(1, 6).labels, ["1"]);
        assert_eq!(Ticks::whole(0, 6).labels.len(), 0);
    }

    #[test]
    fn values_outside_the_scale_lie_at_its_end() {
        let scale = Scale::new((0.0, 2.0), (100.0, 0.0));
        assert_eq!(
            [scale.at(0.5), scale.at(3.0), scale.at(-1.0)],
            [75.0, 0.0, 100.0]
        );
        assert_eq!(scale.beyond(3.0), -50.0);
    }
}
