use crate::{
    Error,
    experiment::{ExperimentConfig, RunRecord, Summary},
};

/// What a table or a figure is made of: an experiment's protocol and the summary of its runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Name in a comparison, such as that of the run's folder. Unused where results stand alone.
    pub label: String,
    /// The protocol.
    pub config: ExperimentConfig,
    /// The runs, summed up.
    pub summary: Summary,
}

impl Results {
    /// Sums up `records`, the runs of `config` that are finished.
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
