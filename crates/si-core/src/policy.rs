use core::fmt;

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup, ParamId};
use log::warn;
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ParameterPolicy {
    selector: Selector,
    excluded: Option<bool>,
    strength: Option<f64>,
    damping: Option<f64>,
}

/// Which parameters a policy selects.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Selector {
    /// The whole path must match.
    Path(Glob),
    /// A module type. The parameter is anywhere inside a module of this type.
    Module(String),
    Group(ParamGroup),
}

/// A glob, ready to match. It is stored as its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Glob(WildMatch);

impl From<String> for Glob {
    fn from(text: String) -> Self {
        Self(WildMatch::new(&text))
    }
}

impl From<Glob> for String {
    fn from(Glob(glob): Glob) -> Self {
        glob.pattern()
    }
}

impl ParameterPolicy {
    /// Selects the parameters whose whole path, such as `encoder.layers.0.weight`, matches a glob. `*` matches any
    /// characters, including dots, and `?` matches one.
    pub fn path(glob: impl Into<String>) -> Self {
        Self::new(Selector::Path(Glob::from(glob.into())))
    }

    /// Selects the parameters inside modules of a type, by the type's name without generics, such as `BatchNorm`.
    pub fn module(type_name: impl Into<String>) -> Self {
        Self::new(Selector::Module(type_name.into()))
    }

    /// Selects the parameters of a group: by exact paths, parts of paths, regular expressions or ids, and with
    /// exceptions. Burn's optimizers and learning rates take the same groups (`ModuleOptimizer::with_group`,
    /// `ModuleLrScheduler::with_group`).
    ///
    /// A group of ids is for a module that stays in one process. A module that is initialised again has other ids, and
    /// loading a record gives a module the ids in the record. So a stored configuration with ids selects nothing in a
    /// new module. If these ids leave parameters out, a new module cannot load the record of the old one, because it
    /// expects state for these parameters. Paths have no such limits.
    ///
    /// ```
    /// use burn::module::ParamGroup;
    /// use si_core::{ParameterPolicy, SynapticIntelligenceConfig};
    ///
    /// // The first two layers of the encoder, without their biases.
    /// let group = ParamGroup::from_regex(r"^encoder\.layers\.[01]\.")
    ///     .expect("the expression is valid")
    ///     .exclude(ParamGroup::from_predicate("bias"));
    /// let config = SynapticIntelligenceConfig::new()
    ///     .with_policies(vec![ParameterPolicy::group(group).with_strength(5.0)]);
    /// ```
    pub fn group(group: ParamGroup) -> Self {
        Self::new(Selector::Group(group))
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

    /// Whether it selects the parameter `id` at `path`, which is inside `depth` modules of the policy's type.
    fn selects(&self, id: ParamId, path: &str, depth: usize) -> bool {
        match &self.selector {
            Selector::Path(Glob(glob)) => glob.matches(path),
            Selector::Module(_) => depth > 0,
            Selector::Group(group) => group.matches(&id, Some(path)),
        }
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

/// How many characters of a group a message shows.
const GROUP_LENGTH: usize = 200;

impl fmt::Display for ParameterPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Selector::Path(Glob(glob)) => write!(f, "the path {:?}", glob.pattern()),
            Selector::Module(name) => write!(f, "modules of type {name:?}"),
            Selector::Group(group) => {
                // It may list the ids of a whole module.
                let text = format!("{group:?}");
                match text.char_indices().nth(GROUP_LENGTH) {
                    Some((end, _)) => write!(f, "{}…", &text[..end]),
                    None => f.write_str(&text),
                }
            }
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
    policies: Vec<ParameterPolicy>,
    /// Factor of every strength in the current task.
    strength_factor: f64,
}

impl Default for Policies {
    fn default() -> Self {
        Self::new(0.0, 0.0, &[])
    }
}

impl Policies {
    pub(crate) fn new(strength: f64, damping: f64, policies: &[ParameterPolicy]) -> Self {
        Self {
            common: ParameterSettings {
                excluded: false,
                strength,
                damping,
            },
            policies: policies.to_vec(),
            strength_factor: 1.0,
        }
    }

    pub(crate) fn set_strength_factor(&mut self, factor: f64) {
        self.strength_factor = factor;
    }

    /// Whether any parameter may be held back.
    pub(crate) fn hold_back(&self) -> bool {
        let strengths = self.policies.iter().filter_map(|it| it.strength);
        self.strength_factor * strengths.fold(self.common.strength, f64::max) > 0.0
    }

    /// The settings of the parameter `id` at `path`, which is inside the modules in `enclosing`.
    pub(crate) fn settings(
        &self,
        id: ParamId,
        path: &str,
        enclosing: &Enclosing,
    ) -> ParameterSettings {
        let mut settings = self.common;
        for (policy, depth) in self.policies.iter().zip(&enclosing.0) {
            if policy.selects(id, path, *depth) {
                settings.excluded = policy.excluded.unwrap_or(settings.excluded);
                settings.strength = policy.strength.unwrap_or(settings.strength);
                settings.damping = policy.damping.unwrap_or(settings.damping);
            }
        }
        settings.strength *= self.strength_factor;
        settings
    }

    /// Logs a warning for each policy that selects no parameter of a module.
    pub(crate) fn warn_of_unmatched<M: Module>(&self, module: &M) {
        for policy in self.unmatched(module) {
            warn!(
                "the policy for {policy} selects no parameter of the module: `coverage` lists all parameters"
            );
        }
    }

    /// The policies that select none of a module's parameters. Policies for Burn's normalisation layers are not among
    /// them: a preset names all of these, and a module may have none.
    fn unmatched<M: Module>(&self, module: &M) -> Vec<&ParameterPolicy> {
        struct Matched<'a> {
            policies: &'a Policies,
            is_matched: Vec<bool>,
        }
        impl ParameterVisitor for Matched<'_> {
            fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
                let policies = self.policies.policies.iter().zip(&place.enclosing.0);
                for ((policy, depth), is_matched) in policies.zip(&mut self.is_matched) {
                    *is_matched |= policy.selects(param.id, place.path, *depth);
                }
            }
        }
        let is_norm = |policy: &ParameterPolicy| match &policy.selector {
            Selector::Module(name) => NORM_LAYERS.contains(&&name[..]),
            Selector::Path(_) | Selector::Group(_) => false,
        };
        let mut matched = Matched {
            policies: self,
            is_matched: self.policies.iter().map(is_norm).collect(),
        };
        visit_parameters(module, self, &mut matched);
        let policies = self.policies.iter().zip(matched.is_matched);
        let unmatched = policies.filter(|(_, is_matched)| !is_matched);
        unmatched.map(|(policy, _)| policy).collect()
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
        for (depth, policy) in self.0.iter_mut().zip(&policies.policies) {
            if matches!(&policy.selector, Selector::Module(name) if name == type_name) {
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
        policies.settings(ParamId::new(), path, &Enclosing::none(&policies))
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
            policies
                .settings(ParamId::new(), "any", &enclosing)
                .excluded
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
    fn a_group_is_matched_by_path_and_by_id() {
        let [id, other] = [(); 2].map(|()| ParamId::new());
        let group = ParamGroup::from_ids(vec![id])
            .fuse(&ParamGroup::from_predicate("head"))
            .exclude(ParamGroup::from_path("head.bias"));
        let policies = Policies::new(1.0, 0.1, &[ParameterPolicy::group(group).exclude()]);
        let enclosing = Enclosing::none(&policies);
        let excluded = |id, path| policies.settings(id, path, &enclosing).excluded;
        assert!(excluded(id, "body.weight"));
        assert!(!excluded(other, "body.weight"));
        assert!(excluded(other, "head.weight"));
        assert!(!excluded(id, "head.bias"));
    }

    #[test]
    fn a_stored_policy_selects_the_same_parameters() {
        let id = ParamId::new();
        let regex = ParamGroup::from_regex(r"^fc[12]\.").expect("the expression is valid");
        let policies = [
            ParameterPolicy::path("fc?.*"),
            ParameterPolicy::group(regex),
            ParameterPolicy::group(ParamGroup::from_ids(vec![id])),
        ];
        for policy in policies {
            let stored = serde_json::to_string(&policy.clone().exclude()).expect("it is data");
            let loaded: ParameterPolicy = serde_json::from_str(&stored).expect("it is a policy");
            assert_eq!(loaded.excluded, Some(true));
            for (id, path) in [(id, "a"), (ParamId::new(), "fc1.bias"), (id, "fc10.bias")] {
                assert_eq!(
                    loaded.selects(id, path, 0),
                    policy.selects(id, path, 0),
                    "{policy}, {path}"
                );
            }
        }
    }

    #[test]
    fn a_message_shows_the_start_of_a_long_group() {
        let group = |num_ids| ParamGroup::from_ids(vec![ParamId::from(7); num_ids]);
        let shown = |num_ids| ParameterPolicy::group(group(num_ids)).to_string();
        assert_eq!(shown(1), format!("{:?}", group(1)));
        let long = shown(1000);
        assert_eq!(long.chars().count(), GROUP_LENGTH + 1);
        assert!(format!("{:?}", group(1000)).starts_with(long.trim_end_matches('…')));
    }

    #[test]
    fn policies_that_select_no_parameter_are_reported() {
        let module = [LinearConfig::new(2, 1).init(&Device::flex())];
        let id = module[0].weight.id;
        let policies = Policies::new(
            1.0,
            0.1,
            &[
                ParameterPolicy::path("*weight"),
                ParameterPolicy::path("fc1.*"),
                ParameterPolicy::module("BatchNorm"),
                ParameterPolicy::module("Linear"),
                ParameterPolicy::module("Batchnorm"),
                ParameterPolicy::group(ParamGroup::from_ids(vec![id])),
                ParameterPolicy::group(ParamGroup::from_path("0.wieght")),
            ],
        );
        let unmatched = policies.unmatched(&module);
        let unmatched: Vec<String> = unmatched.iter().map(|it| it.to_string()).collect();
        assert_eq!(
            unmatched,
            [
                "the path \"fc1.*\"",
                "modules of type \"Batchnorm\"",
                "ParamGroup { matcher: Path(Exact([\"0.wieght\"])), excludes: None }"
            ]
        );
    }
}
