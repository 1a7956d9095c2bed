use std::collections::HashMap;

use burn::optim::OptimizerRecord;
use burn::tensor::{Bytes, TensorData};
use burn_pack::{Reader, Scalar, Tensor, Writer};

use super::alone::Part;
use crate::ContinualOptimizer;
use crate::pack::{Pack, RANK};

/// The optimizer `new` with the state that a stack's optimizer has of one replica. The error says what is wrong.
pub(super) fn optimizer_alone<O: ContinualOptimizer>(
    stack: &impl ContinualOptimizer,
    parts: &[Part],
    new: O,
) -> Result<O, String> {
    let bytes = |record: OptimizerRecord| record.into_bytes().map_err(|error| error.to_string());
    let given = record_alone(bytes(stack.to_record())?, parts)?.shared();
    let record = OptimizerRecord::from_bytes(given.clone()).map_err(|error| error.to_string())?;
    let optimizer = new.load_record(record);
    // Burn silently skips state that the optimizer has no use for.
    let taken = Pack::read(bytes(optimizer.to_record())?)?;
    match Pack::read(given)?.difference(&taken) {
        None => Ok(optimizer),
        Some(name) => Err(format!(
            "the optimizer of the replica has no place for the state {name:?} of the stack's: build both in the same way"
        )),
    }
}

/// The part of an optimizer's record that is about one replica, under the ids of its parameters.
fn record_alone(bytes: Bytes, parts: &[Part]) -> Result<Bytes, String> {
    let parts: HashMap<String, &Part> = parts
        .iter()
        .map(|part| (part.in_stack.val().to_string(), part))
        .collect();
    // An entry's name begins with the id of its parameter.
    let part_of = |name: &str| {
        let (id, state) = name.split_once('.').unwrap_or((name, ""));
        let part = parts.get(id)?;
        Some((*part, state.to_string()))
    };
    let reader = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
    let (paths, scalars) = (reader.metadata().clone(), reader.scalars().clone());
    let tensors = reader.into_tensors().map_err(|error| error.to_string())?;
    let tensors = tensors.into_iter().filter_map(|tensor| {
        let (part, state) = part_of(&tensor.name)?;
        Some(tensor_alone(tensor, part, &state))
    });
    let mut writer = Writer::new(tensors.collect::<Result<_, _>>()?);
    for (name, scalar) in &scalars {
        if let Some((part, state)) = part_of(name) {
            let scalar = match &state[..] {
                RANK => Scalar::from(part.shape.num_dims()),
                _ => *scalar,
            };
            writer = writer.with_scalar(&format!("{}.{state}", part.alone.val()), scalar);
        }
    }
    for (id, path) in &paths {
        if let Some(part) = parts.get(id) {
            writer = writer.with_metadata(&part.alone.val().to_string(), path);
        }
    }
    writer.into_bytes().map_err(|error| error.to_string())
}

fn tensor_alone(tensor: Tensor, part: &Part, state: &str) -> Result<Tensor, String> {
    if tensor.shape != part.stack_shape {
        return Err(format!(
            "the optimizer's state {state} of a parameter {} has the shape {}: only state of the parameter's own shape \
             can be divided among replicas",
            part.stack_shape, tensor.shape
        ));
    }
    let (_, dtype, _, _, bytes) = tensor.into_parts().map_err(|error| error.to_string())?;
    let size = bytes.len() / part.num_replicas;
    let block = bytes[part.index * size..][..size].to_vec();
    let block = TensorData::from_bytes_vec(block, part.shape.clone(), dtype);
    let (bytes, shape, dtype) = block.into_parts();
    let id = part.alone.val();
    Ok(Tensor::new(
        format!("{id}.{state}"),
        dtype,
        shape,
        Some(id),
        bytes,
    ))
}
