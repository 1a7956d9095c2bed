//! The size that the importance of each task has before it joins that of earlier tasks.

use burn::Tensor;
use burn::config::Config;

/// What the importance of each task is divided by before it joins that of earlier tasks.
///
/// Importance differs by orders of magnitude between tasks, for example because the network is surer of one than of
/// another, or because one was learnt in more steps. If each task's importance has the same size, each counts equally, and
/// a strength is easier to carry over. Schwarz et al. (2018) normalise each task's Fisher information in online Elastic
/// Weight Consolidation.
///
/// Negative importance, which only Synaptic Intelligence has, counts as zero in the mean and in the largest element. It is
/// divided like all other importance.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Nothing: 1.
    Off,
    /// Its mean over all elements of the parameters that are consolidated. A parameter that the task did not use has no
    /// importance for it, and does not count.
    Mean,
    /// Its largest element, so that importance is in `[0, 1]`. One outlier then decides the size of all others.
    Largest,
}

impl Normalization {
    /// The name in a file's metadata, such as `mean`.
    #[cfg(feature = "safetensors")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Normalization::Off => "off",
            Normalization::Mean => "mean",
            Normalization::Largest => "largest",
        }
    }

    /// The one with that name.
    #[cfg(feature = "safetensors")]
    pub(crate) fn named(name: &str) -> Option<Self> {
        [
            Normalization::Off,
            Normalization::Mean,
            Normalization::Largest,
        ]
        .into_iter()
        .find(|it| it.name() == name)
    }
}

/// How large the importance of one task is, over several parameters.
#[derive(Debug, Default)]
pub(crate) struct Size {
    largest: f64,
    total: f64,
    num_elements: usize,
}

impl Size {
    /// Counts the importance of a parameter, whose elements are ≥ 0 and at most `largest`.
    pub(crate) fn add<const D: usize>(&mut self, importance: Tensor<D>, largest: f64) {
        self.largest = self.largest.max(largest);
        self.num_elements += importance.shape().num_elements();
        if largest > 0.0 {
            // Scaled, because the sum of large numbers may overflow.
            let scaled = importance.div_scalar(largest).sum();
            self.total += largest * scaled.into_scalar::<f64>();
        }
    }

    /// What the importance is divided by. 1 if it is zero everywhere, so that it stays so.
    pub(crate) fn divisor(&self, normalization: Normalization) -> f64 {
        let size = match normalization {
            Normalization::Off => 1.0,
            Normalization::Mean => self.total / self.num_elements.max(1) as f64,
            Normalization::Largest => self.largest,
        };
        if size > 0.0 { size } else { 1.0 }
    }
}
