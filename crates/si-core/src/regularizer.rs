use crate::{Error, SynapticIntelligenceConfig};

/// The regularizer.
#[derive(Clone, Debug)]
pub struct SynapticIntelligence {
    config: SynapticIntelligenceConfig,
}

impl SynapticIntelligence {
    /// Checks the values and makes a regularizer that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`].
    pub fn new(config: SynapticIntelligenceConfig) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &SynapticIntelligenceConfig {
        &self.config
    }
}
