use si_core::checkpoint::StoredParameter;

/// The distribution of importance in one parameter, over powers of ten.
pub(super) struct Histogram {
    pub(super) path: String,
    pub(super) num_synapses: usize,
    /// Share of the synapses without a logarithm, because their importance is not positive.
    pub(super) share_without: f64,
    /// The first bin, in bins from an importance of 1.
    first: i64,
    /// Share of the synapses in each bin.
    shares: Vec<f64>,
}

/// Bins in a power of ten.
const PER_DECADE: f64 = 4.0;

impl Histogram {
    /// None before the first task's end.
    pub(super) fn of(parameter: &StoredParameter) -> Option<Self> {
        let values = parameter.importance()?;
        let logarithms = values.iter().map(|value| value.log10());
        // The logarithm of zero is infinite, and negative numbers have none.
        let bins: Vec<i64> = logarithms
            .filter(|logarithm| logarithm.is_finite())
            .map(|logarithm| (logarithm * PER_DECADE).floor() as i64)
            .collect();
        let num_synapses = values.len();
        let first = bins.iter().min().copied().unwrap_or(0);
        let last = bins.iter().max().copied().unwrap_or(-1);
        let mut shares = vec![0.0; usize::try_from(last - first + 1).unwrap_or(0)];
        let each = 1.0 / num_synapses.max(1) as f64;
        for bin in &bins {
            shares[(bin - first) as usize] += each;
        }
        Some(Self {
            path: parameter.path().to_string(),
            num_synapses,
            share_without: (num_synapses - bins.len()) as f64 * each,
            first,
            shares,
        })
    }

    /// The ends of its bins, in powers of ten; none if no synapse is important.
    pub(super) fn ends(&self) -> Option<(f64, f64)> {
        let end = self.first + self.shares.len() as i64;
        let decade = |bin: i64| bin as f64 / PER_DECADE;
        (!self.shares.is_empty()).then_some((decade(self.first), decade(end)))
    }

    /// The largest share of a bin, in percent.
    pub(super) fn highest(&self) -> f64 {
        100.0 * self.shares.iter().copied().fold(0.0, f64::max)
    }

    /// Its outline: powers of ten, and percent of the synapses.
    pub(super) fn outline(&self) -> Vec<(f64, f64)> {
        let Some((start, end)) = self.ends() else {
            return Vec::new();
        };
        let mut points = vec![(start, 0.0)];
        for (index, share) in self.shares.iter().enumerate() {
            let left = start + index as f64 / PER_DECADE;
            let right = left + 1.0 / PER_DECADE;
            points.extend([(left, 100.0 * share), (right, 100.0 * share)]);
        }
        points.push((end, 0.0));
        points
    }
}
