use core::fmt;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Shape;

use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::policy::Policies;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// What of a module is consolidated, and how strongly. Printed, it is a table.
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
/// use si_core::{ContinualLearner, ParameterPolicy, SynapticIntelligenceConfig};
///
/// # fn main() -> Result<(), si_core::Error> {
/// let config = SynapticIntelligenceConfig::new()
///     .with_policies(vec![ParameterPolicy::path("bias").exclude()]);
/// let module = LinearConfig::new(8, 2).init(&Device::flex().autodiff());
/// let learner = ContinualLearner::new(module, &config)?;
/// assert_eq!(
///     learner.coverage().to_string(),
///     "\
/// weight  [8, 2]  strength 1, damping 0.001
/// bias    [2]     left out by a policy
/// 1 of 2 parameters and buffers, 16 of 18 numbers
/// "
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// Every float parameter and buffer, in the module's order.
    pub parameters: Vec<ParameterCoverage>,
}

/// What becomes of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterCoverage {
    /// Path of the parameter in its module, such as `fc1.weight`.
    pub path: String,
    /// Its shape.
    pub shape: Shape,
    /// Whether it is consolidated.
    pub consolidation: Consolidation,
}

/// Whether a parameter is consolidated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Consolidation {
    /// From its first step with a gradient on.
    On {
        /// Its strength c. At 0 it is measured, and not held back.
        strength: f64,
        /// Its damping ξ.
        damping: f64,
    },
    /// A policy leaves it out.
    Excluded,
    /// It requires no gradients: a frozen layer, a buffer such as a running mean, or all of a module in
    /// validation mode or on a device without autodiff.
    Frozen,
}

impl Coverage {
    fn of<M: Module>(module: &M, policies: &Policies) -> Self {
        let mut coverage = Self {
            parameters: Vec::new(),
        };
        visit_parameters(module, policies, &mut coverage);
        coverage
    }

    /// The parameters that are consolidated.
    pub fn consolidated(&self) -> impl Iterator<Item = &ParameterCoverage> {
        let is_on = |it: &&ParameterCoverage| matches!(it.consolidation, Consolidation::On { .. });
        self.parameters.iter().filter(is_on)
    }
}

impl ParameterVisitor for Coverage {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let settings = place.settings;
        let consolidation = if !param.is_require_grad() {
            Consolidation::Frozen
        } else if settings.excluded {
            Consolidation::Excluded
        } else {
            Consolidation::On {
                strength: settings.strength,
                damping: settings.damping,
            }
        };
        self.parameters.push(ParameterCoverage {
            path: place.path.to_string(),
            shape: param.val().shape(),
            consolidation,
        });
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |width: fn(&ParameterCoverage) -> usize| {
            self.parameters.iter().map(width).max().unwrap_or(0)
        };
        let path_width = width(|it| it.path.len());
        let shape_width = width(|it| it.shape.to_string().len());
        for parameter in &self.parameters {
            let (path, shape) = (&parameter.path, parameter.shape.to_string());
            let consolidation = parameter.consolidation;
            writeln!(
                f,
                "{path:path_width$}  {shape:shape_width$}  {consolidation}"
            )?;
        }
        let numbers = |it: &ParameterCoverage| it.shape.num_elements();
        writeln!(
            f,
            "{} of {} parameters and buffers, {} of {} numbers",
            self.consolidated().count(),
            self.parameters.len(),
            self.consolidated().map(numbers).sum::<usize>(),
            self.parameters.iter().map(numbers).sum::<usize>(),
        )
    }
}

impl fmt::Display for Consolidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On { strength, damping } => write!(f, "strength {strength}, damping {damping}"),
            Self::Excluded => write!(f, "left out by a policy"),
            Self::Frozen => write!(f, "not trained"),
        }
    }
}

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// What of `module` is consolidated as it is now, by whether it requires gradients and by the
    /// policies. Nothing is read from the device.
    pub fn coverage<M: Module>(&self, module: &M) -> Coverage {
        Coverage::of(module, &self.policies)
    }
}
