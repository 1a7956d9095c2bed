use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::policy::NORM_LAYERS;
use crate::settings::{FirstTaskStart, NegativeImportance, PathGradient, PenaltyFactor};
use crate::{Error, ParameterPolicy, SynapticIntelligenceConfig};

/// Named settings of other implementations, for comparing results under the same settings.
///
/// | preset | gradient in ω | negatives | ξ | penalty | first task's start |
/// |---|---|---|---|---|---|
/// | `paper` | task | clamp on the sum | 1e-3 | c Σ Ω (θ − θ̃)² | initial parameters |
/// | `pathint_permuted` | task | clamp on the sum | 0.1 | c Σ Ω (θ − θ̃)² | zero |
/// | `avalanche` | total | kept; importance in use at most 1e-3; norm layers left out | 1e-7 | c/2 Σ Ω (θ − θ̃)² | initial parameters |
/// | `van_de_ven` | total | kept | 0.1 | c Σ Ω (θ − θ̃)² | initial parameters |
/// | `benzing` | task | clamp per task | 0.1 | c Σ Ω (θ − θ̃)² | initial parameters |
///
/// ```
/// use si_core::Preset;
///
/// let config = Preset::VanDeVen.config().with_strength(0.1);
/// assert_eq!(config.damping, 0.1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The paper, with the settings of its authors' code for split MNIST and split CIFAR.
    #[default]
    Paper,
    /// The authors' permuted-MNIST notebook, which measures the first task's movement from zero.
    PathintPermuted,
    /// The plugin of the Avalanche library.
    Avalanche,
    /// The comparison of van de Ven and Tolias (2019).
    VanDeVen,
    /// The analysis of Benzing (2022).
    Benzing,
}

impl Preset {
    /// All presets, in the order of the table.
    pub const ALL: [Preset; 5] = [
        Preset::Paper,
        Preset::PathintPermuted,
        Preset::Avalanche,
        Preset::VanDeVen,
        Preset::Benzing,
    ];

    /// The name in configuration files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Paper => "paper",
            Preset::PathintPermuted => "pathint_permuted",
            Preset::Avalanche => "avalanche",
            Preset::VanDeVen => "van_de_ven",
            Preset::Benzing => "benzing",
        }
    }

    /// The preset's configuration, with strength 1.
    pub fn config(self) -> SynapticIntelligenceConfig {
        let paper = SynapticIntelligenceConfig::new();
        match self {
            Preset::Paper => paper,
            Preset::PathintPermuted => paper
                .with_damping(0.1)
                .with_first_task_start(FirstTaskStart::Zero),
            Preset::Avalanche => paper
                .with_path_gradient(PathGradient::Total)
                .with_negative_importance(NegativeImportance::Keep)
                .with_importance_bound(Some(1e-3))
                .with_damping(1e-7)
                .with_penalty_factor(PenaltyFactor::Half)
                .with_policies(
                    NORM_LAYERS
                        .map(|name| ParameterPolicy::module(name).exclude())
                        .to_vec(),
                ),
            Preset::VanDeVen => paper
                .with_path_gradient(PathGradient::Total)
                .with_negative_importance(NegativeImportance::Keep)
                .with_damping(0.1),
            Preset::Benzing => paper
                .with_negative_importance(NegativeImportance::ReluPerTask)
                .with_damping(0.1),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| Error::Preset(name.to_string()))
    }
}
