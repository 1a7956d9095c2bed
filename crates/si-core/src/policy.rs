use core::fmt;

use burn::Tensor;
use burn::module::{Module, Param};
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::Error;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// Burn's normalisation layers, by the names that module traversal gives them.
pub(crate) const NORM_LAYERS: [&str; 5] = [
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "RmsNorm",
];

/// Separate settings for some of a module's parameters.
///
/// If several policies match a parameter, the last one wins, setting by setting. Settings that no policy mentions come
/// from the configuration.
///
/// ```
/// use si_core::{ParameterPolicy, SynapticIntelligenceConfig};
///
/// // The body has strength 2, but its normalisation is left out. Of the head, only biases are included.
/// let config = SynapticIntelligenceConfig::new().with_policies(vec![
///     ParameterPolicy::path("body.*").with_strength(2.0),
///     ParameterPolicy::module("BatchNorm").exclude(),
///     ParameterPolicy::path("head.*").exclude(),
///     ParameterPolicy::path("head.*bias").include(),
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterPolicy {
    selector: Selector,
    excluded: Option<bool>,
    strength: Option<f64>,
    damping: Option<f64>,
}

/// Which parameters a policy selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Selector {
    /// A glob that the whole path must match.
    Path(String),
    /// A module type. The parameter is anywhere inside a module of this type.
    Module(String),
}

impl ParameterPolicy {
    /// Selects the parameters whose whole path, such as `encoder.layers.0.weight`, matches a glob. `*` matches any
    /// characters, including dots, and `?` matches one.
    pub fn path(glob: impl Into<String>) -> Self {
        Self::new(Selector::Path(glob.into()))
    }

    /// Selects the parameters inside modules of a type, by the type's name without generics, such as `BatchNorm`.
    pub fn module(type_name: impl Into<String>) -> Self {
        Self::new(Selector::Module(type_name.into()))
    }

    /// Leaves them out: they are not measured or held back, and take no memory.
    pub fn exclude(self) -> Self {
        Self {
            excluded: Some(true),
            ..self
        }
    }

    /// Includes them, if an earlier policy has left them out.
    pub fn include(self) -> Self {
        Self {
            excluded: Some(false),
            ..self
        }
    }

    /// Their strength c, ≥ 0, instead of the configuration's.
    pub fn with_strength(self, strength: f64) -> Self {
        Self {
            strength: Some(strength),
            ..self
        }
    }

    /// Their damping ξ, > 0, instead of the configuration's.
    pub fn with_damping(self, damping: f64) -> Self {
        Self {
            damping: Some(damping),
            ..self
        }
    }

    /// Whether it sets a damping.
    pub(crate) fn has_damping(&self) -> bool {
        self.damping.is_some()
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        match self.strength {
            Some(strength) if !(strength.is_finite() && strength >= 0.0) => {
                return Err(Error::Strength(strength));
            }
            _ => (),
        }
        match self.damping {
            Some(damping) if !(damping.is_finite() && damping > 0.0) => {
                Err(Error::Damping(damping))
            }
            _ => Ok(()),
        }
    }

    fn new(selector: Selector) -> Self {
        Self {
            selector,
            excluded: None,
            strength: None,
            damping: None,
        }
    }
}

impl fmt::Display for ParameterPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Selector::Path(glob) => write!(f, "the path {glob:?}"),
            Selector::Module(name) => write!(f, "modules of type {name:?}"),
        }
    }
}

/// The settings of one parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ParameterSettings {
    pub(crate) excluded: bool,
    /// c.
    pub(crate) strength: f64,
    /// ξ.
    pub(crate) damping: f64,
}

/// The common settings, and the policies that override them.
#[derive(Clone, Debug)]
pub(crate) struct Policies {
    common: ParameterSettings,
    policies: Vec<(Matcher, ParameterPolicy)>,
    /// Factor of every strength in the current task.
    strength_factor: f64,
}

impl Default for Policies {
    fn default() -> Self {
        Self::new(0.0, 0.0, &[])
    }
}

#[derive(Clone, Debug)]
enum Matcher {
    Path(WildMatch),
    Module(String),
}

impl Policies {
    pub(crate) fn new(strength: f64, damping: f64, policies: &[ParameterPolicy]) -> Self {
        let matcher = |policy: &ParameterPolicy| match &policy.selector {
            Selector::Path(glob) => Matcher::Path(WildMatch::new(glob)),
            Selector::Module(name) => Matcher::Module(name.clone()),
        };
        let policies = policies
            .iter()
            .map(|policy| (matcher(policy), policy.clone()));
        Self {
            common: ParameterSettings {
                excluded: false,
                strength,
                damping,
            },
            policies: policies.collect(),
            strength_factor: 1.0,
        }
    }

    pub(crate) fn set_strength_factor(&mut self, factor: f64) {
        self.strength_factor = factor;
    }

    /// Whether any parameter may be held back.
    pub(crate) fn hold_back(&self) -> bool {
        let strengths = self.policies.iter().filter_map(|(_, it)| it.strength);
        self.strength_factor * strengths.fold(self.common.strength, f64::max) > 0.0
    }

    /// The settings of the parameter at `path`, which is inside the modules in `enclosing`.
    pub(crate) fn settings(&self, path: &str, enclosing: &Enclosing) -> ParameterSettings {
        let mut settings = self.common;
        for (index, (_, policy)) in self.policies.iter().enumerate() {
            if self.selects(index, path, enclosing) {
                settings.excluded = policy.excluded.unwrap_or(settings.excluded);
                settings.strength = policy.strength.unwrap_or(settings.strength);
                settings.damping = policy.damping.unwrap_or(settings.damping);
            }
        }
        settings.strength *= self.strength_factor;
        settings
    }

    fn selects(&self, index: usize, path: &str, enclosing: &Enclosing) -> bool {
        match &self.policies[index].0 {
            Matcher::Path(glob) => glob.matches(path),
            Matcher::Module(_) => enclosing.0[index] > 0,
        }
    }

    /// The policies that select none of a module's parameters. Policies for Burn's normalisation layers are not among
    /// them: a preset names all of these, and a module may have none.
    pub(crate) fn unmatched<M: Module>(&self, module: &M) -> Vec<&ParameterPolicy> {
        struct Matched<'a> {
            policies: &'a Policies,
            is_matched: Vec<bool>,
        }
        impl ParameterVisitor for Matched<'_> {
            fn visit<const D: usize>(&mut self, place: Place<'_>, _param: &Param<Tensor<D>>) {
                for (index, is_matched) in self.is_matched.iter_mut().enumerate() {
                    *is_matched |= self.policies.selects(index, place.path, place.enclosing);
                }
            }
        }
        let is_norm = |(matcher, _): &(Matcher, ParameterPolicy)| match matcher {
            Matcher::Module(name) => NORM_LAYERS.contains(&&name[..]),
            Matcher::Path(_) => false,
        };
        let mut matched = Matched {
            policies: self,
            is_matched: self.policies.iter().map(is_norm).collect(),
        };
        visit_parameters(module, self, &mut matched);
        let policies = self.policies.iter().zip(matched.is_matched);
        let unmatched = policies.filter(|(_, is_matched)| !is_matched);
        unmatched.map(|((_, policy), _)| policy).collect()
    }
}

/// For each policy, how many modules of its type the traversal is currently inside.
#[derive(Debug)]
pub(crate) struct Enclosing(Vec<usize>);

impl Enclosing {
    pub(crate) fn none(policies: &Policies) -> Self {
        Self(vec![0; policies.policies.len()])
    }

    pub(crate) fn enter(&mut self, policies: &Policies, container_type: &str) {
        self.of_type(policies, container_type, |depth| *depth += 1);
    }

    pub(crate) fn exit(&mut self, policies: &Policies, container_type: &str) {
        self.of_type(policies, container_type, |depth| *depth -= 1);
    }

    fn of_type(&mut self, policies: &Policies, container_type: &str, change: fn(&mut usize)) {
        // Such as "Struct:BatchNorm". Other containers have no type name.
        let Some((_, type_name)) = container_type.split_once(':') else {
            return;
        };
        for (depth, (matcher, _)) in self.0.iter_mut().zip(&policies.policies) {
            if matches!(matcher, Matcher::Module(name) if name == type_name) {
                change(depth);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;

    use super::*;

    fn settings(policies: &[ParameterPolicy], path: &str) -> ParameterSettings {
        let policies = Policies::new(1.0, 0.1, policies);
        policies.settings(path, &Enclosing::none(&policies))
    }

    #[test]
    fn later_policies_override_only_what_they_set() {
        let policies = [
            ParameterPolicy::path("*").exclude().with_strength(3.0),
            ParameterPolicy::path("head.*").include(),
            ParameterPolicy::path("head.bias").with_damping(0.5),
        ];
        let of = |path| settings(&policies, path);
        assert!(of("body.weight").excluded);
        let weight = of("head.weight");
        assert_eq!(
            (weight.excluded, weight.strength, weight.damping),
            (false, 3.0, 0.1)
        );
        assert_eq!(of("head.bias").damping, 0.5);
        assert_eq!(settings(&[], "head.bias").strength, 1.0);
    }

    #[test]
    fn module_policies_hold_inside_modules_of_the_type_at_any_depth() {
        let policies = Policies::new(1.0, 0.1, &[ParameterPolicy::module("Block").exclude()]);
        let mut enclosing = Enclosing::none(&policies);
        let mut excluded = |container_type: &str, enters: bool| {
            if enters {
                enclosing.enter(&policies, container_type)
            } else {
                enclosing.exit(&policies, container_type)
            }
            policies.settings("any", &enclosing).excluded
        };
        assert!(!excluded("Vec", true));
        assert!(excluded("Struct:Block", true));
        assert!(excluded("Struct:Linear", true));
        assert!(excluded("Struct:Linear", false));
        assert!(!excluded("Struct:Block", false));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let refused = |policy: ParameterPolicy| policy.validate().expect_err("it is refused");
        let policy = || ParameterPolicy::path("*");
        assert!(matches!(
            refused(policy().with_strength(-1.0)),
            Error::Strength(_)
        ));
        assert!(matches!(
            refused(policy().with_damping(0.0)),
            Error::Damping(_)
        ));
        assert!(
            policy()
                .with_strength(0.0)
                .with_damping(0.1)
                .validate()
                .is_ok()
        );
    }

    #[test]
    fn policies_that_select_no_parameter_are_reported() {
        let policies = Policies::new(
            1.0,
            0.1,
            &[
                ParameterPolicy::path("*weight"),
                ParameterPolicy::path("fc1.*"),
                ParameterPolicy::module("BatchNorm"),
                ParameterPolicy::module("Linear"),
                ParameterPolicy::module("Batchnorm"),
            ],
        );
        let module = [LinearConfig::new(2, 1).init(&Device::flex())];
        let unmatched = policies.unmatched(&module);
        let unmatched: Vec<String> = unmatched.iter().map(|it| it.to_string()).collect();
        assert_eq!(
            unmatched,
            ["the path \"fc1.*\"", "modules of type \"Batchnorm\""]
        );
    }
}
