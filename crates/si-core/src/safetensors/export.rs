use burn::Tensor;
use burn::backend::tensor::FloatTensor;
use burn::module::{Module, Param};

use super::encode::{Entry, encode};
use super::layout::Layers;
use super::metadata::Metadata;
use super::{ANCHOR, IMPORTANCE, PATH_INTEGRAL, SafeTensorsError, WeightLayout, name_of};
use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::synapses::Synapses;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// The state as SafeTensors, for other programs. It is stored under the names of the network's parameters.
    ///
    /// Each parameter with state has `<path>.anchor` (θ̃), such as `fc1.weight.anchor`, and, if they exist,
    /// `<path>.importance` (Ω) and `<path>.path_integral` (ω). Their shape is the parameter's in the given
    /// [`WeightLayout`], and their precision is the one in which they are kept. (NumPy cannot read the bf16 of
    /// [`StatePrecision::Bf16`](crate::settings::StatePrecision::Bf16), PyTorch can.) The metadata has `format`,
    /// `si_core_version`, `layout`, `task`, `num_steps` (of the task), `strength`, `damping` and `normalization`. The
    /// same state gives the same bytes.
    ///
    /// This format is for exchange. It does not hold the module's own parameters, the other settings and the counters
    /// of the epoch. To resume training later, save the [`ContinualLearner`](crate::ContinualLearner).
    ///
    /// ```
    /// # use burn::{module::Module, nn::LinearConfig, optim::{GradientsParams, SgdConfig}};
    /// # use burn::tensor::{Device, Tensor};
    /// use si_core::{ContinualLearner, SynapticIntelligenceConfig};
    /// use si_core::safetensors::WeightLayout;
    ///
    /// # fn main() -> Result<(), Box<dyn core::error::Error>> {
    /// # let device = Device::flex().autodiff();
    /// # let config = SynapticIntelligenceConfig::new();
    /// # let mut learner = ContinualLearner::new(LinearConfig::new(2, 1).init(&device), &config)?;
    /// # let mut optimizer = SgdConfig::new().init();
    /// # let loss = learner.forward(Tensor::<2>::from_floats([[0.0, 1.0]], &device)).mean();
    /// # let grads = GradientsParams::from_grads(loss.backward(), &learner);
    /// # learner = learner.optimize(&mut optimizer, 1e-3, grads);
    /// learner.end_task();
    /// let bytes = learner.to_safetensors(WeightLayout::PyTorch)?;
    ///
    /// let fresh = LinearConfig::new(2, 1).init(&device);
    /// let mut other = ContinualLearner::new(fresh, &config)?;
    /// let report = other.load_safetensors(&bytes, WeightLayout::PyTorch)?;
    /// assert_eq!(report.missing, ["weight.path_integral", "bias.path_integral"]);
    /// assert_eq!(other.regularizer().task(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SafeTensorsError::NoState`] if no parameter of `module` has state, and
    /// [`SafeTensorsError::Precision`] if the format does not support the type of a parameter's state.
    pub fn to_safetensors<M: Module>(
        &self,
        module: &M,
        layout: WeightLayout,
    ) -> Result<Vec<u8>, SafeTensorsError> {
        let mut export = Export {
            synapses: &self.synapses,
            layers: Layers::of(module),
            layout,
            entries: Ok(Vec::new()),
        };
        visit_parameters(module, &self.policies, &mut export);
        let entries = export.entries?;
        if entries.is_empty() {
            Err(SafeTensorsError::NoState)
        } else {
            Ok(encode(entries, Metadata::entries(self, layout)))
        }
    }
}

struct Export<'a, B: SynapticBackend> {
    synapses: &'a Synapses<B>,
    layers: Layers,
    layout: WeightLayout,
    entries: Result<Vec<Entry>, SafeTensorsError>,
}

impl<B: SynapticBackend> ParameterVisitor for Export<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(synapse) = self.synapses.get(param.id) else {
            return;
        };
        let Ok(entries) = &mut self.entries else {
            return;
        };
        let layer = self.layers.get(param.id);
        let parameter = self.layout.parameter(place.path, layer);
        let transposes = self.layout.transposes(place.path, layer, D);
        let entry = |part: &str, state: &FloatTensor<B>| {
            let tensor = B::tensor::<D>(state.clone());
            let tensor = if transposes {
                tensor.swap_dims(0, 1)
            } else {
                tensor
            };
            Entry::new(name_of(&parameter, part), tensor.into_data())
        };
        let parts = [
            (ANCHOR, Some(synapse.anchor_primitive())),
            (IMPORTANCE, synapse.importance_primitive()),
            (PATH_INTEGRAL, synapse.path_integral_primitive()),
        ];
        for (part, state) in parts {
            match state.map(|state| entry(part, state)) {
                Some(Ok(entry)) => entries.push(entry),
                Some(Err(error)) => {
                    self.entries = Err(error);
                    return;
                }
                None => {}
            }
        }
    }
}
