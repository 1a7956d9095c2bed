use crate::Error;

use super::super::Condition;
use super::super::checkpoint::Checkpoints;
use super::{RunFolder, is_run};

/// How far the runs of one condition are: each seed is in one of three lists, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionStatus {
    /// The condition.
    pub condition: Condition,
    /// Seeds whose run is done.
    pub done: Vec<u64>,
    /// Seeds whose run has left a checkpoint. It goes on now, or was interrupted, or failed.
    pub begun: Vec<u64>,
    /// Seeds whose run has left nothing.
    pub missing: Vec<u64>,
}

impl RunFolder {
    /// How far the runs are, condition by condition.
    ///
    /// # Errors
    ///
    /// Those of [`records`](Self::records).
    pub fn status(&self) -> Result<Vec<ConditionStatus>, Error> {
        let records = self.records()?;
        let begun_in_stacks = self.begun_in_stacks();
        let status = self.config().conditions().into_iter().map(|condition| {
            let (done, open): (Vec<u64>, Vec<u64>) = self.config().seeds().partition(|seed| {
                records
                    .iter()
                    .any(|record| is_run(record, &condition, *seed))
            });
            let (begun, missing) = open.into_iter().partition(|seed| {
                Checkpoints::exist(&self.checkpoints(&condition, *seed).folder)
                    || begun_in_stacks.contains(&(condition.name.clone(), *seed))
            });
            ConditionStatus {
                condition,
                done,
                begun,
                missing,
            }
        });
        Ok(status.collect())
    }
}
