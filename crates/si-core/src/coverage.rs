use core::fmt;
use std::collections::HashMap;

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::Shape;

use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::policy::Policies;
use crate::trained::is_trained;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// Which parameters of a module are consolidated, and how strongly. It prints as a table.
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

/// How one parameter is treated.
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
#[derive(Clone, Debug, PartialEq)]
pub enum Consolidation {
    /// Consolidated, from its first step with a gradient.
    On {
        /// Its strength c, without the factors of `replica_strengths`. At 0 its importance is measured, but it is not
        /// held back.
        strength: f64,
        /// Its damping ξ.
        damping: f64,
    },
    /// A policy leaves it out.
    Excluded,
    /// It is not trained: it is in a frozen layer, or is a buffer such as a running mean.
    Frozen,
    /// It has the same id as the parameter at another path, as in a cloned layer. An optimizer updates only that other
    /// one, and both share one state.
    Repeated {
        /// The path of the first parameter with that id.
        first: String,
    },
}

impl Coverage {
    fn of<M: Module>(module: &M, policies: &Policies) -> Self {
        let mut cover = Cover::default();
        visit_parameters(module, policies, &mut cover);
        Self {
            parameters: cover.parameters,
        }
    }

    /// The parameters that are consolidated.
    pub fn consolidated(&self) -> impl Iterator<Item = &ParameterCoverage> {
        let is_on = |it: &&ParameterCoverage| matches!(it.consolidation, Consolidation::On { .. });
        self.parameters.iter().filter(is_on)
    }
}

#[derive(Default)]
struct Cover {
    parameters: Vec<ParameterCoverage>,
    /// The index of each id's first parameter.
    firsts: HashMap<ParamId, usize>,
}

impl Cover {
    fn add<const D: usize>(
        &mut self,
        place: Place<'_>,
        param: &Param<Tensor<D>>,
        consolidation: Consolidation,
    ) {
        self.parameters.push(ParameterCoverage {
            path: place.path.to_string(),
            shape: param.lazy_shape(),
            consolidation,
        });
    }
}

impl ParameterVisitor for Cover {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let settings = place.settings;
        let consolidation = if !is_trained(param) {
            Consolidation::Frozen
        } else if settings.excluded {
            Consolidation::Excluded
        } else {
            Consolidation::On {
                strength: settings.strength,
                damping: settings.damping,
            }
        };
        self.firsts.insert(param.id, self.parameters.len());
        self.add(place, param, consolidation);
    }

    fn visit_again<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let first = self
            .firsts
            .get(&param.id)
            .map(|first| &self.parameters[*first]);
        let first = first.map_or_else(String::new, |first| first.path.clone());
        self.add(place, param, Consolidation::Repeated { first });
    }
}

/// One sentence for each parameter that has the id of another.
pub(crate) fn repeated<M: Module>(module: &M) -> Vec<String> {
    let coverage = Coverage::of(module, &Policies::default());
    let sentence = |parameter: ParameterCoverage| match parameter.consolidation {
        Consolidation::Repeated { first } => {
            Some(format!("{} has the id of {first}", parameter.path))
        }
        _ => None,
    };
    coverage
        .parameters
        .into_iter()
        .filter_map(sentence)
        .collect()
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
            let consolidation = &parameter.consolidation;
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
            Self::Repeated { first } => write!(f, "has the id of {first}"),
        }
    }
}

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// Which parameters of `module` are consolidated. That depends on the policies and on whether a parameter is
    /// trained. The module may be in training or validation mode. Reads nothing from the device.
    pub fn coverage<M: Module>(&self, module: &M) -> Coverage {
        Coverage::of(module, &self.policies)
    }
}
