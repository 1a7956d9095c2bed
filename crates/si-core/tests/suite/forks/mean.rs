use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use si_core::Importance;

use crate::forks::network::Network;

/// The gradient of the joint batch, for each worker, from the gradients of the shares and their numbers of
/// examples.
///
/// If a share has no gradient of a parameter, that gradient counts as zero. If no share has one, the parameter has
/// no gradient at all.
pub(crate) fn mean_of(
    network: &Network,
    parts: Vec<(GradientsParams, usize)>,
) -> Vec<GradientsParams> {
    struct Mean {
        parts: Vec<(GradientsParams, usize)>,
        num_examples: usize,
        means: Vec<GradientsParams>,
    }
    impl ModuleVisitor for Mean {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let parts = self.parts.iter_mut().filter_map(|(part, num_examples)| {
                let weight = *num_examples as f64 / self.num_examples as f64;
                Some(part.remove::<D>(param.id)? * weight)
            });
            if let Some(mean) = parts.reduce(|sum, part| sum + part) {
                for worker in &mut self.means {
                    worker.register(param.id, mean.clone());
                }
            }
        }
    }
    let mut mean = Mean {
        num_examples: parts.iter().map(|(_, num_examples)| num_examples).sum(),
        means: parts.iter().map(|_| GradientsParams::new()).collect(),
        parts,
    };
    network.visit(&mut mean);
    mean.means
}

/// The information of all examples, from that of each share.
pub(crate) fn mean_information(network: &Network, parts: Vec<(Importance, usize)>) -> Importance {
    struct Sum {
        parts: Vec<(Importance, usize)>,
        sum: Importance,
    }
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            for (part, num_examples) in &self.parts {
                if let Some(information) = part.get::<D>(param.id) {
                    self.sum.add(param.id, information * *num_examples as f64);
                }
            }
        }
    }
    let num_examples: usize = parts.iter().map(|(_, num_examples)| num_examples).sum();
    let mut sum = Sum {
        parts,
        sum: Importance::default(),
    };
    network.visit(&mut sum);
    sum.sum.scale(1.0 / num_examples as f64)
}
