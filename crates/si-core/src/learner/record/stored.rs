use burn::tensor::TensorData;

use super::state::Present;
use super::{ANCHOR, COUNTERS, IMPORTANCE, PATH_INTEGRAL, PRESENT, STATE};
use crate::pack::Pack;

/// The state of one parameter in a record, with zeros for what it does not have yet.
pub(crate) struct RecordedSynapse {
    pub(crate) path: String,
    pub(crate) anchor: TensorData,
    pub(crate) has_anchor: bool,
    pub(crate) path_integral: TensorData,
    pub(crate) has_path_integral: bool,
    pub(crate) importance: TensorData,
    pub(crate) has_importance: bool,
}

/// The task and the number of its steps in a learner's record. `None` if the record is not a learner's.
pub(crate) fn counters(pack: &Pack) -> Option<(usize, usize)> {
    let counters = pack.tensor(&format!("{STATE}.{COUNTERS}"))?;
    let counters: Vec<i64> = counters.iter::<i64>().take(2).collect();
    let [task, num_steps] = counters[..] else {
        return None;
    };
    Some((task.try_into().ok()?, num_steps.try_into().ok()?))
}

/// The state of each parameter in a learner's record, by path. The error names a parameter with a part of its state
/// missing or not numeric.
pub(crate) fn recorded_synapses(pack: &Pack) -> Result<Vec<RecordedSynapse>, String> {
    let suffix = format!(".{PRESENT}");
    let paths = pack.names().filter_map(|name| name.strip_suffix(&suffix));
    let synapse =
        |path| synapse(pack, path).ok_or_else(|| format!("the state of {path} is incomplete"));
    paths.map(synapse).collect()
}

fn synapse(pack: &Pack, path: &str) -> Option<RecordedSynapse> {
    let part = |name: &str| pack.tensor(&format!("{path}.{name}"));
    let present = part(PRESENT)?.iter::<i64>().next()?;
    let has = |bit: i32| present & i64::from(bit) != 0;
    Some(RecordedSynapse {
        path: path.to_string(),
        anchor: part(ANCHOR)?,
        has_anchor: has(Present::SYNAPSE),
        path_integral: part(PATH_INTEGRAL)?,
        has_path_integral: has(Present::PATH_INTEGRAL),
        importance: part(IMPORTANCE)?,
        has_importance: has(Present::IMPORTANCE),
    })
}
