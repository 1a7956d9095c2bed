use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use serde::{Deserialize, Serialize};

/// Optimizer, with the constants of the paper where it names them (Adam), and elsewhere Burn's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam, β1 = 0.9, β2 = 0.999, ε = 1e-8.
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam with decoupled weight decay of 1e-4.
    AdamW,
    /// RMSprop with Burn's own momentum of 0.9.
    RmsProp,
}

impl Optimizer {
    /// An optimizer without state. `momentum` is that of SGD; no other takes it.
    pub fn init(self, momentum: f64) -> ModuleOptimizer {
        match self {
            Optimizer::Adam => AdamConfig::new().with_epsilon(ADAM_EPSILON).init(),
            Optimizer::AdamW => AdamWConfig::new().with_epsilon(ADAM_EPSILON).init(),
            Optimizer::RmsProp => RmsPropConfig::new().init(),
            Optimizer::Sgd => SgdConfig::new()
                .with_momentum((momentum > 0.0).then(|| {
                    // Classical momentum; Burn dampens by default.
                    MomentumConfig::new()
                        .with_momentum(momentum)
                        .with_dampening(0.0)
                }))
                .init(),
        }
    }
}

// Deviation: the authors' Keras added it to √v, Burn adds it to √v̂ as the Adam paper does.
const ADAM_EPSILON: f32 = 1e-8;
