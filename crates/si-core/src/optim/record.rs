//! The state of a [`SynapticOptimizer`], in the format of Burn's own optimizers.

use std::collections::{BTreeMap, HashMap};

use burn::module::ParamId;
use burn::optim::{OptimizerRecord, StateSink, StateSource};
use burn::tensor::{Device, TensorData};
use burn_pack::{Reader, Scalar, Tensor, Writer};

use super::SynapticOptimizer;
use super::optimizer::{ParameterState, group_of};
use crate::pack::RANK;

impl SynapticOptimizer {
    /// The state, in the format of Burn's own optimizers.
    pub fn to_record(&self) -> OptimizerRecord {
        let mut tensors = Vec::new();
        let mut scalars = BTreeMap::new();
        let mut paths = BTreeMap::new();
        for (id, known) in &self.states {
            let prefix = id.val().to_string();
            let mut sink = StateSink::default();
            let optimizer = self.groups[known.group].rule.as_dyn();
            optimizer.state_flatten(&prefix, &known.state, &mut sink);
            scalars.extend(sink.scalars);
            scalars.insert(format!("{prefix}.{RANK}"), Scalar::from(known.state.rank()));
            tensors.extend(sink.tensors.into_iter().map(|(name, data)| {
                let (bytes, shape, dtype) = data.into_parts();
                Tensor::new(name, dtype, shape, Some(id.val()), bytes)
            }));
            paths.extend(known.path.clone().map(|path| (prefix, path)));
        }
        // A map of parameters has no order; a record has the same bytes each time.
        tensors.sort_by(|one, other| one.name.cmp(&other.name));
        let mut writer = Writer::new(tensors);
        for (name, scalar) in scalars {
            writer = writer.with_scalar(&name, scalar);
        }
        for (id, path) in &paths {
            writer = writer.with_metadata(id, path);
        }
        let bytes = writer.into_bytes().expect("memory takes every byte");
        OptimizerRecord::from_bytes(bytes).expect("it was just written")
    }

    /// Loads the state that [`to_record`](Self::to_record) or one of Burn's own optimizers returned. State that the
    /// optimizer has no use for is dropped, as Burn does.
    pub fn load_record(self, record: OptimizerRecord) -> Self {
        let bytes = record.into_bytes().expect("memory takes every byte");
        let reader = Reader::from_bytes(bytes).expect("it was just written");
        let (paths, scalars) = (reader.metadata().clone(), reader.scalars().clone());
        let ranks: Vec<(u64, usize)> = scalars
            .iter()
            .filter_map(|(name, scalar)| {
                let id = name.strip_suffix(RANK)?.strip_suffix('.')?;
                Some((id.parse().ok()?, usize::try_from(*scalar).ok()?))
            })
            .collect();
        let mut source = StateSource::new(scalars);
        for tensor in reader.into_tensors().into_iter().flatten() {
            if let Ok((name, dtype, shape, _, bytes)) = tensor.into_parts() {
                source.insert_tensor(name, TensorData::from_bytes(bytes, shape, dtype));
            }
        }
        let mut states = HashMap::new();
        for (id, rank) in ranks {
            let prefix = id.to_string();
            let path = paths.get(&prefix).cloned();
            let id = ParamId::from(id);
            let group = group_of(&self.groups, id, path.as_deref());
            let optimizer = self.groups[group].rule.as_dyn();
            // The state moves to the device of its parameter at the next step.
            let device = Device::default();
            let state = optimizer.state_unflatten(rank, &prefix, &mut source, &device);
            states.extend(state.map(|state| (id, ParameterState { group, path, state })));
        }
        Self { states, ..self }
    }
}
