use std::collections::BTreeSet;

use burn::Tensor;
use burn::backend::tensor::FloatTensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{TensorData, bf16, f16};
use log::warn;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::layout::Layers;
use super::metadata::Metadata;
use super::{
    ANCHOR, IMPORTANCE, PARTS, PATH_INTEGRAL, SafeTensorsError, SafeTensorsReport, WeightLayout,
    name_of,
};
use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::precision::{widen, working};
use crate::synapse::Synapse;
use crate::traversal::{ParameterVisitor, Place, visit_consolidated, visit_parameters};

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// Loads state from SafeTensors made by [`to_safetensors`](Self::to_safetensors) or another program, for the
    /// parameters that `module` has now. Load the module first. The settings are kept. A warning is logged if the file states
    /// another normalization, since its importance then has another unit.
    ///
    /// A file may be partial: for example, it may hold only importance. A parameter with any tensor in the file takes
    /// its whole state from it: without an anchor, its current value is the anchor, and without a path integral, its
    /// task begins now. Other parameters keep their state. Numbers may be F64, F32, F16 or BF16, and are
    /// converted to the precision of the state. If the metadata has no `task`, state with importance counts as that of
    /// at least one task. The report says what was loaded and what was not.
    ///
    /// # Errors
    ///
    /// [`SafeTensorsError`]. Nothing is loaded then. The cases are: the bytes are not SafeTensors; a tensor's shape,
    /// type or numbers do not fit its parameter; there is state of a parameter that the module does not have, or a path
    /// integral without its anchor; the file's metadata is invalid or states another layout; or there is no state of a
    /// consolidated parameter. The error names the tensor, if there is one.
    pub fn load_safetensors<M: Module>(
        &mut self,
        module: &M,
        bytes: &[u8],
        layout: WeightLayout,
    ) -> Result<SafeTensorsReport, SafeTensorsError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(SafeTensorsError::Format)?;
        let metadata = Metadata::read(header.metadata().as_ref())?;
        if let Some(stated) = metadata.layout.filter(|stated| *stated != layout) {
            return Err(SafeTensorsError::WeightLayout {
                stated,
                given: layout,
            });
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(SafeTensorsError::Format)?;
        let layers = Layers::of(module);

        let mut known = Known {
            layers: &layers,
            layout,
            parameters: Vec::new(),
        };
        visit_parameters(module, &self.policies, &mut known);
        check_names(&tensors, &known.parameters)?;

        let mut import = Import {
            regularizer: self,
            tensors: &tensors,
            layers: &layers,
            layout,
            taken: Vec::new(),
            report: SafeTensorsReport::default(),
            error: None,
        };
        visit_consolidated(module, &self.policies, &mut import);
        let Import {
            taken,
            mut report,
            error,
            ..
        } = import;
        if let Some(error) = error {
            return Err(error);
        }
        if taken.is_empty() {
            let parameter = report.missing.into_iter().next();
            return Err(SafeTensorsError::Nothing {
                example: parameter.unwrap_or_else(|| name_of("fc1.weight", IMPORTANCE)),
            });
        }
        let names: BTreeSet<&str> = tensors.iter().map(|(name, _)| name).collect();
        let is_ignored = |name: &&str| !report.taken.iter().any(|taken| taken == name);
        report.ignored = names
            .into_iter()
            .filter(is_ignored)
            .map(str::to_string)
            .collect();
        report.task = metadata.task;
        report.strength = metadata.strength;
        report.damping = metadata.damping;
        report.normalization = metadata.normalization;
        self.accept(taken, &metadata);
        Ok(report)
    }

    fn accept(&mut self, taken: Vec<(ParamId, Synapse<B>)>, metadata: &Metadata) {
        let own = self.config.normalization;
        if let Some(stated) = metadata.normalization.filter(|stated| *stated != own) {
            warn!(
                "the importance of the file was made with the normalization `{}`, but that of the settings is `{}`: \
                 the two have different units, so give the settings of the file, or choose another strength",
                stated.name(),
                own.name()
            );
        }
        let has_importance = taken.iter().any(|(_, it)| it.importance.is_some());
        for (id, synapse) in taken {
            self.synapses.insert(id, synapse);
        }
        let task = self.task.max(usize::from(has_importance));
        self.enter_task(metadata.task.unwrap_or(task));
        let is_in_task = self
            .synapses()
            .iter()
            .any(|it| it.path_integral_primitive().is_some());
        let num_steps = metadata.num_steps.unwrap_or(self.meter.steps_in_task);
        // Without a counted step, nothing would be consolidated.
        self.meter.steps_in_task = num_steps.max(usize::from(is_in_task));
        self.meter.warning = None;
        // It is not known whether earlier steps had a penalty, so a missing one is not reported.
        self.meter.penalized_in_task = is_in_task;
    }
}

/// The names of all parameters of a module.
struct Known<'a> {
    layers: &'a Layers,
    layout: WeightLayout,
    parameters: Vec<String>,
}

impl ParameterVisitor for Known<'_> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let layer = self.layers.get(param.id);
        self.parameters
            .push(self.layout.parameter(place.path, layer));
    }
}

/// State of an unknown parameter is an error: with a wrong name, it would hold nothing back.
fn check_names(tensors: &SafeTensors<'_>, parameters: &[String]) -> Result<(), SafeTensorsError> {
    let is_parameter = |name: &str| parameters.iter().any(|parameter| parameter == name);
    let is_unknown = |name: &&str| {
        let (parameter, part) = name.rsplit_once('.').unwrap_or(("", name));
        // A file may also hold the parameters themselves, and one may have the name of a part.
        PARTS.contains(&part) && !is_parameter(parameter) && !is_parameter(name)
    };
    let names: BTreeSet<&str> = tensors.iter().map(|(name, _)| name).collect();
    let unknown: Vec<String> = names
        .into_iter()
        .filter(is_unknown)
        .map(str::to_string)
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(SafeTensorsError::UnknownParameter {
            names: unknown,
            parameters: parameters.to_vec(),
        })
    }
}

/// Makes synapses from the tensors of each consolidated parameter, up to the first error.
struct Import<'a, B: SynapticBackend> {
    regularizer: &'a SynapticIntelligence<B>,
    tensors: &'a SafeTensors<'a>,
    layers: &'a Layers,
    layout: WeightLayout,
    taken: Vec<(ParamId, Synapse<B>)>,
    report: SafeTensorsReport,
    error: Option<SafeTensorsError>,
}

impl<B: SynapticBackend> ParameterVisitor for Import<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        if self.error.is_none() {
            match self.synapse(place, param) {
                Ok(Some(synapse)) => self.taken.push((param.id, synapse)),
                Ok(None) => {}
                Err(error) => self.error = Some(error),
            }
        }
    }
}

impl<B: SynapticBackend> Import<'_, B> {
    fn synapse<const D: usize>(
        &mut self,
        place: Place<'_>,
        param: &Param<Tensor<D>>,
    ) -> Result<Option<Synapse<B>>, SafeTensorsError> {
        let layer = self.layers.get(param.id);
        let name = self.layout.parameter(place.path, layer);
        let transposes = self.layout.transposes(place.path, layer, D);
        let parameter = param.val().inner();
        let mut part = |part: &str| {
            let name = name_of(&name, part);
            let Ok(view) = self.tensors.tensor(&name) else {
                self.report.missing.push(name);
                return Ok(None);
            };
            let tensor = read(&name, &view, &parameter, transposes, self.layout)?;
            self.report.taken.push(name);
            Ok(Some(B::primitive(tensor)))
        };
        let importance = part(IMPORTANCE)?;
        let anchor = part(ANCHOR)?;
        let path_integral = part(PATH_INTEGRAL)?;
        if path_integral.is_some() && anchor.is_none() {
            return Err(SafeTensorsError::PathIntegralAlone {
                name: name_of(&name, PATH_INTEGRAL),
                anchor: name_of(&name, ANCHOR),
            });
        }
        if importance.is_none() && anchor.is_none() {
            return Ok(None);
        }
        let state_precision = self.regularizer.config.state_precision;
        let hold = |tensor: FloatTensor<B>| state_precision.hold::<B>(tensor);
        let anchor = anchor.unwrap_or_else(|| widen::<B>(B::primitive(parameter)));
        let before = self.regularizer.synapse(param.id);
        Ok(Some(Synapse {
            order: place.order,
            importance: importance.map(hold),
            path_integral,
            // The sum is of the epoch so far, so it is kept.
            penalty_sum: before.and_then(|before| before.penalty_sum.clone()),
            ..Synapse::new(place.path.to_string(), hold(anchor))
        }))
    }
}

/// The tensor as state of `parameter`: in its shape and working precision, on its device.
fn read<const D: usize>(
    name: &str,
    view: &TensorView<'_>,
    parameter: &Tensor<D>,
    transposes: bool,
    layout: WeightLayout,
) -> Result<Tensor<D>, SafeTensorsError> {
    let mut expected = parameter.dims().to_vec();
    if transposes {
        expected.reverse();
    }
    if view.shape() != expected {
        return Err(SafeTensorsError::Shape {
            name: name.to_string(),
            layout,
            expected,
            found: view.shape().to_vec(),
        });
    }
    let precision = working(parameter.dtype());
    let data = decode(name, view)?.convert_dtype(precision);
    let is_bad = |(_, value): &(usize, f64)| !value.is_finite();
    if let Some((index, value)) = data.iter::<f64>().enumerate().find(is_bad) {
        return Err(SafeTensorsError::NotFinite {
            name: name.to_string(),
            index,
            value,
            precision: format!("{precision:?}"),
        });
    }
    let tensor = Tensor::from_data(data, (&parameter.device(), precision));
    Ok(if transposes {
        tensor.swap_dims(0, 1)
    } else {
        tensor
    })
}

fn decode(name: &str, view: &TensorView<'_>) -> Result<TensorData, SafeTensorsError> {
    /// The numbers, of `N` bytes each. They may be unaligned.
    fn numbers<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (numbers, _) = bytes.as_chunks::<N>();
        numbers.iter().map(|bytes| read(*bytes)).collect()
    }
    let (bytes, shape) = (view.data(), view.shape().to_vec());
    Ok(match view.dtype() {
        Dtype::F64 => TensorData::new(numbers(bytes, f64::from_le_bytes), shape),
        Dtype::F32 => TensorData::new(numbers(bytes, f32::from_le_bytes), shape),
        Dtype::F16 => TensorData::new(numbers(bytes, f16::from_le_bytes), shape),
        Dtype::BF16 => TensorData::new(numbers(bytes, bf16::from_le_bytes), shape),
        other => {
            return Err(SafeTensorsError::Precision {
                name: name.to_string(),
                found: other.to_string(),
            });
        }
    })
}
