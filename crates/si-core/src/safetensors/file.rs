use std::fs;
use std::io::Write;
use std::path::Path;

use burn::module::Module;

use super::{SafeTensorsError, SafeTensorsReport, WeightLayout};
use crate::ops::SynapticBackend;
use crate::replace::replace;
use crate::{ContinualLearner, SynapticIntelligence};

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// Writes [`to_safetensors`](Self::to_safetensors) to a file. If that fails, an existing file is unchanged.
    ///
    /// # Errors
    ///
    /// [`SafeTensorsError::Io`], which names the file, and those of
    /// [`to_safetensors`](Self::to_safetensors).
    pub fn save_safetensors<M: Module>(
        &self,
        module: &M,
        path: impl AsRef<Path>,
        layout: WeightLayout,
    ) -> Result<(), SafeTensorsError> {
        let bytes = self.to_safetensors(module, layout)?;
        let path = path.as_ref();
        replace(path, |file| file.write_all(&bytes)).map_err(|source| SafeTensorsError::Io {
            action: "write",
            path: path.to_path_buf(),
            source,
        })
    }

    /// Loads state from a file; see [`load_safetensors`](Self::load_safetensors).
    ///
    /// # Errors
    ///
    /// Those of [`load_safetensors`](Self::load_safetensors), with the file's name.
    pub fn load_safetensors_file<M: Module>(
        &mut self,
        module: &M,
        path: impl AsRef<Path>,
        layout: WeightLayout,
    ) -> Result<SafeTensorsReport, SafeTensorsError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| SafeTensorsError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        let loaded = self.load_safetensors(module, &bytes, layout);
        loaded.map_err(|source| SafeTensorsError::File {
            path: path.to_path_buf(),
            source: Box::new(source),
        })
    }
}

/// The same methods for the learner's own module.
impl<M: Module> ContinualLearner<M> {
    /// The state as SafeTensors; see [`SynapticIntelligence::to_safetensors`].
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligence::to_safetensors`].
    pub fn to_safetensors(&self, layout: WeightLayout) -> Result<Vec<u8>, SafeTensorsError> {
        self.regularizer().to_safetensors(&**self, layout)
    }

    /// Loads state from SafeTensors; see [`SynapticIntelligence::load_safetensors`].
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligence::load_safetensors`].
    pub fn load_safetensors(
        &mut self,
        bytes: &[u8],
        layout: WeightLayout,
    ) -> Result<SafeTensorsReport, SafeTensorsError> {
        let (module, regularizer) = self.parts_mut();
        regularizer.load_safetensors(module, bytes, layout)
    }

    /// Writes the state to a file; see [`SynapticIntelligence::save_safetensors`].
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligence::save_safetensors`].
    pub fn save_safetensors(
        &self,
        path: impl AsRef<Path>,
        layout: WeightLayout,
    ) -> Result<(), SafeTensorsError> {
        self.regularizer().save_safetensors(&**self, path, layout)
    }

    /// Loads state from a file; see [`SynapticIntelligence::load_safetensors_file`].
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligence::load_safetensors_file`].
    pub fn load_safetensors_file(
        &mut self,
        path: impl AsRef<Path>,
        layout: WeightLayout,
    ) -> Result<SafeTensorsReport, SafeTensorsError> {
        let (module, regularizer) = self.parts_mut();
        regularizer.load_safetensors_file(module, path, layout)
    }
}
