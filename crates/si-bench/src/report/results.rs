use crate::{
    Error,
    experiment::{ExperimentConfig, RunRecord, Summary},
};

/// The data of a table or a figure: an experiment's protocol and the summary of its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Name in a comparison, such as that of the run's folder. Unused without a comparison.
    pub label: String,
    /// The protocol.
    pub config: ExperimentConfig,
    /// The summary of the runs.
    pub summary: Summary,
}

impl Results {
    /// Summarises `records`, the finished runs of `config`.
    ///
    /// # Errors
    ///
    /// Those of [`Summary::new`].
    pub fn new(
        label: impl Into<String>,
        config: &ExperimentConfig,
        records: &[RunRecord],
    ) -> Result<Self, Error> {
        Ok(Self {
            label: label.into(),
            config: config.clone(),
            summary: Summary::new(config, records)?,
        })
    }
}
