use burn::module::Module;
use burn::tensor::{Device, Tensor};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use crate::burn_nn::draws::{Draws, device};
use crate::burn_nn::{path, resume};

/// A module with a loss.
pub(crate) struct Row<M> {
    pub(crate) name: &'static str,
    pub(crate) build: fn(&Device) -> M,
    /// The loss, `[1]`, on drawn data.
    pub(crate) loss: fn(&M, &Draws) -> Tensor<1>,
}

impl<M: Module> Row<M> {
    pub(crate) fn learner(&self) -> ContinualLearner<M> {
        let module = Draws::new(0).initialized((self.build)(&device()));
        let config = SynapticIntelligenceConfig::new().with_damping(0.01);
        ContinualLearner::new(module, &config).expect("the config is valid")
    }

    /// The loss on the data of a step.
    pub(crate) fn loss_at(&self, step: u64) -> impl Fn(&M) -> Tensor<1> {
        let loss = self.loss;
        move |module| loss(module, &Draws::new(1 + step))
    }
}

/// The checks of a row, whatever its module. Each returns what is wrong, or `None`.
pub(crate) trait AnyRow {
    fn fault_in_sum_of_path_integrals(&self) -> Option<String>;
    fn fault_in_single_path_integrals(&self) -> Option<String>;
    fn fault_in_resumption(&self) -> Option<String>;
    fn fault_in_one_pass(&self) -> Option<String>;
}

impl<M: Module> AnyRow for Row<M> {
    fn fault_in_sum_of_path_integrals(&self) -> Option<String> {
        path::fault_in_sum(self)
    }

    fn fault_in_single_path_integrals(&self) -> Option<String> {
        path::fault_in_single_synapses(self)
    }

    fn fault_in_resumption(&self) -> Option<String> {
        resume::fault(self)
    }

    fn fault_in_one_pass(&self) -> Option<String> {
        resume::fault_in_one_pass(self)
    }
}

/// Checks all rows, and fails with all their faults at once.
pub(crate) fn assert_no_fault(fault: impl Fn(&dyn AnyRow) -> Option<String>) {
    let rows = crate::burn_nn::rows::all();
    let faults: Vec<String> = (rows.iter())
        .filter_map(|row| fault(row.as_ref()))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
