use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use si_core::MatmulPrecision;

use crate::{Error, is_cpu, resolve_device};

use super::ExperimentConfig;

/// Precision that a device's float32 products must have, so that an experiment runs on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RequiredPrecision {
    /// The products are those of float32. A device that rounds their factors is refused.
    #[default]
    Exact,
    /// Every device is accepted.
    Any,
}

impl ExperimentConfig {
    /// Measures the float32 products of `device`, on which the experiment is to run. `None` on a CPU, whose products
    /// are always exact.
    ///
    /// # Errors
    ///
    /// [`Error::MatmulPrecision`] if they are not as precise as the config requires, and those of [`resolve_device`].
    pub fn measure_products(&self, device: &Device) -> Result<Option<MatmulPrecision>, Error> {
        let name = resolve_device(&self.device)?;
        if is_cpu(&name) {
            return Ok(None);
        }
        let measured = MatmulPrecision::measure(device);
        self.accept_products(&name, measured)?;
        Ok(Some(measured))
    }

    fn accept_products(&self, device: &str, measured: MatmulPrecision) -> Result<(), Error> {
        match self.matmul_precision {
            RequiredPrecision::Exact if !measured.is_exact() => Err(Error::MatmulPrecision {
                device: device.to_string(),
                measured,
            }),
            RequiredPrecision::Exact | RequiredPrecision::Any => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, RunRecord};
    use crate::fixture;

    const FLOAT32: MatmulPrecision = MatmulPrecision { error: 4e-6 };
    const TF32: MatmulPrecision = MatmulPrecision { error: 8.4e-4 };

    #[test]
    fn a_device_with_reduced_products_is_refused_unless_any_will_do() {
        let exact = fixture::config(&[1.0], 1);
        let any = ExperimentConfig {
            matmul_precision: RequiredPrecision::Any,
            ..exact.clone()
        };
        for config in [&exact, &any] {
            assert!(config.accept_products("vulkan", FLOAT32).is_ok());
        }
        assert!(any.accept_products("cuda", TF32).is_ok());
        let error = exact.accept_products("cuda", TF32).expect_err("it is TF32");
        assert_eq!(
            error.to_string(),
            "float32 products on cuda are reduced to about 3 decimal digits, as in TF32 (measured error 8e-4). Choose \
             another device, such as vulkan, or accept this with --matmul-precision any"
        );
    }

    #[test]
    fn products_on_a_cpu_are_not_measured() {
        let config = fixture::config(&[1.0], 1);
        let measured = config.measure_products(&Device::flex());
        assert_eq!(measured.expect("a CPU is exact"), None);
    }

    #[test]
    fn an_old_config_requires_exact_products() {
        let paper = ExperimentConfig::paper(Experiment::SplitMnist).to_toml();
        let lines = paper
            .lines()
            .filter(|line| !line.starts_with("matmul_precision"));
        let old = lines.collect::<Vec<_>>().join("\n");
        assert_ne!(old.lines().count(), paper.lines().count());
        let config = ExperimentConfig::from_toml(Experiment::SplitMnist, &old);
        let config = config.expect("every key is optional");
        assert_eq!(config.matmul_precision, RequiredPrecision::Exact);
    }

    #[test]
    fn a_record_holds_the_measured_error_and_an_old_one_none() {
        let config = fixture::config(&[1.0], 1);
        let old = fixture::records(&config, 2).remove(0);
        let new = RunRecord {
            matmul_error: Some(TF32.error),
            ..old.clone()
        };
        for record in [old, new] {
            let line = serde_json::to_string(&record).expect("JSON");
            assert_eq!(line.contains("matmul_error"), record.matmul_error.is_some());
            let read: RunRecord = serde_json::from_str(&line).expect("a record");
            assert_eq!(read, record);
        }
    }
}
